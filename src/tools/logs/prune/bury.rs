//! Carries it out, a batch at a time: what the store says of each object now; the tombstones; the objects.

use chrono::{DateTime, Utc};

use super::{
    Plan, Prune,
    decide::{Buried, Fate},
    stay, told,
};
use crate::{
    failure::{Exit, Failure, Result},
    report::{Finding, Incomplete, Outcome, Report, Severity, Size, count},
    run::{Run, side_by_side},
    store::{Hold, Key, Removal, Store},
    tools::logs::{
        manifest::{register::Register, tombs::Removed},
        parcel::{Receipt, key},
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
}

/// Removes what the plan says.
pub(super) fn carry_out(prune: &Prune, run: &Run, plan: Plan) -> Result<Report> {
    let mut report = told(run, &plan);
    let Plan { store, chain, decision, .. } = plan;
    let going: Vec<Buried> = decision.items.into_iter().filter(|item| !matches!(item.fate, Fate::Keep(_))).collect();
    if going.is_empty() {
        report.summary = format!("nothing to remove; {}", stay(&report));
        return Ok(report);
    }
    let sign = |receipts: &[Receipt]| prune.spool.sign(receipts);
    let gone = match Register::open(&*store, run.state.make()?, chain, &sign) {
        Ok((register, resumed)) => {
            report.findings.extend(resumed);
            let mut burial = Burial { prune, run, store: &*store, register, report: &mut report, gone: (0, 0) };
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

/// Of what no tombstone says nothing goes.
fn unsaid(report: &mut Report, failure: &Failure) {
    if failure.exit == Exit::PersonNeeded {
        let finding = Finding::new("logs.manifest-differs", Severity::Danger, failure.what.clone(), failure.to_string());
        report.findings.push(Finding { hint: failure.hint.clone(), ..finding });
    }
    report.incomplete.push(failure.into());
}

impl Burial<'_> {
    fn all(&mut self, going: &[Buried]) {
        for batch in going.chunks(BATCH) {
            let asked = self.run.shutdown.asked();
            match if asked { Ok(false) } else { self.batch(batch) } {
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
    fn batch(&mut self, batch: &[Buried]) -> Result<bool> {
        let (store, now) = (self.store, self.run.clock.now());
        let one = |item: &Buried| look(store, item, now);
        let verdicts = side_by_side(batch, self.prune.parallel, &self.run.shutdown, || (), one);
        let mut going = Vec::new();
        for (item, verdict) in batch.iter().zip(verdicts) {
            match verdict {
                Some(Verdict::Goes(key)) => going.push((item, key)),
                Some(Verdict::Gone) => self.keep(item, "it is not there any more"),
                Some(Verdict::Stays(why)) => self.keep(item, &why),
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
        if !fresh.is_empty() {
            self.register.bury(now, fresh)?;
        }
        self.remove(&going);
        Ok(going.is_empty() || self.gone.0 > 0)
    }

    fn remove(&mut self, going: &[(&Buried, Key)]) {
        let keys: Vec<Key> = going.iter().map(|(_, key)| key.clone()).collect();
        for ((item, _), came) in going.iter().zip(self.store.remove(&keys)) {
            let (Fate::Remove(why) | Fate::Finish { why, .. } | Fate::Keep(why)) = &item.fate;
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
        self.gone = (self.gone.0 + 1, self.gone.1 + item.object.stored);
        self.report.steps.push(item.step(Outcome::Done, why).with("sha256", item.object.sha256.clone()));
    }

    fn keep(&mut self, item: &Buried, why: &str) {
        self.report.unchanged += 1;
        self.report.steps.push(item.step(Outcome::Kept, why));
    }

    fn failed(&mut self, item: &Buried, failure: &Failure) {
        let why = failure.hint.as_ref().map_or_else(|| failure.to_string(), |hint| format!("{failure} (hint: {hint})"));
        let step = item.step(Outcome::Failed, why);
        self.report.steps.push(step);
    }
}

/// What says that it went; none where that is said already.
fn tombstone(item: &Buried, at: DateTime<Utc>) -> Option<Removed> {
    let Fate::Remove(why) = &item.fate else { return None };
    let Buried { host, segment, object, .. } = item;
    let (host, key, sha256) = (host.clone(), object.key.clone(), object.sha256.clone());
    Some(Removed { host, segment: *segment, key, sha256, why: why.clone(), at })
}

/// Asks anew: nothing goes that is not what was decided about, or that somebody wants to keep.
fn look(store: &dyn Store, item: &Buried, now: DateTime<Utc>) -> Verdict {
    let Some(key) = Key::new(item.object.key.clone()).filter(|key| key::is_of(key, &item.host)) else {
        return Verdict::Other("its key is none of that machine's".to_owned());
    };
    let found = match store.look(&key) {
        Ok(Some(found)) => found,
        Ok(None) => return Verdict::Gone,
        Err(failure) => return Verdict::Unknown(failure),
    };
    if found.size != item.object.stored {
        return Verdict::Other(format!("it has {} bytes, and {} are named", found.size, item.object.stored));
    }
    if let Fate::Finish { at, .. } = item.fate
        && found.made_at.is_none_or(|made| made > at)
    {
        return Verdict::Stays("it was put there again after it was removed, and no manifest names it since".to_owned());
    }
    match store.held(&key) {
        Ok(Some(Hold::Until(until))) if until <= now => Verdict::Goes(key),
        Ok(None) => Verdict::Goes(key),
        Ok(Some(hold)) => Verdict::Stays(hold.to_string()),
        // A lock that nobody may see counts as one.
        Err(failure) => Verdict::Unknown(failure.exit(Exit::Partial)),
    }
}
