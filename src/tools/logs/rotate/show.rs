//! A plan as a report: what would be done and why, what stays and why, what stands in the way.

mod contained;
mod cost;
pub(in crate::tools::logs) mod direct;
mod heads;
pub(super) mod shipment;
mod unmeant;

use std::{collections::BTreeMap, path::Path};

use chrono::{DateTime, Utc};

use super::{
    Rotate,
    apply::VANISHED,
    facts::{Away, Beside, Foreign, What, Whose},
    plan::{Astray, Collection, Fate, Gap, Next, Plan, Recovery},
};
use crate::{
    report::{Finding, Outcome, Report, Severity, Size, Step, count},
    run::Run,
    tools::logs::{
        containers::Labels,
        ledger::{Entry, Ledger},
    },
};

/// The whole plan, nothing done.
pub(super) fn planned(run: &Run, rotate: &Rotate, ledger: &Ledger, plan: &Plan) -> Report {
    let mut report = troubles(run, rotate, ledger, plan);
    let entries = &ledger.content().entries;
    for recovery in &plan.recoveries {
        if let Some(entry) = entries.get(&recovery.id) {
            report.steps.extend(recovery_step(entry, recovery));
        }
    }
    for found in &plan.adoptions {
        let path = found.path.display().to_string();
        report.steps.push(Step::new("adopt", path, Outcome::Planned, "it says it is ours, and the ledger does not know it"));
    }
    for rotation in &plan.rotations {
        let step = Step::new("rotate", rotation.bound.log_path(), Outcome::Planned, rotation.why.to_string());
        let step = step.with("to", rotation.bound.name.to_string()).with("bytes", rotation.size);
        report.steps.push(labelled(step, &rotation.bound.labels));
    }
    for file in &plan.collections {
        let step = Step::new("collect", file.path(), Outcome::Planned, file.cause.to_string());
        report.steps.push(step.with("to", file.bound.name.to_string()).with("bytes", file.taken.size));
    }
    for entry in plan.vanished.iter().filter_map(|id| entries.get(id)) {
        report.steps.push(Step::new("forget", entry.path(), Outcome::Planned, VANISHED));
    }
    shipment::planned(&mut report, rotate, ledger, plan);
    cost::planned(&mut report, rotate, ledger.content(), plan);
    let mut removed = (0, 0);
    for removal in &plan.fates {
        let (Some(entry), Fate::Remove { why, .. }) = (entries.get(&removal.id), &removal.fate) else { continue };
        removed = (removed.0 + 1, removed.1 + entry.stored());
        report.steps.push(Step::new("remove", entry.path(), Outcome::Planned, why.clone()).with("bytes", entry.stored()));
    }
    report.summary = with_troubles(summary(rotate, plan, removed), &report.steps);
    report
}

/// A summary that does not hide what was left alone.
pub(super) fn with_troubles(summary: String, steps: &[Step]) -> String {
    let number = |outcome| steps.iter().filter(|step| step.outcome == outcome).count() as u64;
    let told = [(number(Outcome::Skipped), "skipped"), (number(Outcome::Failed), "failed")];
    told.into_iter().filter(|(number, _)| *number > 0).fold(summary, |all, (number, what)| format!("{all}, {number} {what}"))
}

/// What stays as it is, what cannot be done, and what is not known: the same in a plan and in a run.
pub(super) fn troubles(run: &Run, rotate: &Rotate, ledger: &Ledger, plan: &Plan) -> Report {
    let mut report = Report::default();
    state_notes(&mut report, ledger);
    report.findings.extend(plan.vanished.iter().filter_map(|id| ledger.content().entries.get(id)).map(vanished));
    for trouble in &plan.troubles {
        let why = advised(&trouble.why, trouble.hint.as_deref());
        report.steps.push(Step::new(trouble.action, trouble.path.clone(), trouble.outcome, why));
    }
    report.steps.extend(plan.recoveries.iter().filter_map(|recovery| stuck(ledger, recovery)));
    report.incomplete.extend(plan.world.logrotate.iter().chain(&plan.world.unreadable).cloned());
    report.findings.extend(plan.world.ahead.iter().map(|(path, last)| ahead(path, *last)));
    report.findings.extend(plan.astray.iter().map(astray));
    report.findings.extend(plan.watch.gaps.iter().map(Gap::finding));
    report.findings.extend(plan.collections.iter().filter_map(Collection::finding));
    report.findings.extend(unrecorded(&plan.world.foreign));
    report.findings.extend(rotate.heirs.orphans(ledger.content()));
    report.findings.extend(leapt(rotate, ledger, plan));
    report.findings.extend(contained::findings(rotate, plan));
    report.findings.extend(heads::findings(plan));
    report.findings.extend(shipment::findings(rotate, ledger, plan));
    report.findings.extend(direct::findings(rotate, ledger, plan));
    report.findings.extend(unmeant::findings(ledger.content(), plan));
    report.unchanged = plan.left.len() as u64;
    if run.every_item {
        for left in &plan.left {
            let log = &plan.world.logs[left.log];
            let path = plan.world.path(log).display().to_string();
            let size = if let What::File(stat) = &log.what { stat.size } else { 0 };
            let step = Step::new("leave", path, Outcome::Kept, left.why.to_string());
            report.steps.push(step.with("set", rotate.sets[log.set].name.clone()).with("bytes", size));
        }
        for foreign in &plan.world.foreign {
            let why = format!("not taken into the ledger: {}", foreign.why);
            report.steps.push(Step::new("adopt", foreign.path.display().to_string(), Outcome::Kept, why));
        }
        let entries = &ledger.content().entries;
        for removal in &plan.fates {
            let (Some(entry), Fate::Keep(why)) = (entries.get(&removal.id), &removal.fate) else { continue };
            report.steps.push(Step::new("keep", entry.path(), Outcome::Kept, why.clone()));
        }
    }
    report
}

