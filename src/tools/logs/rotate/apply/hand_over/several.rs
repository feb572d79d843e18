//! Several archives of one log become one parcel. The text of each is proven where it lies in it; one that is not what was recorded, or
//! cannot be read, stays out, and the others go without it. Which go together is recorded before the parcel is handed over, so
//! that the same archives become the same object whoever hands them over again.

use std::{collections::HashMap, fs::File, path::Path};

use super::parcels::{self, described, refuse};
use crate::{
    failure::{Exit, Failure, Result},
    files::{
        archive_name::ArchiveName,
        compress::{Compression, Facts, Found, Joint, TimeRange, TimeSource, examine, examine_each},
        dir::{Dir, Kind, stat_open},
        fingerprint,
    },
    tools::logs::{
        ledger::{Archive, Entry, EntryId, Line},
        parcel::{Parcel, several::Member},
        rotate::{apply::Carry, plan::Shipment},
        spool::{Copied, Counter},
    },
};

/// An archive that is to be joined with others.
struct Open {
    entry: Entry,
    archive: Archive,
    file: File,
    /// SHA-256 of it.
    stored_sha256: String,
}

/// What came of joining them.
enum Joined {
    /// All are in it.
    Whole(Copied, Facts),
    /// So many are; the last of them ends in the middle of a line, and nothing may stand behind that.
    Upto(usize),
    /// This one cannot be.
    Without(usize, Failure),
}

/// Hands these archives over in as few parcels as can be; the keys of the objects of those that are on their way then.
pub(super) fn make(
    carry: &mut Carry,
    counter: &Counter,
    shipment: &Shipment,
    entries: Vec<Entry>,
) -> HashMap<EntryId, Vec<String>> {
    let mut open: Vec<Open> = Vec::new();
    for entry in entries {
        let path = entry.path();
        match Open::of(entry) {
            Ok(one) => open.push(one),
            Err(failure) => carry.failed("hand-over", path, &failure),
        }
    }
    let mut made = HashMap::new();
    while !open.is_empty() {
        match next(carry, counter, shipment, &mut open) {
            Ok((ids, keys)) => made.extend(ids.into_iter().map(|id| (id, keys.clone()))),
            Err(failure) => {
                let _ = counter.discard();
                for one in open.drain(..) {
                    carry.failed("hand-over", one.entry.path(), &failure);
                }
            }
        }
    }
    made
}

/// The next parcel: as many of them as can stand one behind the other.
fn next(carry: &mut Carry, counter: &Counter, shipment: &Shipment, open: &mut Vec<Open>) -> Result<(Vec<EntryId>, Vec<String>)> {
    let mut many = open.len();
    while many > 1 {
        match join(carry, counter, &open[..many])? {
            Joined::Whole(copied, facts) => {
                record(carry, &open[..many])?;
                let key = hand_over(carry, counter, &open[..many], &copied, &facts)?;
                return Ok((open.drain(..many).map(|one| one.entry.id).collect(), vec![key]));
            }
            Joined::Upto(fewer) => many = fewer,
            Joined::Without(index, failure) => {
                let out = open.remove(index);
                carry.failed("hand-over", out.entry.path(), &failure);
                many -= 1;
            }
        }
    }
    let Some(alone) = open.first() else { return Ok((Vec::new(), Vec::new())) };
    // As if there had been no company: so it is what it would be without the setting.
    record(carry, std::slice::from_ref(alone))?;
    let keys = parcels::make(carry, counter, shipment, &alone.entry);
    let alone = open.remove(0);
    match keys {
        Ok(keys) => Ok((vec![alone.entry.id], keys)),
        Err(failure) => {
            let _ = counter.discard();
            carry.failed("hand-over", alone.entry.path(), &failure);
            Ok((Vec::new(), Vec::new()))
        }
    }
}

impl Open {
    fn of(entry: Entry) -> Result<Open> {
        let archive = entry.archive.clone().ok_or_else(|| refuse(&entry, "there is no archive of it"))?;
        let file = Dir::open(Path::new(entry.archive_folder()))?.read(&archive.file)?;
        let stat = stat_open(&file)?;
        if stat.kind != Kind::File || stat.size != archive.facts.stored {
            return Err(refuse(&entry, "another file stands there than the archive that was recorded"));
        }
        let stored_sha256 = fingerprint::of_file(&file, archive.facts.stored)?;
        Ok(Open { entry, archive, file, stored_sha256 })
    }

