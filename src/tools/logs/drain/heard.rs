//! What the runs of a drain said, put together: of each thing the last word, since a later turn may have mended what an
//! earlier one could not.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::errand::{Answer, Said};
use crate::{
    report::{Finding, Incomplete, Outcome, Report, Step},
    run::Run,
};

/// All that was said.
#[derive(Default)]
pub(super) struct Heard {
    /// In the order in which something was first said of it.
    steps: Vec<Step>,
    places: HashMap<(String, String), usize>,
    findings: BTreeMap<String, Finding>,
    /// Of each run, the last time.
    incomplete: BTreeMap<String, Vec<Incomplete>>,
    /// What ended a run before it was done.
    ended: BTreeMap<String, Incomplete>,
}

impl Heard {
    /// Takes what a run said.
    pub(super) fn take(&mut self, answer: Answer) {
        let Answer { what, said, trouble } = answer;
        for step in said.steps {
            let place = *self.places.entry((step.action.to_string(), step.subject.clone())).or_insert(self.steps.len());
            if place < self.steps.len() {
                self.steps[place] = step;
            } else {
                self.steps.push(step);
            }
        }
        self.findings.extend(said.findings.into_iter().map(|finding| (finding.fingerprint.clone(), finding)));
        let ended = trouble.or_else(|| said.failure.as_ref().map(Incomplete::from));
        // A wish to stop, or for who ships a store that is not there.
        let gave_up = said.incomplete.iter().find(|one| what == "ship" || what == "direct" || one.what == "this run");
        match ended.as_ref().or(gave_up) {
            Some(ended) => self.ended.insert(what.clone(), ended.clone()),
            None => self.ended.remove(&what),
        };
        self.incomplete.insert(what, said.incomplete.into_iter().chain(ended).collect());
    }

    /// Notes that a run could not even begin.
    pub(super) fn trouble(&mut self, what: &str, trouble: Incomplete) {
        self.take(Answer { what: what.to_owned(), said: Said::default(), trouble: Some(trouble) });
    }

    /// What ended one of these runs before it was done, in the order in which they are named.
    pub(super) fn ended(&self, runs: &[&str]) -> Option<String> {
        let ended = runs.iter().find_map(|run| self.ended.get(*run))?;
        Some(format!("{}: {}", ended.what, ended.why))
    }

    /// How many archives the store got. An object may hold several, and an archive may be in several.
    pub(super) fn shipped(&self) -> u64 {
        let done = self.steps.iter().filter(|step| step.action == "ship" && step.outcome == Outcome::Done);
        let archives = |step: &'_ Step| -> Vec<String> {
            let named = step.details.get("archives").and_then(|named| serde_json::from_value(named.clone()).ok());
            // Who ships without an archive here names the log.
            named.unwrap_or_else(|| vec![step.subject.clone()])
        };
        done.flat_map(archives).collect::<BTreeSet<_>>().len() as u64
    }

    /// Why something about one of these was not done, when it was said.
    pub(super) fn why(&self, subjects: &[String]) -> Option<&str> {
        let untroubled = |step: &&Step| !matches!(step.outcome, Outcome::Done | Outcome::Kept | Outcome::Planned);
        let about = |step: &&Step| subjects.contains(&step.subject);
        self.steps.iter().rev().filter(untroubled).find(about).map(|step| step.reason.as_str())
    }

    /// What was done and what went wrong. What waits, and was not left in the end, need not be told.
    pub(super) fn report(self, run: &Run) -> Report {
        let told = |step: &Step| match step.outcome {
            Outcome::Planned | Outcome::Waiting => false,
            Outcome::Kept => run.every_item,
            Outcome::Done | Outcome::Skipped | Outcome::Failed => true,
        };
        let mut incomplete: Vec<Incomplete> = Vec::new();
        for one in self.incomplete.into_values().flatten() {
            if !incomplete.contains(&one) {
                incomplete.push(one);
            }
        }
        Report {
            steps: self.steps.into_iter().filter(told).collect(),
            findings: self.findings.into_values().collect(),
            incomplete,
            ..Report::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(what: &str, steps: Vec<Step>, incomplete: &[&str]) -> Answer {
        let incomplete = incomplete.iter().map(|why| Incomplete::new("x", *why)).collect();
        Answer { what: what.to_owned(), said: Said { steps, incomplete, ..Said::default() }, trouble: None }
    }

    #[test]
    fn of_each_thing_the_last_word_counts() {
        let mut heard = Heard::default();
        let step = |subject: &str, outcome| Step::new("ship", subject, outcome, "because");
        heard.take(answer("ship", vec![step("a", Outcome::Failed), step("b", Outcome::Failed)], &["away"]));
        assert_eq!(heard.why(&["b".to_owned()]), Some("because"));
        assert_eq!(heard.ended(&["rotate --force", "ship"]).as_deref(), Some("x: away"));
        heard.take(answer("ship", vec![step("b", Outcome::Done), step("c", Outcome::Waiting)], &[]));
        assert_eq!((heard.why(&["b".to_owned()]), heard.why(&["c".to_owned()])), (None, Some("because")));
        assert_eq!(heard.shipped(), 1);
        let told: Vec<_> = heard.steps.iter().map(|step| (step.subject.as_str(), step.outcome)).collect();
        assert_eq!(told, [("a", Outcome::Failed), ("b", Outcome::Done), ("c", Outcome::Waiting)]);
        assert_eq!(heard.ended(&["rotate --force", "ship"]), None);
        assert!(heard.incomplete.values().all(Vec::is_empty), "the store came back");
    }
}
