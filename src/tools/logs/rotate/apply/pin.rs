//! Collects what writers finished, set by set: all intents durable first, then each file gets a name of ours. From there on
//! it goes the way of a log that was swapped away and whose writer was told.
//!
//! An intent is the memory of its file, so no crash makes it two archives; where the name was not given, the next run
//! forgets the intent, and finds the file anew or tells that it is lost. What is live is noted last: only when the file
//! that was live before is kept and, where that is lost, when the run is about to tell it.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

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
        ledger::{Content, Entry, EntryId, Ledger, Line, Stage, Taken},
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
pub(super) fn same_text(texts: &mut Texts, content: &Content, entry: &Entry, facts: &Facts) -> Option<Finding> {
    entry.taken.as_ref().filter(|_| facts.size > 0)?;
    let other = texts.unlike(content, entry, facts)?;
    let why = match other.taken {
        Some(_) => "its writer compressed that file after it was collected",
        None => "no record is left of the file that it was made of",
    };
    let message = format!("it holds the same text as {}: {why}, or its lines repeat; both stay", other.path());
    let finding = Finding::new("logs.archived-twice", Severity::Note, entry.path(), message);
    let hint = "count them once; where the writer compresses, have `finished` name only that, such as \"{name}.*.gz\"";
    Some(finding.hint(hint))
}

/// What archives hold: the first of each kind, by its log, by what it holds, and by how it came to be.
#[derive(Default)]
pub(super) struct Texts(Option<HashMap<Text, EntryId>>);

type Text = (String, (u64, String), Origin);

/// None: of a file that was not collected; else whether its writer compressed it.
type Origin = Option<bool>;

impl Texts {
    /// One more archive is recorded.
    pub(super) fn note(&mut self, entry: &Entry, facts: &Facts) {
        if let Some(known) = &mut self.0 {
            known.entry(text(entry, facts, origin(entry))).or_insert(entry.id);
        }
    }

    /// An archive of the same log that holds the same, and came to be otherwise.
    fn unlike<'c>(&mut self, content: &'c Content, entry: &Entry, facts: &Facts) -> Option<&'c Entry> {
        let known = self.0.get_or_insert_with(|| {
            let mut known = HashMap::new();
            for (made, entry) in content.entries.values().filter_map(|entry| Some((entry.archive.as_ref()?, entry))) {
                known.entry(text(entry, &made.facts, origin(entry))).or_insert(entry.id);
            }
            known
        });
        let others = [None, Some(true), Some(false)].into_iter().filter(|other| *other != origin(entry));
        let found = others.filter_map(|other| known.get(&text(entry, facts, other)));
        found.min().and_then(|id| content.entries.get(id))
    }
}

fn text(entry: &Entry, facts: &Facts, origin: Origin) -> Text {
    (entry.log_path(), (facts.size, facts.sha256.clone()), origin)
}

fn origin(entry: &Entry) -> Origin {
    entry.taken.as_ref().map(|_| entry.packed().is_some())
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
    let kept = Kept::of(ledger.content(), plan);
    let looks = plan.watch.looks.iter().filter(|look| look.once_kept.is_none_or(|file| kept.has(&look.log, &file)));
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

/// Files that have a name of ours, or an archive, by log; of no log when nobody asks.
struct Kept<'a>(HashMap<String, Vec<&'a Taken>>);

impl Kept<'_> {
    fn of<'a>(content: &'a Content, plan: &Plan) -> Kept<'a> {
        let asked: HashSet<&str> =
            plan.watch.looks.iter().filter(|look| look.once_kept.is_some()).map(|look| &*look.log).collect();
        let mut kept: HashMap<String, Vec<&Taken>> = HashMap::new();
        if !asked.is_empty() {
            let named = content.entries.values().filter(|entry| entry.stage != Stage::Intended);
            for (entry, taken) in named.filter_map(|entry| Some((entry, entry.taken.as_ref()?))) {
                kept.entry(entry.log_path()).or_default().push(taken);
            }
        }
        for log in asked {
            let outlived = content.collected.get(log).into_iter().flatten().map(|one| &one.taken);
            kept.entry(log.to_owned()).or_default().extend(outlived);
        }
        Kept(kept)
    }

    fn has(&self, log: &str, file: &Identity) -> bool {
        self.0.get(log).is_some_and(|all| all.iter().any(|taken| taken.file.agrees(file) != Agreement::Other))
    }
}