    fn how(&self) -> Compression {
        ArchiveName::parse(&self.archive.file).map_or(Compression::None, |name| Compression::of(name.extension()))
    }
}

/// Joins them, and proves each in what came of it.
fn join(carry: &Carry, counter: &Counter, open: &[Open]) -> Result<Joined> {
    let Some(first) = open.first() else { return Ok(Joined::Upto(0)) };
    let how = first.how();
    let file = counter.fresh()?;
    let mut joint = Joint::new(&file, how)?;
    for (index, one) in open.iter().enumerate() {
        if let Err(failure) = joint.add(&one.file) {
            // Whose fault it was: what can be read by itself is sound, and only what came of it could not be written.
            return match examine(&one.file, how, &|_| ()) {
                Err(unreadable) => Ok(Joined::Without(index, unreadable)),
                Ok(_) => Err(failure),
            };
        }
    }
    let facts = joint.end(&first.entry.label(&carry.rotate.host), times(open))?;
    let sizes: Vec<u64> = open.iter().map(|one| one.archive.facts.size).collect();
    let (all, each) = examine_each(&file, how, &sizes)?;
    let recorded =
        |(one, found): (&Open, &Found)| (&found.sha256, found.size) == (&one.archive.facts.sha256, one.archive.facts.size);
    if let Some(index) = open.iter().zip(&each).position(|both| !recorded(both)) {
        let failure = refuse(&open[index].entry, "it does not hold what was recorded of it");
        return Ok(Joined::Without(index, failure.exit(Exit::PersonNeeded)));
    }
    if (&all.sha256, all.size) != (&facts.sha256, sizes.iter().sum()) {
        return Err(refuse(&first.entry, "joined with others it reads back as something else"));
    }
    if let Some(index) = each.iter().position(|found| !found.ends_line).filter(|index| index + 1 < open.len()) {
        return Ok(Joined::Upto(index + 1));
    }
    let sha256 = fingerprint::of_file(&file, facts.stored)?;
    Ok(Joined::Whole(Copied { file, sha256 }, facts))
}

/// From the first until the last line of all, where all tell.
fn times(open: &[Open]) -> Option<TimeRange> {
    let times: Option<Vec<TimeRange>> = open.iter().map(|one| one.archive.facts.times).collect();
    let times = times?;
    let lines = times.iter().all(|times| times.source == TimeSource::Lines);
    let source = if lines { TimeSource::Lines } else { TimeSource::File };
    let (from, until) = (times.iter().map(|times| times.from).min()?, times.iter().map(|times| times.until).max()?);
    Some(TimeRange { from, until, source })
}

/// That they go together.
fn record(carry: &mut Carry, together: &[Open]) -> Result<()> {
    let Some(oldest) = together.first().map(|one| one.entry.id) else { return Ok(()) };
    let fresh = together.iter().filter(|one| one.entry.company != Some(oldest));
    let lines = fresh.map(|one| Line::Entry(Entry { company: Some(oldest), ..one.entry.clone() })).collect();
    carry.ledger.commit(lines)
}

fn hand_over(carry: &Carry, counter: &Counter, together: &[Open], copied: &Copied, facts: &Facts) -> Result<String> {
    let member = |one: &Open| Member::new(&one.entry.name, one.entry.at, &one.archive.facts, one.stored_sha256.clone());
    let (Some(first), Some(last)) = (together.first(), together.last()) else { return Ok(String::new()) };
    let parcel = described(carry, &first.entry, &first.archive, facts)?;
    let parcel = Parcel {
        name: last.entry.name.clone(),
        entry: last.entry.id,
        rotated_at: last.entry.at,
        stored_sha256: copied.sha256.clone(),
        several: together.iter().map(member).collect(),
        ..parcel
    };
    counter.hand_over(copied, &parcel)?;
    Ok(parcel.key)
}
