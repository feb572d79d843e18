//! One path pattern in the sense of glob(7), as logrotate hands it to the C library: `*` stays inside
//! a name and does not match a leading dot, `**` is only `*`, a backslash takes the meaning away.

use std::{fs, path::Path};

use glob::MatchOptions;

const LIKE_THE_C_LIBRARY: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// A pattern that is ready to be tried.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// What every match begins with; refuses most paths at the cost of a comparison.
    prefix: String,
    /// Nothing when the prefix is the whole path.
    rest: Option<glob::Pattern>,
}

impl Pattern {
    /// The pattern as written, and once more when its folder is reached through a symbolic link.
    /// Nothing for patterns that are not absolute: they depend on who runs logrotate, and where.
    pub(super) fn compile(written: &str) -> Result<Vec<Pattern>, glob::PatternError> {
        if !written.starts_with('/') {
            return Ok(Vec::new());
        }
        let tokens = tokens(written);
        let mut patterns = vec![Pattern::of(&tokens)?];
        if let Some(resolved) = resolved(&tokens) {
            patterns.push(Pattern::of(&resolved)?);
        }
        Ok(patterns)
    }

    /// The only path that it names, when there is just one.
    pub(super) fn literal(&self) -> Option<&str> {
        self.rest.is_none().then_some(self.prefix.as_str())
    }

    pub(super) fn names(&self, path: &str) -> bool {
        match &self.rest {
            None => path == self.prefix,
            Some(rest) => path.starts_with(&self.prefix) && rest.matches_with(path, LIKE_THE_C_LIBRARY),
        }
    }

    fn of(tokens: &[Token]) -> Result<Pattern, glob::PatternError> {
        let prefix: String = tokens.iter().map_while(Token::literal).collect();
        if tokens.iter().all(|token| token.literal().is_some()) {
            return Ok(Pattern { prefix, rest: None });
        }
        let text: String = tokens.iter().map(Token::in_the_dialect).collect();
        Ok(Pattern { prefix, rest: Some(glob::Pattern::new(&text)?) })
    }
}

enum Token {
    Literal(char),
    AnyRun,
    AnyOne,
    /// What stands between the brackets, in the dialect of the `glob` crate.
    Class(String),
}

impl Token {
    fn literal(&self) -> Option<char> {
        if let Token::Literal(c) = self { Some(*c) } else { None }
    }

    fn in_the_dialect(&self) -> String {
        match self {
            Token::Literal(c) => glob::Pattern::escape(c.encode_utf8(&mut [0; 4])),
            Token::AnyRun => "*".to_owned(),
            Token::AnyOne => "?".to_owned(),
            Token::Class(inside) => format!("[{inside}]"),
        }
    }
}

fn tokens(written: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut left = written;
    while let Some(c) = left.chars().next() {
        left = &left[c.len_utf8()..];
        let token = match c {
            '*' if matches!(tokens.last(), Some(Token::AnyRun)) => continue,
            '/' if matches!(tokens.last(), Some(Token::Literal('/'))) => continue,
            '*' => Token::AnyRun,
            '?' => Token::AnyOne,
            '\\' => {
                let escaped = left.chars().next();
                left = &left[escaped.map_or(0, char::len_utf8)..];
                Token::Literal(escaped.unwrap_or('\\'))
            }
            '[' => match class(left) {
                Some((inside, rest)) => {
                    left = rest;
                    Token::Class(inside)
                }
                None => Token::Literal('['),
            },
            other => Token::Literal(other),
        };
        tokens.push(token);
    }
    tokens
}

/// The inside of a bracket expression, and what follows it; nothing when the bracket never closes.
fn class(after_bracket: &str) -> Option<(String, &str)> {
    const NAMED: [(&str, &str); 5] =
        [("[:digit:]", "0-9"), ("[:alpha:]", "a-zA-Z"), ("[:alnum:]", "a-zA-Z0-9"), ("[:lower:]", "a-z"), ("[:upper:]", "A-Z")];
    let mut inside = String::new();
    let mut left = after_bracket;
    if let Some(rest) = left.strip_prefix(['!', '^']) {
        inside.push('!');
        left = rest;
    }
    let opening = inside.len();
    loop {
        if let Some((name, range)) = NAMED.iter().find(|(name, _)| left.starts_with(name)) {
            inside.push_str(range);
            left = &left[name.len()..];
            continue;
        }
        let c = left.chars().next()?;
        left = &left[c.len_utf8()..];
        // A closing bracket in first place stands for itself.
        if c == ']' && inside.len() > opening {
            return Some((inside, left));
        }
        inside.push(c);
    }
}

