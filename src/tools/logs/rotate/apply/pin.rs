//! Collects what writers finished, set by set: all intents durable first, then each file gets a name of ours. From there on
//! it goes the way of a log that was swapped away and whose writer was told.
//!
//! An intent is the memory of its file, so no crash makes it two archives; where the name was not given, the next run
//! forgets the intent, and finds the file anew or tells that it is lost. What is live is noted last: only when the file
//! that was live before is kept and, where that is lost, when the run is about to tell it.

use std::time::Duration;

use super::Carry;
use crate::{
    failure::{Failure, Result},
    files::{
        compress::Facts,
        identity::{Agreement, Identity},
        writers::{self, Writers},
    },
    report::{Finding, Outcome, Severity, Step},
    run::Run,
    tools::logs::{
        ledger::{Content, Entry, Ledger, Line, Stage, Taken},
        rotate::{
            hand::{Hold, Proven},
            plan::{Cause, Collection, Gap, Look, Lost, Plan},
            show,
        },
    },
};

/// Collects what the plan says.
pub(super) fn collect(carry: &mut Carry, plan: &Plan) -> Result<()> {
    let bar = carry.run.progress.items("collecting", plan.collections.len() as u64);
    for set in 0..carry.rotate.sets.len() {
        if carry.run.shutdown.asked() {
            return Ok(());
        }
        let mut files = Vec::new();
        for file in plan.collections.iter().filter(|file| file.bound.set == set) {
            if file.cause != Cause::Closed || is_closed(carry, file) {
                files.push(file);
            }
        }
        pin_all(carry, &files, &|| bar.advance(1))?;
    }
    Ok(())
}

/// A file under the live name is finished when nobody writes to it.
fn is_closed(carry: &mut Carry, file: &Collection) -> bool {
    let asked = carry
        .hands
        .for_bound(&file.bound, &file.taken.name)
        .and_then(|hand| hand.writers(&file.taken.name, file.bound.file, Hold::Pinned, Duration::ZERO));
    let waits = match asked {
        Ok(Writers::Nobody) => return true,
        Ok(Writers::Somebody(who)) => {
            let who = who.or_else(|| writers::name_them(file.bound.file)).unwrap_or_else(|| "a process".to_owned());
            format!("{who} still has it open for writing; a later run collects it")
        }
        Ok(Writers::Unknown(why)) => {
            let assumed = carry.rotate.sets[file.bound.set].assume_closed_after.filter(|_| !carry.clock_in_doubt);
            let age = carry.run.clock.now() - file.taken.modified;
            if assumed.is_some_and(|after| age >= after.chrono()) {
                return true;
            }
            let why = format!("nobody can tell whether it is still written to: {why}");
            show::advised(&why, Some("run as root, or set assume-closed-after"))
        }
        Err(failure) => {
            carry.failed("collect", file.path(), &failure);
            return false;
        }
    };
    carry.step(Step::new("collect", file.path(), Outcome::Waiting, waits));
    false
}

fn pin_all(carry: &mut Carry, files: &[&Collection], done: &dyn Fn()) -> Result<()> {
    let entries: Vec<Entry> =
        files.iter().map(|file| Entry { taken: Some(file.taken.clone()), ..carry.intent(&file.bound) }).collect();
    carry.ledger.commit(entries.iter().cloned().map(Line::Entry).collect())?;
    let mut lines = Vec::new();
    for (file, entry) in files.iter().zip(&entries) {
        done();
        if carry.run.shutdown.asked() {
            carry.unfinished.insert(entry.log_path());
            lines.push(Line::gone(entry, "stopped before it was collected"));
            continue;
        }
        let pin = |carry: &mut Carry| {
            carry.hands.for_bound(&file.bound, &file.taken.name)?.pin(&file.taken.name, &entry.name, file.taken.file)
        };
        match pin(carry) {
            Ok(()) => {
                carry.tally.collected += 1;
                let step = Step::new("collect", file.path(), Outcome::Done, file.cause.to_string());
                carry.step(step.with("to", entry.name.clone()).with("bytes", file.taken.size));
                carry.waiting.push(entry.id);
                lines.push(Line::reached(entry, Stage::Told));
            }
            // What it left stands in the ledger as an intent: the next run looks and decides.
            Err(failure) => {
                carry.unfinished.insert(entry.log_path());
                carry.failed("collect", file.path(), &failure);
            }
        }
    }
    carry.note(lines)
}

