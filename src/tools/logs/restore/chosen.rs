//! Which logs somebody wants of a store, and what can be done with each of them now. Brings nothing here.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{
    place::Placed,
    selection::{Whose, select},
    sorted::{Known, NotThere, Sorted, sort},
    wanted::Wanted,
};
use crate::{
    failure::{Exit, Failure, Result},
    files::compress::{TimeRange, TimeSource},
    report::{Incomplete, Outcome, Report, Size, Step, count},
    run::Run,
    store::{self, Address, Store, Terms},
    tools::logs::{
        manifest::{archived::Archived, stored::Asking},
        patience::Patience,
    },
};

/// Which logs, of which store.
pub struct Source {
    /// The store.
    pub store: Address,
    /// How it is used.
    pub terms: Terms,
    /// Which of them.
    pub wanted: Wanted,
    /// Objects on their way at the same time, or asked about where the store does not know better.
    pub parallel: usize,
}

/// What is to be restored.
pub struct Chosen {
    pub(super) store: Box<dyn Store>,
    /// Each archive in the order of the first lines.
    pub(super) archives: Sorted,
    /// What is wrong with the manifests.
    pub(super) troubles: Report,
}

impl Source {
    /// Asks the manifests, and the store about each object that they name of it.
    pub(super) fn choose(&self, run: &Run) -> Result<Chosen> {
        self.wanted.check(run.clock.now())?;
        let store = store::open(&self.store, &self.terms)?;
        let patience = Patience::default();
        let asking = Asking::of(&*store, run, self.parallel, &patience);
        let mut known = Known::new();
        let mut look = |whose: Whose| {
            let mut troubles = Report::default();
            let archives = select(asking, &self.wanted, whose, &mut troubles)?;
            let less = archives.iter().map(|placed| &placed.archived).filter(|archived| archived.is_less());
            troubles.incomplete.extend(less.map(in_part));
            Ok((sort(asking, archives, &mut known), troubles))
        };
        let (mut archives, mut troubles) = look(Whose::Wanted)?;
        // Perhaps another machine took it out, and says so in its own manifest. Whoever asked to stop does not wait for that.
        if !archives.all_there() && !self.wanted.hosts.is_empty() && asking.is_going_on() {
            (archives, troubles) = look(Whose::All)?;
        }
        let unasked = archives.unasked() as u64;
        if unasked > 0 {
            let why = format!("{}: nobody knows whether the store has them", asking.broken_off());
            troubles.incomplete.push(Incomplete::new(count(unasked, "object"), why));
        }
        Ok(Chosen { store, archives, troubles })
    }
}

fn in_part(less: &Archived) -> Incomplete {
    let whole = less.first().part().whole.size;
    Incomplete::new(less.name(), format!("the manifests name no more of its text than these bytes, and it has {whole}"))
}

impl Chosen {
    /// What can be read now, and how much that is.
    pub(super) fn show_ready(&self, path: impl Fn(&Path) -> PathBuf, report: &mut Report) {
        let mut there = Vec::new();
        for Placed { archived, place, .. } in &self.archives.ready {
            let path = path(place).display().to_string();
            let why = match self.archives.lacks(archived) {
                None => {
                    let step = Step::new("restore", path, Outcome::Planned, times(archived));
                    report.steps.push(step.with("key", archived.keys()).with("bytes", archived.size()));
                    there.push(archived);
                    continue;
                }
                Some((missing, NotThere::Missing)) => format!("the store does not have {}", missing.key),
                Some((_, NotThere::Unclear(why))) => why.clone(),
                // They are told together.
                Some((_, NotThere::Unasked)) => continue,
            };
            report.incomplete.push(Incomplete::new(path, why));
        }
        report.summary = if self.archives.all() == 0 {
            "the store has nothing of that".to_owned()
        } else {
            let plain = Size(there.iter().fold(0, |all, archived| all.saturating_add(archived.size())));
            let stored = Size(stored(there.iter().copied()));
            format!("{} to restore ({plain}, {stored} as stored)", count(there.len() as u64, "log"))
        };
    }

    /// Refuses where some of it must be asked for first: what comes one after the other has no gaps.
    pub(super) fn all_ready(&self) -> Result<()> {
        let cold = self.archives.waiting;
        if cold == 0 {
            return Ok(());
        }
        let why = format!("{cold} of {} are in a class that must be asked for", count(self.archives.all(), "log"));
        let hint = "`restore --to FOLDER` asks for them, and says when to come back";
        Err(Failure::new("write", "to standard output").because(why).hint(hint).exit(Exit::Partial))
    }

    /// Bytes on the way, of what the store did not say that it is missing.
    pub(super) fn stored(&self) -> u64 {
        let is_there = |archived: &&Archived| !archived.objects.iter().any(|object| self.archives.is_missing(object));
        stored(self.archives.ready.iter().map(|placed| &placed.archived).filter(is_there))
    }
}

/// Bytes of all their objects. Each counts once, however many archives are wanted of it.
fn stored<'a>(archives: impl Iterator<Item = &'a Archived>) -> u64 {
    let objects = archives.flat_map(|archived| &archived.objects);
    let sizes: HashMap<&str, u64> = objects.map(|object| (object.key.as_str(), object.stored)).collect();
    sizes.into_values().fold(0, u64::saturating_add)
}

/// From when until when, for people.
pub(super) fn times(archived: &Archived) -> String {
    let told = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d %H:%M:%S").to_string();
    match archived.first().times {
        Some(TimeRange { from, source: TimeSource::Lines, .. }) => {
            format!("lines from {} to {}", told(from), told(archived.until()))
        }
        Some(TimeRange { from, .. }) => format!("written from {} to {}, says its file", told(from), told(archived.until())),
        None => format!("rotated {}", told(archived.first().rotated_at)),
    }
}
