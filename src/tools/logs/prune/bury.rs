//! Carries it out, a batch at a time: what the store says of each object now; the tombstones; the objects.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{
    Plan, Prune,
    decide::{Archive, Buried, Fate, archive, batches},
    stay, told,
};
use crate::{
    failure::{Exit, Failure, Result},
    report::{Finding, Incomplete, Outcome, Report, Severity, Size, count},
    run::Run,
    store::{Access, Hold, Key, Removal, Standing, Store},
    tools::logs::{
        manifest::{chain::Chain, memory::Memory, register::Register, stored::Asking, tombs::Removed},
        parcel::{Receipt, key},
        patience::Patience,
        spool::Pen,
    },
};

/// So many tombstones share one segment, and so many objects go at once.
const BATCH: usize = 500;

/// What the store says of an object just before it would go.
enum Verdict {
    Goes(Key),
    /// It is not there any more.
    Gone,
    /// It stays, and that is no trouble.
    Stays(String),
    /// It stays, is what was named, and has a tombstone that this machine takes back.
    There(String),
    /// It is not what the manifest names.
    Other(String),
    Unknown(Failure),
}

/// One run under way.
struct Burial<'a> {
    prune: &'a Prune,
    run: &'a Run,
    store: &'a dyn Store,
    register: Register<'a>,
    report: &'a mut Report,
    gone: (u64, u64),
    doubtful: bool,
}

/// Removes what the plan says.
pub(super) fn carry_out(prune: &Prune, run: &Run, plan: Plan) -> Result<Report> {
    let mut report = told(run, &plan);
    let Plan { store, chain, decision, doubtful, .. } = plan;
    let going: Vec<Buried> = decision.items.into_iter().filter(|item| !matches!(item.fate, Fate::Keep(_))).collect();
    if going.is_empty() {
        report.summary = format!("nothing to remove; {}", stay(&report));
        return Ok(report);
    }
    let memory = Memory::of(prune.spool.as_ref(), run.state.make()?);
    let sign = |receipts: &[Receipt]| sign(prune, receipts);
    let opened = pen(prune).and_then(|pen| {
        same(prune, &memory, &chain)?;
        Ok((pen, Register::open(&*store, &memory, chain, &sign)?))
    });
    let gone = match opened {
        // What was about to be named is not: then other things were decided than what is so.
        Ok((_, (_, Some(told)))) if told.id == "logs.object-vanished" => {
            report.findings.push(told);
            let why = "this machine's manifest is not what it was when it was decided: run it again";
            report.incomplete.push(Incomplete::new("this run", why));
            (0, 0)
        }
        Ok((_pen, (register, resumed))) => {
            report.findings.extend(resumed);
            let mut burial = Burial { prune, run, store: &*store, register, report: &mut report, gone: (0, 0), doubtful };
            burial.all(&going);
            if let Some(with) = &prune.sign_key {
                burial.register.sign_end(with, run.clock.now(), burial.report);
            }
            burial.gone
        }
        Err(failure) => {
            unsaid(&mut report, &failure);
            (0, 0)
        }
    };
    report.summary = format!("{} removed ({}); {}", count(gone.0, "object"), Size(gone.1), stay(&report));
    Ok(report)
}

/// Nobody else goes on with this machine's manifest meanwhile.
fn pen(prune: &Prune) -> Result<Option<Pen>> {
    let Some(spool) = &prune.spool else { return Ok(None) };
    spool.desk_if_any()?.map(|_| spool.may_sign()).transpose()
}

/// What was decided was decided about the manifest as it was then.
fn same(prune: &Prune, memory: &Memory, chain: &Chain) -> Result<()> {
    if memory.recall(&prune.host, &chain.store)? == *chain {
        return Ok(());
    }
    let failure = Failure::new("prune", &chain.store).because("this machine's manifest went on meanwhile, by another run");
    Err(failure.hint("run it again").exit(Exit::Partial))
}

/// Receipts for what an earlier run shipped.
fn sign(prune: &Prune, receipts: &[Receipt]) -> Result<()> {
    let none = || Failure::new("sign for", "what an earlier run shipped").because("the settings have no store, and so no spool");
    prune.spool.as_ref().ok_or_else(none)?.sign(receipts)
}

