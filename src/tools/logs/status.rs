//! `status`: each log's size, last and next rotation, archives, bytes saved and problems. Changes nothing.

use std::{collections::HashMap, path::Path};

use super::{
    ledger::{Content, EntryId, Stage},
    rotate::{
        Rotate,
        facts::{PendingFact, What, archived_head},
        plan::{Plan, Rest, Rotation, is_to_ship},
        waiting::{long_waits, waiting, waits},
    },
    settings::Method,
    when::{self, Periods},
};
use crate::{
    failure::Result,
    files::writers,
    report::{Cell, Outcome, Report, Size, Table, count},
    run::Run,
    tool::{Change, Query},
};

/// What is told of each log; the last of them only where there is a store.
const COLUMNS: &[&str] = &[
    "set",
    "log",
    "size",
    "last-rotated",
    "next",
    "archives",
    "stored",
    "saved",
    "waiting",
    "waiting-bytes",
    "archived-head",
    "unshipped",
];

/// The same facts and the same plan as a rotation, shown another way.
pub struct Status(pub Rotate);

/// What the ledger says of one log's archives.
#[derive(Clone, Copy, Default)]
struct Archives {
    count: u64,
    plain: u64,
    stored: u64,
    waiting: u64,
    waiting_bytes: u64,
    /// Of the archives, those that the store is to get.
    unshipped: u64,
    unshipped_bytes: u64,
}

impl Query for Status {
    fn schema(&self) -> Option<&'static str> {
        Some("opsbelt.logs.status/1")
    }

    fn answer(&self, run: &Run) -> Result<Report> {
        let decided = self.0.plan(run)?;
        let planned = self.0.show(run, &decided);
        let (ledger, plan) = &decided;
        // Planned work is no problem; what a plan cannot do is.
        let problems = planned.steps.into_iter().filter(|step| !matches!(step.outcome, Outcome::Planned | Outcome::Kept));
        let open = writers::name_all(waiting(plan).map(|(_, file)| file));
        let archives = archives(&self.0, ledger.content(), &plan.world.pending);
        let saved: u64 = archives.values().map(|archives| archives.plain.saturating_sub(archives.stored)).sum();
        let kept: u64 = archives.values().map(|archives| archives.count).sum();
        let (unshipped, bytes) =
            archives.values().fold((0, 0), |(all, bytes), archives| (all + archives.unshipped, bytes + archives.unshipped_bytes));
        let unshipped = match unshipped {
            0 => String::new(),
            _ => format!(", {} ({}) not in the store yet", count(unshipped, "archive"), Size(bytes)),
        };
        Ok(Report {
            steps: problems.chain(waits(ledger.content(), plan, &|file| open.get(&file).cloned())).collect(),
            findings: planned.findings.into_iter().chain(long_waits(&self.0, ledger.content(), plan)).collect(),
            incomplete: planned.incomplete,
            tables: vec![table(&self.0, ledger.content(), plan, &archives)],
            state: Some(run.state.folder()?.display().to_string()),
            unchanged: 0,
            summary: format!(
                "{}, {}, {} saved{unshipped}",
                count(plan.world.logs.len() as u64, "log"),
                count(kept, "archive"),
                Size(saved)
            ),
        })
    }
}

/// What there is of each log; of sets that were not asked for, nothing.
fn archives(rotate: &Rotate, content: &Content, pending: &[PendingFact]) -> HashMap<String, Archives> {
    let size = |fact: &PendingFact| Some((fact.id, fact.seen.as_ref().ok()?.plain?.size));
    let sizes: HashMap<EntryId, u64> = pending.iter().filter_map(size).collect();
    let mut all: HashMap<String, Archives> = HashMap::new();
    for entry in content.entries.values().filter(|entry| !rotate.others.contains(&entry.set)) {
        let archives = all.entry(entry.log_path()).or_default();
        match &entry.archive {
            Some(archive) => {
                archives.count += 1;
                archives.plain += archive.facts.size;
                archives.stored += archive.facts.stored;
                if is_to_ship(rotate, entry) {
                    archives.unshipped += 1;
                    archives.unshipped_bytes += archive.facts.stored;
                }
            }
            None if entry.stage == Stage::Intended => {}
            None => {
                archives.waiting += 1;
                archives.waiting_bytes += sizes.get(&entry.id).copied().unwrap_or_default();
            }
        }
    }
    all
}

fn table(rotate: &Rotate, content: &Content, plan: &Plan, archives: &HashMap<String, Archives>) -> Table {
    let due: HashMap<(&Path, &str), &Rotation> = plan
        .rotations
        .iter()
        .map(|rotation| ((rotation.bound.folder.as_path(), rotation.bound.log.as_str()), rotation))
        .collect();
    let mut rows = Vec::new();
    for log in &plan.world.logs {
        let What::File(stat) = &log.what else { continue };
        let set = &rotate.sets[log.set];
        let folder = plan.world.folders[log.folder].path.as_path();
        let path = plan.world.path(log).display().to_string();
        let kept = archives.get(&path).copied().unwrap_or_default();
        let next = match due.get(&(folder, log.name.as_str())) {
            Some(rotation) => Cell::Text(format!("now: {}", rotation.why)),
            None if set.method == Method::Collect => Cell::Text(Rest::Collected.to_string()),
            None => {
                let log = when::Log { size: log.unarchived(stat), since: log.since };
                when::next(&set.when, &log, &Periods::at(set.zone, plan.world.now)).map_or(Cell::None, Cell::Time)
            }
        };
        let last = content.last.get(&path).copied().map_or(Cell::None, Cell::Time);
        let mut row = vec![
            Cell::Text(set.name.clone()),
            Cell::Text(path.clone()),
            Cell::Bytes(Size(stat.size)),
            last,
            next,
            Cell::Count(kept.count),
            Cell::Bytes(Size(kept.stored)),
            Cell::Bytes(Size(kept.plain.saturating_sub(kept.stored))),
            Cell::Count(kept.waiting),
            Cell::Bytes(Size(kept.waiting_bytes)),
            // To the byte: who puts archives and log together again leaves so many out.
            archived_head(content, &plan.world, log).map_or(Cell::None, Cell::Count),
        ];
        if rotate.shipping.is_some() {
            row.push(if set.service.is_some() { Cell::Count(kept.unshipped) } else { Cell::None });
        }
        rows.push(((&set.name, path), row));
    }
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    Table {
        name: "logs",
        title: String::new(),
        columns: COLUMNS[..COLUMNS.len() - usize::from(rotate.shipping.is_none())].to_vec(),
        rows: rows.into_iter().map(|(_, row)| row).collect(),
    }
}
