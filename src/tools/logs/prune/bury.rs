//! Carries it out, a batch at a time: what the store says of each object now; the tombstones; the objects.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{
    Plan, Prune,
    decide::{Archive, Decided, Fate, archive, batches},
    stay, told,
};
use crate::{
    failure::{Exit, Failure, Result},
    report::{Finding, Incomplete, Outcome, Report, Severity, Size, Step, count},
    run::{Bar, Run},
    store::{Access, Hold, Key, Removal, Standing},
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
}

/// One run under way.
struct Burial<'a> {
    prune: &'a Prune,
    asking: Asking<'a>,
    bar: Bar,
    register: Register<'a>,
    report: &'a mut Report,
    gone: (u64, u64),
    /// Of how many nothing was decided yet.
    left: u64,
    doubtful: bool,
}

/// Removes what the plan says.
pub(super) fn carry_out(prune: &Prune, run: &Run, plan: Plan) -> Result<Report> {
    let mut report = told(run, &plan);
    let Plan { store, chain, decision, doubtful, .. } = plan;
    let going: Vec<Decided> = decision.items.into_iter().filter(|item| !matches!(item.fate, Fate::Keep(_))).collect();
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
    let (patience, all) = (Patience::default(), going.len() as u64);
    let (gone, left) = match opened {
        // What was about to be named is not: then other things were decided than what is so.
        Ok((_, (_, Some(told)))) if told.id == "logs.object-vanished" => {
            report.findings.push(told);
            let why = "this machine's manifest is not what it was when it was decided: run it again";
            report.incomplete.push(Incomplete::new("this run", why));
            ((0, 0), all)
        }
        Ok((_pen, (register, resumed))) => {
            report.findings.extend(resumed);
            let asking = Asking::of(&*store, run, prune.parallel, &patience);
            let bar = run.progress.items("pruning", all);
            let mut burial = Burial { prune, asking, bar, register, report: &mut report, gone: (0, 0), left: all, doubtful };
            burial.all(&going);
            if let Some(with) = &prune.sign_key {
                burial.register.sign_end(with, run.clock.now(), burial.report);
            }
            (burial.gone, burial.left)
        }
        Err(failure) => {
            unsaid(&mut report, &failure);
            ((0, 0), all)
        }
    };
    let left = if left == 0 { String::new() } else { format!("; {left} left to the next run") };
    report.summary = format!("{} removed ({}); {}{left}", count(gone.0, "object"), Size(gone.1), stay(&report));
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
    fn all(&mut self, going: &[Decided]) {
        for batch in batches(going, BATCH) {
            match if self.asking.is_going_on() { self.batch(&batch) } else { Ok(false) } {
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

    /// Whether to go on: not where nothing goes of what was to, and not where nobody can tell anything of any.
    fn batch(&mut self, batch: &[&Decided]) -> Result<bool> {
        let (before, now) = (self.gone.0, self.asking.run.clock.now());
        let asks = Asks { asking: self.asking, own: &self.prune.host, now, doubtful: self.doubtful };
        let one = |item: &&Decided| {
            let verdict = asks.look(item);
            self.bar.advance(1);
            verdict
        };
        let verdicts = self.asking.each(batch, one);
        let all_unknown = verdicts.iter().all(|verdict| matches!(verdict, Some(Err(_))));
        // A part of an archive without the others helps nobody.
        let goes = |verdict: &Option<Result<Verdict>>| matches!(verdict, Some(Ok(Verdict::Goes(_) | Verdict::Gone)));
        let held: HashSet<(&str, Archive)> =
            batch.iter().zip(&verdicts).filter(|(_, verdict)| !goes(verdict)).map(|(item, _)| of(item)).collect();
        let (mut going, mut there) = (Vec::new(), Vec::new());
        for (item, verdict) in batch.iter().copied().zip(verdicts) {
            match verdict {
                Some(Ok(Verdict::Goes(_))) if held.contains(&of(item)) => self.keep(item, "another part of its archive stays"),
                Some(Ok(Verdict::Goes(key))) => going.push((item, key)),
                Some(Ok(Verdict::Gone)) => self.settle(item.step(Outcome::Kept, "it is not there any more")),
                Some(Ok(Verdict::Stays(why))) => self.keep(item, &why),
                Some(Ok(Verdict::There(why))) => there.push((item, why)),
                Some(Ok(Verdict::Other(why))) => {
                    let finding = Finding::new("logs.object-differs", Severity::Danger, item.object.key.clone(), why.clone());
                    self.report.findings.push(finding.hint("it stays: find out who wrote it"));
                    self.keep(item, &why);
                }
                Some(Err(failure)) => self.failed(item, &failure),
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
            let item = Decided { fate: Fate::Name(why.clone()), ..item.clone() };
            let step = item.step(Outcome::Done, format!("it was to be removed, is there, and stays: {why}"));
            self.settle(step.with("sha256", item.object.sha256.clone()));
        }
        self.remove(&going);
        Ok(self.gone.0 > before || (going.is_empty() && !all_unknown))
    }

    fn remove(&mut self, going: &[(&Decided, Key)]) {
        let keys: Vec<Key> = going.iter().map(|(_, key)| key.clone()).collect();
        for ((item, _), came) in going.iter().zip(self.asking.store.remove(&keys)) {
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

    fn done(&mut self, item: &Decided, why: String) {
        self.gone = (self.gone.0 + 1, self.gone.1.saturating_add(item.object.stored));
        self.settle(item.step(Outcome::Done, why).with("sha256", item.object.sha256.clone()));
    }

    fn keep(&mut self, item: &Decided, why: &str) {
        self.report.unchanged += stays(item);
        self.settle(item.step(Outcome::Kept, why));
    }

    /// What the next run need not decide again.
    fn settle(&mut self, step: Step) {
        self.left -= 1;
        self.report.steps.push(step);
    }

    fn failed(&mut self, item: &Decided, failure: &Failure) {
        self.report.steps.push(item.step(Outcome::Failed, failure.told()));
    }
}

/// How many more stay than were known to; what was not to go is counted already.
fn stays(item: &Decided) -> u64 {
    u64::from(!matches!(item.fate, Fate::Name(_)))
}

/// The archive that it is all or a part of.
fn of(item: &Decided) -> (&str, Archive) {
    (&item.host, archive(&item.object))
}

/// What says that it went; none where that is said already.
fn tombstone(item: &Decided, at: DateTime<Utc>) -> Option<Removed> {
    let Fate::Remove(why) = &item.fate else { return None };
    let Decided { host, segment, object, .. } = item;
    let (host, key, sha256) = (host.clone(), object.key.clone(), object.sha256.clone());
    Some(Removed { host, segment: *segment, key, sha256, why: why.clone(), at })
}

/// What the store is asked about each object just before.
struct Asks<'a> {
    asking: Asking<'a>,
    own: &'a str,
    now: DateTime<Utc>,
    doubtful: bool,
}

impl Asks<'_> {
    /// Asks anew: nothing goes that is not what was decided about, or that somebody wants to keep.
    fn look(&self, item: &Decided) -> Result<Verdict> {
        let Some(key) = Key::new(item.object.key.clone()).filter(|key| key::is_of(key, &item.host)) else {
            return Ok(Verdict::Other("its key is none of that machine's".to_owned()));
        };
        let Some(found) = self.asking.hears(self.asking.store.look(&key))? else { return Ok(Verdict::Gone) };
        if found.size != item.object.stored {
            return Ok(Verdict::Other(format!("it has {} bytes, and {} are named", found.size, item.object.stored)));
        }
        if let Fate::Name(why) = &item.fate {
            return self.prove(item, &key, &found, why.clone());
        }
        if let Fate::Finish { at, .. } = item.fate
            && found.made_at.is_none_or(|made| made > at)
        {
            return Ok(Verdict::Stays("it was put there again after it was removed, and no manifest names it since".to_owned()));
        }
        // A lock that nobody may see counts as one.
        match self.asking.hears(self.asking.store.held(&key)).map_err(|failure| failure.exit(Exit::Partial))? {
            Some(Hold::Until(until)) if until <= self.now && !self.doubtful => Ok(Verdict::Goes(key)),
            None => Ok(Verdict::Goes(key)),
            // Somebody wants to keep what was to go: then it is not to be called gone.
            Some(hold) if matches!(item.fate, Fate::Finish { .. }) && item.host == self.own => {
                self.prove(item, &key, &found, hold.to_string())
            }
            Some(hold) => Ok(Verdict::Stays(hold.to_string())),
        }
    }

    /// Nothing is named anew that is not, byte for byte, what it was.
    fn prove(&self, item: &Decided, key: &Key, found: &Standing, why: String) -> Result<Verdict> {
        if found.access != Access::Ready {
            let unread = "its class must be asked for, so whether it is what was named nobody can tell";
            return Ok(Verdict::Stays(format!("{why}; {unread}")));
        }
        let is_it = match self.asking.hears(self.asking.store.sha256(key, item.object.stored)) {
            Err(failure) if failure.exit == Exit::PersonNeeded => false,
            sha256 => sha256? == item.object.stored_sha256,
        };
        Ok(if is_it { Verdict::There(why) } else { Verdict::Other("it is not what was named".to_owned()) })
    }
}
