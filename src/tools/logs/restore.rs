//! `restore`: gets logs back from a store, by set, machine and time, as the text that they were.
//!
//! What to get, the manifests say; what is got is compared with them before it has a name here, or before a byte of it is written to
//! standard output. Nothing here is ever replaced.

mod place;
mod selection;
mod thaw;
mod write;

use std::path::PathBuf;

use self::{
    place::place,
    selection::select,
    thaw::{Sorted, sort},
    write::write,
};
pub use self::{
    selection::{Moment, Wanted},
    thaw::Thaw,
};
use crate::{
    failure::{Exit, Failure, Result},
    files::{compress, dir::Dir, fingerprint::Fingerprint},
    report::{Incomplete, Outcome, Report, Size, Step, count},
    run::{Run, side_by_side},
    store::{self, Address, Key, Store, Terms},
    tool::{Change, Query},
    tools::logs::{
        fetch::{Fetched, fetch, form},
        manifest::Object,
    },
};

/// Logs of a store, into a folder.
pub struct Restore {
    /// The store.
    pub store: Address,
    /// How it is used.
    pub terms: Terms,
    /// Which of them.
    pub wanted: Wanted,
    /// Where to.
    pub into: PathBuf,
    /// How what is in a cold class is brought back first.
    pub thaw: Thaw,
    /// Objects on their way at the same time.
    pub parallel: usize,
}

/// The same, to standard output, one after the other.
pub struct Print {
    /// The store.
    pub store: Address,
    /// How it is used.
    pub terms: Terms,
    /// Which of them.
    pub wanted: Wanted,
    /// Objects that the store is asked about at the same time.
    pub parallel: usize,
}

/// What is to be restored.
pub struct Chosen {
    store: Box<dyn Store>,
    /// Each part in the order of the first lines.
    objects: Sorted,
    /// What is wrong with the manifests.
    troubles: Report,
}

/// An object and whose it is.
#[derive(Clone, Debug)]
struct Named {
    host: String,
    object: Object,
}

impl Change for Restore {
    type Plan = Chosen;

    fn schema(&self) -> &'static str {
        "opsbelt.logs.restore/1"
    }

    fn job(&self) -> &'static str {
        "restore"
    }

    fn plan(&self, run: &Run) -> Result<Chosen> {
        choose(&self.store, &self.terms, &self.wanted, self.parallel, run)
    }

    fn show(&self, _: &Run, chosen: &Chosen) -> Report {
        let mut report = chosen.troubles.clone();
        self.show_cold(&chosen.objects, &mut report);
        for named in &chosen.objects.ready {
            let path = self.into.join(place(named)).display().to_string();
            let step = Step::new("restore", path, Outcome::Planned, times(&named.object));
            report.steps.push(step.with("key", named.object.key.clone()).with("bytes", named.object.size));
        }
        report.summary = match (chosen.all(), chosen.objects.ready.len() as u64) {
            (0, _) => "the store has nothing of that".to_owned(),
            (_, ready) => {
                let (plain, stored) = (Size(chosen.plain()), Size(chosen.stored()));
                format!("{} to restore ({plain}, {stored} on the way){}", count(ready, "log"), chosen.objects.price(self.thaw))
            }
        };
        report
    }

    fn carry_out(&self, run: &Run, chosen: Chosen) -> Result<Report> {
        let mut report = chosen.troubles.clone();
        self.ask(run, &*chosen.store, &chosen.objects, &mut report);
        let bar = run.progress.bytes("restoring", chosen.stored());
        let target = Dir::open(&self.into)?;
        let one = |named: &Named| -> Result<(String, Outcome)> {
            let (fetched, key) = proven(&*chosen.store, &named.object, &|bytes| bar.advance(bytes))?;
            write(&target, &place(named), &named.object, &fetched, &key)
        };
        let results = side_by_side(&chosen.objects.ready, self.parallel, &run.shutdown, || (), one);
        let mut restored = (0_u64, 0);
        for (named, result) in chosen.objects.ready.iter().zip(results) {
            let path = self.into.join(place(named)).display().to_string();
            let step = match result {
                Some(Ok((why, outcome))) => {
                    if outcome == Outcome::Done {
                        restored = (restored.0 + 1, restored.1 + named.object.size);
                    }
                    Step::new("restore", path, outcome, why)
                }
                Some(Err(failure)) => Step::new("restore", path, Outcome::Failed, failure.to_string()),
                None => {
                    report.incomplete.push(Incomplete::new(path, "stopped before it was restored"));
                    continue;
                }
            };
            report.steps.push(step.with("key", named.object.key.clone()).with("bytes", named.object.size));
        }
        report.summary = match chosen.all() {
            0 => "the store has nothing of that".to_owned(),
            all => format!("{} of {} restored ({})", restored.0, count(all, "log"), Size(restored.1)),
        };
        Ok(report)
    }
}

