//! The report for a person: what was done and why, findings, what is missing, one summary line.
//! Colour marks, and never carries meaning alone.

use std::fmt::Write;

use super::{Cell, Finding, Outcome, Report, Severity, Size, Step, Table, safe};

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Whether to colour.
    pub color: bool,
    /// What to tell.
    pub told: Told,
}

/// How much of a report a person gets to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Only what went wrong, what is missing, what a person should look at, and the last line.
    Troubles,
    /// What was done, too, and the answer.
    Acts,
    /// What needed nothing, too.
    Everything,
}

impl Told {
    fn tells(self, step: &Step) -> bool {
        match self {
            Told::Troubles => step.outcome.is_trouble(),
            Told::Acts => step.outcome != Outcome::Kept,
            Told::Everything => true,
        }
    }
}

/// The whole text; empty when there is nothing to say.
pub fn render(report: &Report, look: Look) -> String {
    let mut text = String::new();
    let troubles_only = look.told == Told::Troubles;
    for table in report.tables.iter().filter(|_| !troubles_only) {
        grid(&mut text, table, look);
    }
    let steps: Vec<&Step> = report.steps.iter().filter(|step| look.told.tells(step)).collect();
    step_lines(&mut text, &steps, look);
    for finding in report.findings.iter().filter(|finding| !troubles_only || finding.severity > Severity::Note) {
        finding_lines(&mut text, finding, look);
    }
    for part in &report.incomplete {
        let _ = writeln!(text, "{} {}: {}", paint("incomplete", YELLOW, look), safe(&part.what), safe(&part.why));
        hint_line(&mut text, part.hint.as_deref());
    }
    if !report.summary.is_empty() {
        let _ = writeln!(text, "{}", safe(&report.summary));
    }
    if let Some(folder) = report.state.as_ref().filter(|_| !troubles_only) {
        let _ = writeln!(text, "state folder: {}", safe(folder));
    }
    text
}

const RED: &str = "31";
const YELLOW: &str = "33";
const GREEN: &str = "32";
const BOLD: &str = "1";

fn paint(word: &str, code: &str, look: Look) -> String {
    if look.color { format!("\u{1b}[{code}m{word}\u{1b}[0m") } else { word.to_owned() }
}

fn step_lines(text: &mut String, steps: &[&Step], look: Look) {
    let action_width = steps.iter().map(|step| label(step).chars().count()).max().unwrap_or(0);
    let subject_width = steps.iter().map(|step| safe(&step.subject).chars().count()).max().unwrap_or(0).min(60);
    for step in steps {
        let label = format!("{:action_width$}", label(step));
        let label = match step.outcome {
            Outcome::Failed => paint(&label, RED, look),
            Outcome::Skipped | Outcome::Waiting => paint(&label, YELLOW, look),
            Outcome::Done => paint(&label, GREEN, look),
            Outcome::Planned | Outcome::Kept => label,
        };
        let _ = writeln!(text, "{label}  {:subject_width$}  {}", safe(&step.subject), safe(&step.reason));
    }
}

/// `rotate` when planned or done, `rotate failed` and the like otherwise.
fn label(step: &Step) -> String {
    match step.outcome {
        Outcome::Planned | Outcome::Done | Outcome::Kept => step.action.to_string(),
        Outcome::Waiting => format!("{} waits", step.action),
        Outcome::Skipped => format!("{} skipped", step.action),
        Outcome::Failed => format!("{} failed", step.action),
    }
}

fn finding_lines(text: &mut String, finding: &Finding, look: Look) {
    let (word, code) = match finding.severity {
        Severity::Danger => ("danger", RED),
        Severity::Warning => ("warning", YELLOW),
        Severity::Note => ("note", BOLD),
    };
    let place = finding.location.as_ref().map(|place| format!(" ({})", safe(place))).unwrap_or_default();
    let _ = writeln!(text, "{} {}{place}: {}", paint(word, code, look), safe(&finding.subject), safe(&finding.message));
    hint_line(text, finding.hint.as_deref());
}

fn hint_line(text: &mut String, hint: Option<&str>) {
    if let Some(hint) = hint {
        let _ = writeln!(text, "  hint: {}", safe(hint));
    }
}

fn grid(text: &mut String, table: &Table, look: Look) {
    if table.rows.is_empty() {
        return;
    }
    if !table.title.is_empty() {
        let _ = writeln!(text, "{}", paint(&safe(&table.title), BOLD, look));
    }
    let heading: Vec<String> = table.columns.iter().map(|column| column.replace('-', " ").to_uppercase()).collect();
    let rows: Vec<Vec<String>> = table.rows.iter().map(|row| row.iter().map(shown).collect()).collect();
    let numeric = |column: usize| {
        table
            .rows
            .iter()
            .any(|row| matches!(row.get(column), Some(Cell::Bytes(_) | Cell::Count(_) | Cell::Seconds(_) | Cell::Dollars(_))))
    };
    let widths: Vec<usize> = (0..heading.len())
        .map(|column| {
            rows.iter().chain([&heading]).filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    for row in [&heading].into_iter().chain(&rows) {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = widths.get(column).copied().unwrap_or(0);
            let _ = if numeric(column) { write!(line, "{cell:>width$}  ") } else { write!(line, "{cell:width$}  ") };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.push('\n');
}

fn shown(cell: &Cell) -> String {
    match cell {
        Cell::None => "-".to_owned(),
        Cell::Text(text) => safe(text),
        Cell::Count(count) => count.to_string(),
        Cell::Seconds(seconds) => format!("{seconds:.1} s"),
        Cell::Dollars(dollars) if *dollars > 0.0 && *dollars < 0.005 => "< $0.01".to_owned(),
        Cell::Dollars(dollars) => format!("${dollars:.2}"),
        Cell::Bytes(Size(bytes)) => Size(*bytes).to_string(),
        Cell::Time(instant) => instant.format("%Y-%m-%d %H:%M:%S").to_string(),
    }
}
