//! `prune`: takes objects out of a store that no rule wants there any more.
//!
//! It decides by the manifests alone; what no manifest names, what is locked or held and what nobody can tell stays. In this order, so that
//! whoever is killed between two of them only repeats the last: a tombstone in this machine's manifest, durable; the object. Manifests
//! are never pruned.

mod bury;
mod decide;
mod facts;

use std::collections::BTreeMap;

use self::{
    decide::{Decision, Fate, decide},
    facts::gather,
};
use crate::{
    failure::Result,
    report::{Finding, Outcome, Report, Severity, Size, count},
    run::Run,
    store::{self, Address, Store, Terms},
    tool::Change,
    tools::logs::{
        manifest::{chain::Chain, register::sign::SignKey},
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
    /// Where receipts go for what an earlier run shipped and did not come to sign for.
    pub spool: Spool,
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
        let terms = Terms { lock: self.lock.map(|lock| lock.from(run.clock.now())), ..self.terms.clone() };
        let store = store::open(&self.store, &terms)?;
        let chain = Chain::read(run.state.folder()?, &self.host, &self.store.to_string())?;
        let mut troubles = Report::default();
        let world = gather(self, &*store, &chain, &mut troubles)?;
        Ok(Plan { store, chain, decision: decide(self, world, run.clock.now()), troubles })
    }

    fn show(&self, run: &Run, plan: &Plan) -> Report {
        let mut report = told(run, plan);
        for item in &plan.decision.items {
            if let Fate::Remove(why) | Fate::Finish { why, .. } = &item.fate {
                report.steps.push(item.step(Outcome::Planned, why.clone()));
            }
        }
        let (objects, bytes) = plan.decision.going();
        report.summary = match objects {
            0 => format!("nothing to remove; {}", stay(&report)),
            objects => {
                format!(
                    "{} to remove ({}); {}; nothing is done without --apply",
                    count(objects, "object"),
                    Size(bytes),
                    stay(&report)
                )
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
        if let Fate::Keep(why) = &item.fate {
            report.unchanged += 1;
            if run.every_item {
                report.steps.push(item.step(Outcome::Kept, why.clone()));
            }
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

fn stay(report: &Report) -> String {
    let verb = if report.unchanged == 1 { "stays" } else { "stay" };
    format!("{} {verb}", count(report.unchanged, "object"))
}
