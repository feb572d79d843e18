//! Text of a configuration file to statements. Knows where a statement ends, and nothing of meaning:
//! a directive without a value ends at its word, one with a value at the line's end, a script at `endscript`.

/// What one place of the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Statement {
    /// `word value`; the value is empty when there is none.
    Directive { word: String, value: String },
    /// `names {`
    Open { names: Vec<String> },
    /// `}`
    Close,
    /// A word that logrotate ignores together with the rest of its line.
    Unknown { word: String },
    /// Something that is no statement.
    Bad { problem: &'static str },
}

/// All statements with the lines where they begin.
pub(super) fn statements(text: &str) -> Vec<(u32, Statement)> {
    let mut reader = Reader { left: text, line: 1 };
    let mut statements = Vec::new();
    while let Some(statement) = reader.next() {
        statements.push(statement);
    }
    statements
}

/// Directives that stand alone.
const FLAGS: &str = "compress nocompress delaycompress nodelaycompress shred noshred allowhardlink noallowhardlink \
    sharedscripts nosharedscripts copytruncate nocopytruncate renamecopy norenamecopy copy nocopy ifempty notifempty \
    dateext nodateext dateyesterday nodateyesterday datehourago nodatehourago noolddir mailfirst maillast nocreateolddir \
    nocreate hourly daily yearly nomail missingok nomissingok ignoreduplicates";
/// Directives whose value is the rest of the line.
const VALUED: &str = "su create createolddir size minsize maxsize shredcycles minutes monthly weekly rotate start minage \
    maxage errors mail tabooext taboopat include olddir extension addextension compresscmd uncompresscmd compressoptions \
    compressext dateformat";
const SCRIPTS: &str = "prerotate firstaction postrotate lastaction preremove";

struct Reader<'t> {
    left: &'t str,
    line: u32,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<(u32, Statement)> {
        loop {
            let first = self.left.chars().next()?;
            match first {
                '#' => drop(self.rest_of_line()),
                c if c.is_whitespace() => self.skip(c.len_utf8()),
                _ => break,
            }
        }
        let line = self.line;
        let statement = match self.left.as_bytes()[0] {
            b'/' | b'"' | b'\'' | b'~' => self.open(),
            b'}' => {
                self.skip(1);
                Statement::Close
            }
            c if c.is_ascii_alphabetic() => self.directive(),
            _ => {
                self.rest_of_line();
                Statement::Bad { problem: "a line must begin with a directive or an absolute path" }
            }
        };
        Some((line, statement))
    }

    fn directive(&mut self) -> Statement {
        let length = self.left.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.left.len());
        let word = self.left[..length].to_owned();
        self.skip(length);
        let separated = self.left.chars().next().is_none_or(|c| c.is_whitespace() || c == '=');
        if !separated {
            self.rest_of_line();
            return Statement::Bad { problem: "a directive must be followed by white space or =" };
        }
        let among = |words: &str| words.split(' ').any(|known| known == word);
        if among(SCRIPTS) && !self.script() {
            return Statement::Bad { problem: "a script without its endscript" };
        }
        if among(SCRIPTS) || among(FLAGS) {
            return Statement::Directive { word, value: String::new() };
        }
        let value = self.rest_of_line();
        if !among(VALUED) {
            return Statement::Unknown { word };
        }
        let value = value.trim();
        Statement::Directive { word, value: value.strip_prefix('=').unwrap_or(value).trim_start().to_owned() }
    }

    /// Whether the script ends.
    fn script(&mut self) -> bool {
        self.rest_of_line();
        while !self.left.is_empty() {
            let line = self.rest_of_line();
            let word = line.trim_start_matches([' ', '\t']);
            let end = word.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(word.len());
            if &word[..end] == "endscript" {
                return true;
            }
        }
        false
    }

    fn open(&mut self) -> Statement {
        let mut names = String::new();
        loop {
            let trimmed = self.left.trim_start_matches([' ', '\t', '\r']);
            if trimmed.starts_with('#') {
                self.rest_of_line();
                continue;
            }
            let line_end = self.left.find('\n').map_or(self.left.len(), |end| end + 1);
            let stop = self.left[..line_end].find(['{', '}']);
            names.push_str(&self.left[..stop.unwrap_or(line_end)]);
            self.skip(stop.unwrap_or(line_end));
            match self.left.chars().next() {
                Some('{') if stop.is_some() => break,
                Some('}') if stop.is_some() => return Statement::Bad { problem: "a } without its {" },
                Some(_) => {}
                None => return Statement::Bad { problem: "paths without a {" },
            }
        }
        self.skip(1);
        match words(&names) {
            Some(names) if !names.is_empty() => Statement::Open { names },
            _ => Statement::Bad { problem: "paths with an open quote" },
        }
    }

    fn rest_of_line(&mut self) -> String {
        let end = self.left.find('\n').map_or(self.left.len(), |end| end + 1);
        let line = self.left[..end].to_owned();
        self.skip(end);
        line
    }

    fn skip(&mut self, bytes: usize) {
        let (passed, left) = self.left.split_at(bytes);
        self.line = passed.bytes().filter(|byte| *byte == b'\n').fold(self.line, |line, _| line.saturating_add(1));
        self.left = left;
    }
}

