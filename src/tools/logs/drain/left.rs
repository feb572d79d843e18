//! What is not in the store, by the ledger and by receipts that are believed: never by what a run said of itself. That only tells why.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::Path,
};

use super::heard::Heard;
use crate::{
    report::{Finding, Incomplete, Outcome, Severity, Size, Step, count},
    run::Run,
    tool::Change,
    tools::logs::{
        ledger::{Content, Entry, EntryId, Ledger, Taken},
        parcel::ParcelId,
        rotate::{
            Rotate,
            facts::{LogFact, What, absent},
            plan::{Arrival, Plan, Rest, is_direct, is_to_ship},
        },
        settings::Method,
        spool::Waiting,
    },
};

/// How far the ledger had come. Times would not do: it remembers seconds, and the newest entry of a log always stays.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    /// Up to there.
    At(Option<EntryId>),
    /// Nobody could tell.
    Unknown,
}

impl Mark {
    /// That of now.
    pub(super) fn now(rotate: &Rotate, run: &Run) -> Mark {
        let ledger = run.state.folder().and_then(|state| Ledger::read(state, &rotate.host));
        ledger.map_or(Mark::Unknown, |ledger| Mark::At(ledger.content().entries.keys().next_back().copied()))
    }

    /// Whether it was made since then; an archive that was found then was not.
    fn is_before(self, entry: &Entry) -> bool {
        let Mark::At(mark) = self else { return false };
        entry.file.is_some() && mark.is_none_or(|mark| entry.id > mark)
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
    /// The logs that were rotated by then: of what has gone into the store without an archive here, no entry tells any more.
    rotated: HashSet<String>,
}

/// An archive or a log that is not in the store.
#[derive(Debug)]
struct Item {
    path: String,
    /// What else a run may call it.
    names: Vec<String>,
    /// How far it has come.
    stage: Stage,
    /// The machine that it is of, when that is another one by its name.
    host: Option<String>,
}

/// How far something has come on its way to the store.
#[derive(Clone, Copy, Debug)]
enum Stage {
    NotRotated,
    StaysInPlace,
    TooLittleInPlace,
    NotCollected,
    Live,
    NotArchived,
    NotHandedOver,
    WaitsHere,
    Waits,
}

impl Stage {
    fn told(self) -> &'static str {
        match self {
            Stage::NotRotated => "it was not rotated",
            Stage::StaysInPlace => "it was rotated in place, and what stayed of it is in no archive",
            Stage::TooLittleInPlace => "it holds no whole block of whole lines, and nothing less can go in place",
            Stage::NotCollected => "it was not collected",
            Stage::Live => "only its writer ends it, and what it holds is in no archive",
            Stage::NotArchived => "it is not archived yet",
            Stage::NotHandedOver => "it is not handed over yet",
            Stage::WaitsHere => "it waits here as plain text",
            Stage::Waits => "it waits in the spool",
        }
    }

    /// How many of the next steps on its way it has before it.
    fn to_go(self) -> usize {
        match self {
            Stage::Waits | Stage::WaitsHere => 1,
            Stage::NotHandedOver => 2,
            _ => 3,
        }
    }

    /// The runs that could have brought it farther, the last one first.
    fn runs(self) -> &'static [&'static str] {
        match self {
            Stage::Waits => &["ship"],
            Stage::WaitsHere => &["direct"],
            Stage::StaysInPlace | Stage::TooLittleInPlace | Stage::Live => &[],
            _ => &["rotate --finish", "rotate --force"],
        }
    }
}

impl Left {
    /// Looks; a log that was rotated since then has been. Where the ledger cannot be read, nothing is known, and that is told.
    pub(super) fn look(rotate: &Rotate, run: &Run, since: Mark) -> Left {
        Left::default().looked(rotate, run, since)
    }

    /// Looks again; what was left before.
    pub(super) fn again(&mut self, rotate: &Rotate, run: &Run, since: Mark) -> Left {
        let now = self.looked(rotate, run, since);
        std::mem::replace(self, now)
    }

    fn looked(&self, rotate: &Rotate, run: &Run, since: Mark) -> Left {
        match rotate.plan(run) {
            Ok((ledger, plan)) => self.after(rotate, ledger.content(), &plan, since),
            Err(failure) => Left { unknown: vec![(&failure).into()], rotated: self.rotated.clone(), ..Left::default() },
        }
    }

    fn after(&self, rotate: &Rotate, content: &Content, plan: &Plan, since: Mark) -> Left {
        let fresh = content.entries.values().filter(|entry| since.is_before(entry)).map(Entry::log_path);
        let rotated: HashSet<String> = fresh.chain(self.rotated.iter().cloned()).collect();
        let mut left = Left { archives: archives(rotate, content, plan), ..Left::default() };
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
        left.rotated = rotated;
        for file in &plan.collections {
            left.log(file.path(), Stage::NotCollected);
        }
        for log in plan.left.iter().filter(|left| left.why == Rest::Collected).map(|left| &plan.world.logs[left.log]) {
            if holds_more(log, content, plan) {
                left.log(plan.world.path(log).display().to_string(), Stage::Live);
            }
        }
        left
    }

