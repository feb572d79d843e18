//! Archives what was swapped away: waits for writers, compresses and proves several files at once, makes
//! a whole batch durable with one barrier, records it, and only then lets the uncompressed files go.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Carry, pin, room};
use crate::{
    failure::{Exit, Failure, Result},
    files::{
        archive_name::ArchiveName,
        compress::{Facts, Progress},
        dir::FileId,
        kernel,
        writers::{self, Writers},
    },
    report::{Outcome, Size, Step, count},
    run::{Run, side_by_side},
    tools::logs::{
        ledger::{Archive, Entry, EntryId, Line, Stage},
        rotate::{
            facts::PendingFact,
            hand::{Compress, Hand, Hold, Proven, Released, hold, step_aside},
            plan::Plan,
            show,
        },
    },
};

/// So many files share one barrier.
const BATCH: usize = 64;

/// One file on its way into an archive.
pub(super) struct Job {
    entry: Entry,
    hand: Arc<Hand>,
    compress: Compress,
    /// The archive's final name.
    pub(super) target: String,
}

/// Archives everything that waits.
pub(super) fn archive(carry: &mut Carry, plan: &Plan) -> Result<()> {
    let ids = std::mem::take(&mut carry.waiting);
    let deadlines = Deadlines::from_now(carry);
    let sizes = sizes(carry, plan, &ids);
    let bar = carry.run.progress.bytes("archiving", sizes.values().sum());
    let queue = room::queue(carry, &ids, &sizes);
    for (ids, at_once) in [(queue.roomy, BATCH), (queue.short, 1)] {
        let mut ids = ids.into_iter().peekable();
        while ids.peek().is_some() && !carry.run.shutdown.asked() {
            let batch = next_batch(carry, &mut ids, at_once, &deadlines)?;
            one_batch(carry, batch, &|bytes| bar.advance(bytes))?;
            kernel::give_back_holes();
        }
        let entries = &carry.ledger.content().entries;
        let left: Vec<String> = ids.filter_map(|id| entries.get(&id)).map(Entry::log_path).collect();
        carry.unfinished.extend(left);
    }
    Ok(())
}

/// How many bytes are to be archived of each, as far as the plan knew.
fn sizes(carry: &Carry, plan: &Plan, ids: &[EntryId]) -> HashMap<EntryId, u64> {
    let found = |fact: &PendingFact| fact.seen.as_ref().ok()?.plain.map(|stat| (fact.id, stat.size));
    let begun: HashMap<EntryId, u64> = plan.world.pending.iter().filter_map(found).collect();
    let fresh: HashMap<(&Path, &str), u64> = plan
        .rotations
        .iter()
        .map(|rotation| ((rotation.bound.folder.as_path(), rotation.bound.log.as_str()), rotation.size))
        .collect();
    let taken = |entry: &Entry| entry.taken.as_ref().map(|taken| taken.size);
    let fresh = |entry: &Entry| fresh.get(&(Path::new(&entry.folder), entry.log.as_str())).copied();
    let size = |entry: &Entry| begun.get(&entry.id).copied().or_else(|| taken(entry)).or_else(|| fresh(entry));
    let entries = ids.iter().filter_map(|id| carry.ledger.content().entries.get(id));
    entries.filter_map(|entry| Some((entry.id, size(entry)?))).collect()
}

/// The next files that nobody writes to any more: not too many, in not too many folders.
fn next_batch(
    carry: &mut Carry,
    ids: &mut impl Iterator<Item = EntryId>,
    at_once: usize,
    deadlines: &Deadlines,
) -> Result<Vec<Job>> {
    if carry.hands.are_many() {
        carry.hands.let_go()?;
    }
    let mut batch = Vec::new();
    while batch.len() < at_once && !carry.hands.are_many() && !carry.run.shutdown.asked() {
        let Some(id) = ids.next() else { break };
        let entry = carry.ledger.content().entries.get(&id).cloned();
        batch.extend(entry.and_then(|entry| ready(carry, &entry, deadlines)));
    }
    Ok(batch)
}

/// One wait for each set, however many files it has.
struct Deadlines(BTreeMap<String, Instant>);

impl Deadlines {
    fn from_now(carry: &Carry) -> Deadlines {
        let now = Instant::now();
        Deadlines(carry.rotate.sets.iter().map(|set| (set.name.clone(), now + set.close_wait.duration())).collect())
    }

    fn left(&self, set: &str) -> Duration {
        self.0.get(set).map_or(Duration::ZERO, |deadline| deadline.saturating_duration_since(Instant::now()))
    }
}

/// The job for `entry`, once nobody writes to its file any more.
fn ready(carry: &mut Carry, entry: &Entry, deadlines: &Deadlines) -> Option<Job> {
    let rotated = entry.rotated_path();
    let result =
        closed(carry, entry, deadlines).and_then(|closed| closed.map(|(hand, file)| job(carry, entry, hand, file)).transpose());
    match result {
        Ok(Some(job)) => Some(job),
        Ok(None) => {
            carry.unfinished.insert(entry.log_path());
            None
        }
        Err(failure) => {
            carry.unfinished.insert(entry.log_path());
            carry.failed("archive", rotated, &failure);
            None
        }
    }
}