/// Splits as a shell would: white space separates, quotes and backslashes hold together.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(open), '\\') => {
                // Inside quotes only the quote itself needs the backslash; elsewhere it is for the pattern.
                if characters.peek() != Some(&open) {
                    word.get_or_insert_default().push('\\');
                }
                word.get_or_insert_default().push(characters.next()?);
            }
            (None, '\'' | '"') => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            (None, '\\') => word.get_or_insert_default().push(characters.next()?),
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directive(word: &str, value: &str) -> Statement {
        Statement::Directive { word: word.to_owned(), value: value.to_owned() }
    }

    fn open(names: &[&str]) -> Statement {
        Statement::Open { names: names.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn a_stanza_reads_with_its_lines() {
        let text = "# c\nweekly\nrotate = 4\n/a.log {\n  compress\n  size=10k\n}\n";
        let expected = [
            (2, directive("weekly", "")),
            (3, directive("rotate", "4")),
            (4, open(&["/a.log"])),
            (5, directive("compress", "")),
            (6, directive("size", "10k")),
            (7, Statement::Close),
        ];
        assert_eq!(statements(text), expected);
    }

    #[test]
    fn several_paths_over_several_lines_with_quotes_and_comments() {
        let text = "/a.log\n# not this: /c.log {\n\"/b c.log\" '/d\"e.log' /f\\ g.log\n{\ndaily }\n";
        let read = statements(text);
        assert_eq!(read[0], (1, open(&["/a.log", "/b c.log", "/d\"e.log", "/f g.log"])));
        assert_eq!(read[1], (5, directive("daily", "")));
        assert_eq!(read[2], (5, Statement::Close));
    }

    #[test]
    fn scripts_are_passed_over_whatever_they_say() {
        let text = "/a {\npostrotate\n  if true; then { echo /x { ; }; fi\n  # endscripts\n\tendscript\ndaily\n}";
        let read = statements(text);
        assert_eq!(read[1].1, directive("postrotate", ""));
        assert_eq!(read[2], (6, directive("daily", "")));
        assert_eq!(read[3], (7, Statement::Close));
    }

    #[test]
    fn a_typo_is_unknown_and_takes_its_line_along() {
        let read = statements("rotat 5 daily\nweekly\n");
        assert_eq!(read, [(1, Statement::Unknown { word: "rotat".to_owned() }), (2, directive("weekly", ""))]);
    }

    #[test]
    fn what_is_no_statement_is_bad() {
        for text in ["/a", "/a }", "\"/a {", "postrotate\n echo", "= 4", "rotate4 5", "/a\n/b"] {
            assert!(statements(text).iter().any(|(_, s)| matches!(s, Statement::Bad { .. })), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_a_panic_or_an_endless_loop(text in "[/a-z{}\"'\\\\# \n=~\u{e4}]{0,80}") {
            let read = statements(&text);
            proptest::prop_assert!(read.len() <= text.len());
        }
    }
}
