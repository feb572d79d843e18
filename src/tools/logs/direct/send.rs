//! One rotated log becomes one object, or one for each day (UTC) that its lines are of, as an archive does. Everything is tried before
//! anything is sent: what comes out of the objects again must be, all together, the text that was recorded. Removes nothing.

use chrono::{DateTime, Utc};

use super::source::{Made, Source, State};
use crate::{
    failure::{Failure, Result},
    files::{
        archive_name::ArchiveName,
        compress::{self, Compression, Facts, Label, Progress, Stretch, Text, TimeRange},
        dir::FileId,
        fingerprint::Fingerprint,
    },
    store::{Body, Store, notes::Notes},
    tools::logs::{
        ledger::{Archive, Entry},
        parcel::{
            Parcel, key,
            part::{Part, Whole},
        },
        rotate::hand::Version,
        ship::upload::{self, Uploaded},
    },
};

/// To where, and as what.
pub(super) struct Sender<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) notes: &'a dyn Notes,
    pub(super) host: &'a str,
    pub(super) now: DateTime<Utc>,
    pub(super) progress: Progress<'a>,
}

/// What came of a log.
pub(super) enum Came {
    /// The store has all of it.
    Stored(Box<Stored>),
    /// It is not what was recorded of it, and nothing of it was sent.
    Not(State),
    /// It cannot be read as it was, and why: that is no failure of the store.
    Unread(Failure),
}

/// A log that the store has.
pub(super) struct Stored {
    pub(super) objects: Vec<Uploaded>,
    /// The file that it was read from, as it was.
    pub(super) file: FileId,
    pub(super) version: Version,
}

/// An object that was tried, and will be sent.
struct Tried<'a> {
    made: Made<'a>,
    parcel: Parcel,
}

impl Sender<'_> {
    /// Sends it, as a log of that service. Fails only where the store may be why.
    pub(super) fn send(&self, entry: &Entry, service: &str, how: Compression) -> Result<Came> {
        let label = entry.label(self.host);
        let source = match Source::open(entry) {
            Ok(source) => source,
            Err(failure) => return Ok(Came::Unread(failure)),
        };
        let tried = match self.tried(entry, (service, how), &source, &label) {
            Ok(Ok(tried)) => tried,
            Ok(Err(state)) => return Ok(Came::Not(state)),
            Err(failure) => return Ok(Came::Unread(failure)),
        };
        let put = |tried: &Tried| {
            let Tried { made, parcel } = tried;
            let body = Body::of_made(made, parcel.facts.stored, &parcel.stored_sha256);
            upload::put(self.store, self.notes, parcel, body, &|_| ())
        };
        match tried.iter().map(put).collect::<Result<_>>() {
            // What was written to it by now is not in these objects: who removes it sees that, and they are named all the same.
            Ok(objects) => Ok(Came::Stored(Box::new(Stored { objects, file: source.id, version: source.version }))),
            Err(failure) => match source.is_untouched() {
                Ok(true) => Err(failure),
                Ok(false) => Ok(Came::Unread(refuse(entry, "somebody wrote to it meanwhile; the next run looks again"))),
                Err(failure) => Ok(Came::Unread(failure)),
            },
        }
    }

    /// What is to be sent of it; or what it is instead of what was recorded.
    fn tried<'a>(
        &'a self,
        entry: &'a Entry,
        (service, how): (&'a str, Compression),
        source: &'a Source,
        label: &'a Label,
    ) -> Result<std::result::Result<Vec<Tried<'a>>, State>> {
        let archive = entry.archive.as_ref().ok_or_else(|| refuse(entry, "it is not archived"))?;
        if source.size() != archive.facts.size {
            return source.state(label, &archive.facts).map(Err);
        }
        let one = One { sender: self, entry, archive, source, label, how, service };
        if let Some(tried) = one.try_all()? {
            return Ok(Ok(tried));
        }
        match source.state(label, &archive.facts)? {
            State::Same => Err(refuse(entry, "it reads differently each time")),
            state => Ok(Err(state)),
        }
    }
}

/// One log under way.
struct One<'a> {
    sender: &'a Sender<'a>,
    entry: &'a Entry,
    archive: &'a Archive,
    source: &'a Source,
    label: &'a Label,
    how: Compression,
    service: &'a str,
}

impl<'a> One<'a> {
    /// Makes each object once, and throws it away. None where they do not give back what was recorded.
    fn try_all(&self) -> Result<Option<Vec<Tried<'a>>>> {
        let facts = &self.archive.facts;
        let days = facts.times.map(|times| compress::days(&self.source.file, Compression::None, times)).transpose()?;
        let days = days.unwrap_or_default();
        let mut whole = Fingerprint::default();
        let mut tried = Vec::new();
        if days.len() > 1 {
            let ends = days.iter().skip(1).map(|day| day.from).chain([facts.size]);
            for (day, to) in days.iter().zip(ends) {
                let stretch = Stretch { from: day.from, to };
                tried.push(self.try_one(Some(stretch), Some(day.times), &mut whole)?);
            }
        } else {
            tried.push(self.try_one(None, facts.times, &mut whole)?);
        }
        Ok((whole.hex() == facts.sha256).then_some(tried))
    }

    fn try_one(&self, stretch: Option<Stretch>, times: Option<TimeRange>, whole: &mut Fingerprint) -> Result<Tried<'a>> {
        let One { sender, entry, label, how, service, .. } = *self;
        let text = Text::of(&self.source.file, stretch);
        let mut take = |plain: &[u8]| {
            whole.take(plain);
            Ok(())
        };
        let (facts, stored_sha256) = compress::trial(text, how, label, times, (&mut take, sender.progress))?;
        let part = stretch.map(|Stretch { from, .. }| Part { from, size: facts.size, whole: self.whole() });
        let file = ArchiveName::parse(&entry.name).map(|name| name.with(how.extension()).to_string());
        let key = file.and_then(|file| key::key(entry, &file, &facts, sender.host, service));
        let key = key.ok_or_else(|| refuse(entry, "no key can be made of its names"))?;
        let parcel = Parcel::of(entry, (&key, sender.host, service), facts, stored_sha256, part, sender.now);
        Ok(Tried { made: Made { text, how, label, times, progress: sender.progress }, parcel })
    }

    /// The archive as it is on this machine: the text itself.
    fn whole(&self) -> Whole {
        let Facts { sha256, size, stored, .. } = self.archive.facts.clone();
        Whole { stored_sha256: sha256.clone(), sha256, size, stored }
    }
}

fn refuse(entry: &Entry, why: &str) -> Failure {
    Failure::new("ship", entry.rotated_path()).because(why)
}
