//! Reads Rust files for the rules: their tokens without comments and literals, their paths, their functions.
//!
//! A small lexer, not a parser: rustfmt and the compiler vouch for the rest. It never judges.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// A token and the line it is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// A Rust file, read.
pub(crate) struct Source {
    /// Relative to the repository: `src/run/clock.rs`.
    pub(crate) path: String,
    /// As written.
    pub(crate) text: String,
    /// Everything but comments, strings and characters.
    pub(crate) tokens: Vec<Token>,
    /// The same without what only tests see.
    pub(crate) shipped: Vec<Token>,
}

/// A path that the code names, from the root of the crate.
pub(crate) struct Named {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
}

/// A function and how long it is.
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) lines: usize,
}

impl Source {
    /// Reads `text` as if it stood at `path`.
    pub(crate) fn of(path: &str, text: &str) -> Source {
        let tokens = lex(text);
        let only_tests = path.ends_with("/tests.rs") || path.contains("/tests/");
        let shipped = if only_tests { Vec::new() } else { without_tests(&tokens) };
        Source { path: path.to_owned(), text: text.to_owned(), tokens, shipped }
    }

    /// Every Rust file below `folder` of the repository, sorted.
    pub(crate) fn below(folder: &str) -> Vec<Source> {
        let root = repository();
        let mut found = Vec::new();
        walk(&root.join(folder), &mut |path| {
            let name = path.strip_prefix(&root).expect("found below the root").to_string_lossy();
            found.push(Source::of(&name, &fs::read_to_string(path).expect("a source file can be read")));
        });
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    }

    /// The module of this file: `src/run/clock.rs` is `run::clock`; `src/bin/x.rs` is `bin::x`.
    pub(crate) fn module(&self) -> Vec<String> {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let name = inside.strip_suffix("/mod.rs").or_else(|| inside.strip_suffix(".rs")).unwrap_or(inside);
        name.split('/').map(str::to_owned).collect()
    }

    /// Every path of this crate that the shipped code names, in `use` or in place.
    pub(crate) fn paths(&self) -> Vec<Named> {
        let tokens = &self.shipped;
        let mut found = Vec::new();
        let (mut modules, mut depth) = (Vec::new(), 0);
        let mut at = 0;
        while at < tokens.len() {
            let token = &tokens[at];
            let mut next = at;
            match token.text.as_str() {
                "{" => {
                    depth += 1;
                    if at >= 2 && tokens[at - 2].text == "mod" {
                        modules.push((tokens[at - 1].text.clone(), depth));
                    }
                }
                "}" => {
                    modules.retain(|(_, opened)| *opened != depth);
                    depth -= 1;
                }
                "crate" | "super" | "self" | "opsbelt"
                    if text(tokens, at + 1) == "::" && (at == 0 || tokens[at - 1].text != "::") =>
                {
                    let here: Vec<String> =
                        self.module().into_iter().chain(modules.iter().map(|(name, _)| name.clone())).collect();
                    for branch in branches(tokens, &mut next) {
                        found.push(Named { path: resolve(&here, &branch), line: token.line });
                    }
                }
                _ => {}
            }
            at = next.max(at + 1);
        }
        found
    }

    /// Every function with a body.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let tokens = &self.tokens;
        let starts = (0..tokens.len()).filter(|at| tokens[*at].text == "fn" && is_name(text(tokens, at + 1)));
        starts.filter_map(|at| function(tokens, at)).collect()
    }

    /// Lines where these tokens follow one another in shipped code.
    pub(crate) fn lines_with(&self, phrase: &[&str]) -> Vec<usize> {
        let windows = self.shipped.windows(phrase.len());
        windows
            .filter(|window| window.iter().map(|token| token.text.as_str()).eq(phrase.iter().copied()))
            .map(|window| window[0].line)
            .collect()
    }
}

/// Where cargo says that the package is now: a compiled test may outlive the checkout that it was built from.
fn repository() -> PathBuf {
    env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()).into()
}

/// The text of a token, empty past the end.
pub(crate) fn text(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| token.text.as_str())
}

fn walk(folder: &Path, found: &mut dyn FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found(&path);
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// The leaves of a use-tree that starts at `at`: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn branches(tokens: &[Token], at: &mut usize) -> Vec<Vec<String>> {
    let mut stem = Vec::new();
    loop {
        let word = text(tokens, *at);
        if word == "{" {
            *at += 1;
            let mut all = Vec::new();
            while !matches!(text(tokens, *at), "}" | "") {
                let before = *at;
                all.extend(branches(tokens, at).into_iter().map(|tail| [stem.clone(), tail].concat()));
                *at += usize::from(text(tokens, *at) == "," || *at == before);
            }
            *at += 1;
            return all;
        }
        if is_name(word) {
            stem.push(word.to_owned());
            *at += 1;
        }
        if text(tokens, *at) != "::" {
            // `x as y` ends with what it is called here, which no rule asks about.
            *at += if text(tokens, *at) == "as" { 2 } else { usize::from(text(tokens, *at) == "*") };
            return vec![stem];
        }
        *at += 1;
        if !is_name(text(tokens, *at)) && text(tokens, *at) != "{" {
            *at += usize::from(text(tokens, *at) == "*");
            return vec![stem];
        }
    }
}

