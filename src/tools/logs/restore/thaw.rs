//! Objects in a class that must be asked for: which they are, the request, and when to come back.

use super::{Named, Restore};
use crate::{
    report::{Incomplete, Outcome, Report, Size, Step, count},
    run::{Run, side_by_side},
    store::{Access, Cold, Key, Store, Tier},
};

/// How objects are brought back.
#[derive(Clone, Copy, Debug)]
pub struct Thaw {
    /// How fast.
    pub tier: Tier,
    /// For how many days they can be read then.
    pub days: u16,
}

/// What is to be restored, by what can be done with it now.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub(super) ready: Vec<Named>,
    pub(super) frozen: Vec<(Named, Cold)>,
    pub(super) thawing: Vec<(Named, Cold)>,
}

/// Asks the store about each. What it cannot be asked about is tried.
pub(super) fn sort(store: &dyn Store, objects: Vec<Named>, parallel: usize, run: &Run) -> Sorted {
    let look = |named: &Named| {
        let found = Key::new(named.object.key.clone()).map(|key| store.look(&key));
        found.and_then(Result::ok).flatten().map_or(Access::Ready, |found| found.access)
    };
    let found = side_by_side(&objects, parallel, &run.shutdown, || (), look);
    let mut sorted = Sorted::default();
    for (named, access) in objects.into_iter().zip(found) {
        match access {
            Some(Access::Ready) | None => sorted.ready.push(named),
            Some(Access::Frozen(cold)) => sorted.frozen.push((named, cold)),
            Some(Access::Thawing(cold)) => sorted.thawing.push((named, cold)),
        }
    }
    sorted
}

impl Sorted {
    /// What it takes to bring back what is frozen.
    pub(super) fn price(&self, thaw: Thaw) -> String {
        let requests = self.frozen.len() as u64;
        if requests == 0 {
            return String::new();
        }
        let bytes = Size(self.frozen.iter().map(|(named, _)| named.object.stored).sum());
        let Thaw { tier, days } = thaw;
        let days = count(days.into(), "day");
        format!(
            "; {requests} must be brought back first: {} (tier {tier}) of {bytes}, to be read for {days}",
            count(requests, "request")
        )
    }
}

impl Restore {
    /// What would be asked for, and what is on its way.
    pub(super) fn show_cold(&self, sorted: &Sorted, report: &mut Report) {
        for (named, cold) in &sorted.frozen {
            let (outcome, why) = match cold.takes(self.thaw.tier) {
                Some(takes) => (Outcome::Planned, format!("it is in {cold}: to be brought back first, which takes {takes}")),
                None => (Outcome::Skipped, self.no_way(*cold)),
            };
            report.steps.push(step(named, outcome, why));
        }
        self.told_on_its_way(sorted, report);
    }

    /// Asks for what is frozen, and says when to come back.
    pub(super) fn ask(&self, run: &Run, store: &dyn Store, sorted: &Sorted, report: &mut Report) {
        let Thaw { tier, days } = self.thaw;
        let one = |(named, cold): &(Named, Cold)| -> (Outcome, String) {
            let Some(takes) = cold.takes(tier) else { return (Outcome::Skipped, self.no_way(*cold)) };
            let Some(key) = Key::new(named.object.key.clone()) else { return (Outcome::Failed, "its name is no key".to_owned()) };
            match store.thaw(&key, *cold, tier, days) {
                Ok(()) => (Outcome::Done, format!("it is in {cold}, and was asked for (tier {tier}): come back in {takes}")),
                Err(failure) => {
                    let hint = failure.hint.as_ref().map_or_else(String::new, |hint| format!(" (hint: {hint})"));
                    (Outcome::Failed, format!("{failure}{hint}"))
                }
            }
        };
        let came = side_by_side(&sorted.frozen, self.parallel, &run.shutdown, || (), one);
        for ((named, _), came) in sorted.frozen.iter().zip(came) {
            let (outcome, why) = came.unwrap_or((Outcome::Waiting, "stopped before it was asked for".to_owned()));
            report.steps.push(step(named, outcome, why));
        }
        self.told_on_its_way(sorted, report);
        let cold = (sorted.frozen.len() + sorted.thawing.len()) as u64;
        if cold > 0 {
            let why = "they are not there yet: the steps say when to come back; the same command goes on then";
            report.incomplete.push(Incomplete::new(format!("{} of a cold class", count(cold, "log")), why));
        }
    }

    fn told_on_its_way(&self, sorted: &Sorted, report: &mut Report) {
        for (named, cold) in &sorted.thawing {
            let takes = cold.takes(self.thaw.tier).or(cold.takes(Tier::Standard)).unwrap_or("hours");
            let why = format!("it was asked for, and is on its way from {cold}; that takes {takes} (tier {})", self.thaw.tier);
            report.steps.push(step(named, Outcome::Waiting, why));
        }
    }

    fn no_way(&self, cold: Cold) -> String {
        format!("{cold} has no tier {}: --tier standard takes {}", self.thaw.tier, cold.takes(Tier::Standard).unwrap_or("hours"))
    }
}

fn step(named: &Named, outcome: Outcome, why: String) -> Step {
    let step = Step::new("request", named.object.key.clone(), outcome, why);
    step.with("bytes", named.object.stored).with("host", named.host.clone())
}
