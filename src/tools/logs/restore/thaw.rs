//! Objects in a class that must be asked for: the price, the request, and when to come back.

use super::sorted::{One, Sorted};
use crate::{
    report::{Incomplete, Outcome, Report, Size, Step, count},
    store::{Cold, Key, Tier},
    tools::logs::manifest::stored::Asking,
};

/// How objects are brought back.
#[derive(Clone, Copy, Debug)]
pub struct Thaw {
    /// How fast.
    pub tier: Tier,
    /// For how many days they can be read then.
    pub days: u16,
}

impl Sorted {
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

impl Thaw {
    /// What would be asked for, and what is on its way.
    pub(super) fn show_cold(self, sorted: &Sorted, report: &mut Report) {
        for (one, cold) in &sorted.frozen {
            let (outcome, why) = match cold.takes(self.tier) {
                Some(takes) => (Outcome::Planned, format!("it is in {cold}: to be brought back first, which takes {takes}")),
                None => (Outcome::Skipped, self.no_way(*cold)),
            };
            report.steps.push(step(one, outcome, why));
        }
        self.told_on_its_way(sorted, report);
    }

    /// Asks for what is frozen, and says when to come back.
    pub(super) fn ask(self, asking: Asking, sorted: &Sorted, report: &mut Report) {
        let Thaw { tier, days } = self;
        let ask = |(one, cold): &(One, Cold)| -> (Outcome, String) {
            let Some(takes) = cold.takes(tier) else { return (Outcome::Skipped, self.no_way(*cold)) };
            let Some(key) = Key::new(one.object.key.clone()) else { return (Outcome::Failed, "its name is no key".to_owned()) };
            match asking.hears(asking.store.thaw(&key, *cold, tier, days)) {
                Ok(()) => (Outcome::Done, format!("it is in {cold}, and was asked for (tier {tier}): come back in {takes}")),
                Err(failure) => (Outcome::Failed, failure.told()),
            }
        };
        let mut left = 0;
        for ((one, _), came) in sorted.frozen.iter().zip(asking.each(&sorted.frozen, ask)) {
            match came {
                Some((outcome, why)) => report.steps.push(step(one, outcome, why)),
                None => left += 1,
            }
        }
        if left > 0 {
            let why = format!("{} before that was asked for", asking.broken_off());
            report.incomplete.push(Incomplete::new(count(left, "object"), why));
        }
        self.told_on_its_way(sorted, report);
        if sorted.waiting > 0 {
            let why = "they are not there yet: the steps say when to come back; the same command goes on then";
            report.incomplete.push(Incomplete::new(format!("{} of a cold class", count(sorted.waiting, "log")), why));
        }
    }

    fn told_on_its_way(self, sorted: &Sorted, report: &mut Report) {
        for (one, cold) in &sorted.thawing {
            let takes = cold.takes(self.tier).or(cold.takes(Tier::Standard)).unwrap_or("hours");
            let why = format!("it was asked for, and is on its way from {cold}; that takes {takes} (tier {})", self.tier);
            report.steps.push(step(one, Outcome::Waiting, why));
        }
    }

    fn no_way(self, cold: Cold) -> String {
        format!("{cold} has no tier {}: --tier standard takes {}", self.tier, cold.takes(Tier::Standard).unwrap_or("hours"))
    }
}

fn step(one: &One, outcome: Outcome, why: String) -> Step {
    let step = Step::new("request", one.object.key.clone(), outcome, why);
    step.with("bytes", one.object.stored).with("host", one.host.clone())
}
