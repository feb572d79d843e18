//! `direct`: puts rotated logs into the store that lie here as plain text, compressed on their way, and removes each once the store has it.
//!
//! The one command with both rights: the network, and that to remove logs. No archive is ever made here. In this order, so that whoever is
//! killed between two of them only repeats the last: the objects, each from text that is what was recorded of it; the segment that names
//! them; the ledger; the removal, of what still is what was read. Sends nothing that it did not find again in what it sends.

mod carry;
mod record;
mod send;
mod source;

use crate::{
    failure::{Failure, Result},
    report::{Finding, Incomplete, Outcome, Report, Severity, Size, Step, count},
    run::Run,
    tool::Change,
    tools::logs::{
        ledger::{Content, Entry, EntryId},
        rotate::{Rotate, plan::Shipment, show::direct::waiting},
        ship::Ship,
        spool::Spool,
    },
};

/// All that waits here for the store.
pub struct Direct {
    /// The sets, and what is known of their logs.
    pub rotate: Rotate,
    /// The store, and how to get there.
    pub ship: Ship,
}

/// What is to be done.
#[derive(Debug, Default)]
pub struct Plan {
    /// What the store is to get, in this order.
    send: Vec<Entry>,
    /// What it has, and is here yet.
    over: Vec<Entry>,
    /// What could not be looked at.
    unreadable: Vec<Incomplete>,
}

/// Why something is shipped.
const WAITS: &str = "it waits here, and the store does not have it";
/// Why something goes.
const SHIPPED: &str = "the store has it, proven and named in the manifest";

impl Change for Direct {
    type Plan = Plan;

    fn schema(&self) -> &'static str {
        "opsbelt.logs.direct/1"
    }

    fn job(&self) -> &'static str {
        "direct"
    }

    /// Both go on with one manifest.
    fn lock(&self) -> &'static str {
        "ship"
    }

    fn plan(&self, run: &Run) -> Result<Plan> {
        one_user(&self.ship.spool)?;
        let (ledger, plan) = self.rotate.plan(run)?;
        Ok(Plan { unreadable: plan.world.unreadable, ..Plan::of(ledger.content(), &plan.shipment) })
    }

    fn show(&self, _: &Run, plan: &Plan) -> Report {
        let mut report = Direct::troubles(plan);
        report.steps.extend(plan.steps());
        report.summary = match (plan.send.len() as u64, plan.over.len() as u64) {
            (0, 0) => carry::NOTHING.to_owned(),
            (logs, over) => {
                let rest = if over > 0 { format!(", {over} to remove") } else { String::new() };
                format!("{} to ship ({} of text){rest}", count(logs, "log"), Size(plan.bytes()))
            }
        };
        report
    }

    fn carry_out(&self, run: &Run, plan: Plan) -> Result<Report> {
        carry::carry_out(self, run, &plan)
    }
}

impl Direct {
    fn troubles(plan: &Plan) -> Report {
        Report { incomplete: plan.unreadable.clone(), ..Report::default() }
    }
}

impl Plan {
    /// What passes directly between this machine and the store.
    pub(super) fn of(content: &Content, shipment: &Shipment) -> Plan {
        let entries = |ids: &[EntryId]| ids.iter().filter_map(|id| content.entries.get(id).cloned()).collect::<Vec<_>>();
        let mut over = entries(&shipment.over);
        // Another machine's, by its name: only a person knows whether it is this one's.
        over.retain(|entry| entry.inherited.is_none());
        Plan { send: entries(&shipment.direct), over, unreadable: Vec::new() }
    }

    /// What would be done.
    pub(super) fn steps(&self) -> Vec<Step> {
        let step =
            |action, entry: &Entry, why| Step::new(action, entry.path(), Outcome::Planned, why).with("bytes", entry.stored());
        let send = self.send.iter().map(|entry| step("ship", entry, WAITS));
        send.chain(self.over.iter().map(|entry| step("remove", entry, SHIPPED))).collect()
    }

    /// What is to be shipped, as plain text.
    fn bytes(&self) -> u64 {
        self.send.iter().map(Entry::stored).sum()
    }
}

/// What waits although it was tried, and since when.
fn still_waiting(left: &[&Entry], store: &str) -> Option<Finding> {
    let finding = Finding::new("logs.waits-here", Severity::Note, store.to_owned(), waiting(left)?);
    Some(finding.hint("what is told of each, or of the store, says why; where the disk fills meanwhile, ship = true makes archives of what is rotated from then on"))
}

/// Who acts here must be the one who signs: there is one manifest, and one who goes on with it.
fn one_user(spool: &Spool) -> Result<()> {
    let Some(shipper) = spool.shipper()? else { return Ok(()) };
    let why =
        format!("user {} ships from this machine (the folder of receipts is that user's), and has its manifest", shipper.uid);
    let hint = "let one user do both: give the folder `receipts` in the spool to root, and run `ops-logs ship` as root too; or leave out ship = \"direct\"";
    Err(Failure::new("ship", "rotated logs").because(why).hint(hint))
}
