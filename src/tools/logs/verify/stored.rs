//! `verify file://...`, `verify s3://...`: proves a store by its manifests. Each machine's segments must be one chain that ends where this machine
//! remembers, each object must be there as it is named unless a tombstone says that it was pruned, and nothing else may be. Changes nothing.

mod doubts;
mod end;
mod heads;
mod pruned;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::TimeDelta;

use self::{doubts::Doubts, end::Own, heads::Heads};
use crate::{
    failure::{Exit, Failure, Result},
    report::{Finding, Incomplete, Report, Severity, Size, count},
    run::Run,
    store::{
        self, Access, Address, Key, Terms,
        signer::{self, PublicKey},
    },
    tool::Query,
    tools::logs::{
        manifest::{
            self, Object,
            archived::{Archived, joined},
            chain::Chain,
            links::Links,
            memory::Memory,
            register::sign::SignKey,
            stored::{self, Asking, Folders, Reading},
            tombs::{Tomb, Tombs},
        },
        patience::Patience,
        spool::Spool,
    },
};

/// What to prove.
pub struct VerifyStore {
    /// The store.
    pub store: Address,
    /// On what terms it is used.
    pub terms: Terms,
    /// Where this machine remembers the end of its chain, if it has a spool.
    pub spool: Option<Spool>,
    /// Only what these machines put there; all when empty.
    pub hosts: Vec<String>,
    /// This machine: the end of its chain is known here.
    pub host: String,
    /// Compare sizes, and read nothing.
    pub quick: bool,
    /// Objects read at the same time.
    pub parallel: usize,
    /// Who may have signed how a manifest ends; nobody is asked when None.
    pub signed_by: Option<SignedBy>,
    /// How long ago a manifest's end may have been signed.
    pub fresh: Option<TimeDelta>,
}

/// Who may have signed.
pub enum SignedBy {
    /// Whoever holds the other half of one of these.
    Keys(Vec<Arc<dyn PublicKey>>),
    /// Whoever may use this key of KMS, which is asked for its public half.
    Kms(Box<SignKey>),
}

/// What should be there.
struct Expected {
    host: String,
    /// Which segment names it.
    segment: u64,
    object: Object,
}

/// What was found of all.
#[derive(Default)]
struct Found {
    sound: u64,
    bytes: u64,
    unread: u64,
}

/// The manifests as they were listed and read.
#[derive(Default)]
struct Manifests {
    /// Those of machines whose names are known.
    chains: Vec<(String, Links)>,
    /// What they all say was taken out of the store.
    tombs: Tombs,
    /// The last segment in each folder that was read: whatever comes after it was said since.
    last: BTreeMap<String, u64>,
    /// Whether there was none at all.
    empty: bool,
    /// Whether they are all that there are and none is missing: what they do not name nobody named.
    whole: bool,
    /// Whether one could not be read, which may say why something is missing.
    unread: bool,
}

/// What was found of one object.
enum Verdict {
    Sound,
    /// As far as the store says, which would have to bring it back first.
    Unread,
    Missing,
    Other(String),
    Unknown(Failure),
}

impl Query for VerifyStore {
    fn schema(&self) -> Option<&'static str> {
        Some("opsbelt.logs.verify-store/1")
    }

    fn answer(&self, run: &Run) -> Result<Report> {
        let store = store::open(&self.store, &self.terms)?;
        let patience = Patience::default();
        let asking = Asking::of(&*store, run, self.parallel, &patience);
        let mut report = Report::default();
        let Manifests { chains, tombs, last, empty, whole, unread } = self.manifests(asking, &mut report)?;
        let hosts = chains.len() as u64;
        let (objects, mut pruned) = expected(chains, &tombs, &mut report);
        let mut doubts = Doubts { unread, ..Doubts::default() };
        let found = self.examine(asking, &objects, &mut doubts, &mut report);
        // Where a segment is missing, nobody knows what it named.
        if whole && let Err(failure) = doubts.strangers(asking, &objects) {
            report.incomplete.push((&failure).into());
        }
        let named = objects.len() + pruned.len();
        doubts.settle(asking, &last, &mut pruned, &mut report);
        pruned::tell(&pruned, &mut report);
        report.summary = self.summary(empty, hosts, (named - pruned.len()) as u64, pruned.len() as u64, &found);
        Ok(report)
    }
}