fn resolve(here: &[String], path: &[String]) -> Vec<String> {
    let mut full = here.to_vec();
    for (index, word) in path.iter().enumerate() {
        match word.as_str() {
            "crate" | "opsbelt" if index == 0 => full.clear(),
            "self" => {}
            "super" => drop(full.pop()),
            name => full.push(name.to_owned()),
        }
    }
    full
}

fn function(tokens: &[Token], at: usize) -> Option<Function> {
    let opens = (at..tokens.len()).find(|open| matches!(tokens[*open].text.as_str(), "{" | ";"))?;
    if tokens[opens].text == ";" {
        return None;
    }
    let end = closing(tokens, opens);
    let line = tokens[at].line;
    Some(Function { name: tokens[at + 1].text.clone(), line, lines: tokens[end].line - line + 1 })
}

/// Where the bracket that opens at `opens` closes.
fn closing(tokens: &[Token], opens: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(opens) {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len() - 1
}

/// Leaves out each item under `#[cfg(test)]`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let is_test =
            ["#", "[", "cfg", "(", "test", ")", "]"].iter().enumerate().all(|(step, word)| text(tokens, at + step) == *word);
        if !is_test {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at = closing(tokens, at + 1) + 1;
        while text(tokens, at) == "#" {
            at = closing(tokens, at + 1) + 1;
        }
        while !matches!(text(tokens, at), "{" | ";" | "") {
            at += 1;
        }
        at = if text(tokens, at) == "{" { closing(tokens, at) + 1 } else { at + 1 };
    }
    kept
}

fn lex(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let end = token_end(&chars, at).max(at + 1);
        let word: String = chars[at..end].iter().collect();
        let begins = chars[at];
        let is_code = is_word(begins) && !word.ends_with(['"', '#'])
            || "{}()[]<>;:,.!#&*=?|+-$@/%^~".contains(begins) && !is_comment(&word);
        if is_code {
            tokens.push(Token { text: word.clone(), line });
        }
        line += word.matches('\n').count();
        at = end;
    }
    tokens
}

fn is_comment(word: &str) -> bool {
    word.starts_with("//") || word.starts_with("/*")
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Where the token that begins at `at` ends.
fn token_end(chars: &[char], at: usize) -> usize {
    let look = |ahead: usize| chars.get(at + ahead).copied().unwrap_or('\0');
    match (look(0), look(1)) {
        ('/', '/') => (at..chars.len()).find(|end| chars[*end] == '\n').unwrap_or(chars.len()),
        ('/', '*') => block_comment_end(chars, at),
        ('"', _) => string_end(chars, at + 1),
        ('\'', '\\') => (at + 3..chars.len()).find(|end| chars[*end] == '\'').map_or(chars.len(), |end| end + 1),
        ('\'', _) if look(2) == '\'' => at + 3,
        (':', ':') => at + 2,
        (first, _) if is_word(first) => {
            let end = (at..chars.len()).find(|end| !is_word(chars[*end])).unwrap_or(chars.len());
            let prefix: String = chars[at..end].iter().collect();
            literal_end(chars, &prefix, end).unwrap_or(end)
        }
        _ => at + 1,
    }
}

/// The end of a string that `prefix` introduces, if it introduces one.
fn literal_end(chars: &[char], prefix: &str, at: usize) -> Option<usize> {
    let hashes = chars[at..].iter().take_while(|letter| **letter == '#').count();
    let quoted = chars.get(at + hashes) == Some(&'"');
    match prefix {
        "b" | "c" if quoted && hashes == 0 => Some(string_end(chars, at + 1)),
        "r" | "br" | "cr" if quoted => {
            let is_end = |end: usize| {
                chars[end] == '"' && chars[end + 1..].iter().take(hashes).filter(|letter| **letter == '#').count() == hashes
            };
            let end = (at + hashes + 1..chars.len()).find(|end| is_end(*end));
            Some(end.map_or(chars.len(), |end| end + 1 + hashes))
        }
        _ => None,
    }
}

fn string_end(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

fn block_comment_end(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

#[test]
fn comments_literals_and_lifetimes_do_not_confuse_it() {
    let text =
        "fn a<'x>(s: &'x str) { /* { /* } */ */ let _ = (\"}\\\"{\", 'c', '\\'', r#\"\"}\"#, b\"{\"); } // }\nfn b() {\n\n}\n";
    let functions = Source::of("src/x.rs", text).functions();
    let seen: Vec<_> = functions.iter().map(|found| (found.name.as_str(), found.line, found.lines)).collect();
    assert_eq!(seen, [("a", 1, 1), ("b", 2, 3)]);
}

#[test]
fn paths_are_found_wherever_they_stand() {
    let text = "
        use crate::{a, b::{self, c as d}, e::*};
        use super::{super::f, g};
        fn x() { crate::h::y(); self::i() }
        mod inner { use super::j; }
        #[cfg(test)] mod tests { use crate::never; }";
    let found = Source::of("src/m/n.rs", text).paths();
    let paths: Vec<String> = found.iter().map(|named| named.path.join("::")).collect();
    assert_eq!(paths, ["a", "b", "b::c", "e", "f", "m::g", "h::y", "m::n::i", "m::n::j"]);
}
