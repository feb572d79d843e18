//! `restore`: gets logs back from a store, by set, machine and time, as the text that they were.
//!
//! What to get, the manifests say; what is got is compared with them before it has a name here, or before a byte of it is written to
//! standard output. Nothing here is ever replaced.

mod place;
mod selection;
mod texts;
mod thaw;
mod write;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use rustix::io::Errno;

use self::{
    place::Placed,
    selection::{Whose, select},
    texts::{Texts, by_object},
    thaw::{Known, Said, Sorted, sort},
    write::{sweep, write},
};
pub use self::{
    selection::{Moment, Wanted},
    thaw::Thaw,
};
use crate::{
    failure::{Exit, Failure, Result},
    files::dir::Dir,
    report::{Incomplete, Outcome, Report, Severity, Size, Step, count},
    run::{Run, side_by_side},
    store::{self, Address, Store, Terms},
    tool::Change,
    tools::logs::manifest::{Object, archived::Archived, stored::Asking},
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
    /// Each archive in the order of the first lines.
    archives: Sorted,
    /// What the store says of their objects.
    known: Known,
    /// What is wrong with the manifests.
    troubles: Report,
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
        // Before anything is read, and before anything is asked for that costs something.
        self.target()?;
        choose(&self.store, &self.terms, &self.wanted, self.parallel, run)
    }

    fn show(&self, _: &Run, chosen: &Chosen) -> Report {
        let mut report = chosen.troubles.clone();
        self.show_cold(&chosen.archives, &mut report);
        chosen.show_ready(|place| self.into.join(place), &mut report);
        report.summary.push_str(&chosen.archives.price(self.thaw));
        report
    }

    fn carry_out(&self, run: &Run, chosen: Chosen) -> Result<Report> {
        let mut report = chosen.troubles.clone();
        let target = self.target()?;
        if let Err(failure) = sweep(&target, &chosen.archives.ready) {
            report.incomplete.push((&failure).into());
        }
        self.ask(run, &*chosen.store, &chosen.archives, &mut report);
        let (mut restored, mut kept) = ((0_u64, 0), 0_u64);
        for (Placed { archived, place, .. }, result) in chosen.archives.ready.iter().zip(self.write_all(run, &chosen, &target)) {
            let path = self.into.join(place).display().to_string();
            let step = match result {
                Some(Ok((why, outcome))) => {
                    if outcome == Outcome::Done {
                        restored = (restored.0 + 1, restored.1 + archived.size());
                    }
                    kept += u64::from(outcome == Outcome::Kept);
                    Step::new("restore", path, outcome, why)
                }
                Some(Err(failure)) => Step::new("restore", path, Outcome::Failed, failure.told()),
                None => {
                    report.incomplete.push(Incomplete::new(path, "stopped before it was restored"));
                    continue;
                }
            };
            report.steps.push(step.with("key", archived.keys()).with("bytes", archived.size()));
        }
        report.summary = match chosen.archives.all() {
            0 => "the store has nothing of that".to_owned(),
            all => {
                let kept = if kept == 0 { String::new() } else { format!(", {kept} there already") };
                format!("{} of {} restored ({}){kept}", restored.0, count(all, "log"), Size(restored.1))
            }
        };
        Ok(report)
    }
}

impl Restore {
    /// The folder that everything comes into.
    fn target(&self) -> Result<Dir> {
        let into = self.into.display();
        Dir::open(&self.into).map_err(|failure| match failure.errno {
            Some(Errno::NOENT) => failure.hint(format!("make it: mkdir -p {into}")),
            _ => failure,
        })
    }

    /// What came of each archive that is ready; None of those that were not begun. All archives of one object, one after the other.
    fn write_all(&self, run: &Run, chosen: &Chosen, target: &Dir) -> Vec<Option<Result<(String, Outcome)>>> {
        let ready = &chosen.archives.ready;
        let bar = run.progress.bytes("restoring", chosen.stored());
        let moved = |bytes: u64| bar.advance(bytes);
        let groups = by_object(ready);
        let one = |group: &Vec<usize>| {
            let texts = Texts::of(&*chosen.store, &moved);
            let begun = group.iter().take_while(|_| !run.shutdown.asked());
            begun.map(|place| write(target, &ready[*place].place, &ready[*place].archived, &texts)).collect::<Vec<_>>()
        };
        let came = side_by_side(&groups, self.parallel, &run.shutdown, || (), one);
        let mut results: Vec<Option<Result<_>>> = ready.iter().map(|_| None).collect();
        for (group, came) in groups.into_iter().zip(came) {
            group.into_iter().zip(came.unwrap_or_default()).for_each(|(place, result)| results[place] = Some(result));
        }
        results
    }
}

impl Change for Print {
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

    /// In the order in which they would come; by the place that each would have below a folder.
    fn show(&self, _: &Run, chosen: &Chosen) -> Report {
        let mut report = chosen.troubles.clone();
        match chosen.all_ready() {
            Ok(()) => chosen.show_ready(Path::to_owned, &mut report),
            Err(failure) => {
                report.incomplete.push((&failure).into());
                "nothing would be written".clone_into(&mut report.summary);
            }
        }
        report
    }