impl VerifyStore {
    fn summary(&self, empty: bool, hosts: u64, objects: u64, pruned: u64, found: &Found) -> String {
        if hosts == 0 {
            return match (empty, self.hosts.is_empty()) {
                (false, _) => "not one manifest was read".to_owned(),
                (true, true) => "no machine has put anything there".to_owned(),
                (true, false) => "no machine of that name has put anything there".to_owned(),
            };
        }
        let how = if self.quick { "by their sizes" } else { "read and compared by sha-256" };
        let unread = match found.unread {
            0 => String::new(),
            unread => format!("; {unread} only by what the store says of them: they must be brought back to be read"),
        };
        let pruned = if pruned == 0 { String::new() } else { format!("; {pruned} pruned") };
        let (sound, bytes) = (found.sound, Size(found.bytes));
        format!(
            "as named: {sound} of {} of {} ({bytes}, {how}){unread}{pruned}",
            count(objects, "object"),
            count(hosts, "machine")
        )
    }

    /// The signed heads, where it is known who may have signed them.
    fn heads(&self, asking: Asking, report: &mut Report) -> Option<Heads> {
        let keys = match self.signed_by.as_ref()? {
            SignedBy::Keys(keys) => Ok(keys.clone()),
            SignedBy::Kms(with) => signer::signer(&with.key, &with.terms).map(|key| vec![key as Arc<dyn PublicKey>]),
        };
        match keys.and_then(|keys| Heads::list(asking, keys, &self.hosts, (self.fresh, asking.run.clock.now()))) {
            Ok(heads) => Some(heads),
            Err(failure) => {
                report.incomplete.push((&failure).into());
                None
            }
        }
    }

    /// Reads the manifests that are asked for; what is wrong with them, and with how they end, is told.
    fn manifests(&self, asking: Asking, report: &mut Report) -> Result<Manifests> {
        let (store, run) = (asking.store, asking.run);
        let mut all = Manifests { whole: self.hosts.is_empty(), ..Manifests::default() };
        let before = self.remembered(run);
        let heads = self.heads(asking, report);
        let listed = self.listed(asking, heads.as_ref(), &before)?;
        let own = before.and_then(|before| Ok(Own { before, after: self.remembered(run)? }));
        report.findings.extend(self.absent(&listed));
        all.empty = listed.values().all(BTreeMap::is_empty);
        let reading = Reading::of(asking, &listed);
        for (folder, segments) in listed {
            let told = report.incomplete.len();
            let Some(chain) = Links::read(&reading, segments, report) else {
                report.incomplete.push((&reading.broken_off()).into());
                (all.whole, all.unread) = (false, true);
                break;
            };
            all.whole &= chain.unbroken;
            all.unread |= report.incomplete.len() > told;
            let own = manifest::is_of(&folder, &self.host).then_some(&own);
            let host = chain.host.clone().or_else(|| own.map(|_| self.host.clone()));
            let subject = format!("{}, machine {}", self.store, host.as_ref().unwrap_or(&folder));
            if host.is_some() {
                end::tell(own, &chain, &subject, heads.is_some(), report);
            }
            if let Some(heads) = &heads {
                let is_remembered = matches!(own, Some(Ok(Own { before: Chain { head: Some(_), .. }, .. })));
                let found = heads::Found { subject: &subject, folder: &folder, chain: &chain, is_remembered };
                heads.prove(store, &self.store, &found, report);
            }
            all.last.insert(folder, chain.last);
            let Some(host) = host else { continue };
            all.tombs.add(&host, &chain.removed);
            all.chains.push((host, chain));
        }
        Ok(all)
    }

    /// The manifests that are asked for, by their folders: also those of which nothing but a head is left, and this machine's own when
    /// nothing is left of it.
    fn listed(&self, asking: Asking, heads: Option<&Heads>, own: &Result<Chain>) -> Result<Folders> {
        let mut all = stored::of(asking, &self.hosts)?;
        for folder in heads.into_iter().flat_map(Heads::folders) {
            all.entry(folder.clone()).or_default();
        }
        let is_asked_for = self.hosts.is_empty() || self.hosts.contains(&self.host);
        if is_asked_for
            && !matches!(own, Ok(Chain { head: None, .. }))
            && let Some(folder) = manifest::folder(&self.host)
        {
            all.entry(folder.parts().1.to_owned()).or_default();
        }
        Ok(all)
    }

    /// Machines that were named and of which nothing is there: nothing in a store can show that all of one was removed.
    fn absent(&self, there: &Folders) -> Vec<Finding> {
        let is_there = |host: &&String| there.keys().any(|folder| manifest::is_of(folder, host));
        let named: BTreeSet<&String> = self.hosts.iter().filter(|host| !is_there(host)).collect();
        let mut absent: Vec<String> = named.into_iter().map(|host| format!("{}, machine {host}", self.store)).collect();
        // A disk that is not mounted, a prefix that is mistyped, a store that somebody emptied: it proves nothing.
        if self.hosts.is_empty() && there.is_empty() {
            absent.push(self.store.to_string());
        }
        let told = |subject: String| {
            let message = "nothing is there: no part of a manifest, and no head".to_owned();
            let finding = Finding::new("logs.machine-missing", Severity::Warning, subject, message);
            finding.hint(
                "is that the name, and the store? If it ever shipped there, all of it was removed: find out who may do that",
            )
        };
        absent.into_iter().map(told).collect()
    }