/// The same pattern below the real place of its folder, when that is another one.
fn resolved(tokens: &[Token]) -> Option<Vec<Token>> {
    let fixed = tokens.iter().take_while(|token| token.literal().is_some()).count();
    let folder_end = tokens[..fixed].iter().rposition(|token| matches!(token, Token::Literal('/')))?;
    let folder: String = tokens[..folder_end].iter().map_while(Token::literal).collect();
    let real = fs::canonicalize(Path::new(&folder)).ok()?;
    let real = real.to_str().filter(|real| *real != folder && !folder.is_empty())?;
    let rest = tokens[folder_end..].iter().map(|token| match token {
        Token::Literal(c) => Token::Literal(*c),
        Token::AnyRun => Token::AnyRun,
        Token::AnyOne => Token::AnyOne,
        Token::Class(inside) => Token::Class(inside.clone()),
    });
    Some(real.trim_end_matches('/').chars().map(Token::Literal).chain(rest).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(pattern: &str, path: &str) -> bool {
        Pattern::compile(pattern).unwrap().iter().any(|pattern| pattern.names(path))
    }

    #[test]
    fn patterns_match_as_in_the_c_library() {
        assert!(names("/var/log/a.log", "/var/log/a.log"));
        assert!(names("/var/log/*.log", "/var/log/a.log"));
        assert!(!names("/var/log/*.log", "/var/log/nginx/a.log"));
        assert!(!names("/var/log/*", "/var/log/.hidden"));
        assert!(names("/var/log/**.log", "/var/log/a.log"));
        assert!(!names("/var/**/a.log", "/var/x/y/a.log"));
        assert!(names("/var/*/a.log", "/var/x/a.log"));
        assert!(names("/var/log/a?[0-9].log", "/var/log/ab7.log"));
        assert!(!names("/var/log/a[^0-9].log", "/var/log/a7.log"));
        assert!(names("/var/log/a[^0-9].log", "/var/log/ax.log"));
        assert!(names("/var/log/a[[:digit:]].log", "/var/log/a7.log"));
        assert!(names("/var/log/[]x].log", "/var/log/].log"));
        assert!(names(r"/var/log/a\*.log", "/var/log/a*.log"));
        assert!(!names(r"/var/log/a\*.log", "/var/log/ab.log"));
        assert!(names("/var/log/a[b.log", "/var/log/a[b.log"));
        assert!(names("/var//log/a.log", "/var/log/a.log"));
    }

    #[test]
    fn what_depends_on_the_caller_names_nothing() {
        for pattern in ["~/a.log", "a.log", ""] {
            assert!(Pattern::compile(pattern).unwrap().is_empty());
        }
    }

    #[test]
    fn a_folder_behind_a_link_is_named_by_its_real_place_too() {
        let tree = tempfile::tempdir().unwrap();
        let root = tree.path().canonicalize().unwrap();
        fs::create_dir(root.join("data")).unwrap();
        symlink(root.join("data"), root.join("log")).unwrap();
        let pattern = format!("{}/log/*.log", root.display());
        assert!(names(&pattern, &format!("{}/data/a.log", root.display())));
        assert!(names(&pattern, &format!("{}/log/a.log", root.display())));
        assert!(!names(&pattern, &format!("{}/else/a.log", root.display())));
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_is_a_panic(written in "\\PC{0,40}", path in "\\PC{0,40}") {
            if let Ok(patterns) = Pattern::compile(&format!("/{written}")) {
                let _ = patterns.iter().any(|pattern| pattern.names(&path));
            }
        }

        #[test]
        fn an_escaped_path_names_itself_only(path in "(/[a-z*?\\[\\]\\\\.-]{1,8}){1,4}", other in "(/[a-z]{1,8}){1,4}") {
            let written: String = path.chars().flat_map(|c| if c == '/' { vec![c] } else { vec!['\\', c] }).collect();
            proptest::prop_assert!(names(&written, &path));
            proptest::prop_assert_eq!(names(&written, &other), path == other);
        }
    }
}
