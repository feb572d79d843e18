//! One archive becomes one parcel, or one for each day (UTC) that its lines are of: query engines look for a day's lines in that day's
//! folder. The same archive always becomes the same parcels, whatever compressed it.

use std::{fs::File, path::Path};

use crate::{
    failure::{Exit, Failure, Result},
    files::{
        archive_name::ArchiveName,
        compress::{self, Compression, Day, Facts, Stretch},
        dir::{Dir, Kind, stat_open},
        fingerprint,
    },
    tools::logs::{
        ledger::{Archive, Entry},
        parcel::{
            Parcel, key,
            part::{Part, Whole},
        },
        rotate::{apply::Carry, plan::Shipment},
        spool::{Copied, Counter},
    },
};

/// An archive on its way.
struct Making<'a> {
    carry: &'a Carry<'a>,
    counter: &'a Counter,
    shipment: &'a Shipment,
    entry: &'a Entry,
    archive: &'a Archive,
    how: Compression,
}

/// Copies an archive, proves that the copy holds what was recorded, and makes parcels of it; the keys of their objects.
pub(super) fn make(carry: &Carry, counter: &Counter, shipment: &Shipment, entry: &Entry) -> Result<Vec<String>> {
    let archive = entry.archive.as_ref().ok_or_else(|| refuse(entry, "there is no archive of it"))?;
    let dir = Dir::open(Path::new(entry.archive_folder()))?;
    let file = dir.read(&archive.file)?;
    let stat = stat_open(&file)?;
    if stat.kind != Kind::File || stat.size != archive.facts.stored {
        return Err(refuse(entry, "another file stands there than the archive that was recorded"));
    }
    let copied = counter.copy(&file, archive.facts.stored)?;
    let how = ArchiveName::parse(&archive.file).map_or(Compression::None, |name| Compression::of(name.extension()));
    let found = compress::examine(&copied.file, how, &|_| ())?;
    if (&found.sha256, found.size) != (&archive.facts.sha256, archive.facts.size) {
        return Err(refuse(entry, "it does not hold what was recorded of it").exit(Exit::PersonNeeded));
    }
    let making = Making { carry, counter, shipment, entry, archive, how };
    let days = archive.facts.times.map(|times| compress::days(&copied.file, how, times)).transpose()?.unwrap_or_default();
    if days.len() > 1 { making.parts(&copied, &days) } else { making.parcel(&copied, &archive.facts, None).map(|key| vec![key]) }
}

impl Making<'_> {
    /// A parcel for each day.
    fn parts(&self, copied: &Copied, days: &[Day]) -> Result<Vec<String>> {
        let facts = &self.archive.facts;
        let whole =
            Whole { sha256: facts.sha256.clone(), size: facts.size, stored_sha256: copied.sha256.clone(), stored: facts.stored };
        // They lie beside the copy that they are made of.
        self.counter.room_for(facts.stored, None)?;
        self.counter.set_aside()?;
        let ends = days.iter().skip(1).map(|day| day.from).chain([facts.size]);
        let mut keys = Vec::new();
        for (day, to) in days.iter().zip(ends) {
            let (file, facts) = self.part(&copied.file, day, to)?;
            let part = Part { from: day.from, size: facts.size, whole: whole.clone() };
            let copied = Copied { sha256: fingerprint::of_file(&file, facts.stored)?, file };
            keys.push(self.parcel(&copied, &facts, Some(part))?);
        }
        self.counter.discard()?;
        Ok(keys)
    }

    /// An archive of one day's lines, proven.
    fn part(&self, whole: &File, day: &Day, to: u64) -> Result<(File, Facts)> {
        let file = self.counter.fresh()?;
        let stretch = Stretch { from: day.from, to };
        let facts = compress::part(whole, self.how, stretch, &file, &self.entry.label(&self.carry.rotate.host), Some(day.times))?;
        let found = compress::examine(&file, self.how, &|_| ())?;
        if (found.size, found.size, &found.sha256) == (facts.size, stretch.length(), &facts.sha256) {
            Ok((file, facts))
        } else {
            Err(refuse(self.entry, "a part of it reads back as something else"))
        }
    }

    /// The key of its object. What is on its way already, from a run that was killed, is not handed over twice.
    fn parcel(&self, copied: &Copied, facts: &Facts, part: Option<Part>) -> Result<String> {
        let parcel = described(self.carry, self.entry, self.archive, facts)?;
        if part.is_some() && self.shipment.is_on_its_way(&parcel.key) {
            return Ok(parcel.key);
        }
        let parcel = Parcel { stored_sha256: copied.sha256.clone(), part, ..parcel };
        self.counter.hand_over(copied, &parcel)?;
        Ok(parcel.key)
    }
}

/// The parcel of an archive of which this is true; what waits of it is still to be said.
pub(super) fn described(carry: &Carry, entry: &Entry, archive: &Archive, facts: &Facts) -> Result<Parcel> {
    let host = &carry.rotate.host;
    let set = carry.rotate.sets.iter().find(|set| set.name == entry.set);
    let service = set.and_then(|set| set.service.as_deref()).ok_or_else(|| refuse(entry, "its set does not ship"))?;
    let key =
        key::key(entry, &archive.file, facts, host, service).ok_or_else(|| refuse(entry, "no key can be made of its names"))?;
    Ok(Parcel::of(entry, (&key, host, service), facts.clone(), String::new(), None, carry.run.clock.now()))
}

pub(super) fn refuse(entry: &Entry, why: &str) -> Failure {
    Failure::new("hand over", entry.path()).because(why)
}
