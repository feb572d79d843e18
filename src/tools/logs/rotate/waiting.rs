//! What waits to be archived, and what has waited too long. Nothing is lost while a log waits, but the disk fills, and a
//! person may have to see to its writer. Pure.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Rotate,
    facts::PendingFact,
    plan::{Next, Plan, Recovery},
    show::recovery_step,
};
use crate::{
    files::dir::{FileId, Stat},
    report::{Finding, Outcome, Severity, Size, Step},
    tools::logs::ledger::{Content, Entry, EntryId},
};

/// What is rotated and not archived yet, each with its reason. `open` says who has which file open for writing, as far as that
/// is known.
pub fn waits(content: &Content, plan: &Plan, open: &dyn Fn(FileId) -> Option<String>) -> Vec<Step> {
    let step = |(recovery, file): (&Recovery, FileId)| {
        let planned = recovery_step(content.entries.get(&recovery.id)?, recovery)?;
        let who = open(file).map_or_else(
            || "; nobody is seen to have it open now: `ops-logs history` has what stopped the last run".to_owned(),
            |who| format!("; open for writing now: {who}"),
        );
        Some(Step { outcome: Outcome::Waiting, reason: format!("{}{who}", planned.reason), ..planned })
    };
    waiting(plan).filter_map(step).collect()
}

/// What waits to be archived, with its file.
pub fn waiting(plan: &Plan) -> impl Iterator<Item = (&Recovery, FileId)> {
    plan.recoveries.iter().filter_map(|recovery| match recovery.next {
        Next::Archive { file, .. } => Some((recovery, file)),
        _ => None,
    })
}

/// All that wait too long, as far as it can be said without asking who has them open.
pub fn long_waits(rotate: &Rotate, content: &Content, plan: &Plan) -> Vec<Finding> {
    let file = |fact: &PendingFact| Some((fact.id, fact.seen.as_ref().ok()?.plain?));
    let files: HashMap<EntryId, Stat> = plan.world.pending.iter().filter_map(file).collect();
    let told = |id: &EntryId| {
        long_wait(
            rotate,
            content.entries.get(id)?,
            files.get(id)?,
            plan.world.now,
            "the next run asks who has it open for writing",
        )
    };
    waiting(plan).filter_map(|(recovery, _)| told(&recovery.id)).collect()
}

/// Too long is a day, or any time in which its writer went on writing to `file` although it should have let go.
pub(super) fn long_wait(rotate: &Rotate, entry: &Entry, file: &Stat, now: DateTime<Utc>, why: &str) -> Option<Finding> {
    const LONG: TimeDelta = TimeDelta::days(1);
    const SLOW: TimeDelta = TimeDelta::minutes(1);
    let set = rotate.sets.iter().find(|set| set.name == entry.set);
    let patience = SLOW + set.map_or(TimeDelta::zero(), |set| set.close_wait.chrono());
    if now - entry.at <= LONG && file.modified - entry.at <= patience {
        return None;
    }
    let shown = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let (done, hint) = match entry.taken {
        Some(_) => ("finished", "restart its writer, or correct `finished` if its writer is not done with such files"),
        None => ("rotated", "restart its writer, or set how it is told to reopen its log"),
    };
    let message = format!(
        "it was {done} at {}, holds {}, was last written to at {}, and is not archived yet: {why}",
        shown(entry.at),
        Size(file.size),
        shown(file.modified)
    );
    let finding = Finding::new("logs.waiting", Severity::Warning, entry.rotated_path(), message);
    Some(finding.hint(hint))
}
