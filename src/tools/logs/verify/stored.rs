//! `verify file://...`, `verify s3://...`: proves a store by its manifests. Each machine's segments must be one chain that ends where this machine
//! remembers, each object must be there as it is named unless a tombstone says that it was pruned, and nothing else may be. Changes nothing.

mod heads;
mod pruned;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use chrono::TimeDelta;

use self::heads::Heads;
use crate::{
    failure::{Exit, Failure, Result},
    report::{Finding, Incomplete, Report, Severity, Size, count},
    run::Run,
    store::{
        self, Access, Address, Key, Name, Store, Terms,
        signer::{self, PublicKey},
    },
    tool::Query,
    tools::logs::{
        manifest::{
            self, Object,
            archived::{Archived, joined},
            chain::{Chain, Head},
            links::{Links, danger},
            memory::Memory,
            register::sign::SignKey,
            stored::{self, Asking, Folders, Reading},
            tombs::{Tomb, Tombs},
        },
        parcel::key,
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
    /// Named, not there, and no tombstone of it.
    missing: Vec<usize>,
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
        let mut report = Report::default();
        let (mut chains, mut tombs) = (Vec::new(), Tombs::default());
        let mut whole = self.hosts.is_empty();
        let heads = self.heads(run, &*store, &mut report);
        let (asked, others) = self.manifests(run, &*store, heads.as_ref())?;
        report.findings.extend(self.absent(&asked));
        let empty = asked.values().all(BTreeMap::is_empty);
        let patience = Patience::default();
        let asking = Asking::of(&*store, run, self.parallel, &patience);
        let reading = Reading::of(asking, &asked);
        for (folder, segments) in asked {
            let Some(chain) = Links::read(&reading, segments, &mut report) else {
                report.incomplete.push(Incomplete::new("the manifests", "stopped before all were read"));
                whole = false;
                break;
            };
            whole &= chain.unbroken;
            let ours = || folder_of(&self.host).filter(|ours| *ours == folder).map(|_| self.host.clone());
            let host = chain.host.clone().or_else(ours);
            let subject = format!("{}, machine {}", self.store, host.as_ref().unwrap_or(&folder));
            let is_remembered = host.as_ref().is_some_and(|host| self.end(run, host, (&chain, heads.is_some()), &mut report));
            if let Some(heads) = &heads {
                let found = heads::Found { subject: &subject, folder: &folder, chain: &chain, is_remembered };
                heads.prove(&*store, &self.store, &found, &mut report);
            }
            let Some(host) = host else { continue };
            tombs.add(&host, &chain.removed);
            chains.push((host, chain));
        }
        drop(reading);
        let hosts = chains.len() as u64;
        let (mut objects, mut pruned) = (Vec::new(), Vec::new());
        for (host, chain) in chains {
            let unbroken = chain.unbroken;
            let (there, gone) = chain.parted(&tombs);
            // Where a segment is missing, that is told, and nobody knows what it named.
            if unbroken {
                in_part(&host, &there, &mut report);
            }
            let expected = |(segment, object)| Expected { host: host.clone(), segment, object };
            objects.extend(there.into_iter().map(expected));
            pruned.extend(gone);
        }
        let found = self.examine(asking, &objects, &mut report);
        let missing: Vec<&Expected> = found.missing.iter().map(|index| &objects[*index]).collect();
        if !missing.is_empty() {
            pruned.extend(pruned::among(&Reading::of(asking, &others), others, &missing, &mut report));
        }
        pruned::tell(&pruned, &mut report);
        // Where a segment is missing, nobody knows what it named.
        if whole && let Err(failure) = strangers(run, &*store, &objects, &pruned, &mut report) {
            report.incomplete.push((&failure).into());
        }
        report.summary = self.summary(empty, hosts, objects.len() as u64, pruned.len() as u64, &found);
        Ok(report)
    }
}

/// The name of the folder that a machine's manifest is in.
fn folder_of(host: &str) -> Option<String> {
    manifest::folder(host).map(|folder| folder.parts().1.to_owned())
}

