//! An object that is made of parts, several on their way at a time. What was begun is noted before the store is asked, so that a run that was
//! stopped anywhere is gone on with: parts that are there, and are found to hold what is here, are not sent again. No part is believed.

use std::collections::{BTreeMap, VecDeque};

use super::{Objects, Tally};
use crate::{
    aws::{
        bucket::{Answer, Arrived, Object, Part, Sending, Sum, Upload},
        pace::part_size,
    },
    failure::{Failure, Result},
    store::{
        Body, Key, Moved,
        body::Reader,
        notes::{Begun, Noted},
    },
};

/// One of them, on its way into the bucket.
pub(super) struct Large<'a> {
    pub(super) store: &'a Objects,
    pub(super) key: &'a Key,
    pub(super) object: Object<'a>,
    pub(super) body: &'a Body<'a>,
    pub(super) moved: Moved<'a>,
}

/// An upload, and what is there of it.
struct UnderWay {
    upload: Upload,
    there: BTreeMap<i32, Arrived>,
}

/// What came of the parts.
enum Ended {
    /// The store said so, of parts with this sum together.
    Told(Answer, Option<Sum>),
    /// There is no such upload any more: somebody ended it.
    Gone,
    /// What is here is not what was to be stored.
    Spoilt(Failure),
    /// The store did not take it, and may take it later.
    Stuck(Failure),
}

impl Large<'_> {
    /// Makes the object.
    pub(super) fn put(&self) -> Result<(Answer, Option<Sum>)> {
        let part = part_size(self.body.size);
        if !self.store.pool.can_hold(part) {
            let why = format!("its parts would be of {part} bytes, which are more than may be on their way at a time");
            return Err(Failure::new("store", self.shown()).because(why).hint("raise max-memory (and bandwidth) in [store]"));
        }
        // The store would say it only after all of it was sent.
        if self.store.bucket.head(self.object.name, &|| self.body.stops())?.is_some() {
            return self.drop_earlier().map(|()| (Answer::Taken, None));
        }
        let under_way = match self.gone_on_with(part)? {
            Some(under_way) => under_way,
            None => self.begun(part)?,
        };
        match self.parts(&under_way, part) {
            Ended::Told(Answer::Made(sum), whole) => Ok((Answer::Made(sum), whole)),
            Ended::Told(answer, whole) => self.drop(&under_way.upload).map(|()| (answer, whole)),
            // Begun anew.
            Ended::Gone => self.drop(&under_way.upload).map(|()| (Answer::Contested, None)),
            // The next run goes on; without notes nobody could.
            Ended::Stuck(failure) if self.body.notes().is_some() => Err(failure),
            Ended::Spoilt(failure) | Ended::Stuck(failure) => {
                // The one trouble is enough; by its note the next run ends this upload, or the store's own rule for stale ones does.
                let _ = self.drop(&under_way.upload);
                Err(failure)
            }
        }
    }

    /// What an earlier run began, if it is this; what else it began under that key is ended.
    fn gone_on_with(&self, part: u64) -> Result<Option<UnderWay>> {
        let Some(noted) = self.body.notes() else { return Ok(None) };
        let Some(earlier) = noted.notes.recall(self.key)? else { return Ok(None) };
        if let (Some(id), true) = (&earlier.upload, self.begin(noted, part).is(&earlier)) {
            let upload = Upload(id.clone());
            // Who may not see them sends them all again.
            let there = self.store.bucket.parts(self.object.name, &upload).unwrap_or_else(|_| Some(BTreeMap::new()));
            if let Some(there) = there {
                return Ok(Some(UnderWay { upload, there }));
            }
        }
        self.drop_earlier().map(|()| None)
    }

    fn begun(&self, part: u64) -> Result<UnderWay> {
        let begun = self.body.notes().map(|noted| (noted.notes, self.begin(noted, part)));
        if let Some((notes, begun)) = &begun {
            // Killed before its id is known, the next run at least knows what to look for.
            notes.remember(begun)?;
        }
        let upload = self.store.bucket.begin(&self.object, &|| self.body.stops())?;
        if let Some((notes, begun)) = begun
            && let Err(failure) = notes.remember(&Begun { upload: Some(upload.0.clone()), ..begun })
        {
            // The same: its first note tells the next run what to look for.
            let _ = self.store.bucket.abort(self.object.name, &upload);
            return Err(failure);
        }
        Ok(UnderWay { upload, there: BTreeMap::new() })
    }

    fn begin(&self, noted: Noted, part: u64) -> Begun {
        Begun {
            key: self.key.to_string(),
            upload: None,
            part,
            checksum: self.store.checksum,
            stored_sha256: self.body.sha256.clone(),
            stored: self.body.size,
            encoder: noted.encoder.to_owned(),
        }
    }

    /// Ends what the notes tell of, and forgets it.
    fn drop_earlier(&self) -> Result<()> {
        let Some(noted) = self.body.notes() else { return Ok(()) };
        let Some(earlier) = noted.notes.recall(self.key)? else { return Ok(()) };
        self.store.end_upload(self.object.name, &earlier)?;
        noted.notes.forget(self.key)
    }

    fn drop(&self, upload: &Upload) -> Result<()> {
        self.store.bucket.abort(self.object.name, upload)?;
        self.body.notes().map_or(Ok(()), |noted| noted.notes.forget(self.key))
    }

    fn parts(&self, under_way: &UnderWay, part: u64) -> Ended {
        let shown = self.shown();
        let reader = self.body.reader(&shown);
        let mut line =
            Line { large: self, under_way, tally: Tally::new(self.store.checksum), parts: Vec::new(), sent: VecDeque::new() };
        if let Err(ended) = line.all(reader, part) {
            // What is going to be ended now, and not gone on with.
            if matches!(ended, Ended::Spoilt(_)) || self.body.notes().is_none() {
                line.rest();
            }
            return ended;
        }
        let whole = line.tally.whole();
        let parts: Vec<Part> = line.parts.into_iter().flatten().collect();
        let (made, stops) = ((self.object.name, self.body.size), || self.body.stops());
        let completed = self.store.bucket.complete(made, &under_way.upload, &parts, whole.as_ref(), &stops);
        completed.map_or_else(Ended::Stuck, |answer| Ended::Told(answer, whole))
    }

    fn shown(&self) -> String {
        self.store.bucket.shown(self.object.name)
    }
}

