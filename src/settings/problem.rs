//! What is wrong with some settings: where, why, and the line with a caret under it.

use std::{
    fmt::{self, Write},
    path::Path,
};

use super::origin::{Origin, Spot};
use crate::{
    failure::{Exit, Failure},
    report::{is_hostile, safe},
};

/// Something wrong in the settings, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    place: Origin,
    message: String,
    hint: Option<String>,
}

/// Nobody reads more at once, and a hostile file must not fill a terminal.
pub(super) const MOST: usize = 20;

impl Problem {
    /// A problem of no single place.
    pub(super) fn new(message: impl fmt::Display) -> Problem {
        Problem { place: Origin::Default, message: safe(&message.to_string()), hint: None }
    }

    pub(super) fn at(origin: &Origin, message: impl fmt::Display) -> Problem {
        Problem::new(message).place(origin)
    }

    pub(super) fn place(mut self, origin: &Origin) -> Problem {
        self.place = origin.clone();
        self
    }

    pub(super) fn hint(mut self, hint: impl fmt::Display) -> Problem {
        self.hint = Some(safe(&hint.to_string()));
        self
    }

    pub(super) fn hint_if_any(self, hint: Option<&str>) -> Problem {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    fn place_text(&self) -> String {
        match &self.place {
            Origin::Default => "the settings".to_owned(),
            Origin::File(Spot { file, bytes }) => {
                let (line, column) = file.position(bytes.start);
                safe(&format!("{}:{line}:{column}", file.path.display()))
            }
            Origin::Environment(_) => self.place.to_string(),
        }
    }

    /// File by file and down each file, then the rest as it came.
    fn rank(&self) -> (bool, &Path, usize) {
        match &self.place {
            Origin::File(spot) => (false, &spot.file.path, spot.bytes.start),
            _ => (true, Path::new(""), 0),
        }
    }

    fn excerpt(&self) -> String {
        match &self.place {
            Origin::File(spot) => excerpt(spot),
            _ => String::new(),
        }
    }
}

/// The one failure that names every problem.
pub(super) fn failure(mut problems: Vec<Problem>) -> Failure {
    problems.sort_by(|one, other| one.rank().cmp(&other.rank()));
    let failure = match &problems[..] {
        [only] => {
            let cause = format!("{}{}", only.message, only.excerpt());
            Failure::new("use", only.place_text()).because(cause).hint_if_any(only.hint.as_deref())
        }
        several => Failure::new("use", "the settings").because(list(several)),
    };
    failure.exit(Exit::BadInput)
}

fn list(problems: &[Problem]) -> String {
    let mut text = format!("{} problems", problems.len());
    for problem in &problems[..problems.len().min(MOST)] {
        let _ = write!(text, "\n{}: {}{}", problem.place_text(), problem.message, problem.excerpt());
        if let Some(hint) = &problem.hint {
            let _ = write!(text, "\n  hint: {hint}");
        }
    }
    if problems.len() > MOST {
        let _ = write!(text, "\nand {} more", problems.len() - MOST);
    }
    text
}

/// The line with carets under the place, each line beginning with a line break.
fn excerpt(Spot { file, bytes }: &Spot) -> String {
    /// A line may be as long as the file; this much before and after the place is enough to find it.
    const BEFORE: usize = 50;
    const AFTER: usize = 70;

    let line = file.line_at(bytes.start);
    let start = file.text.floor_char_boundary(bytes.start);
    let end = file.text.ceil_char_boundary(bytes.end).clamp(start, line.end.max(start));
    let before: Vec<char> = file.text[line.start..start].chars().collect();
    let skipped = before.len().saturating_sub(BEFORE);
    let before: String = before[skipped..].iter().map(|c| visible(*c)).collect();
    let marked = file.text[start..end].chars().count().clamp(1, AFTER);
    let after: String = file.text[start..line.end.max(start)].chars().take(AFTER).map(visible).collect();
    let dots = if skipped > 0 { "..." } else { "" };

    let number = file.position(bytes.start).0.to_string();
    let gutter = " ".repeat(number.len());
    let indent = " ".repeat(dots.len() + before.chars().count());
    format!("\n{gutter} |\n{number} | {dots}{before}{after}\n{gutter} | {indent}{}", "^".repeat(marked)).replace(" \n", "\n")
}

/// One column for each character, and nothing that a terminal obeys.
fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        c if is_hostile(c) => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::settings::file::SettingsFile;

    fn spot(text: &str, bytes: std::ops::Range<usize>) -> Spot {
        Spot { file: Arc::new(SettingsFile { path: "/etc/opsbelt/x.toml".into(), text: text.to_owned() }), bytes }
    }

    #[test]
    fn the_caret_stands_under_the_place() {
        assert_eq!(excerpt(&spot("a = 1\n\tü = 22\n", 12..14)), "\n  |\n2 |  ü = 22\n  |      ^^");
    }

    #[test]
    fn a_place_over_several_lines_is_marked_to_the_end_of_the_first() {
        assert_eq!(excerpt(&spot("a = [1,\n2]\n", 4..10)), "\n  |\n1 | a = [1,\n  |     ^^^");
    }

    #[test]
    fn the_end_of_a_file_can_be_marked() {
        assert_eq!(excerpt(&spot("a = ", 4..4)), "\n  |\n1 | a =\n  |     ^");
        assert_eq!(excerpt(&spot("", 0..0)), "\n  |\n1 |\n  | ^");
    }

    #[test]
    fn a_long_line_is_cut_round_the_place_and_hostile_text_disarmed() {
        let text = format!("{}\u{1b}[31m{}", "x".repeat(500), "y".repeat(500));
        let shown = excerpt(&spot(&text, 500..700));
        assert!(shown.contains("| ...xxx") && shown.contains("\u{fffd}[31my") && !shown.contains('\u{1b}'), "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() < 140), "{shown}");
    }

    #[test]
    fn only_so_many_problems_are_listed() {
        let problems: Vec<Problem> = (0..25).map(|number| Problem::new(format_args!("problem {number}"))).collect();
        let cause = failure(problems).cause.unwrap();
        assert!(cause.starts_with("25 problems\n") && cause.ends_with("problem 19\nand 5 more"), "{cause}");
    }
}