impl VerifyStore {
    fn summary(&self, empty: bool, hosts: u64, objects: u64, pruned: u64, found: &Found) -> String {
        if hosts == 0 {
            return match (empty, self.hosts.is_empty()) {
                (false, _) => "not one manifest could be read".to_owned(),
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
    fn heads(&self, run: &Run, store: &dyn Store, report: &mut Report) -> Option<Heads> {
        let keys = match self.signed_by.as_ref()? {
            SignedBy::Keys(keys) => Ok(keys.clone()),
            SignedBy::Kms(with) => signer::signer(&with.key, &with.terms).map(|key| vec![key as Arc<dyn PublicKey>]),
        };
        match keys.and_then(|keys| Heads::list(store, keys, self.fresh, run.clock.now())) {
            Ok(heads) => Some(heads),
            Err(failure) => {
                report.incomplete.push((&failure).into());
                None
            }
        }
    }

    /// The manifests that are asked for, by their folders, and the others: also those of which nothing but a head is left, and this
    /// machine's own when nothing is left of it.
    fn manifests(&self, run: &Run, store: &dyn Store, heads: Option<&Heads>) -> Result<(Folders, Folders)> {
        let asked: HashSet<String> = self.hosts.iter().filter_map(|host| folder_of(host)).collect();
        let mut all = stored::all(store)?;
        for folder in heads.into_iter().flat_map(Heads::folders) {
            all.entry(folder.clone()).or_default();
        }
        if let Some(ours) = folder_of(&self.host).filter(|_| !matches!(self.remembered(run), Ok(Chain { head: None, .. }))) {
            all.entry(ours).or_default();
        }
        Ok(all.into_iter().partition(|(folder, _)| self.hosts.is_empty() || asked.contains(folder)))
    }

    /// Machines that were named and of which nothing is there: nothing in a store can show that all of one was removed.
    fn absent(&self, there: &Folders) -> Vec<Finding> {
        let is_there = |host: &&String| folder_of(host).is_some_and(|folder| there.contains_key(&folder));
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

    /// Whether the chain ends where it should; and whether that is known here.
    fn end(&self, run: &Run, host: &str, (chain, signed): (&Links, bool), report: &mut Report) -> bool {
        let address = self.store.to_string();
        let known = if host == self.host { self.remembered(run) } else { Ok(Chain::default()) };
        let subject = format!("{address}, machine {host}");
        let last = chain.last;
        let is_remembered = matches!(known, Ok(Chain { head: Some(_), .. }));
        match known {
            Ok(Chain { head: Some(Head { number, sha256, .. }), pending, .. }) => {
                // One more may be there, of which its maker did not come to remember that it is.
                let newest = number + u64::from(pending.is_some());
                if number > last {
                    let message = format!("its manifest ends with segment {last}, and this machine made {number}");
                    report.findings.push(danger("logs.tail-missing", &subject, message));
                } else if chain.hashes.get(&number).is_some_and(|hash| *hash != sha256) {
                    let message = format!("segment {number} is not the one that this machine made");
                    report.findings.push(danger("logs.segment-differs", &subject, message));
                } else if last > newest {
                    let message =
                        format!("it goes on to segment {last}, and this machine made {newest}: another one has its name");
                    report.findings.push(danger("logs.segment-differs", &subject, message));
                }
            }
            // Heads tell more.
            Ok(Chain { head: None, .. }) if signed => {}
            Ok(Chain { head: None, .. }) => {
                let message =
                    format!("nothing here says that segment {last} is its last one: whether its end is missing is unproven");
                let finding = Finding::new("logs.tail-unproven", Severity::Note, subject, message);
                report.findings.push(finding.hint("verify it on that machine, as the user that ships, who remembers; or name the key that signs there: --public-key"));
            }
            Err(failure) => report.incomplete.push((&failure).into()),
        }
        is_remembered
    }

    /// Looks at each object.
    fn examine(&self, asking: Asking, objects: &[Expected], report: &mut Report) -> Found {
        let bar = asking
            .run
            .progress
            .bytes("verifying", objects.iter().fold(0, |all: u64, expected| all.saturating_add(expected.object.stored)));
        let one = |Expected { object, .. }: &Expected| {
            let verdict = self.look(asking.store, object);
            bar.advance(object.stored);
            verdict
        };
        let verdicts = asking.each(objects, one);
        let mut found = Found::default();
        for ((index, Expected { object, .. }), verdict) in objects.iter().enumerate().zip(verdicts) {
            match verdict {
                Some(Verdict::Sound) => (found.sound, found.bytes) = (found.sound + 1, found.bytes + object.stored),
                Some(Verdict::Unread) => (found.sound, found.unread) = (found.sound + 1, found.unread + 1),
                Some(Verdict::Missing) => found.missing.push(index),
                Some(Verdict::Other(why)) => report.findings.push(danger("logs.object-differs", &object.key, why)),
                Some(Verdict::Unknown(failure)) => report.incomplete.push((&failure).into()),
                None => report.incomplete.push(Incomplete::new(object.key.clone(), "stopped before it was looked at")),
            }
        }
        found
    }

    fn look(&self, store: &dyn Store, object: &Object) -> Verdict {
        let Some(key) = Key::new(object.key.clone()) else { return Verdict::Other("its name is no key".to_owned()) };
        match store.look(&key) {
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
        match store.sha256(&key) {
            Err(failure) => Verdict::Unknown(failure),
            Ok(sha256) if sha256 == object.stored_sha256 => Verdict::Sound,
            Ok(sha256) => Verdict::Other(format!("it has sha-256 {sha256}, and {} is named", object.stored_sha256)),
        }
    }
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

/// Objects that no manifest names. What a machine is just shipping is not named yet.
fn strangers(run: &Run, store: &dyn Store, objects: &[Expected], pruned: &[Tomb], report: &mut Report) -> Result<()> {
    let named: HashSet<&str> = objects.iter().map(|expected| expected.object.key.as_str()).collect();
    let buried: HashMap<&str, &Tomb> = pruned.iter().map(|tomb| (tomb.removed.key.as_str(), tomb)).collect();
    let logs = Key::new(key::LOGS).expect("it is one");
    store.walk(&logs, &mut |name, size| {
        let name = match &name {
            Name::Key(key) => key.as_str(),
            Name::Other(other) => other,
        };
        if let Some(tomb) = buried.get(name).filter(|_| !named.contains(name)) {
            report.findings.push(pruned::unfinished(tomb));
        } else if !named.contains(name) {
            let message = format!("no manifest names it ({})", Size(size));
            let finding = Finding::new("logs.object-unknown", Severity::Warning, name, message);
            report
                .findings
                .push(finding.hint("somebody put it there, or a machine is just shipping it: look again after its next run"));
        }
        if run.shutdown.asked() {
            Err(Failure::new("list", "the store").because("asked to stop").exit(Exit::Partial))
        } else {
            Ok(())
        }
    })
}
