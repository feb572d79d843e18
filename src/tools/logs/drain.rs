//! `drain`: before a machine goes, everything that is to go to the store is rotated, handed over, shipped and taken back, and what
//! could not be is named.
//!
//! It does none of that itself. Each part is the command that does it every day, as a run of its own: so each has the rights of its
//! own user, takes its own lock, and may be ended at any moment when its share of the deadline is over. What is in the store
//! is not for them to say: the ledger and the receipts are looked at, as a rotation looks at them.

mod errand;
mod heard;
mod left;
mod shares;

use std::{
    fs,
    os::unix::fs::{MetadataExt, fchown},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::fs::Mode;

use self::{
    errand::Errand,
    heard::Heard,
    left::{Left, Mark},
    shares::Shares,
};
use super::{
    direct,
    rotate::Rotate,
    ship::Ship,
    spool::{Keeper, Shipper, two_ledgers},
};
use crate::{
    failure::{Doing, Exit, Failure, Result},
    files::dir::Dir,
    report::{Incomplete, Report, count},
    run::Run,
    settings::units::Span,
    tool::{AnyChange, Change},
};

/// All that is to go to the store, within a time.
pub(super) struct Drain {
    /// The sets that ship, all of their logs.
    pub(super) rotate: Rotate,
    /// What ships them.
    pub(super) ship: Ship,
    /// How that was typed: the flags of who ships.
    pub(super) how: Vec<String>,
    /// The settings that were named instead of the usual ones.
    pub(super) config: Option<PathBuf>,
    /// Since when the time runs.
    pub(super) began: Instant,
    /// How long it may take.
    pub(super) deadline: Duration,
}

/// A deadline as it is typed.
pub(super) fn deadline(text: &str) -> std::result::Result<Duration, String> {
    let time: Span = text.parse().map_err(|misread| format!("{misread}"))?;
    if time < Span::seconds(1) { Err("say at least 1s".to_owned()) } else { Ok(time.duration()) }
}

impl AnyChange for Drain {
    fn schema(&self) -> &'static str {
        "opsbelt.logs.drain/1"
    }

    fn job(&self) -> &'static str {
        "drain"
    }

    fn lock(&self) -> &'static str {
        self.job()
    }

    /// Another one that is at it may leave something.
    fn patience(&self) -> Duration {
        self.deadline
    }

    fn preview(&self, run: &Run) -> Result<Report> {
        let lost = self.is_of_this_ledger(run.state.folder()?)?;
        let mut report = self.rotate.preview(run)?;
        report.incomplete.extend(lost);
        let (ledger, plan) = self.rotate.plan(run)?;
        report.steps.extend(direct::Plan::of(ledger.content(), &plan.shipment).steps());
        let ship = self.ship.preview(run)?;
        report.steps.extend(ship.steps);
        report.incomplete.extend(ship.incomplete);
        report.summary = format!("{}; {}", report.summary, ship.summary);
        Ok(report)
    }

    fn perform(&self, run: &Run) -> Result<Report> {
        let state = run.state.folder()?;
        let lost = self.is_of_this_ledger(state)?;
        let since = Mark::now(&self.rotate, run);
        let shares = Shares::of(self.began, self.deadline);
        let mut heard = Heard::default();
        if let Some(lost) = lost {
            heard.trouble("state", lost);
        }
        heard.take(self.rotation("rotate --force", state).run(&shares.rotate, &run.shutdown));
        let mut left = Left::look(&self.rotate, run, since);
        // More than one turn where the spool does not take all at once, or a writer lets go late, as long as each brings something farther.
        loop {
            // Only where it has something to do: that it found no time, or may not, would otherwise be told as something left.
            if self.rotate.sets.iter().any(|set| set.direct.is_some()) && left.may_wait_here() {
                heard.take(self.directly(state).run(&shares.direct, &run.shutdown));
            }
            match self.ship.spool.shipper().and_then(|shipper| self.shipping(shipper, state)) {
                Ok(shipping) => heard.take(shipping.run(&shares.ship, &run.shutdown)),
                Err(failure) => heard.trouble("ship", (&failure).into()),
            }
            heard.take(self.rotation("rotate --finish", state).run(&shares.settle, &run.shutdown));
            let before = left.again(&self.rotate, run, since);
            if left.way() == 0 || left.way() >= before.way() || shares.ship.is_over() || run.shutdown.asked() {
                break;
            }
        }
        Ok(report(run, &self.rotate.host, heard, &left))
    }
}

