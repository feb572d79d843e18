//! What is not in the store, by the ledger and by receipts that are believed: never by what a run said of itself. That only tells why.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::heard::Heard;
use crate::{
    failure::Result,
    report::{Finding, Incomplete, Outcome, Severity, Size, Step, count},
    run::Run,
    tool::Change,
    tools::logs::{
        ledger::{Content, Entry, EntryId, Ledger},
        parcel::ParcelId,
        rotate::{
            Rotate,
            plan::{Arrival, Plan, Rest, is_to_ship},
        },
        settings::Method,
    },
};

/// How far the ledger had come. Times would not do: it remembers seconds, and the newest entry of a log always stays.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark(Option<EntryId>);

impl Mark {
    /// That of now.
    pub(super) fn now(rotate: &Rotate, run: &Run) -> Result<Mark> {
        let ledger = Ledger::read(run.state.folder()?, &rotate.host)?;
        Ok(Mark(ledger.content().entries.keys().next_back().copied()))
    }

    /// Whether it was made since then; an archive that was found then was not.
    fn is_before(self, entry: &Entry) -> bool {
        entry.file.is_some() && self.0.is_none_or(|mark| entry.id > mark)
    }
}

/// What is left here.
#[derive(Debug, Default)]
pub(super) struct Left {
    archives: Vec<Item>,
    logs: Vec<Item>,
    /// What could not be looked at: nobody knows whether there is more.
    unknown: Vec<Incomplete>,
    /// Logs that were written to after they were rotated, and how much.
    grown: (u64, u64),
}

/// An archive or a log that is not in the store.
#[derive(Debug)]
struct Item {
    path: String,
    /// What else a run may call it.
    names: Vec<String>,
    /// How far it has come.
    stage: Stage,
}

/// How far something has come on its way to the store.
#[derive(Clone, Copy, Debug)]
enum Stage {
    NotRotated,
    StaysInPlace,
    TooLittleInPlace,
    NotCollected,
    NotArchived,
    NotHandedOver,
    Waits,
}

impl Stage {
    fn told(self) -> &'static str {
        match self {
            Stage::NotRotated => "it was not rotated",
            Stage::StaysInPlace => "it was rotated in place, and what stayed of it is in no archive",
            Stage::TooLittleInPlace => "it holds no whole block of whole lines, and nothing less can go in place",
            Stage::NotCollected => "it was not collected",
            Stage::NotArchived => "it is not archived yet",
            Stage::NotHandedOver => "it is not handed over yet",
            Stage::Waits => "it waits in the spool",
        }
    }

    /// The runs that could have brought it farther, the last one first.
    fn runs(self) -> &'static [&'static str] {
        match self {
            Stage::Waits => &["ship"],
            Stage::StaysInPlace | Stage::TooLittleInPlace => &[],
            _ => &["rotate --finish", "rotate --force"],
        }
    }
}

impl Left {
    /// Looks; a log that was rotated since then has been.
    pub(super) fn look(rotate: &Rotate, run: &Run, since: Mark) -> Result<Left> {
        let (ledger, plan) = rotate.plan(run)?;
        let content = ledger.content();
        let rotated: HashSet<String> =
            content.entries.values().filter(|entry| since.is_before(entry)).map(Entry::log_path).collect();
        let mut left = Left { archives: archives(rotate, content, &plan), ..Left::default() };
        left.unknown.clone_from(&plan.world.unreadable);
        for trouble in plan.troubles.iter().filter(|trouble| trouble.outcome.is_trouble()) {
            left.log(trouble.path.clone(), Stage::NotRotated);
        }
        for rotation in &plan.rotations {
            let path = rotation.bound.log_path();
            match (rotated.contains(&path), rotation.method) {
                (true, Method::InPlace) => left.log(path, Stage::StaysInPlace),
                (true, _) => left.grown = (left.grown.0 + 1, left.grown.1 + rotation.size),
                (false, _) => left.log(path, Stage::NotRotated),
            }
        }
        for log in plan.left.iter().filter(|left| left.why == Rest::TooLittle) {
            let path = plan.world.path(&plan.world.logs[log.log]).display().to_string();
            left.log(path, Stage::TooLittleInPlace);
        }
        for file in &plan.collections {
            left.log(file.path(), Stage::NotCollected);
        }
        Ok(left)
    }

