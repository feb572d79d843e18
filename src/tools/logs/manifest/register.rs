//! Goes on with this machine's manifest in one store. What is to be said is remembered before the store is asked to take it, so
//! that a run that is killed at any point is concluded by the next one, in the same words. Decides nothing of what is said, and
//! goes on only with the chain that it knows.

pub mod sign;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    LONGEST, Object, Removed, Segment, Written,
    chain::{Chain, Head, Pending},
    folder, key,
    memory::Memory,
    stored::{self, Asking, Reading},
};
use crate::{
    failure::{Exit, Failure, Result},
    report::{Finding, Severity, Size, count},
    store::{Body, Key, Put, Store},
    tools::logs::parcel::Receipt,
};

/// This machine's manifest in one store.
pub struct Register<'a> {
    store: &'a dyn Store,
    memory: &'a Memory,
    chain: Chain,
    /// Tells whoever waits that what a segment says is in the store.
    sign: &'a dyn Fn(&[Receipt]) -> Result<()>,
}

impl<'a> Register<'a> {
    /// The manifest that `chain` remembers, with what an earlier run was about to say said. Told with it: what nothing proves, or what
    /// can be said no more.
    pub fn open(
        store: &'a dyn Store,
        memory: &'a Memory,
        chain: Chain,
        sign: &'a dyn Fn(&[Receipt]) -> Result<()>,
    ) -> Result<(Register<'a>, Option<Finding>)> {
        let mut register = Register { store, memory, chain, sign };
        register.same_store()?;
        let dropped = register.conclude()?;
        let told = if register.chain.head.is_none() { register.resume()? } else { dropped };
        Ok((register, told))
    }

    /// The number of the next segment.
    pub fn next(&self) -> u64 {
        self.chain.head.as_ref().map_or(0, |head| head.number) + 1
    }

    /// The day on which the last segment was made.
    pub fn last_day(&self) -> Option<NaiveDate> {
        self.chain.head.as_ref().map(|head| head.made_at.date_naive())
    }

    /// Makes the next segment, and signs for what it says.
    pub fn say(&mut self, now: DateTime<Utc>, objects: Vec<Object>, receipts: &[Receipt]) -> Result<()> {
        self.follow(now, (objects, Vec::new()), receipts)
    }

    /// Makes the next segment: these are about to be taken out of the store, and those are there although that was said of them.
    pub fn bury(&mut self, now: DateTime<Utc>, removed: Vec<Removed>, there: Vec<Object>) -> Result<()> {
        self.follow(now, (there, removed), &[])
    }

    fn follow(
        &mut self,
        now: DateTime<Utc>,
        (objects, removed): (Vec<Object>, Vec<Removed>),
        receipts: &[Receipt],
    ) -> Result<()> {
        let written = Written::of(Segment {
            host: self.chain.host.clone(),
            number: self.next(),
            previous: self.chain.head.as_ref().map(|head| head.sha256.clone()),
            made_at: now,
            objects,
            removed,
        });
        // Before anything is remembered: nobody could ever read it again, and so go on after it.
        let Segment { objects, removed, .. } = &written.segment;
        let (objects, bytes) = ((objects.len() + removed.len()) as u64, written.text.len() as u64);
        if bytes > LONGEST {
            let number = written.segment.number;
            let why = format!("segment {number} would have {}, and none may have more than {}", Size(bytes), Size(LONGEST));
            return Err(Failure::new("name", count(objects, "object")).because(why));
        }
        let text = String::from_utf8(written.text.clone()).expect("JSON is text");
        self.chain.pending = Some(Pending { text, receipts: receipts.to_vec() });
        self.memory.keep(&self.chain)?;
        self.publish(&written)?;
        self.signed(&written, receipts)
    }