fn state_notes(report: &mut Report, ledger: &Ledger) {
    let path = ledger.path().display().to_string();
    if let Some(other) = ledger.cloned_from() {
        let message = format!(
            "this state was copied from {other}: what it made is kept and never removed, and this machine begins its own"
        );
        report.findings.push(Finding::new("logs.cloned-state", Severity::Note, path, message));
    }
    report.incomplete.extend(ledger.damage());
}

/// Told once: the run that tells it forgets the archive.
fn vanished(entry: &Entry) -> Finding {
    let hint = "restore it from a backup, or find out who removes files in that folder";
    Finding::new("logs.vanished", Severity::Danger, entry.path(), VANISHED).hint(hint)
}

/// A folder that is not there, or is not what it was. Only a folder that was removed asks for a person, once.
fn astray(astray: &Astray) -> Finding {
    let archives = count(astray.entries.len() as u64, "archive");
    let (id, severity, message, hint) = match &astray.away {
        Away::Removed => (
            "logs.folder-gone",
            Severity::Warning,
            format!("it was removed with {archives} in it; ops-logs did not do that, and forgets them"),
            "restore it from a backup if that was not meant; zstd archives are then found again",
        ),
        Away::Missing => (
            "logs.folder-missing",
            Severity::Note,
            format!(
                "it is not there, and whether it was removed or its volume is missing is unknown; {archives} in it are not forgotten"
            ),
            "mount the volume that it is on",
        ),
        Away::Bare => (
            "logs.folder-missing",
            Severity::Note,
            format!(
                "it holds none of {archives} that were put there, and nothing says that it is the same folder; they are not forgotten"
            ),
            "mount the volume that it was on, or put the archives back",
        ),
        Away::OtherVolume { was, now } => (
            "logs.folder-missing",
            Severity::Note,
            format!("{}; {archives} in it are not forgotten", Away::moved(was, now)),
            "mount the volume that it was on",
        ),
    };
    Finding::new(id, severity, &*astray.folder, message).hint(hint)
}

/// Files that have names of our archives and are not ours by any record: of a lost ledger, or somebody's copies.
fn unrecorded(foreign: &[Foreign]) -> Vec<Finding> {
    let mut folders: BTreeMap<&Path, u64> = BTreeMap::new();
    for file in foreign {
        *folders.entry(file.path.parent().unwrap_or(&file.path)).or_default() += 1;
    }
    let told = |(folder, number): (&Path, u64)| {
        let message = format!(
            "{} with the name of an archive and not in the ledger: no rule removes, nobody verifies that",
            count(number, "file")
        );
        let finding = Finding::new("logs.unrecorded", Severity::Note, folder.display().to_string(), message);
        finding.hint("-v lists them with the reason; move away what you do not need")
    };
    folders.into_iter().map(told).collect()
}

fn ahead(path: &Path, last: DateTime<Utc>) -> Finding {
    let last = last.format("%Y-%m-%d");
    let message = format!(
        "its last rotation is recorded on {last}, in the future: the clock was wrong then, or is now; other times decide"
    );
    Finding::new("logs.clock", Severity::Note, path.display().to_string(), message).hint("check the clock (`timedatectl`)")
}

/// The step, with the labels that the archive gets.
pub(super) fn labelled(step: Step, labels: &Labels) -> Step {
    if labels.is_empty() { step } else { step.with("labels", serde_json::to_value(labels).unwrap_or_default()) }
}

/// Told only where it keeps something.
fn leapt(rotate: &Rotate, ledger: &Ledger, plan: &Plan) -> Option<Finding> {
    let (leap, now) = (plan.world.leap?, plan.world.now);
    let limit = |entry: &Entry| rotate.sets.iter().find(|set| set.name == entry.set)?.keep.max_age;
    let old = |entry: &&Entry| limit(entry).is_some_and(|limit| now - entry.at > limit.chrono());
    let kept = ledger.content().entries.values().filter(old).count() as u64;
    let message = format!(
        "it is {} ahead of when it was last believed: it may be wrong, and {} that would be too old stay for now",
        count(u64::try_from(leap.num_days()).unwrap_or(0), "day"),
        count(kept, "archive")
    );
    let finding = Finding::new("logs.clock", Severity::Note, "the clock", message);
    (kept > 0).then(|| finding.hint("check it (`timedatectl`); a run an hour from now, or later, believes it"))
}