    /// How many archives.
    pub(super) fn archives(&self) -> usize {
        self.archives.len()
    }

    /// Each, and why.
    pub(super) fn steps(&self, heard: &Heard) -> Vec<Step> {
        let step = |item: &Item| {
            let stage = item.stage.told();
            let why = heard.why(&item.names).map(str::to_owned).or_else(|| heard.ended(item.stage.runs()));
            let why = why.map_or_else(|| stage.to_owned(), |why| format!("{stage}: {why}"));
            Step::new("drain", item.path.clone(), Outcome::Failed, why)
        };
        self.archives.iter().chain(&self.logs).map(step).collect()
    }

    /// What could not be looked at.
    pub(super) fn unknown(&self) -> &[Incomplete] {
        &self.unknown
    }

    /// That somebody still writes is no trouble of ours, and worth knowing.
    pub(super) fn grown(&self) -> Option<Finding> {
        let (logs, bytes) = self.grown;
        let message = format!("{} ({}) written since their rotation: that is in no archive", count(logs, "log"), Size(bytes));
        let finding = Finding::new("logs.grown-since", Severity::Note, "logs that go on", message);
        (logs > 0).then(|| finding.hint("drain after their writers have ended"))
    }

    fn log(&mut self, path: String, stage: Stage) {
        self.logs.push(Item { names: vec![path.clone()], path, stage });
    }
}

/// Archives that the store is to have and, as far as is known, has not; and what else waits for it.
fn archives(rotate: &Rotate, content: &Content, plan: &Plan) -> Vec<Item> {
    let arrived: HashSet<EntryId> = plan.shipment.arrivals.iter().flat_map(Arrival::entries).collect();
    let signed: HashSet<&ParcelId> =
        plan.shipment.arrivals.iter().flat_map(|arrival| &arrival.parcels).map(|signed| &signed.id).collect();
    let spooled = plan.world.spool.iter().flatten().map(|spooled| &spooled.waiting);
    let waits = spooled.filter(|waiting| waiting.parcel.host == rotate.host && !signed.contains(&waiting.id));
    let mut keys: HashMap<(String, String), Vec<&str>> = HashMap::new();
    for waiting in waits {
        for (name, _) in waiting.parcel.archives() {
            keys.entry((waiting.parcel.log.clone(), name.to_owned())).or_default().push(&waiting.parcel.key);
        }
    }
    let item = |entry: &Entry| {
        let keys = keys.remove(&(entry.log_path(), entry.name.clone())).unwrap_or_default();
        let stage = match &entry.archive {
            None => Stage::NotArchived,
            Some(_) if keys.is_empty() => Stage::NotHandedOver,
            Some(_) => Stage::Waits,
        };
        let names = [entry.path(), entry.rotated_path()].into_iter().chain(keys.into_iter().map(str::to_owned)).collect();
        Item { path: entry.path(), names, stage }
    };
    let unshipped = |entry: &&Entry| entry.inherited.is_none() && is_to_ship(rotate, entry) && !arrived.contains(&entry.id);
    let mut items: Vec<Item> = content.entries.values().filter(unshipped).map(item).collect();
    let unknown = |key: &str| Item { path: key.to_owned(), names: vec![key.to_owned()], stage: Stage::Waits };
    // One object may have several archives that nobody knows any more.
    items.extend(keys.into_values().flatten().collect::<BTreeSet<_>>().into_iter().map(unknown));
    items.sort_by(|one, other| one.path.cmp(&other.path));
    items
}
