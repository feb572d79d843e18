//! `prune`: takes objects out of a store that no rule wants there any more.
//!
//! It decides by the manifests alone; what no manifest names, what is locked or held and what nobody can tell stays. In this order, so that
//! whoever is killed between two of them only repeats the last: a tombstone in this machine's manifest, durable; the object. Manifests
//! are never pruned.

mod bury;
mod clock;
mod decide;
mod facts;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use self::{
    decide::{Decision, Fate, decide},
    facts::{Own, gather},
};
use crate::{
    failure::Result,
    report::{Finding, Outcome, Report, Severity, Size, count},
    run::Run,
    store::{self, Address, Store, Terms},
    tool::Change,
    tools::logs::{
        manifest::{chain::Chain, memory::Memory, register::sign::SignKey},
        settings::{LockWords, LogSet},
        spool::Spool,
    },
};

/// What is to be pruned, by whose rules.
pub struct Prune {
    /// The store.
    pub store: Address,
    /// On what terms it is used.
    pub terms: Terms,
    /// For how long the segments that are put there are locked.
    pub lock: Option<LockWords>,
    /// What signs the end of the manifest that tombstones stand in.
    pub sign_key: Option<SignKey>,
    /// Where receipts go for what an earlier run shipped and did not come to sign for, and where it is remembered what was said last. A
    /// machine that only prunes has none.
    pub spool: Option<Spool>,
    /// This machine, in whose manifest tombstones stand.
    pub host: String,
    /// Whose objects; its own when empty.
    pub hosts: Vec<String>,
    /// The sets, by their names.
    pub sets: BTreeMap<String, LogSet>,
    /// The names of those that are asked for; all objects when None, also of sets that the settings do not have.
    pub chosen: Option<Vec<String>>,
    /// Objects that the store is asked about at the same time.
    pub parallel: usize,
}

/// What is to be done.
pub struct Plan {
    store: Box<dyn Store>,
    chain: Chain,
    decision: Decision,
    /// What is wrong with the manifests.
    troubles: Report,
    /// Whether the clock may be wrong.
    doubtful: bool,
}

impl Change for Prune {
    type Plan = Plan;

    fn schema(&self) -> &'static str {
        "opsbelt.logs.prune/1"
    }

    fn job(&self) -> &'static str {
        "prune"
    }

    /// Who ships goes on with the same chain.
    fn lock(&self) -> &'static str {
        "ship"
    }

    fn plan(&self, run: &Run) -> Result<Plan> {
        // Who may not go on with this machine's manifest is told before anything is asked.
        let signs = self.spool.as_ref().map_or(Ok(None), Spool::desk_if_any)?.is_some();
        let terms = Terms { lock: self.lock.map(|lock| lock.from(run.clock.now())), ..self.terms.clone() };
        let store = store::open(&self.store, &terms)?;
        let chain = Memory::of(self.spool.as_ref(), run.state.folder()?).recall(&self.host, &self.store.to_string())?;
        let mut troubles = Report::default();
        let now = run.clock.now();
        let world = gather(self, run, &*store, &Own { chain: &chain, signs, now }, &mut troubles)?;
        let doubt = world.doubt;
        let decision = decide(self, world, now);
        troubles.findings.extend(doubt.and_then(|until| doubted(now, until, decision.doubted)));
        Ok(Plan { store, chain, decision, troubles, doubtful: doubt.is_some() })
    }

    fn show(&self, run: &Run, plan: &Plan) -> Report {
        let mut report = told(run, plan);
        for item in &plan.decision.items {
            if let Fate::Remove(why) | Fate::Finish { why, .. } | Fate::Name(why) = &item.fate {
                report.steps.push(item.step(Outcome::Planned, why.clone()));
            }
        }
        let (objects, bytes) = plan.decision.going();
        report.summary = match objects {
            0 => format!("nothing to remove; {}", stay(&report)),
            objects => {
                format!("{} to remove ({}); {}; --apply removes them", count(objects, "object"), Size(bytes), stay(&report))
            }
        };
        report
    }

    fn carry_out(&self, run: &Run, plan: Plan) -> Result<Report> {
        bury::carry_out(self, run, plan)
    }
}

/// What is told of a plan and of a run alike.
fn told(run: &Run, plan: &Plan) -> Report {
    let mut report = plan.troubles.clone();
    for item in &plan.decision.items {
        report.unchanged += u64::from(matches!(item.fate, Fate::Keep(_) | Fate::Name(_)));
        if let Fate::Keep(why) = &item.fate
            && run.every_item
        {
            report.steps.push(item.step(Outcome::Kept, why.clone()));
        }
    }
    for (key, bytes) in &plan.decision.unknown {
        let message = format!("no manifest names it ({}), so it stays", Size(*bytes));
        let finding = Finding::new("logs.object-unknown", Severity::Warning, key.clone(), message);
        report
            .findings
            .push(finding.hint("somebody put it there, or a machine is just shipping it: look again after its next run"));
    }
    report
}

/// That the clock may be wrong; told only where that keeps something.
fn doubted(now: DateTime<Utc>, until: DateTime<Utc>, kept: u64) -> Option<Finding> {
    let days = count(u64::try_from((now - until).num_days()).unwrap_or(0), "day");
    let message = format!(
        "it is {days} ahead of the last segment that was made before: it may be wrong, and {} that would be too old stay for now",
        count(kept, "object")
    );
    let hint = "check it (`timedatectl`); a day after the next segment, which `ship` makes, it is believed";
    (kept > 0).then(|| Finding::new("logs.clock", Severity::Note, "the clock", message).hint(hint))
}

fn stay(report: &Report) -> String {
    let verb = if report.unchanged == 1 { "stays" } else { "stay" };
    format!("{} {verb}", count(report.unchanged, "object"))
}
