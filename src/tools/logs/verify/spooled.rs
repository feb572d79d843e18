//! `verify` looks at what waits for the store as well: a bit that a disk lost there is told before it is shipped. Changes nothing.

use crate::{
    report::{Incomplete, Report},
    run::{Run, side_by_side},
    tools::logs::spool::{Spool, Waiting, damage},
};

/// Tells what waits and is not what was handed over, of parcels that are `meant`.
pub(super) fn examine(run: &Run, spool: &Spool, parallel: usize, meant: impl Fn(&Waiting) -> bool, report: &mut Report) {
    let listed = match spool.list() {
        Ok(listed) => listed,
        Err(failure) => return report.incomplete.push((&failure).into()),
    };
    report.incomplete.extend(listed.unreadable);
    let waiting: Vec<Waiting> = listed.waiting.into_iter().filter(meant).collect();
    let verdicts = side_by_side(&waiting, parallel, &run.shutdown, || (), |waiting| spool.damage(waiting));
    for (waiting, verdict) in waiting.iter().zip(verdicts) {
        match verdict {
            Some(Some(why)) => report.findings.push(damage::finding(waiting, &why)),
            Some(None) => {}
            None => report.incomplete.push(Incomplete::new(waiting.parcel.key.clone(), "stopped before it was examined")),
        }
    }
}