    /// How far all archives together have to go: nothing when the store has them, and less whenever one of them came farther.
    pub(super) fn way(&self) -> usize {
        self.archives.iter().map(|item| item.stage.to_go()).sum()
    }

    /// Whether there is something that waits as plain text, or nobody can tell.
    pub(super) fn may_wait_here(&self) -> bool {
        !self.unknown.is_empty() || self.archives.iter().any(|item| matches!(item.stage, Stage::WaitsHere))
    }

    /// Each, and why.
    pub(super) fn steps(&self, heard: &Heard, ours: &str) -> Vec<Step> {
        let step = |item: &Item| {
            let stage = item.stage.told();
            let why = heard.why(&item.names).map(str::to_owned).or_else(|| heard.ended(item.stage.runs()));
            let why = why.or_else(|| item.host.as_deref().map(|host| of_another(host, ours)));
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
        self.logs.push(Item { names: vec![path.clone()], path, stage, host: None });
    }
}

/// Whether the live file of a log that its writer rotates holds anything that was not collected, as it is now.
fn holds_more(log: &LogFact, content: &Content, plan: &Plan) -> bool {
    let What::File(stat) = &log.what else { return false };
    let kept = content.entries.values().filter_map(|entry| entry.taken.as_ref());
    let mut kept = kept.chain(content.collected.values().flatten().map(|collected| &collected.taken));
    let is_it = |taken: &Taken| (taken.file.ino, taken.size, taken.modified) == (stat.id.ino, stat.size, stat.modified);
    stat.size > 0 && !kept.any(is_it) && !plan.collections.iter().any(|file| file.bound.file == stat.id)
}

/// What to do about what is here under another machine's name.
fn of_another(host: &str, ours: &str) -> String {
    format!(
        "it is of `{host}`, and this machine is `{ours}`; if it was called `{host}`: OPSBELT_LOGS_HOST={host} ops-logs drain, \
         if this is a copy of that machine: that one ships it"
    )
}

/// Archives that the store is to have and, as far as is known, has not; and what else waits for it.
fn archives(rotate: &Rotate, content: &Content, plan: &Plan) -> Vec<Item> {
    let arrived: HashSet<EntryId> = plan.shipment.arrivals.iter().flat_map(Arrival::entries).collect();
    let signed: HashSet<&ParcelId> =
        plan.shipment.arrivals.iter().flat_map(|arrival| &arrival.parcels).map(|signed| &signed.id).collect();
    let spooled = plan.world.spool.iter().flatten().map(|spooled| &spooled.waiting);
    let mut keys: HashMap<(String, String), Vec<(&str, &str)>> = HashMap::new();
    for Waiting { parcel, .. } in spooled.filter(|waiting| !signed.contains(&waiting.id)) {
        for (name, _) in parcel.archives() {
            keys.entry((parcel.log.clone(), name.to_owned())).or_default().push((&parcel.key, &parcel.host));
        }
    }
    let item = |entry: &Entry| {
        let keys = keys.remove(&(entry.log_path(), entry.name.clone())).unwrap_or_default();
        let stage = match &entry.archive {
            None => Stage::NotArchived,
            Some(_) if keys.is_empty() && is_direct(rotate, entry) => Stage::WaitsHere,
            Some(_) if keys.is_empty() => Stage::NotHandedOver,
            Some(_) => Stage::Waits,
        };
        let keys = keys.into_iter().map(|(key, _)| key.to_owned());
        let names = [entry.path(), entry.rotated_path()].into_iter().chain(keys).collect();
        Item { path: entry.path(), names, stage, host: entry.inherited.clone() }
    };
    // Of what another machine made, only what this one has is left here.
    let here = |entry: &Entry| [entry.path(), entry.rotated_path()].iter().any(|path| !absent(Path::new(path)));
    let unshipped =
        |entry: &&Entry| is_to_ship(rotate, entry) && !arrived.contains(&entry.id) && (entry.inherited.is_none() || here(entry));
    let mut items: Vec<Item> = content.entries.values().filter(unshipped).map(item).collect();
    let unknown = |(key, host): (&str, &str)| Item {
        path: key.to_owned(),
        names: vec![key.to_owned()],
        stage: Stage::Waits,
        host: (host != rotate.host).then(|| host.to_owned()),
    };
    // One object may have several archives that nobody knows any more.
    items.extend(keys.into_values().flatten().collect::<BTreeSet<_>>().into_iter().map(unknown));
    items.sort_by(|one, other| one.path.cmp(&other.path));
    items
}
