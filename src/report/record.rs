//! The record of one run, in numbers: what histories, envelopes and monitors are told.

use std::{cmp::Reverse, collections::BTreeMap};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Finding, Report, Severity};
use crate::failure::{Exit, Failure};

/// Name and version of the history's lines.
pub const FORMAT: &str = "opsbelt.run/1";

/// What one run did, in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Name and version of this format.
    pub format: String,
    /// Unique on this host: start and process.
    pub id: String,
    /// The binary.
    pub tool: String,
    /// The subcommand.
    pub job: String,
    /// The machine.
    pub host: String,
    /// When it began.
    pub started: DateTime<Utc>,
    /// How long it took.
    pub seconds: f64,
    /// How it ended.
    #[serde(with = "exit_code")]
    pub exit: Exit,
    /// `<action> <outcome>` to number of steps.
    pub steps: BTreeMap<String, u64>,
    /// The summary line.
    pub summary: String,
    /// The first few things that went wrong.
    pub errors: Vec<String>,
    /// The worst findings: many are told by one run only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Noticed>,
}

/// What a run told a person to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noticed {
    /// The kind of finding.
    pub id: String,
    /// How bad.
    pub severity: Severity,
    /// What it is about.
    pub subject: String,
    /// The facts.
    pub message: String,
}

impl Record {
    /// Fills in what `report` says.
    pub fn close(&mut self, ended: DateTime<Utc>, report: &Report, failure: Option<&Failure>, exit: Exit) {
        const ERRORS: usize = 20;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of one run")]
        let seconds = (ended - self.started).num_milliseconds().max(0) as f64 / 1000.0;
        self.seconds = seconds;
        self.exit = exit;
        self.summary.clone_from(&report.summary);
        for step in &report.steps {
            let outcome =
                serde_json::to_value(step.outcome).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
            *self.steps.entry(format!("{} {outcome}", step.action)).or_default() += 1;
        }
        let troubled = report.steps.iter().filter(|step| step.outcome.is_trouble());
        let steps = troubled.map(|step| format!("{} {}: {}", step.action, step.subject, step.reason));
        let parts = report.incomplete.iter().map(|part| format!("{}: {}", part.what, part.why));
        self.errors = failure.map(ToString::to_string).into_iter().chain(steps).chain(parts).take(ERRORS).collect();
    }

    /// Takes down what `report` found, the worst first.
    pub fn notice(&mut self, report: &Report) {
        const FINDINGS: usize = 10;
        let mut findings: Vec<&Finding> = report.findings.iter().collect();
        findings.sort_by_key(|finding| Reverse(finding.severity));
        self.findings = findings.into_iter().take(FINDINGS).map(Noticed::from).collect();
    }

    /// What came of it, in one line: the summary, and the first thing that went wrong or asks for a person.
    pub fn told(&self) -> String {
        let asking = self.findings.iter().filter(|finding| finding.severity > Severity::Note);
        let asking = asking.map(|finding| format!("{}: {}", finding.subject, finding.message));
        let mut troubles = self.errors.iter().cloned().chain(asking);
        let first = troubles.next();
        let more = match troubles.count() {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let trouble = first.map(|first| format!("{first}{more}"));
        let parts = Some(self.summary.clone()).filter(|summary| !summary.is_empty()).into_iter().chain(trouble);
        parts.collect::<Vec<_>>().join("; ")
    }
}

impl From<&Finding> for Noticed {
    fn from(finding: &Finding) -> Noticed {
        let Finding { id, severity, subject, message, .. } = finding.clone();
        Noticed { id: id.to_string(), severity, subject, message }
    }
}

/// An exit is written as its code.
mod exit_code {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::failure::Exit;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(exit: &Exit, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(exit.code())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Exit, D::Error> {
        Ok(match u8::deserialize(deserializer)? {
            0 => Exit::Done,
            1 => Exit::PersonNeeded,
            2 => Exit::BadInput,
            3 => Exit::Partial,
            75 => Exit::Busy,
            code if code > 128 => Exit::Signal(code - 128),
            _ => Exit::CouldNotRun,
        })
    }
}