/// Of what no tombstone says nothing goes.
fn unsaid(report: &mut Report, failure: &Failure) {
    if failure.exit == Exit::PersonNeeded {
        report.findings.push(Finding::of("logs.manifest-differs", failure.what.clone(), failure));
    }
    report.incomplete.push(failure.into());
}

impl Burial<'_> {
    fn all(&mut self, going: &[Buried]) {
        for batch in batches(going, BATCH) {
            let asked = self.run.shutdown.asked();
            match if asked { Ok(false) } else { self.batch(&batch) } {
                Ok(true) => {}
                Ok(false) => {
                    let why = "it ended before all were removed; the next one goes on";
                    self.report.incomplete.push(Incomplete::new("this run", why));
                    break;
                }
                Err(failure) => {
                    unsaid(self.report, &failure);
                    break;
                }
            }
        }
    }

    /// Whether to go on.
    fn batch(&mut self, batch: &[&Buried]) -> Result<bool> {
        let (store, now) = (self.store, self.run.clock.now());
        let asks = Asks { store, own: &self.prune.host, now, doubtful: self.doubtful };
        let one = |item: &&Buried| asks.look(item);
        let verdicts = Asking::of(store, self.run, self.prune.parallel, &Patience::default()).each(batch, one);
        // A part of an archive without the others helps nobody.
        let goes = |verdict: &Option<Verdict>| matches!(verdict, Some(Verdict::Goes(_) | Verdict::Gone));
        let held: HashSet<(&str, Archive)> =
            batch.iter().zip(&verdicts).filter(|(_, verdict)| !goes(verdict)).map(|(item, _)| of(item)).collect();
        let (mut going, mut there) = (Vec::new(), Vec::new());
        for (item, verdict) in batch.iter().copied().zip(verdicts) {
            match verdict {
                Some(Verdict::Goes(_)) if held.contains(&of(item)) => self.keep(item, "another part of its archive stays"),
                Some(Verdict::Goes(key)) => going.push((item, key)),
                Some(Verdict::Gone) => self.report.steps.push(item.step(Outcome::Kept, "it is not there any more")),
                Some(Verdict::Stays(why)) => self.keep(item, &why),
                Some(Verdict::There(why)) => there.push((item, why)),
                Some(Verdict::Other(why)) => {
                    let finding = Finding::new("logs.object-differs", Severity::Danger, item.object.key.clone(), why.clone());
                    self.report.findings.push(finding.hint("it stays: find out who wrote it"));
                    self.keep(item, &why);
                }
                Some(Verdict::Unknown(failure)) => self.failed(item, &failure),
                None => return Ok(false),
            }
        }
        let fresh = going.iter().filter_map(|(item, _)| tombstone(item, now)).collect::<Vec<_>>();
        if !(fresh.is_empty() && there.is_empty()) {
            let named = there.iter().map(|(item, _)| item.object.clone()).collect();
            self.register.bury(now, fresh, named)?;
        }
        for (item, why) in there {
            self.report.unchanged += stays(item);
            let item = Buried { fate: Fate::Name(why.clone()), ..item.clone() };
            let step = item.step(Outcome::Done, format!("it was to be removed, is there, and stays: {why}"));
            self.report.steps.push(step.with("sha256", item.object.sha256.clone()));
        }
        self.remove(&going);
        Ok(going.is_empty() || self.gone.0 > 0)
    }

    fn remove(&mut self, going: &[(&Buried, Key)]) {
        let keys: Vec<Key> = going.iter().map(|(_, key)| key.clone()).collect();
        for ((item, _), came) in going.iter().zip(self.store.remove(&keys)) {
            let (Fate::Remove(why) | Fate::Finish { why, .. } | Fate::Keep(why) | Fate::Name(why)) = &item.fate;
            match came {
                Ok(Removal::Gone) => self.done(item, why.clone()),
                Ok(Removal::Hidden) => {
                    self.done(item, format!("{why}; the bucket keeps its version behind a delete marker"));
                }
                Ok(Removal::Refused(words)) => self.keep(item, &format!("the store does not let it go: {words}")),
                Err(failure) => self.failed(item, &failure),
            }
        }
    }

    fn done(&mut self, item: &Buried, why: String) {
        self.gone = (self.gone.0 + 1, self.gone.1.saturating_add(item.object.stored));
        self.report.steps.push(item.step(Outcome::Done, why).with("sha256", item.object.sha256.clone()));
    }

    fn keep(&mut self, item: &Buried, why: &str) {
        self.report.unchanged += stays(item);
        self.report.steps.push(item.step(Outcome::Kept, why));
    }

    fn failed(&mut self, item: &Buried, failure: &Failure) {
        self.report.steps.push(item.step(Outcome::Failed, failure.told()));
    }
}