fn closed(carry: &mut Carry, entry: &Entry, deadlines: &Deadlines) -> Result<Option<(Arc<Hand>, FileId)>> {
    let file = entry
        .file
        .ok_or_else(|| Failure::new("archive", entry.log_path()).because("the ledger does not say which file it was"))?;
    let hand = carry.hands.for_entry(entry)?;
    let set = carry.rotate.sets.iter().find(|set| set.name == entry.set);
    // Who was not told to let go will not do it soon.
    let told = entry.stage == Stage::Told;
    let patience = if told && set.is_some_and(|set| set.reopen.is_some()) { deadlines.left(&entry.set) } else { Duration::ZERO };
    let waits = |why: String| Step::new("archive", entry.rotated_path(), Outcome::Waiting, why);
    match hand.writers(&entry.name, file, hold(entry), patience)? {
        Writers::Nobody => Ok(Some((hand, file))),
        Writers::Somebody(who) => {
            let who = who.or_else(|| writers::name_them(file)).unwrap_or_else(|| "a process".to_owned());
            let why = format!("{who} still has it open for writing; a later run archives it");
            let untold = entry.taken.is_none() && set.is_some_and(|set| set.reopen.is_none());
            let hint = "where it never lets go, say in `reopen` how it is told, or use method = \"in-place\"";
            carry.step(waits(show::advised(&why, untold.then_some(hint))));
            Ok(None)
        }
        Writers::Unknown(why) => {
            // While the clock is in doubt, so is every age.
            let assumed = set.and_then(|set| set.assume_closed_after).filter(|_| !carry.clock_in_doubt);
            let age = carry.run.clock.now() - entry.at;
            if told && assumed.is_some_and(|after| age >= after.chrono()) {
                return Ok(Some((hand, file)));
            }
            let why = format!("nobody can tell whether it is still written to: {why}");
            carry.step(waits(show::advised(&why, Some("run as root, or set assume-closed-after"))));
            Ok(None)
        }
    }
}

/// How `entry` is archived.
pub(super) fn job(carry: &Carry, entry: &Entry, hand: Arc<Hand>, file: FileId) -> Result<Job> {
    let how = carry.rotate.form(entry);
    let name = ArchiveName::parse(&entry.name)
        .ok_or_else(|| Failure::new("archive", &entry.name).because("its name is none of ours"))?;
    let target = name.with(how.extension());
    let label = entry.label(&carry.rotate.host);
    let stretch = entry.stretch();
    let source = if stretch.is_some() { entry.log.clone() } else { entry.name.clone() };
    let size = stretch.map_or_else(|| hand.size(&source), |stretch| Ok(stretch.length()))?;
    let (stays, part) = (carry.rotate.stays(entry), target.part_name());
    let compress = Compress { source, file, hold: hold(entry), size, stretch, part, how, label, stays };
    Ok(Job { hand, compress, target: target.to_string(), entry: entry.clone() })
}

/// One batch: compress and prove, one barrier, names, one barrier, record, release.
fn one_batch(carry: &mut Carry, batch: Vec<Job>, progress: Progress) -> Result<()> {
    let compressed = compress_all(&batch, carry.rotate.parallel, progress, carry.run);
    let mut proven = Vec::new();
    for (job, result) in batch.into_iter().zip(compressed) {
        match result {
            Some(Ok(archive)) => proven.push((job, archive)),
            Some(Err(failure)) if job.compress.hold == Hold::Packed && failure.exit == Exit::PersonNeeded => {
                pin::unpack(carry, &job.entry, &failure)?;
            }
            Some(Err(failure)) => give_up(carry, &job, &failure),
            None => drop(carry.unfinished.insert(job.entry.log_path())),
        }
    }
    let proven = publish(carry, proven);
    let recorded = proven.iter().flat_map(|(job, archive)| {
        let facts = archive.facts.clone();
        let line = Line::Archived { id: job.entry.id, archive: Archive { file: job.target.clone(), facts } };
        pin::as_archived(&job.entry, archive).into_iter().chain([line])
    });
    carry.ledger.commit(recorded.collect())?;
    for (job, archive) in &proven {
        carry.texts.note(&job.entry, &archive.facts);
    }
    release(carry, proven)
}

fn give_up(carry: &mut Carry, job: &Job, failure: &Failure) {
    carry.unfinished.insert(job.entry.log_path());
    let failure = room::explained(failure, &job.entry, job.compress.how, job.compress.size);
    carry.failed("archive", job.entry.rotated_path(), &failure);
}

