//! What happened, as data: steps, findings, and what is incomplete.
//!
//! A report decides the exit code and knows nothing of terminals; one renderer per format turns it
//! into text, and `launch` alone prints that.

pub mod json;
pub mod record;
pub mod table;

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use crate::failure::{Exit, Failure};

/// What a run did or would do, and what it noticed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// One per item that something happened to, in the order it happened.
    pub steps: Vec<Step>,
    /// What a person should look at.
    pub findings: Vec<Finding>,
    /// What we could not do or could not know.
    pub incomplete: Vec<Incomplete>,
    /// Answers that are tables: `status`, `survey`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<Table>,
    /// The folder with what the answer knows of earlier runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Items that needed nothing and are not listed one by one.
    pub unchanged: u64,
    /// The last line for a person: `2 logs rotated, 180 MiB saved`.
    pub summary: String,
}

/// One thing done, or to be done, to one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The verb: `rotate`, `compress`, `remove`, `keep`.
    pub action: Cow<'static, str>,
    /// The item: a path, mostly.
    pub subject: String,
    /// How it went.
    pub outcome: Outcome,
    /// Why it was decided, or why it did not work.
    pub reason: String,
    /// Facts for machines: sizes, names, hashes.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub details: serde_json::Map<String, serde_json::Value>,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Shown, not done.
    Planned,
    /// Done and verified.
    Done,
    /// Looked at and left as it is, for a reason.
    Kept,
    /// Not done yet, and a later run will: a writer still has the file open.
    Waiting,
    /// Left alone because of trouble that a person can mend. Counts as partly done.
    Skipped,
    /// Tried, did not work.
    Failed,
}

/// Something a person should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable name of the kind of finding: `logs.copytruncate`.
    pub id: Cow<'static, str>,
    /// How bad.
    pub severity: Severity,
    /// What it is about.
    pub subject: String,
    /// Where to look: a file and line, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// One sentence with the facts.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The same finding on the same subject has the same fingerprint in every run.
    pub fingerprint: String,
}

/// How bad a finding is. Notes do not ask for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Should be mended.
    Warning,
    /// Data is at risk.
    Danger,
}

/// What we could not do or could not know, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incomplete {
    /// The part that is missing.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Rows of an answer. Numbers stay numbers for machines; `table` makes them readable.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Table {
    /// Stable key of this table in JSON: `logs`.
    pub name: &'static str,
    /// Heading for people.
    pub title: String,
    /// Stable keys of the columns, in order; a person sees them as headings.
    pub columns: Vec<&'static str>,
    /// The cells of each row, as many as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

/// One value of a [`Table`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Cell {
    /// Nothing to say.
    None,
    /// Any text.
    Text(String),
    /// A count.
    Count(u64),
    /// A number of bytes; people see `1.5 MiB`.
    Bytes(Size),
    /// So many seconds; people see `0.1 s`.
    Seconds(f64),
    /// So many dollars; people see `$14.40`.
    Dollars(f64),
    /// An instant; people see it to the second, in UTC.
    Time(chrono::DateTime<chrono::Utc>),
}

/// A number of bytes that reads as `1.5 MiB`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
        let mut value = self.0 as f64 / 1024.0;
        let mut unit = 0;
        while value >= 1023.95 && unit + 1 < UNITS.len() {
            value /= 1024.0;
            unit += 1;
        }
        write!(f, "{value:.1} {}", UNITS[unit])
    }
}

impl Outcome {
    /// Whether a person can mend something: the run was partly done.
    pub fn is_trouble(self) -> bool {
        matches!(self, Outcome::Skipped | Outcome::Failed)
    }
}

impl Step {
    /// A step with no details yet.
    pub fn new(action: &'static str, subject: impl Into<String>, outcome: Outcome, reason: impl Into<String>) -> Step {
        Step { action: action.into(), subject: subject.into(), outcome, reason: reason.into(), details: serde_json::Map::new() }
    }

    /// Adds a fact for machines.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<serde_json::Value>) -> Step {
        self.details.insert(key.to_owned(), value.into());
        self
    }
}