impl Drain {
    /// Removes nothing that a later run may want: a machine that starts again has had one rotation more than its rules reckon with.
    fn rotation<'a>(&'a self, what: &'static str, state: &Path) -> Errand<'a> {
        let sets = self.rotate.sets.iter().map(|set| set.name.as_str()).collect();
        let flags = vec!["--keep-all".to_owned()];
        Errand { what, flags, sets, config: self.config.as_deref(), state: state.to_owned(), user: None }
    }

    /// What has no archive here is shipped by who may remove it.
    fn directly(&self, state: &Path) -> Errand<'_> {
        let flags = self.how.clone();
        Errand { what: "direct", flags, sets: Vec::new(), config: self.config.as_deref(), state: state.to_owned(), user: None }
    }

    /// Who ships for another user remembers beside that user's state, in `ship`, as the units have it.
    fn shipping(&self, user: Option<Shipper>, state: &Path) -> Result<Errand<'_>> {
        let state = user.map_or_else(|| Ok(state.to_owned()), |user| memory(user, state))?;
        Ok(Errand { what: "ship", flags: self.how.clone(), sets: Vec::new(), config: self.config.as_deref(), state, user })
    }

    /// Refuses to work with another ledger than whoever hands over every day: what only that one knows would be called nothing. Says
    /// where it was, when it is not there any more.
    fn is_of_this_ledger(&self, state: &Path) -> Result<Option<Incomplete>> {
        let spool = &self.ship.spool;
        match spool.keeper(state) {
            Err(failure) => Ok(Some((&failure).into())),
            Ok(Keeper::Nobody | Keeper::Ours) => Ok(None),
            Ok(Keeper::Other(theirs)) => Err(Failure::new("drain", "this machine")
                .because(two_ledgers(spool, &theirs, state))
                .hint(format!("STATE_DIRECTORY={}, as the user that it belongs to", theirs.display()))
                .exit(Exit::BadInput)),
            Ok(Keeper::Gone(theirs)) => {
                let why = "it remembered what was handed over here, and is not there any more: what only it knew is not known";
                Ok(Some(Incomplete::new(theirs.display().to_string(), why)))
            }
        }
    }
}

/// The folder of who ships, made where there is none yet: that user cannot make it beside root's.
fn memory(user: Shipper, state: &Path) -> Result<PathBuf> {
    const NAME: &str = "ship";
    let folder = state.with_file_name(NAME);
    if fs::symlink_metadata(&folder).is_ok_and(|found| found.uid() != 0) {
        return Ok(folder);
    }
    let above = Dir::open(state.parent().unwrap_or(state))?;
    let theirs = above.folder_made(NAME, Mode::RWXU)?;
    fchown(theirs.handle()?, Some(user.uid), Some(user.gid)).doing("give to who ships", folder.display())?;
    above.sync().map(|()| folder)
}

fn report(run: &Run, host: &str, heard: Heard, left: &Left) -> Report {
    let steps = left.steps(&heard, host);
    let shipped = heard.shipped();
    let mut report = heard.report(run);
    report.findings.extend(left.grown());
    let unknown = left.unknown().iter().filter(|one| !report.incomplete.contains(one)).cloned().collect::<Vec<_>>();
    report.incomplete.extend(unknown);
    // Nothing waits for a signature, and the next run makes up for it.
    let only_unsigned = report.incomplete.is_empty()
        && report.steps.iter().filter(|step| step.outcome.is_trouble()).all(|step| step.action == "sign");
    let rest = match steps.len() as u64 {
        0 if report.exit() == Exit::Partial && only_unsigned => {
            "everything is in the store, and how the manifest ends is not signed".to_owned()
        }
        0 if report.exit() == Exit::Partial => "whether that is everything is not known".to_owned(),
        0 => "everything is in the store".to_owned(),
        left => format!("{} left here", count(left, "item")),
    };
    report.summary = format!("{} shipped: {rest}", count(shipped, "archive"));
    report.steps.extend(steps);
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_a_time_in_which_something_can_be_done() {
        assert_eq!(deadline("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(deadline("1m30s"), deadline("90s"));
        assert!(deadline("999ms").is_err() && deadline("0s").is_err() && deadline("soon").is_err());
    }
}