/// How many more stay than were known to; what was not to go is counted already.
fn stays(item: &Buried) -> u64 {
    u64::from(!matches!(item.fate, Fate::Name(_)))
}

/// The archive that it is all or a part of.
fn of(item: &Buried) -> (&str, Archive) {
    (&item.host, archive(&item.object))
}

/// What says that it went; none where that is said already.
fn tombstone(item: &Buried, at: DateTime<Utc>) -> Option<Removed> {
    let Fate::Remove(why) = &item.fate else { return None };
    let Buried { host, segment, object, .. } = item;
    let (host, key, sha256) = (host.clone(), object.key.clone(), object.sha256.clone());
    Some(Removed { host, segment: *segment, key, sha256, why: why.clone(), at })
}

/// What the store is asked about each object just before.
struct Asks<'a> {
    store: &'a dyn Store,
    own: &'a str,
    now: DateTime<Utc>,
    doubtful: bool,
}

impl Asks<'_> {
    /// Asks anew: nothing goes that is not what was decided about, or that somebody wants to keep.
    fn look(&self, item: &Buried) -> Verdict {
        let Some(key) = Key::new(item.object.key.clone()).filter(|key| key::is_of(key, &item.host)) else {
            return Verdict::Other("its key is none of that machine's".to_owned());
        };
        let found = match self.store.look(&key) {
            Ok(Some(found)) => found,
            Ok(None) => return Verdict::Gone,
            Err(failure) => return Verdict::Unknown(failure),
        };
        if found.size != item.object.stored {
            return Verdict::Other(format!("it has {} bytes, and {} are named", found.size, item.object.stored));
        }
        if let Fate::Name(why) = &item.fate {
            return self.prove(item, &key, &found, why.clone());
        }
        if let Fate::Finish { at, .. } = item.fate
            && found.made_at.is_none_or(|made| made > at)
        {
            return Verdict::Stays("it was put there again after it was removed, and no manifest names it since".to_owned());
        }
        match self.store.held(&key) {
            Ok(Some(Hold::Until(until))) if until <= self.now && !self.doubtful => Verdict::Goes(key),
            Ok(None) => Verdict::Goes(key),
            // Somebody wants to keep what was to go: then it is not to be called gone.
            Ok(Some(hold)) if matches!(item.fate, Fate::Finish { .. }) && item.host == self.own => {
                self.prove(item, &key, &found, hold.to_string())
            }
            Ok(Some(hold)) => Verdict::Stays(hold.to_string()),
            // A lock that nobody may see counts as one.
            Err(failure) => Verdict::Unknown(failure.exit(Exit::Partial)),
        }
    }

    /// Nothing is named anew that is not, byte for byte, what it was.
    fn prove(&self, item: &Buried, key: &Key, found: &Standing, why: String) -> Verdict {
        if found.access != Access::Ready {
            return Verdict::Stays(format!(
                "{why}; its class must be asked for, so whether it is what was named nobody can tell"
            ));
        }
        match self.store.sha256(key) {
            Err(failure) => Verdict::Unknown(failure),
            Ok(sha256) if sha256 == item.object.stored_sha256 => Verdict::There(why),
            Ok(_) => Verdict::Other("it is not what was named".to_owned()),
        }
    }
}
