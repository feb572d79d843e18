//! `restore --to FOLDER`: each log under the place that the manifests give it, what is in a cold class asked for first.

use std::path::PathBuf;

use rustix::io::Errno;

use super::{
    chosen::Chosen,
    place::Placed,
    texts::{Texts, by_object},
    thaw::Thaw,
    write::{sweep, write},
};
use crate::{
    failure::Result,
    files::dir::Dir,
    report::{Incomplete, Outcome, Report, Size, Step, count},
    run::Run,
    tools::logs::{manifest::stored::Asking, patience::Patience},
};

/// A folder that logs come into.
pub struct Folder {
    /// Which, and it must be there.
    pub into: PathBuf,
    /// How what is in a cold class is brought back first.
    pub thaw: Thaw,
}

impl Folder {
    /// The folder that everything comes into.
    pub(super) fn target(&self) -> Result<Dir> {
        let into = self.into.display();
        Dir::open(&self.into).map_err(|failure| match failure.errno {
            Some(Errno::NOENT) => failure.hint(format!("make it: mkdir -p {into}")),
            _ => failure,
        })
    }

    /// What would come into it.
    pub(super) fn show(&self, chosen: &Chosen) -> Report {
        let mut report = chosen.troubles.clone();
        self.thaw.show_cold(&chosen.archives, &mut report);
        chosen.show_ready(|place| self.into.join(place), &mut report);
        report.summary.push_str(&chosen.archives.price(self.thaw));
        report
    }

    /// Brings it there.
    pub(super) fn fill(&self, run: &Run, chosen: &Chosen, parallel: usize) -> Result<Report> {
        let mut report = chosen.troubles.clone();
        let target = self.target()?;
        if let Err(failure) = sweep(&target, &chosen.archives.ready) {
            report.incomplete.push((&failure).into());
        }
        let patience = Patience::default();
        let asking = Asking { store: &*chosen.store, run, parallel, patience: &patience };
        self.thaw.ask(asking, &chosen.archives, &mut report);
        let (mut restored, mut kept, mut left) = ((0_u64, 0), 0_u64, 0);
        for (Placed { archived, place, .. }, result) in chosen.archives.ready.iter().zip(write_all(asking, chosen, &target)) {
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
                    left += 1;
                    continue;
                }
            };
            report.steps.push(step.with("key", archived.keys()).with("bytes", archived.size()));
        }
        if left > 0 {
            let why = format!("{} before anything of that was restored", asking.broken_off());
            report.incomplete.push(Incomplete::new(count(left, "log"), why));
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

/// What came of each archive that is ready; None of those that were not begun. All archives of one object, one after the other.
fn write_all(asking: Asking, chosen: &Chosen, target: &Dir) -> Vec<Option<Result<(String, Outcome)>>> {
    let ready = &chosen.archives.ready;
    let bar = asking.run.progress.bytes("restoring", chosen.stored());
    let moved = |bytes: u64| bar.advance(bytes);
    let groups = by_object(ready);
    let one = |group: &Vec<usize>| {
        let texts = Texts::of(asking.store, &moved);
        let write = |place: &usize| asking.hears(write(target, &ready[*place].place, &ready[*place].archived, &texts));
        group.iter().take_while(|_| asking.is_going_on()).map(write).collect::<Vec<_>>()
    };
    let came = asking.each(&groups, one);
    let mut results: Vec<Option<Result<_>>> = ready.iter().map(|_| None).collect();
    for (group, came) in groups.into_iter().zip(came) {
        group.into_iter().zip(came.unwrap_or_default()).for_each(|(place, result)| results[place] = Some(result));
    }
    results
}
