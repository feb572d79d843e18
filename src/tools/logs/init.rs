//! `ops-logs init`: settings from what a survey saw. Proposes and explains; never overwrites a file, and
//! leaves what it cannot know, such as how a writer is told, to a person.

mod proposal;
mod target;

use std::path::PathBuf;

use self::{
    proposal::{IDLE, WAKE, is_active, settings_from},
    target::Target,
};
use super::survey::{Survey, gather};
use crate::{
    failure::{Exit, Failure, Result},
    report::{Incomplete, Outcome, Report, Step},
    run::Run,
    tool::{Change, Query},
};

/// Settings on standard output: what to look at.
pub struct Init(pub Survey);

/// Settings in a file that is not there yet.
pub struct InitFile {
    /// What to look at.
    pub survey: Survey,
    /// The file to write.
    pub out: PathBuf,
}

/// Settings that were not written yet.
pub struct Proposal {
    text: String,
    incomplete: Vec<Incomplete>,
}

impl Query for Init {
    /// The settings are their own answer and have no schema.
    fn schema(&self) -> Option<&'static str> {
        None
    }

    fn answer(&self, run: &Run) -> Result<Report> {
        let facts = gather(&self.0, run);
        let text = settings_from(&facts);
        run.out.write(&text)?;
        match (&facts.incomplete[..], is_active(&text)) {
            ([], true) => Ok(Report::default()),
            // Standard output is all settings, so this is told beside it; proposing is done all the same.
            ([], false) => Err(Failure::new("propose", "a set to begin with").because(IDLE).hint(WAKE).exit(Exit::Done)),
            (parts, true) => Err(unseen(parts, "")),
            (parts, false) => Err(unseen(parts, IDLE)),
        }
    }
}

impl Change for InitFile {
    type Plan = Proposal;

    fn schema(&self) -> &'static str {
        "opsbelt.logs.init/1"
    }

    fn job(&self) -> &'static str {
        "init"
    }

    fn plan(&self, run: &Run) -> Result<Proposal> {
        Target::of(&self.out)?;
        let facts = gather(&self.survey, run);
        Ok(Proposal { text: settings_from(&facts), incomplete: facts.incomplete })
    }

    fn show(&self, _run: &Run, plan: &Proposal) -> Report {
        let summary = "nothing was written; `ops-logs init` without --out prints the settings";
        let mut report = self.report(Outcome::Planned, plan.incomplete.clone(), summary);
        report.steps = report.steps.into_iter().map(|step| step.with("text", plan.text.as_str())).collect();
        report
    }

    fn carry_out(&self, _run: &Run, plan: Proposal) -> Result<Report> {
        Target::of(&self.out)?.write(&plan.text)?;
        let next = "read it, then `ops-logs config check` and `ops-logs plan`";
        let idle = format!("{IDLE}: {WAKE}; then `ops-logs config check` and `ops-logs plan`");
        Ok(self.report(Outcome::Done, plan.incomplete, if is_active(&plan.text) { next } else { &idle }))
    }
}

impl InitFile {
    fn report(&self, outcome: Outcome, incomplete: Vec<Incomplete>, summary: &str) -> Report {
        let why = match outcome {
            Outcome::Planned => "there is no such file yet",
            _ => "there was no such file",
        };
        let step = Step::new("write", self.out.display().to_string(), outcome, why);
        Report { steps: vec![step], incomplete, summary: summary.to_owned(), ..Report::default() }
    }
}

/// Standard output is all settings, so what is missing in them is told beside it.
fn unseen(parts: &[Incomplete], beside: &str) -> Failure {
    let mut list: Vec<String> = parts.iter().map(|part| format!("{}: {}", part.what, part.why)).collect();
    list.extend((!beside.is_empty()).then(|| beside.to_owned()));
    let hint = parts.iter().find_map(|part| part.hint.as_ref());
    Failure::new("see", "everything").because(list.join("; ")).hint_if_any(hint).exit(Exit::Partial)
}

#[cfg(test)]
mod tests;