    /// One object after the other, each proven before its first byte goes out; what fails ends it.
    fn carry_out(&self, run: &Run, chosen: Chosen) -> Result<Report> {
        chosen.all_ready()?;
        let bar = run.progress.bytes("restoring", chosen.stored());
        let moved = |bytes: u64| bar.advance(bytes);
        let texts = Texts::of(&*chosen.store, &moved);
        for object in chosen.archives.ready.iter().flat_map(|placed| &placed.archived.objects) {
            if run.shutdown.asked() || run.out.is_closed() {
                break;
            }
            let proven = texts.proven(object).map_err(|failure| match failure.exit {
                // What is not there, or cannot be proven, is missing from what comes out.
                _ if chosen.is_missing(object) => failure.exit(Exit::Partial),
                Exit::PersonNeeded => failure.exit(Exit::Partial),
                _ => failure,
            })?;
            proven.read(&mut |piece| run.out.bytes(piece))?;
        }
        // What is only worth knowing is told where there is a report.
        let mut findings = chosen.troubles.findings.iter().filter(|finding| finding.severity != Severity::Note);
        let broken = findings.next().map(|finding| format!("{}: {}", finding.subject, finding.message));
        let broken = broken.or_else(|| chosen.troubles.incomplete.first().map(|part| format!("{}: {}", part.what, part.why)));
        match broken {
            None => Ok(Report::default()),
            Some(why) => Err(Failure::new("say", "that this is all").because(why).exit(Exit::Partial)),
        }
    }
}

fn choose(address: &Address, terms: &Terms, wanted: &Wanted, parallel: usize, run: &Run) -> Result<Chosen> {
    wanted.check(run.clock.now())?;
    let store = store::open(address, terms)?;
    let asking = Asking::of(&*store, run, parallel);
    let mut known = Known::new();
    let mut look = |whose: Whose| {
        let mut troubles = Report::default();
        let archives = select(asking, wanted, whose, &mut troubles)?;
        let less = archives.iter().map(|placed| &placed.archived).filter(|archived| archived.is_less());
        troubles.incomplete.extend(less.map(in_part));
        Ok((sort(asking, archives, &mut known), troubles))
    };
    let (mut archives, mut troubles) = look(Whose::Wanted)?;
    // Perhaps another machine took it out, and says so in its own manifest.
    if !archives.all_there && !wanted.hosts.is_empty() {
        (archives, troubles) = look(Whose::All)?;
    }
    Ok(Chosen { store, archives, known, troubles })
}

fn in_part(less: &Archived) -> Incomplete {
    let whole = less.first().part().whole.size;
    Incomplete::new(less.name(), format!("the manifests name no more of its text than these bytes, and it has {whole}"))
}

impl Chosen {
    /// What can be read now, and how much that is.
    fn show_ready(&self, path: impl Fn(&Path) -> PathBuf, report: &mut Report) {
        for Placed { archived, place, .. } in &self.archives.ready {
            let path = path(place).display().to_string();
            if let Some(missing) = archived.objects.iter().find(|object| self.is_missing(object)) {
                report.incomplete.push(Incomplete::new(path, format!("the store does not have {}", missing.key)));
                continue;
            }
            let step = Step::new("restore", path, Outcome::Planned, times(archived));
            report.steps.push(step.with("key", archived.keys()).with("bytes", archived.size()));
        }
        report.summary = match (self.archives.all(), self.archives.ready.len() as u64) {
            (0, _) => "the store has nothing of that".to_owned(),
            (_, ready) => {
                let (plain, stored) = (Size(self.plain()), Size(self.stored()));
                format!("{} to restore ({plain}, {stored} on the way)", count(ready, "log"))
            }
        };
    }

    /// Refuses where some of it must be asked for first: what comes one after the other has no gaps.
    fn all_ready(&self) -> Result<()> {
        let cold = self.archives.waiting;
        if cold == 0 {
            return Ok(());
        }
        let why = format!("{cold} of {} are in a class that must be asked for", count(self.archives.all(), "log"));
        let hint = "`restore --to FOLDER` asks for them, and says when to come back";
        Err(Failure::new("write", "to standard output").because(why).hint(hint).exit(Exit::Partial))
    }

    /// Whether the store said so.
    fn is_missing(&self, object: &Object) -> bool {
        matches!(self.known.get(&object.key), Some(Said::Missing))
    }

    fn plain(&self) -> u64 {
        self.archives.ready.iter().fold(0, |all, placed| all.saturating_add(placed.archived.size()))
    }

    /// Each object counts once, however many archives are wanted of it.
    fn stored(&self) -> u64 {
        let objects = self.archives.ready.iter().flat_map(|placed| &placed.archived.objects);
        let sizes: HashMap<&str, u64> = objects.map(|object| (object.key.as_str(), object.stored)).collect();
        sizes.into_values().fold(0, u64::saturating_add)
    }
}

/// From when until when, for people.
fn times(archived: &Archived) -> String {
    let told = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d %H:%M:%S").to_string();
    match archived.first().times {
        Some(times) => format!("lines from {} to {}", told(times.from), told(archived.until())),
        None => format!("rotated {}", told(archived.first().rotated_at)),
    }
}
