//! `ship`: puts what waits in the spool into the store, writes down in the store what was put there, and signs for it.
//!
//! The only command that talks to the store about what is new, and it removes nothing but its own receipts: that the store has an
//! archive is for the other side to conclude (`rotate`). In this order, so that whoever is killed between two of them only
//! repeats the last: the objects; what the next segment of the manifest will say; the segment; the receipts.

mod carry;
pub(super) mod ending;
mod load;
pub(super) mod under_way;
pub(super) mod upload;

use std::collections::HashSet;

use self::load::Load;
use crate::{
    failure::Result,
    report::{Outcome, Report, Step},
    run::Run,
    store::{Address, Terms},
    tool::Change,
    tools::logs::{
        cost::{Besides, Month, Tariff},
        manifest::{memory::Memory, register::sign::SignKey},
        settings::LockWords,
        spool::{Listed, Spool, Waiting},
    },
};

/// Everything that waits, to one store.
pub struct Ship {
    /// The store.
    pub store: Address,
    /// On what terms it is used.
    pub terms: Terms,
    /// What it costs, where that is known.
    pub tariff: Option<Tariff>,
    /// For how long what is put there is locked.
    pub lock: Option<LockWords>,
    /// What signs the end of the manifest.
    pub sign_key: Option<SignKey>,
    /// Where archives wait.
    pub spool: Spool,
    /// This machine's name.
    pub host: String,
    /// Archives on their way at the same time.
    pub parallel: usize,
    /// Whether sets ship directly as well: of what is begun in this store, only `direct` knows then what nobody goes on with.
    pub beside_direct: bool,
}

/// What is to be shipped.
#[derive(Debug, Default)]
pub struct Plan {
    /// In this order.
    parcels: Vec<Waiting>,
    /// What stays, and why.
    left: Vec<(Waiting, &'static str)>,
    /// What was looked at.
    listed: Listed,
    /// Whether nobody remembers a segment of this machine in that store.
    begins: bool,
}

impl Change for Ship {
    type Plan = Plan;

    fn schema(&self) -> &'static str {
        "opsbelt.logs.ship/1"
    }

    fn job(&self) -> &'static str {
        "ship"
    }

    fn plan(&self, run: &Run) -> Result<Plan> {
        let mut listed = self.spool.list()?;
        let mut plan = Plan::default();
        // Where two are of one archive, the one that nobody doubts goes first.
        listed.waiting.sort_by_cached_key(|waiting| self.spool.is_doubted(&waiting.id));
        let mut keys = HashSet::new();
        for waiting in std::mem::take(&mut listed.waiting) {
            // At the same time they would be in each other's way, and the second one not be known to be named.
            let again = || (!keys.insert(waiting.parcel.key.clone())).then_some("another parcel of that archive goes first");
            match self.stays(&waiting).or_else(again) {
                Some(why) => plan.left.push((waiting, why)),
                None => plan.parcels.push(waiting),
            }
        }
        plan.listed = listed;
        plan.begins = self.tariff.is_some() && self.begins(run);
        Ok(plan)
    }

    fn show(&self, run: &Run, plan: &Plan) -> Report {
        let mut report = Ship::troubles(run, plan);
        for waiting in &plan.parcels {
            let why = "it waits in the spool, and nobody has signed for it";
            let step = Step::new("ship", waiting.parcel.key.clone(), Outcome::Planned, why);
            report.steps.push(step.with("bytes", waiting.bytes.unwrap_or(0)));
        }
        let sizes = plan.parcels.iter().filter_map(|waiting| waiting.bytes);
        if let Some(tariff) = self.tariff.as_ref().filter(|_| !plan.parcels.is_empty()) {
            report.tables.push(Month::of_a_shipment(sizes, self.besides(plan), tariff).table(&self.store.to_string(), tariff));
        }
        let nothing = plan.parcels.is_empty();
        report.summary = if nothing { "nothing waits for the store".to_owned() } else { plan.load().told("to ship") };
        report
    }

    fn carry_out(&self, run: &Run, plan: Plan) -> Result<Report> {
        carry::carry_out(self, run, &plan)
    }
}

impl Ship {
    /// What a run asks besides objects.
    fn besides(&self, plan: &Plan) -> Besides {
        let segments = plan.parcels.len().div_ceil(carry::BATCH) as u64;
        if plan.begins { Besides::begins(segments, !self.beside_direct) } else { Besides::goes_on(segments) }
    }

    /// Whether it is the first of this machine. Who may not read what is remembered does not know, and it happens once.
    fn begins(&self, run: &Run) -> bool {
        let memory = run.state.folder().map(|state| Memory::of(Some(&self.spool), state));
        let chain = memory.and_then(|memory| memory.recall(&self.host, &self.store.to_string()));
        chain.is_ok_and(|chain| chain.head.is_none())
    }

    /// Why a parcel is not shipped by this run.
    fn stays(&self, waiting: &Waiting) -> Option<&'static str> {
        match waiting.bytes {
            _ if waiting.parcel.host != self.host => Some("it is of another machine, whose spool this one has a copy of"),
            None => Some("its archive is missing from the spool; the next rotation hands it over anew"),
            Some(_) if self.spool.is_signed(waiting, &self.store.to_string()) => {
                Some("the store has it; the next rotation takes it back")
            }
            Some(_) => None,
        }
    }

    /// What is told of a plan and of a run alike.
    fn troubles(run: &Run, plan: &Plan) -> Report {
        let mut report = Report { unchanged: plan.left.len() as u64, ..Report::default() };
        report.incomplete.extend(plan.listed.unreadable.iter().cloned());
        if run.every_item {
            let kept = |(waiting, why): &(Waiting, &str)| Step::new("ship", waiting.parcel.key.clone(), Outcome::Kept, *why);
            report.steps.extend(plan.left.iter().map(kept));
        }
        report
    }
}

impl Plan {
    fn load(&self) -> Load {
        Load::of(self.parcels.iter().map(|waiting| (&waiting.parcel, waiting.bytes.unwrap_or(0))))
    }

    fn bytes(&self) -> u64 {
        self.parcels.iter().filter_map(|waiting| waiting.bytes).sum()
    }
}
