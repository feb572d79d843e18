//! A store in a bucket. A small object is one call, a large one is made of parts; either way the store compares it with the checksum that
//! goes along, makes it only where there is none of that name, and is asked afterwards what it has. Whatever goes wrong, no upload is left.
//! It never overwrites, and never deletes an object.

use super::{Body, ChecksumKind, Key, Moved, Put, StorageClass, Store, Take, Terms, tally::Tally};
use crate::{
    aws::bucket::{Answer, Bucket, Object, Part, Sum, Upload},
    failure::{Failure, Result},
    files::fingerprint::Fingerprint,
};

/// An object up to this size is one call; a larger one is made of parts of it, one in memory at a time.
const PART: u64 = 8 << 20;
/// S3 takes no more parts.
const PARTS: u64 = 10_000;
/// So often is an object begun anew whose key somebody else is just writing to.
const CONTESTS: usize = 4;
/// Objects of one page of a list.
const PAGE: i32 = 1000;

/// Objects in a bucket, below a prefix.
#[derive(Debug)]
pub(super) struct Objects {
    bucket: Bucket,
    /// Empty, or ends with `/`.
    prefix: String,
    checksum: ChecksumKind,
    class: Option<StorageClass>,
}

impl Objects {
    /// The store in that bucket, which must answer.
    pub(super) fn open(bucket: &str, prefix: Option<&Key>, terms: &Terms) -> Result<Objects> {
        let prefix = prefix.map_or_else(String::new, |prefix| format!("{prefix}/"));
        let bucket = Bucket::new(bucket, terms)?;
        // Of a wrong bucket or a wrong login one sentence is enough, before anything is read here.
        bucket.page(&prefix, 1, None)?;
        Ok(Objects { bucket, prefix, checksum: terms.checksum, class: terms.storage_class })
    }

    fn name(&self, key: &Key) -> Result<String> {
        let name = Key::new(format!("{}{key}", self.prefix));
        name.map(|name| name.to_string())
            .ok_or_else(|| Failure::new("name", key).because("with the prefix of the store it is too long"))
    }