/// A rotation of an earlier run that cannot be ended as things stand.
fn stuck(ledger: &Ledger, recovery: &Recovery) -> Option<Step> {
    let entry = ledger.content().entries.get(&recovery.id)?;
    let path = entry.rotated_path();
    if let Some(Beside { name, whose }) = &recovery.in_the_way {
        let why = if let Whose::Foreign(why) = whose { why } else { "nothing proves that it was made from this one" };
        return Some(blocked(entry, name, why));
    }
    match &recovery.next {
        Next::Foreign => {
            Some(Step::new("archive", path, Outcome::Skipped, "another file stands under that name now; nothing is touched"))
        }
        Next::Blind(failure) => Some(Step::new("recover", path, Outcome::Failed, failure.told())),
        _ => None,
    }
}

/// The step of a rotation whose archive cannot get its name.
pub(super) fn blocked(entry: &Entry, name: &str, why: &str) -> Step {
    let why = format!("{} is in the way, and it is not ours: {why}", entry.archive_path(name));
    Step::new("archive", entry.rotated_path(), Outcome::Skipped, advised(&why, Some("move it away")))
}

/// What comes next for a rotation that an earlier run began.
pub(super) fn recovery_step(entry: &Entry, recovery: &Recovery) -> Option<Step> {
    let path = entry.rotated_path();
    let (action, outcome, why) = match &recovery.next {
        Next::Archive { .. } if recovery.in_the_way.is_some() => return None,
        Next::Archive { tell: true, .. } => {
            ("archive", Outcome::Planned, "a run swapped it away and has not come to tell its writer")
        }
        Next::Archive { .. } if entry.taken.is_some() => {
            ("archive", Outcome::Planned, "a run collected it; it is archived as soon as nobody has it open for writing")
        }
        Next::Archive { tell: false, .. } => {
            ("archive", Outcome::Planned, "a run swapped it away; it is archived as soon as nobody has it open for writing")
        }
        Next::Release { .. } => ("release", Outcome::Planned, "a run archived and proved it"),
        Next::Cut => ("rotate", Outcome::Planned, "an earlier run archived and proved what it begins with"),
        Next::Lost if entry.cut.is_some() => {
            return Some(Step::new(
                "archive",
                entry.path(),
                Outcome::Failed,
                "it is gone or damaged, and ops-logs did not do that",
            ));
        }
        Next::Lost => ("archive", Outcome::Failed, "the rotated file is gone, and ops-logs did not remove it"),
        _ => return None,
    };
    Some(Step::new(action, path, outcome, why))
}

/// Why, and what to do about it: a step has one line for both.
pub(super) fn advised(why: &str, hint: Option<&str>) -> String {
    hint.map_or_else(|| why.to_owned(), |hint| format!("{why} (hint: {hint})"))
}

/// What a run says that changes nothing.
pub(super) fn idle(rotate: &Rotate) -> String {
    if rotate.sets.is_empty() { "nothing to do: no set has that method" } else { "nothing to do" }.to_owned()
}

fn summary(rotate: &Rotate, plan: &Plan, (removed, bytes): (u64, u64)) -> String {
    if plan.is_idle() {
        return idle(rotate);
    }
    let mut parts = Vec::new();
    if !plan.rotations.is_empty() {
        let bytes = plan.rotations.iter().map(|rotation| rotation.size).sum();
        parts.push(format!("{} to rotate ({})", count(plan.rotations.len() as u64, "log"), Size(bytes)));
    }
    if !plan.collections.is_empty() {
        let bytes = plan.collections.iter().map(|file| file.taken.size).sum();
        parts.push(format!("{} to collect ({})", count(plan.collections.len() as u64, "file"), Size(bytes)));
    }
    let begun = plan
        .recoveries
        .iter()
        .filter(|recovery| matches!(recovery.next, Next::Archive { .. } | Next::Release { .. } | Next::Cut))
        .count();
    if begun > 0 {
        parts.push(format!("{} of earlier runs to finish", count(begun as u64, "rotation")));
    }
    parts.extend(shipment::summary(plan));
    if removed > 0 {
        parts.push(format!("{} to remove ({})", count(removed, "archive"), Size(bytes)));
    }
    if !plan.vanished.is_empty() {
        parts.push(format!("{} vanished", count(plan.vanished.len() as u64, "archive")));
    }
    if parts.is_empty() { "some records to bring up to date".to_owned() } else { parts.join(", ") }
}