/// What is remembered of a file is what was archived of it: it may have grown while it waited for its writer.
pub(super) fn as_archived(entry: &Entry, proven: &Proven) -> Option<Line> {
    let taken = entry.taken.as_ref()?;
    let archived = Taken { size: proven.version.size(), modified: proven.version.modified(), ..taken.clone() };
    (archived != *taken).then(|| Line::Entry(Entry { taken: Some(archived), archive: None, ..entry.clone() }))
}

/// Told when another archive of the log holds the same text: of the file that its writer compressed after it was collected, or
/// of one of which no record was left. Nobody knows whether it is that file, or another one in a log that repeats itself, so
/// both stay.
pub(super) fn same_text(content: &Content, entry: &Entry, facts: &Facts) -> Option<Finding> {
    entry.taken.as_ref().filter(|_| facts.size > 0)?;
    let unlike = |other: &Entry| other.taken.is_none() || other.packed().is_some() != entry.packed().is_some();
    let same = |other: &&Entry| {
        other.id != entry.id
            && (&other.folder, &other.log) == (&entry.folder, &entry.log)
            && other.archive.as_ref().is_some_and(|made| (made.facts.size, &made.facts.sha256) == (facts.size, &facts.sha256))
            && unlike(other)
    };
    let other = content.entries.values().find(same)?;
    let why = match other.taken {
        Some(_) => "its writer compressed that file after it was collected",
        None => "no record is left of the file that it was made of",
    };
    let message = format!("it holds the same text as {}: {why}, or its lines repeat; both stay", other.path());
    let finding = Finding::new("logs.archived-twice", Severity::Note, entry.path(), message);
    let hint = "count them once; where the writer compresses, have `finished` name only that, such as \"{name}.*.gz\"";
    Some(finding.hint(hint))
}

/// Told when a file held more when it got our name than when it was archived.
pub(super) fn shrunk(entry: &Entry, facts: &Facts) -> Option<Finding> {
    let taken = entry.taken.as_ref().filter(|taken| taken.packed.is_none() && taken.size > facts.size)?;
    let gap = Gap {
        log: entry.log_path(),
        what: Lost::Truncated,
        size: taken.size,
        seen: taken.modified,
        from: taken.file.born,
        until: None,
    };
    Some(gap.finding())
}

/// What has the name of a compressed file and is none is compressed like any other, by the next run.
pub(super) fn unpack(carry: &mut Carry, entry: &Entry, failure: &Failure) -> Result<()> {
    carry.unfinished.insert(entry.log_path());
    let why = format!("it cannot be read as what its name says ({failure}); the next run archives it like any other");
    carry.step(Step::new("archive", entry.rotated_path(), Outcome::Waiting, why));
    let taken = entry.taken.clone().map(|taken| Taken { packed: None, ..taken });
    carry.ledger.commit(vec![Line::Entry(Entry { taken, ..entry.clone() })])
}

/// Notes what is live, and forgets collected files that are gone. Lost, it is only noted anew.
pub(super) fn note(run: &Run, ledger: &mut Ledger, plan: &Plan) -> Result<()> {
    let content = ledger.content();
    let looks = plan.watch.looks.iter().filter(|look| look.once_kept.is_none_or(|file| is_kept(content, look, &file)));
    let lines = looks.map(live).chain(plan.watch.passed.iter().cloned()).collect();
    write(run, ledger, lines)
}

/// Notes that what is lost was told: as the last of all, for a run that is killed before tells nobody.
pub(super) fn note_told(run: &Run, ledger: &mut Ledger, plan: &Plan) -> Result<()> {
    let entries = &ledger.content().entries;
    let untold = plan.watch.untold.iter().filter_map(|id| entries.get(id));
    let untold = untold.filter(|entry| entry.stage == Stage::Intended).map(|entry| Line::gone(entry, "its writer removed it"));
    let lines = plan.watch.told.iter().map(live).chain(untold).collect();
    write(run, ledger, lines)
}

fn live(look: &Look) -> Line {
    Line::Live { log: look.log.clone(), file: look.now.clone() }
}

fn write(run: &Run, ledger: &mut Ledger, lines: Vec<Line>) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    run.state.make()?;
    ledger.append(lines)
}

/// Whether the file that was live before has a name of ours, or an archive.
fn is_kept(content: &Content, look: &Look, file: &Identity) -> bool {
    let is = |taken: &Taken| taken.file.agrees(file) != Agreement::Other;
    let kept =
        |entry: &Entry| entry.stage != Stage::Intended && entry.taken.as_ref().is_some_and(is) && entry.log_path() == look.log;
    let outlived = content.collected.get(&look.log).is_some_and(|all| all.iter().any(|one| is(&one.taken)));
    outlived || content.entries.values().any(kept)
}