    fn small(&self, object: &Object, body: &Body, moved: Moved) -> Result<(Answer, Option<Sum>)> {
        let mut bytes = Vec::with_capacity(usize::try_from(body.size).unwrap_or_default());
        body.read(&self.bucket.shown(object.name), &mut |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        let sum = Tally::new(self.checksum).part(&bytes);
        let answer = self.bucket.put(object, bytes, sum.as_ref())?;
        moved(body.size);
        Ok((answer, sum))
    }

    fn large(&self, object: &Object, body: &Body, moved: Moved) -> Result<(Answer, Option<Sum>)> {
        // The store would say it only after all of it was sent.
        if self.bucket.head(object.name)?.is_some() {
            return Ok((Answer::Taken, None));
        }
        // Of a run that was killed: nobody else writes under this machine's keys. Who may not see them cannot end them either, and ships.
        for stale in self.bucket.uploads(object.name)? {
            self.bucket.abort(object.name, &stale)?;
        }
        let upload = self.bucket.begin(object)?;
        let ended = self.parts(object.name, &upload, body, moved);
        if matches!(ended, Ok((Answer::Made, _))) {
            return ended;
        }
        let aborted = self.bucket.abort(object.name, &upload);
        ended.and_then(|ended| aborted.map(|()| ended))
    }

    fn parts(&self, name: &str, upload: &Upload, body: &Body, moved: Moved) -> Result<(Answer, Option<Sum>)> {
        let part_size = usize::try_from(part_size(body.size)).unwrap_or(usize::MAX);
        let mut tally = Tally::new(self.checksum);
        let mut parts: Vec<Part> = Vec::new();
        let mut gathered = Vec::with_capacity(part_size);
        let mut send = |bytes: Vec<u8>, parts: &mut Vec<Part>| {
            let (sum, size) = (tally.part(&bytes), bytes.len() as u64);
            let number = i32::try_from(parts.len() + 1).expect("there are 10,000 parts at most");
            parts.push(self.bucket.part(name, upload, number, bytes, sum)?);
            moved(size);
            Ok(())
        };
        body.read(&self.bucket.shown(name), &mut |mut piece| {
            while !piece.is_empty() {
                let (head, tail) = piece.split_at(piece.len().min(part_size - gathered.len()));
                gathered.extend_from_slice(head);
                piece = tail;
                if gathered.len() == part_size {
                    send(std::mem::replace(&mut gathered, Vec::with_capacity(part_size)), &mut parts)?;
                }
            }
            Ok(())
        })?;
        if !gathered.is_empty() {
            send(gathered, &mut parts)?;
        }
        let whole = tally.whole();
        Ok((self.bucket.complete(name, upload, &parts, body.size, whole.as_ref())?, whole))
    }

    /// Asks the store what it has; where it cannot prove it, reads it again.
    fn prove(&self, name: &str, body: &Body, sum: Option<&Sum>) -> Result<()> {
        let shown = self.bucket.shown(name);
        let wrong = |why: String| Failure::new("store", &shown).because(why).hint("what was to be stored stays here");
        let head = self.bucket.head(name)?.ok_or_else(|| wrong("it was made, and is not there".to_owned()))?;
        if head.size != body.size {
            return Err(wrong(format!("{} bytes were sent, and the store has {}", body.size, head.size)));
        }
        match (sum, head.sum) {
            (Some(ours), Some(theirs)) if ours.as_str() == theirs => Ok(()),
            (Some(ours), Some(theirs)) => {
                Err(wrong(format!("the checksum of what was sent is {}, and the store has {theirs}", ours.as_str())))
            }
            _ => {
                let mut hash = Fingerprint::default();
                self.bucket.get(name, &mut |piece| {
                    hash.take(piece);
                    Ok(())
                })?;
                if hash.hex() == body.sha256 {
                    Ok(())
                } else {
                    Err(wrong("what was sent reads back as something else".to_owned()))
                }
            }
        }
    }
}

impl Store for Objects {
    fn put(&self, key: &Key, body: &Body, moved: Moved) -> Result<Put> {
        let name = self.name(key)?;
        let object = Object { name: &name, sha256: &body.sha256, class: self.class.filter(|_| body.is_cold()) };
        for contest in 0..CONTESTS {
            let told = |bytes| {
                if contest == 0 {
                    moved(bytes);
                }
            };
            let made = if body.size <= PART { self.small(&object, body, &told) } else { self.large(&object, body, &told) };
            match made? {
                (Answer::Made, sum) => return self.prove(&name, body, sum.as_ref()).map(|()| Put::Made),
                (Answer::Taken, _) => return Ok(Put::Taken),
                (Answer::Contested, _) => {}
            }
        }
        let failure = Failure::new("store", self.shown(key)).because("somebody else goes on writing to that key");
        Err(failure.hint("has another machine this one's name? (`host` in the settings)"))
    }

    fn size(&self, key: &Key) -> Result<Option<u64>> {
        Ok(self.bucket.head(&self.name(key)?)?.map(|head| head.size))
    }

    fn read(&self, key: &Key, take: Take) -> Result<()> {
        self.bucket.get(&self.name(key)?, take)
    }

    fn list(&self, folder: &Key, visit: &mut dyn FnMut(Key, u64) -> Result<()>) -> Result<()> {
        let below = format!("{}/", self.name(folder)?);
        let mut from = None;
        loop {
            let page = self.bucket.page(&below, PAGE, from)?;
            for (name, size) in page.objects {
                if let Some(key) = name.strip_prefix(&self.prefix).and_then(Key::new) {
                    visit(key, size)?;
                }
            }
            match page.next {
                Some(next) => from = Some(next),
                None => return Ok(()),
            }
        }
    }

    fn shown(&self, key: &Key) -> String {
        self.bucket.shown(&format!("{}{key}", self.prefix))
    }
}

/// Parts grow only where there would be too many of them.
fn part_size(size: u64) -> u64 {
    size.div_ceil(PARTS).next_multiple_of(1 << 20).max(PART)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_too_many_parts() {
        assert_eq!(part_size(PART + 1), PART);
        assert_eq!(part_size(PARTS * PART), PART);
        for size in [PARTS * PART + 1, 5 << 40, 50 << 40] {
            assert!(size.div_ceil(part_size(size)) <= PARTS, "{size}");
        }
    }
}
