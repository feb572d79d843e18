//! Objects in a class that must be asked for: which they are, the request, and when to come back.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Asking, Restore, place::Placed};
use crate::{
    report::{Incomplete, Outcome, Report, Size, Step, count},
    run::{Run, side_by_side},
    store::{Access, Cold, Key, Store, Tier},
    tools::logs::manifest::Object,
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
    /// All of whose objects can be read, in order.
    pub(super) ready: Vec<Placed>,
    /// How many others there are.
    pub(super) waiting: u64,
    /// Whether the store said of one that it is not there.
    pub(super) absent: bool,
    frozen: Vec<(One, Cold)>,
    thawing: Vec<(One, Cold)>,
}

/// An object of one of the others.
#[derive(Debug)]
struct One {
    host: String,
    object: Object,
}

/// Asks the store about each object, once however many archives are in it. What it cannot be asked about is tried.
pub(super) fn sort((store, run, parallel): Asking, archives: Vec<Placed>) -> Sorted {
    let objects = archives.iter().flat_map(|placed| &placed.archived.objects);
    let keys: Vec<String> = objects.map(|object| object.key.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let look = |key: &String| {
        let found = Key::new(key.clone()).map(|key| store.look(&key));
        found.and_then(Result::ok).map(|found| found.map(|found| found.access))
    };
    let found = side_by_side(&keys, store.at_once().unwrap_or(parallel), &run.shutdown, || (), look);
    let mut sorted = Sorted { absent: found.contains(&Some(Some(None))), ..Sorted::default() };
    let cold = keys.into_iter().zip(found).filter_map(|(key, access)| Some((key, access???)));
    let cold: HashMap<String, Access> = cold.filter(|(_, access)| *access != Access::Ready).collect();
    let mut told = HashSet::new();
    for placed in archives {
        if placed.archived.objects.iter().all(|object| !cold.contains_key(&object.key)) {
            sorted.ready.push(placed);
            continue;
        }
        sorted.waiting += 1;
        // One object may hold several of the archives.
        for object in placed.archived.objects.into_iter().filter(|object| told.insert(object.key.clone())) {
            let Some(access) = cold.get(&object.key) else { continue };
            let one = One { host: placed.archived.host.clone(), object };
            match access {
                Access::Ready => {}
                Access::Frozen(cold) => sorted.frozen.push((one, *cold)),
                Access::Thawing(cold) => sorted.thawing.push((one, *cold)),
            }
        }
    }
    sorted
}

impl Sorted {
    /// How many archives there are, whatever can be done with them now.
    pub(super) fn all(&self) -> u64 {
        self.ready.len() as u64 + self.waiting
    }

    /// What it takes to bring back what is frozen.
    pub(super) fn price(&self, thaw: Thaw) -> String {
        let requests = self.frozen.len() as u64;
        if requests == 0 {
            return String::new();
        }
        let bytes = Size(self.frozen.iter().fold(0, |all: u64, (one, _)| all.saturating_add(one.object.stored)));
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
        for (one, cold) in &sorted.frozen {
            let (outcome, why) = match cold.takes(self.thaw.tier) {
                Some(takes) => (Outcome::Planned, format!("it is in {cold}: to be brought back first, which takes {takes}")),
                None => (Outcome::Skipped, self.no_way(*cold)),
            };
            report.steps.push(step(one, outcome, why));
        }
        self.told_on_its_way(sorted, report);
    }

    /// Asks for what is frozen, and says when to come back.
    pub(super) fn ask(&self, run: &Run, store: &dyn Store, sorted: &Sorted, report: &mut Report) {
        let Thaw { tier, days } = self.thaw;
        let ask = |(one, cold): &(One, Cold)| -> (Outcome, String) {
            let Some(takes) = cold.takes(tier) else { return (Outcome::Skipped, self.no_way(*cold)) };
            let Some(key) = Key::new(one.object.key.clone()) else { return (Outcome::Failed, "its name is no key".to_owned()) };
            match store.thaw(&key, *cold, tier, days) {
                Ok(()) => (Outcome::Done, format!("it is in {cold}, and was asked for (tier {tier}): come back in {takes}")),
                Err(failure) => (Outcome::Failed, failure.told()),
            }
        };
        let came = side_by_side(&sorted.frozen, self.parallel, &run.shutdown, || (), ask);
        for ((one, _), came) in sorted.frozen.iter().zip(came) {
            let (outcome, why) = came.unwrap_or((Outcome::Waiting, "stopped before it was asked for".to_owned()));
            report.steps.push(step(one, outcome, why));
        }
        self.told_on_its_way(sorted, report);
        if sorted.waiting > 0 {
            let why = "they are not there yet: the steps say when to come back; the same command goes on then";
            report.incomplete.push(Incomplete::new(format!("{} of a cold class", count(sorted.waiting, "log")), why));
        }
    }

    fn told_on_its_way(&self, sorted: &Sorted, report: &mut Report) {
        for (one, cold) in &sorted.thawing {
            let takes = cold.takes(self.thaw.tier).or(cold.takes(Tier::Standard)).unwrap_or("hours");
            let why = format!("it was asked for, and is on its way from {cold}; that takes {takes} (tier {})", self.thaw.tier);
            report.steps.push(step(one, Outcome::Waiting, why));
        }
    }

    fn no_way(&self, cold: Cold) -> String {
        format!("{cold} has no tier {}: --tier standard takes {}", self.thaw.tier, cold.takes(Tier::Standard).unwrap_or("hours"))
    }
}

fn step(one: &One, outcome: Outcome, why: String) -> Step {
    let step = Step::new("request", one.object.key.clone(), outcome, why);
    step.with("bytes", one.object.stored).with("host", one.host.clone())
}