/// Compresses on as many threads as allowed; None for what was not begun because somebody asked to stop.
pub(super) fn compress_all(batch: &[Job], parallel: usize, progress: Progress, run: &Run) -> Vec<Option<Result<Proven>>> {
    let one = |job: &Job| job.hand.compress(&job.compress, progress);
    side_by_side(batch, parallel, &run.shutdown, step_aside, one)
}

/// Makes the parts durable, gives them their names, makes the names durable: one barrier each for all
/// files of a folder. What fails stays uncompressed.
pub(super) fn publish(carry: &mut Carry, proven: Vec<(Job, Proven)>) -> Vec<(Job, Proven)> {
    let mut folders: Vec<Vec<(Job, Proven)>> = Vec::new();
    for (job, archive) in proven {
        match folders.iter_mut().find(|folder| Arc::ptr_eq(&folder[0].0.hand, &job.hand)) {
            Some(folder) => folder.push((job, archive)),
            None => folders.push(vec![(job, archive)]),
        }
    }
    folders.into_iter().flat_map(|folder| publish_folder(carry, folder)).collect()
}

fn publish_folder(carry: &mut Carry, jobs: Vec<(Job, Proven)>) -> Vec<(Job, Proven)> {
    let hand = Arc::clone(&jobs[0].0.hand);
    // What stays uncompressed is an archive as well, and its writer may never have synced it.
    let content = |job: &Job| if job.compress.stays { job.entry.name.clone() } else { job.compress.part.clone() };
    let settled = hand.settle(jobs.iter().map(|(job, _)| content(job)).collect());
    let named = jobs.into_iter().filter_map(|(job, archive)| {
        let publish = || hand.publish(&job.compress.part, &job.target, archive.archive);
        let named = settled.clone().and_then(|()| if job.compress.stays { Ok(()) } else { publish() });
        if named.as_ref().is_err_and(Failure::is_shortage) && !job.compress.stays {
            // It may have taken the last block; the next run would remove it too.
            let _ = hand.remove_archive(&job.compress.part);
        }
        named.map_err(|failure| give_up(carry, &job, &failure)).ok().map(|()| (job, archive))
    });
    let named: Vec<_> = named.collect();
    match hand.sync_names() {
        Ok(()) => named,
        Err(failure) => {
            for (job, _) in &named {
                give_up(carry, job, &failure);
            }
            Vec::new()
        }
    }
}

fn release(carry: &mut Carry, proven: Vec<(Job, Proven)>) -> Result<()> {
    let mut lines = Vec::new();
    for (job, Proven { facts, version, .. }) in proven {
        let gone = || job.hand.release(&job.entry.name, job.compress.file, job.compress.hold, version);
        let rotated = job.entry.rotated_path();
        match if job.compress.stays { Ok(Released::Gone) } else { gone() } {
            Ok(Released::Gone) => {
                carry.archived(&job, &facts);
                lines.push(Line::reached(&job.entry, Stage::Stored));
            }
            Ok(Released::Changed(why)) => anew(carry, &job.entry, &why)?,
            // Archived, proven and recorded: only the uncompressed file still takes room. The next run looks again.
            Err(failure) => {
                carry.unfinished.insert(job.entry.log_path());
                carry.failed("release", rotated, &failure);
            }
        }
    }
    carry.note(lines)
}

impl Carry<'_> {
    /// Counts and tells an archive that was made.
    pub(super) fn archived(&mut self, job: &Job, facts: &Facts) {
        self.tally.archived += 1;
        self.tally.plain_bytes += facts.size;
        self.tally.stored_bytes += facts.stored;
        self.step(archived(job, facts));
        let told = [pin::same_text(&mut self.texts, self.ledger.content(), &job.entry, facts), pin::shrunk(&job.entry, facts)];
        self.report.findings.extend(told.into_iter().flatten());
    }
}

fn archived(job: &Job, facts: &Facts) -> Step {
    let told = format!(
        "{} -> {}, sha-256 {}…, {}, proven",
        Size(facts.size),
        Size(facts.stored),
        &facts.sha256[..facts.sha256.len().min(12)],
        count(facts.lines, "line")
    );
    let step = Step::new("archive", job.entry.archive_path(&job.target), Outcome::Done, told);
    let value = serde_json::to_value(facts).unwrap_or_default();
    let step = step.with("from", job.entry.rotated_path()).with("facts", value);
    show::labelled(step, &job.entry.labels)
}

/// The file may hold more than its archive: it waits to be archived once more, and the archive is debris. Durable at
/// once, because the next run may not see a difference any more.
pub(super) fn anew(carry: &mut Carry, entry: &Entry, why: &str) -> Result<()> {
    carry.unfinished.insert(entry.log_path());
    let why = format!("{why}; the next run archives it anew");
    carry.step(Step::new("release", entry.rotated_path(), Outcome::Waiting, why));
    // The archive stays recorded, so that the next run knows it for ours when it takes it away.
    carry.ledger.commit(vec![Line::reached(entry, Stage::Told)])
}