impl Query for Print {
    fn schema(&self) -> Option<&'static str> {
        None
    }

    /// One object after the other, each proven before its first byte goes out; what fails ends it.
    fn answer(&self, run: &Run) -> Result<Report> {
        let chosen = choose(&self.store, &self.terms, &self.wanted, self.parallel, run)?;
        let cold = chosen.all() - chosen.objects.ready.len() as u64;
        if cold > 0 {
            let why = format!("{cold} of {} are in a class that must be asked for", count(chosen.all(), "log"));
            let hint = "`restore --to FOLDER` asks for them, and says when to come back";
            return Err(Failure::new("write", "to standard output").because(why).hint(hint).exit(Exit::Partial));
        }
        let bar = run.progress.bytes("restoring", chosen.stored());
        for named in &chosen.objects.ready {
            if run.shutdown.asked() || run.out.is_closed() {
                break;
            }
            let (fetched, key) = proven(&*chosen.store, &named.object, &|bytes| bar.advance(bytes))?;
            compress::read(&fetched.file, form(key.as_str()), &mut |piece| run.out.bytes(piece))?;
        }
        let broken = chosen.troubles.findings.first().map(|finding| format!("{}: {}", finding.subject, finding.message));
        let broken = broken.or_else(|| chosen.troubles.incomplete.first().map(|part| format!("{}: {}", part.what, part.why)));
        match broken {
            None => Ok(Report::default()),
            Some(why) => Err(Failure::new("say", "that this is all").because(why).exit(Exit::Partial)),
        }
    }
}

fn choose(address: &Address, terms: &Terms, wanted: &Wanted, parallel: usize, run: &Run) -> Result<Chosen> {
    let store = store::open(address, terms)?;
    let mut troubles = Report::default();
    let objects = select(&*store, wanted, run.clock.now(), &mut troubles)?;
    let objects = sort(&*store, objects, parallel, run);
    Ok(Chosen { store, objects, troubles })
}

impl Chosen {
    /// How many there are, whatever can be done with them now.
    fn all(&self) -> u64 {
        (self.objects.ready.len() + self.objects.frozen.len() + self.objects.thawing.len()) as u64
    }

    fn plain(&self) -> u64 {
        self.objects.ready.iter().map(|named| named.object.size).sum()
    }

    fn stored(&self) -> u64 {
        self.objects.ready.iter().map(|named| named.object.stored).sum()
    }
}

/// The object, which is what the manifest says of it, and holds the text that it says.
fn proven(store: &dyn Store, object: &Object, moved: &dyn Fn(u64)) -> Result<(Fetched, Key)> {
    let refuse = |why: String| Failure::new("restore", &object.key).because(why).exit(Exit::PersonNeeded);
    let key = Key::new(object.key.clone()).ok_or_else(|| refuse("its name is no key".to_owned()))?;
    let fetched = fetch(store, &key, object.stored, moved)?;
    if fetched.sha256 != object.stored_sha256 {
        return Err(refuse(format!("it has sha-256 {}, and the manifest names {}", fetched.sha256, object.stored_sha256)));
    }
    let mut hash = Fingerprint::default();
    compress::read(&fetched.file, form(key.as_str()), &mut |piece| {
        hash.take(piece);
        Ok(())
    })?;
    let sha256 = hash.hex();
    if sha256 == object.sha256 {
        Ok((fetched, key))
    } else {
        Err(refuse(format!("its text has sha-256 {sha256}, and the manifest names {}", object.sha256)))
    }
}

/// From when until when, for people.
fn times(object: &Object) -> String {
    let told = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d %H:%M:%S").to_string();
    match object.times {
        Some(times) => format!("lines from {} to {}", told(times.from), told(times.until)),
        None => format!("rotated {}", told(object.rotated_at)),
    }
}
