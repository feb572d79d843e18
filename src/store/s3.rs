//! A store in a bucket. A small object is one call, a large one is made of parts; either way the store compares it with the checksum that
//! goes along, makes it only where there is none of that name, and its answer must name that checksum again, or it is asked what it has.
//! It never overwrites, and removes only what it is told to.

mod large;
mod pool;

use std::{collections::HashSet, sync::Arc};

use self::{large::Large, pool::Pool};
use super::{
    Begun, Body, ChecksumKind, Cold, Hold, Key, Moved, Name, Put, Removal, Standing, StorageClass, Store, Take, Terms, Tier,
    tally::Tally,
};
use crate::{
    aws::{
        bucket::{Answer, Bucket, Object, Sum, Upload},
        pace::{PART, Pace, part_size},
    },
    failure::{Failure, Result},
};

/// So often is an object begun anew whose key somebody else is just writing to.
const CONTESTS: usize = 4;
/// S3 removes no more in one call.
const DELETES: usize = 1000;
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
    pool: Arc<Pool>,
    at_once: usize,
}

impl Objects {
    /// The store in that bucket, which must answer.
    pub(super) fn open(bucket: &str, prefix: Option<&Key>, terms: &Terms) -> Result<Objects> {
        let prefix = prefix.map_or_else(String::new, |prefix| format!("{prefix}/"));
        let bucket = Bucket::new(bucket, terms)?;
        // Of a wrong bucket or a wrong login one sentence is enough, before anything is read here.
        bucket.answers(&prefix)?;
        let Pace { memory, at_once, .. } = Pace::of(terms);
        let pool = Pool::of(memory);
        Ok(Objects { bucket, prefix, checksum: terms.checksum, class: terms.storage_class, pool, at_once })
    }

    fn name(&self, key: &Key) -> Result<String> {
        let name = Key::new(format!("{}{key}", self.prefix));
        name.map(|name| name.to_string())
            .ok_or_else(|| Failure::new("name", key).because("with the prefix of the store it is too long"))
    }

    fn small(&self, object: &Object, body: &Body, moved: Moved) -> Result<(Answer, Option<Sum>)> {
        let shown = self.bucket.shown(object.name);
        let mut buffer = self.pool.buffer(body.size);
        let mut reader = body.reader(&shown);
        reader.fill(buffer.as_mut())?;
        reader.end()?;
        let sum = Tally::new(self.checksum).part(buffer.as_ref());
        let answer = self.bucket.put(object, buffer, sum.as_ref(), &|| body.stops())?;
        moved(body.size);
        Ok((answer, sum))
    }

    /// The checksum that the store has of an object of this body, however it got there.
    fn sum(&self, body: &Body, shown: &str) -> Result<Option<String>> {
        let (mut reader, mut tally) = (body.reader(shown), Tally::new(self.checksum));
        let part = part_size(body.size);
        let mut last = None;
        while last.is_none() || reader.left() > 0 {
            let mut buffer = self.pool.buffer(part.min(reader.left()));
            reader.fill(buffer.as_mut())?;
            last = Some(tally.part(buffer.as_ref()));
        }
        reader.end()?;
        let whole = if body.size <= PART { last.flatten() } else { tally.whole() };
        Ok(whole.map(|sum| sum.as_str().to_owned()))
    }

    /// Ends an upload that a note tells of; where it was stopped before its id was known, all of that name.
    fn end_upload(&self, name: &str, begun: &Begun) -> Result<()> {
        if let Some(id) = &begun.upload {
            return self.bucket.abort(name, &Upload(id.clone()));
        }
        let found = self.bucket.uploads(name)?.into_iter().filter(|(found, _)| found == name);
        found.map(|(_, upload)| upload).try_for_each(|upload| self.bucket.abort(name, &upload))
    }

    /// Whether the store has what was sent: as it said itself when it made it, or says when asked; where it cannot say, it is read again.
    fn prove(&self, key: &Key, body: &Body, sum: Option<&Sum>, told: Option<&str>) -> Result<()> {
        if sum.is_some() && sum.map(Sum::as_str) == told {
            return Ok(());
        }
        let shown = self.shown(key);
        let wrong = |why: String| Failure::new("store", &shown).because(why).hint("what was to be stored stays here");
        let head = self
            .bucket
            .head(&self.name(key)?, &|| body.stops())?
            .ok_or_else(|| wrong("it was made, and is not there".to_owned()))?;
        if head.size != body.size {
            return Err(wrong(format!("{} bytes were sent, and the store has {}", body.size, head.size)));
        }
        match (sum, head.sum) {
            (Some(ours), Some(theirs)) if ours.as_str() == theirs => Ok(()),
            (Some(ours), Some(theirs)) => {
                Err(wrong(format!("the checksum of what was sent is {}, and the store has {theirs}", ours.as_str())))
            }
            _ if self.sha256(key, body.size)? == body.sha256 => Ok(()),
            _ => Err(wrong("what was sent reads back as something else".to_owned())),
        }
    }
}