    /// What this machine remembers of its own.
    fn remembered(&self, run: &Run) -> Result<Chain> {
        // What is another user's to remember is not known here.
        if self.spool.as_ref().is_some_and(Spool::is_closed) {
            return Ok(Chain::default());
        }
        Memory::of(self.spool.as_ref(), run.state.folder()?).recall(&self.host, &self.store.to_string())
    }

    /// Looks at each object.
    fn examine<'a>(&self, asking: Asking, objects: &'a [Expected], doubts: &mut Doubts<'a>, report: &mut Report) -> Found {
        let bar = asking
            .run
            .progress
            .bytes("verifying", objects.iter().fold(0, |all: u64, expected| all.saturating_add(expected.object.stored)));
        let one = |Expected { object, .. }: &Expected| {
            let verdict = self.look(asking, object);
            bar.advance(object.stored);
            verdict
        };
        let verdicts = asking.each(objects, one);
        let (mut found, mut stopped) = (Found::default(), 0);
        for (expected, verdict) in objects.iter().zip(verdicts) {
            match verdict {
                Some(Verdict::Sound) => {
                    (found.sound, found.bytes) = (found.sound + 1, found.bytes.saturating_add(expected.object.stored));
                }
                Some(Verdict::Unread) => (found.sound, found.unread) = (found.sound + 1, found.unread + 1),
                Some(Verdict::Missing) => doubts.missing.push(expected),
                Some(Verdict::Other(why)) => doubts.other.push((expected, why)),
                Some(Verdict::Unknown(failure)) => report.incomplete.push((&failure).into()),
                None => stopped += 1,
            }
        }
        if stopped > 0 {
            let why =
                format!("{} before {stopped} of {} were looked at", asking.broken_off(), count(objects.len() as u64, "object"));
            report.incomplete.push(Incomplete::new("the objects", why));
        }
        found
    }

    fn look(&self, asking: Asking, object: &Object) -> Verdict {
        let Some(key) = Key::new(object.key.clone()) else { return Verdict::Other("its name is no key".to_owned()) };
        match asking.hears(asking.store.look(&key)) {
            Ok(None) => return Verdict::Missing,
            Ok(Some(found)) if found.size != object.stored => {
                return Verdict::Other(format!("it has {} bytes, and {} are named", found.size, object.stored));
            }
            Ok(Some(found)) if found.sha256.as_ref().is_some_and(|sha256| *sha256 != object.stored_sha256) => {
                return Verdict::Other("the store remembers another sha-256 of it than is named".to_owned());
            }
            Ok(Some(_)) if self.quick => return Verdict::Sound,
            Ok(Some(found)) if found.access != Access::Ready => return Verdict::Unread,
            Ok(Some(_)) => {}
            Err(failure) => return Verdict::Unknown(failure),
        }
        match asking.hears(asking.store.sha256(&key, object.stored)) {
            Err(failure) if failure.is_absence() => Verdict::Missing,
            Err(failure) if failure.exit == Exit::PersonNeeded => Verdict::Other(failure.told()),
            Err(failure) => Verdict::Unknown(failure),
            Ok(sha256) if sha256 == object.stored_sha256 => Verdict::Sound,
            Ok(sha256) => Verdict::Other(format!("it has sha-256 {sha256}, and {} is named", object.stored_sha256)),
        }
    }
}

/// What the store should have, and the tombstones of all else that was named.
fn expected(chains: Vec<(String, Links)>, tombs: &Tombs, report: &mut Report) -> (Vec<Expected>, Vec<Tomb>) {
    let (mut objects, mut pruned) = (Vec::new(), Vec::new());
    for (host, chain) in chains {
        let unbroken = chain.unbroken;
        let (there, gone) = chain.parted(tombs);
        // Where a segment is missing, that is told, and nobody knows what it named.
        if unbroken {
            in_part(&host, &there, report);
        }
        let expected = |(segment, object)| Expected { host: host.clone(), segment, object };
        objects.extend(there.into_iter().map(expected));
        pruned.extend(gone);
    }
    (objects, pruned)
}

/// Archives of which the manifest names some, and not all: the rest is on its way, or never came to it.
fn in_part(host: &str, there: &[(u64, Object)], report: &mut Report) {
    let parts = there.iter().map(|(_, object)| object).filter(|object| object.part.is_some()).cloned().collect();
    for archived in joined(host, parts).into_iter().filter(Archived::is_less) {
        let message = "the manifest names no more of its text than these bytes".to_owned();
        let finding = Finding::new("logs.archive-in-part", Severity::Note, format!("{host}, {}", archived.name()), message);
        report.findings.push(finding.hint("that machine keeps it until the rest is in the store, too"));
    }
}