impl Finding {
    /// A finding whose fingerprint is its kind and subject.
    pub fn new(
        id: impl Into<Cow<'static, str>>,
        severity: Severity,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Finding {
        let (id, subject) = (id.into(), subject.into());
        let fingerprint = format!("{id}:{subject}");
        Finding { id, severity, subject, location: None, message: message.into(), hint: None, fingerprint }
    }

    /// What went wrong in a way that a person must see to, with its hint.
    pub fn of(id: impl Into<Cow<'static, str>>, subject: impl Into<String>, failure: &Failure) -> Finding {
        Finding { hint: failure.hint.clone(), ..Finding::new(id, Severity::Danger, subject, failure.to_string()) }
    }

    /// Where to look.
    #[must_use]
    pub fn at(mut self, location: impl Into<String>) -> Finding {
        self.location = Some(location.into());
        self
    }

    /// What to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Finding {
        self.hint = Some(hint.into());
        self
    }
}

impl Incomplete {
    /// `what` could not be had, and why.
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Incomplete {
        Incomplete { what: what.into(), why: why.into(), hint: None }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Incomplete {
        self.hint = Some(hint.into());
        self
    }
}

impl From<&Failure> for Incomplete {
    fn from(failure: &Failure) -> Incomplete {
        Incomplete {
            what: format!("{} {}", failure.doing, failure.what),
            why: failure.cause.clone().unwrap_or_else(|| "it did not work".to_owned()),
            hint: failure.hint.clone(),
        }
    }
}

impl Report {
    /// How a run that ends with this report exits.
    pub fn exit(&self) -> Exit {
        let mut exit = Exit::Done;
        if self.findings.iter().any(|finding| finding.severity > Severity::Note) {
            exit = exit.and(Exit::PersonNeeded);
        }
        if !self.incomplete.is_empty() || self.steps.iter().any(|step| step.outcome.is_trouble()) {
            exit = exit.and(Exit::Partial);
        }
        exit
    }
}

/// `1 log`, `2 logs`.
pub fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Text from hosts, names or files, made safe for a terminal: control characters (C0, DEL, C1), line and paragraph
/// separators and the marks that reorder text become escapes.
pub fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hostile(c) { safe.extend(c.escape_unicode()) } else { safe.push(c) }
    }
    safe
}

/// Whether a character does something to a terminal or to the order of the text: a control, one with Unicode's
/// property `Bidi_Control`, or a separator that ends a line.
pub fn is_hostile(c: char) -> bool {
    c.is_control() || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        let shown = [0, 1023, 1024, 1536, 1_048_575, 1 << 20, 20 << 30].map(|bytes| Size(bytes).to_string());
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "1.0 MiB", "20.0 GiB"]);
    }

    #[test]
    fn hostile_text_is_escaped() {
        assert_eq!(safe("a\u{1b}[31mb\n\u{202e}c"), "a\\u{1b}[31mb\\u{a}\\u{202e}c");
    }

    #[test]
    fn every_control_and_every_mark_that_reorders_is_escaped_and_nothing_else() {
        let controls = ('\0'..='\u{1f}').chain('\u{7f}'..='\u{9f}');
        let marks =
            "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
        for c in controls.chain(marks.chars()) {
            assert_eq!(safe(&c.to_string()), format!("\\u{{{:x}}}", u32::from(c)));
        }
        let harmless = " ~\u{a0}é漢\u{5d0}\u{627}\u{200d}\u{1f600}";
        assert_eq!(safe(harmless), harmless);
    }

    #[test]
    fn partly_done_outranks_findings_and_notes_ask_nobody() {
        let mut report = Report::default();
        report.findings.push(Finding::new("logs.x", Severity::Note, "a", "m"));
        assert_eq!(report.exit(), Exit::Done);
        report.findings.push(Finding::new("logs.x", Severity::Warning, "a", "m"));
        assert_eq!(report.exit(), Exit::PersonNeeded);
        report.steps.push(Step::new("rotate", "a", Outcome::Skipped, "r"));
        assert_eq!(report.exit(), Exit::Partial);
    }
}