    /// Which segments name which of these objects, but for those that this machine took out of the store after that. Nothing where not all
    /// of them were read: what is named once more is named well, and what is thought to be named may have been taken out since.
    pub fn naming(&self, asking: Asking, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<(String, u64)>> {
        let mut named: Vec<(String, u64)> = Vec::new();
        let segments = self.segments()?;
        for (number, _, read) in Reading::of_so_many(asking, segments.len()).each(segments) {
            let Some(read) = read else { return Ok(Vec::new()) };
            let Some(Written { segment: Segment { objects, removed, .. }, .. }) = read? else { continue };
            let goes = |(key, at): &(String, u64)| {
                removed.iter().any(|one| one.host == self.chain.host && one.key == *key && *at <= one.segment)
            };
            named.retain(|one| !goes(one));
            named.extend(objects.into_iter().filter(|object| wanted(&object.key)).map(|object| (object.key, number)));
        }
        Ok(named)
    }

    /// Ends what an earlier run was about to say.
    fn conclude(&mut self) -> Result<Option<Finding>> {
        let Some(pending) = self.chain.pending.clone() else { return Ok(None) };
        let written = pending.written()?;
        if let Some(key) = self.missing(&written.segment)? {
            return self.give_up(written.segment.number, &key).map(Some);
        }
        self.publish(&written)?;
        self.signed(&written, &pending.receipts).map(|()| None)
    }

    /// An object of the segment that is not there as it was: nobody signs for what an earlier run saw, and for what may be in another
    /// store than this.
    fn missing(&self, segment: &Segment) -> Result<Option<String>> {
        for object in &segment.objects {
            let found = Key::new(object.key.clone()).map(|key| self.store.look(&key)).transpose()?.flatten();
            if found.is_none_or(|found| found.size != object.stored) {
                return Ok(Some(object.key.clone()));
            }
        }
        Ok(None)
    }

    /// Says nothing of what is not there any more: nobody has signed for it, and whatever waits is shipped anew. Only where the last
    /// segment is known to be there, and this one not: otherwise this may be another store, or somebody relies on what was said.
    fn give_up(&mut self, number: u64, missing: &str) -> Result<Finding> {
        if self.chain.head.is_none() || self.segment(number)?.is_some() {
            return Err(Failure::new("go on with", format!("segment {number}, which an earlier run began"))
                .because(format!("{missing} is not there as it was"))
                .hint("is the store mounted, and the one that it was? nothing here is removed"));
        }
        self.chain.pending = None;
        self.memory.keep(&self.chain)?;
        let message = "an earlier run put it there and had not named it yet, and it is not there as it was: it is shipped anew";
        let finding = Finding::new("logs.object-vanished", Severity::Warning, missing.to_owned(), message);
        Ok(finding.hint("find out who removed it: nobody else is to write there"))
    }

    /// Where the last segment is not what it was, this is not the store that it was.
    fn same_store(&self) -> Result<()> {
        let Some(head) = &self.chain.head else { return Ok(()) };
        let found = self.segment(head.number)?;
        if found.as_ref().is_some_and(|found| found.sha256 == head.sha256) {
            return Ok(());
        }
        let why = if found.is_some() { "is another one now" } else { "is not there" };
        Err(Failure::new("ship to", &self.chain.store)
            .because(format!("segment {} of this machine's manifest {why}", head.number))
            .hint("is it mounted, and the one that it was? `ops-logs verify` tells more; nothing here is removed"))
    }

    /// Without a memory of its own this machine goes on where the store says it was, and says that nothing proves it.
    fn resume(&mut self) -> Result<Option<Finding>> {
        let Some((last, _)) = self.segments()?.pop_last() else { return Ok(None) };
        let found =
            self.segment(last)?.ok_or_else(|| Failure::new("read", format!("segment {last}")).because("it is not there"))?;
        self.chain.head = Some(Head { number: last, sha256: found.sha256, made_at: found.segment.made_at });
        self.memory.keep(&self.chain)?;
        let message = format!("the store has {last} segments of this machine, and nothing here says that {last} was the last");
        let finding = Finding::new("logs.chain-resumed", Severity::Note, self.chain.store.clone(), message);
        Ok(Some(finding.hint("if this machine's state was not lost, another machine has its name: set `host`")))
    }

    /// Makes the segment. One of that number that says something else was made by another machine of this name.
    fn publish(&self, written: &Written) -> Result<()> {
        let number = written.segment.number;
        let key = self.key(number)?;
        match self.store.put(&key, &Body::of(&written.text), &|_| ())? {
            Put::Made if self.chain.head.is_none() && self.store.may_replace() => self.keeps(&key, written),
            Put::Made => Ok(()),
            Put::Taken if self.segment(number)?.is_some_and(|found| found.sha256 == written.sha256) => Ok(()),
            Put::Taken => Err(Failure::new("write", self.store.shown(&key))
                .because("another machine of this name wrote it: the manifest is forked")
                .hint(format!(
                    "give each machine its own name (`host` in the settings); where this one's state is an older copy of its own, move {} \
                     away, and it goes on where the store says; nothing here is removed",
                    self.memory.place(&self.chain.store)?.display()
                ))
                .exit(Exit::PersonNeeded)),
        }
    }

    /// A store that knows no conditions replaces what is there without a word, whoever said it. So the first segment is put there twice.
    fn keeps(&self, key: &Key, written: &Written) -> Result<()> {
        match self.store.put(key, &Body::of(&written.text), &|_| ())? {
            Put::Taken => Ok(()),
            Put::Made => Err(Failure::new("rely on", &self.chain.store)
                .because("it replaces what is there, although it is asked not to (`If-None-Match: *`)")
                .hint("use a store that does not, or a newer version of this one; nothing here is removed")
                .exit(Exit::PersonNeeded)),
        }
    }

    fn signed(&mut self, written: &Written, receipts: &[Receipt]) -> Result<()> {
        // Who prunes need not be able to sign.
        if !receipts.is_empty() {
            (self.sign)(receipts)?;
        }
        let Segment { number, made_at, .. } = written.segment;
        self.chain.head = Some(Head { number, sha256: written.sha256.clone(), made_at });
        self.chain.pending = None;
        self.memory.keep(&self.chain)
    }

    /// A segment of this machine as the store has it.
    fn segment(&self, number: u64) -> Result<Option<Written>> {
        stored::segment(self.store, &self.key(number)?)
    }

    fn key(&self, number: u64) -> Result<Key> {
        key(&self.chain.host, number).ok_or_else(|| Failure::new("name", format!("segment {number}")))
    }

    /// This machine's segments.
    fn segments(&self) -> Result<BTreeMap<u64, Key>> {
        let folder = folder(&self.chain.host).ok_or_else(|| Failure::new("name", "the manifest"))?;
        stored::segments(self.store, &folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        store::{self, Address, Terms},
        tools::logs::manifest::tests::{hour, object},
    };

    #[test]
    fn a_segment_that_nobody_could_read_again_is_not_begun() {
        let home = tempfile::tempdir().unwrap();
        let store = store::open(&Address::Folder(home.path().to_owned()), &Terms::default()).unwrap();
        let (memory, sign) = (Memory::of(None, home.path()), |_: &[Receipt]| Ok(()));
        let chain = || memory.recall("web", "file:///a").unwrap();
        let mut register = Register::open(&*store, &memory, chain(), &sign).unwrap().0;
        let long = Object { log: "x".repeat(17 << 20), ..object("app", 0) };
        let failure = register.say(hour(1), vec![long], &[]).unwrap_err();
        assert!(failure.to_string().contains("none may have more than 16.0 MiB"), "{failure}");
        assert_eq!(chain().pending, None);
        register.say(hour(1), vec![object("app", 0)], &[]).unwrap();
        assert_eq!(chain().head.map(|head| head.number), Some(1));
    }
}