/// The parts of an object in order, of which some are on their way.
struct Line<'a> {
    large: &'a Large<'a>,
    under_way: &'a UnderWay,
    tally: Tally,
    /// None for each that is on its way.
    parts: Vec<Option<Part>>,
    sent: VecDeque<(usize, Sending)>,
}

impl Line<'_> {
    /// Brings all of them there.
    fn all(&mut self, mut reader: Reader, size: u64) -> std::result::Result<(), Ended> {
        while reader.left() > 0 {
            self.next(&mut reader, size)?;
        }
        // Before the last word: what is not what was recorded never becomes an object.
        reader.end().map_err(Ended::Spoilt)?;
        self.settle(|_| true)
    }

    /// Reads the next part, and sets it on its way unless it is there.
    fn next(&mut self, reader: &mut Reader, size: u64) -> std::result::Result<(), Ended> {
        let Objects { pool, bucket, .. } = self.large.store;
        let mut buffer = pool.buffer(size.min(reader.left()));
        if self.large.body.stops() {
            return Err(Ended::Stuck(bucket.given_up(self.large.object.name)));
        }
        reader.fill(buffer.as_mut()).map_err(Ended::Spoilt)?;
        let sum = self.tally.part(buffer.as_ref());
        let bytes = buffer.as_ref().len() as u64;
        let number = i32::try_from(self.parts.len() + 1).expect("there are 10,000 parts at most");
        let there = self.under_way.there.get(&number).zip(sum.as_ref()).filter(|(there, sum)| holds(there, bytes, sum));
        if let Some((there, sum)) = there {
            self.parts.push(Some(there.part(number, sum.clone())));
            (self.large.moved)(bytes);
        } else {
            let sending = bucket.send(self.large.object.name, &self.under_way.upload, number, buffer, sum);
            self.sent.push_back((self.parts.len(), sending));
            self.parts.push(None);
        }
        self.settle(Sending::is_over)
    }

    /// Takes note of the oldest parts that arrived, as long as it is their turn.
    fn settle(&mut self, turn: impl Fn(&Sending) -> bool) -> std::result::Result<(), Ended> {
        while let Some((at, sending)) = self.sent.pop_front_if(|(_, sending)| turn(sending)) {
            let bytes = sending.size();
            let Large { store, object, body, .. } = self.large;
            let sent = store.bucket.sent(object.name, sending, &|| body.stops()).map_err(Ended::Stuck)?;
            self.parts[at] = Some(sent.ok_or(Ended::Gone)?);
            (self.large.moved)(bytes);
        }
        Ok(())
    }

    /// Waits until nothing is on its way any more, whatever comes of it: a part that arrives when its upload was ended stays there. Each has a
    /// deadline of its own; who does not wait for it and kills the run leaves a note, by which the next one ends the upload.
    fn rest(&mut self) {
        for (_, sending) in self.sent.drain(..) {
            let _ = self.large.store.bucket.sent(self.large.object.name, sending, &|| false);
        }
    }
}

/// Whether a part that is there holds what is here. Of a store that tells no sum, nobody knows.
fn holds(there: &Arrived, bytes: u64, sum: &Sum) -> bool {
    there.size == bytes && there.sum.as_deref() == Some(sum.as_str())
}