impl Store for Objects {
    fn put(&self, key: &Key, body: &Body, moved: Moved) -> Result<Put> {
        let name = self.name(key)?;
        let object =
            Object { name: &name, sha256: &body.sha256, class: self.class.filter(|_| body.is_cold()), about: &body.about };
        for contest in 0..CONTESTS {
            let told = |bytes| {
                if contest == 0 {
                    moved(bytes);
                }
            };
            let made = if body.size <= PART {
                self.small(&object, body, &told)
            } else {
                Large { store: self, key, object, body, moved: &told }.put()
            };
            match made? {
                (Answer::Made(said), sum) => {
                    self.prove(key, body, sum.as_ref(), said.as_deref())?;
                    // Not before: whoever is killed here asks the store again.
                    body.notes().filter(|_| body.size > PART).map_or(Ok(()), |noted| noted.notes.forget(key))?;
                    return Ok(Put::Made);
                }
                (Answer::Taken, _) => return Ok(Put::Taken),
                (Answer::Contested, _) => {}
            }
        }
        let failure = Failure::new("store", self.shown(key)).because("somebody else goes on writing to that key");
        Err(failure.hint("has another machine this one's name? (`host` in the settings)"))
    }

    fn read(&self, key: &Key, take: Take) -> Result<()> {
        self.bucket.get(&self.name(key)?, take)
    }

    fn walk(&self, folder: &Key, visit: &mut dyn FnMut(Name, u64) -> Result<()>) -> Result<()> {
        let below = format!("{}/", self.name(folder)?);
        let (mut from, mut seen) = (None::<String>, HashSet::new());
        loop {
            let page = self.bucket.page(&below, PAGE, from.as_deref())?;
            for (name, size) in page.objects {
                let Some(name) = name.strip_prefix(&self.prefix) else { continue };
                // A console makes an empty object of that name for a folder.
                let is_folder = size == 0 && name.ends_with('/');
                match Key::new(name) {
                    Some(key) => visit(Name::Key(key), size)?,
                    None if is_folder => {}
                    None => visit(Name::Other(name.to_owned()), size)?,
                }
            }
            let Some(next) = page.next else { return Ok(()) };
            // The same pages again and again have no end.
            if !seen.insert(next.clone()) {
                let why = "the store says that there is more where it was listed already";
                return Err(Failure::new("list", self.bucket.shown(&below)).because(why));
            }
            from = Some(next);
        }
    }

    fn look(&self, key: &Key) -> Result<Option<Standing>> {
        self.bucket.look(&self.name(key)?)
    }

    fn held(&self, key: &Key) -> Result<Option<Hold>> {
        self.bucket.held(&self.name(key)?)
    }

    fn remove(&self, keys: &[Key]) -> Vec<Result<Removal>> {
        let names: Vec<Result<String>> = keys.iter().map(|key| self.name(key)).collect();
        // Who cannot prove what it has may not know the sum that a call for many must carry, either.
        let at_once = if self.checksum == ChecksumKind::None { 1 } else { DELETES };
        let all: Vec<&str> = names.iter().flatten().map(String::as_str).collect();
        let mut came = all.chunks(at_once).flat_map(|names| self.bucket.remove(names));
        names.iter().map(|name| name.clone().and_then(|_| came.next().expect("there is one for each name"))).collect()
    }

    fn thaw(&self, key: &Key, cold: Cold, tier: Tier, days: u16) -> Result<()> {
        self.bucket.thaw(&self.name(key)?, cold, tier, days)
    }

    fn says_it_has(&self, key: &Key, body: &Body) -> Result<bool> {
        let head = self.bucket.head(&self.name(key)?, &|| body.stops())?;
        let Some(head) = head.filter(|head| head.size == body.size) else { return Ok(false) };
        Ok(head.sum.is_some() && head.sum == self.sum(body, &self.shown(key))?)
    }

    fn shown(&self, key: &Key) -> String {
        self.bucket.shown(&format!("{}{key}", self.prefix))
    }

    fn may_replace(&self) -> bool {
        true
    }

    fn at_once(&self) -> Option<usize> {
        Some(self.at_once)
    }

    fn end(&self, begun: &Begun) -> Result<()> {
        let key = Key::new(begun.key.clone()).ok_or_else(|| Failure::new("end", &begun.key).because("that is no key"))?;
        self.end_upload(&self.name(&key)?, begun)
    }

    fn end_all(&self, folder: &Key, given_up: &dyn Fn(&Key) -> bool) -> Result<()> {
        let found = self.bucket.uploads(&format!("{}/", self.name(folder)?))?.into_iter();
        let ours = |name: &str| name.strip_prefix(&self.prefix).and_then(Key::new).is_some_and(|key| given_up(&key));
        found.filter(|(name, _)| ours(name)).try_for_each(|(name, upload)| self.bucket.abort(&name, &upload))
    }
}
