//! `verify file://...`, `verify s3://...`: proves a store by its manifests. Each machine's segments must be one chain that ends where this machine
//! remembers, each object must be there as it is named, and nothing else may be. Changes nothing.

use std::collections::{BTreeMap, HashSet};

use crate::{
    failure::{Exit, Failure, Result},
    files::fingerprint::Fingerprint,
    report::{Finding, Incomplete, Report, Severity, Size, count},
    run::{Run, side_by_side},
    store::{self, Address, Key, Store, Terms},
    tool::Query,
    tools::logs::manifest::{
        self, Object,
        chain::{Chain, Head},
        links::{Links, danger},
        stored,
    },
};

/// What to prove.
pub struct VerifyStore {
    /// The store.
    pub store: Address,
    /// On what terms it is used.
    pub terms: Terms,
    /// Only what these machines put there; all when empty.
    pub hosts: Vec<String>,
    /// This machine: the end of its chain is known here.
    pub host: String,
    /// Compare sizes, and read nothing.
    pub quick: bool,
    /// Objects read at the same time.
    pub parallel: usize,
}

/// What was found of one object.
enum Verdict {
    Sound,
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
        let mut objects = Vec::new();
        let mut hosts = 0_u64;
        let mut whole = self.hosts.is_empty();
        for (folder, segments) in self.manifests(run, &*store)? {
            if run.shutdown.asked() {
                report.incomplete.push(Incomplete::new("the manifests", "stopped before all were read"));
                whole = false;
                break;
            }
            let chain = Links::read(&*store, segments.into_iter(), &mut report);
            whole &= chain.unbroken;
            let ours = || folder_of(&self.host).filter(|ours| *ours == folder).map(|_| self.host.clone());
            let Some(host) = chain.host.clone().or_else(ours) else { continue };
            hosts += 1;
            self.end(run, &host, &chain, &mut report);
            objects.extend(chain.objects);
        }
        let (sound, bytes) = self.examine(run, &*store, &objects, &mut report);
        // Where a segment is missing, nobody knows what it named.
        if whole && let Err(failure) = strangers(run, &*store, &objects, &mut report) {
            report.incomplete.push((&failure).into());
        }
        report.summary = if hosts == 0 {
            "no machine has put anything there".to_owned()
        } else {
            let how = if self.quick { "by their sizes" } else { "read and compared by sha-256" };
            format!(
                "as named: {sound} of {} of {} ({}, {how})",
                count(objects.len() as u64, "object"),
                count(hosts, "machine"),
                Size(bytes)
            )
        };
        Ok(report)
    }
}

/// The name of the folder that a machine's manifest is in.
fn folder_of(host: &str) -> Option<String> {
    manifest::folder(host).map(|folder| folder.parts().1.to_owned())
}

impl VerifyStore {
    /// The manifests that are asked for, by their folders: also this machine's own when nothing is left of it.
    fn manifests(&self, run: &Run, store: &dyn Store) -> Result<BTreeMap<String, BTreeMap<u64, Key>>> {
        let asked: HashSet<String> = self.hosts.iter().filter_map(|host| folder_of(host)).collect();
        let mut all = stored::all(store)?;
        if let Some(ours) = folder_of(&self.host).filter(|_| !matches!(self.remembered(run), Ok(Chain { head: None, .. }))) {
            all.entry(ours).or_default();
        }
        all.retain(|folder, _| self.hosts.is_empty() || asked.contains(folder));
        Ok(all)
    }

    /// What this machine remembers of its own.
    fn remembered(&self, run: &Run) -> Result<Chain> {
        Chain::read(run.state.folder()?, &self.host, &self.store.to_string())
    }

    /// Whether the chain ends where it should.
    fn end(&self, run: &Run, host: &str, chain: &Links, report: &mut Report) {
        let address = self.store.to_string();
        let known = if host == self.host { self.remembered(run) } else { Ok(Chain::default()) };
        let subject = format!("{address}, machine {host}");
        let last = chain.hashes.last_key_value().map_or(0, |(number, _)| *number);
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
            Ok(Chain { head: None, .. }) => {
                let message =
                    format!("nothing here says that segment {last} is its last one: whether its end is missing is unproven");
                let finding = Finding::new("logs.tail-unproven", Severity::Note, subject, message);
                report.findings.push(finding.hint("verify it on that machine, as the user that ships, who remembers"));
            }
            Err(failure) => report.incomplete.push((&failure).into()),
        }
    }

    /// Looks at each object; how many are as named, and how many bytes they have.
    fn examine(&self, run: &Run, store: &dyn Store, objects: &[Object], report: &mut Report) -> (u64, u64) {
        let bar = run.progress.bytes("verifying", objects.iter().map(|object| object.stored).sum());
        let one = |object: &Object| {
            let verdict = self.look(store, object);
            bar.advance(object.stored);
            verdict
        };
        let verdicts = side_by_side(objects, self.parallel, &run.shutdown, || (), one);
        let (mut sound, mut bytes) = (0, 0);
        for (object, verdict) in objects.iter().zip(verdicts) {
            match verdict {
                Some(Verdict::Sound) => (sound, bytes) = (sound + 1, bytes + object.stored),
                Some(Verdict::Missing) => {
                    let message = "it is named in the manifest and not there".to_owned();
                    report.findings.push(danger("logs.object-missing", &object.key, message));
                }
                Some(Verdict::Other(why)) => report.findings.push(danger("logs.object-differs", &object.key, why)),
                Some(Verdict::Unknown(failure)) => report.incomplete.push((&failure).into()),
                None => report.incomplete.push(Incomplete::new(object.key.clone(), "stopped before it was looked at")),
            }
        }
        (sound, bytes)
    }

    fn look(&self, store: &dyn Store, object: &Object) -> Verdict {
        let Some(key) = Key::new(object.key.clone()) else { return Verdict::Other("its name is no key".to_owned()) };
        match store.size(&key) {
            Ok(None) => return Verdict::Missing,
            Ok(Some(size)) if size != object.stored => {
                return Verdict::Other(format!("it has {size} bytes, and {} are named", object.stored));
            }
            Ok(Some(_)) if self.quick => return Verdict::Sound,
            Ok(Some(_)) => {}
            Err(failure) => return Verdict::Unknown(failure),
        }
        let mut hash = Fingerprint::default();
        let read = store.read(&key, &mut |piece| {
            hash.take(piece);
            Ok(())
        });
        match read {
            Err(failure) => Verdict::Unknown(failure),
            Ok(()) if hash.clone().hex() == object.stored_sha256 => Verdict::Sound,
            Ok(()) => Verdict::Other(format!("it has sha-256 {}, and {} is named", hash.hex(), object.stored_sha256)),
        }
    }
}

/// Objects that no manifest names. What a machine is just shipping is not named yet.
fn strangers(run: &Run, store: &dyn Store, objects: &[Object], report: &mut Report) -> Result<()> {
    let named: HashSet<&str> = objects.iter().map(|object| object.key.as_str()).collect();
    let logs = Key::new("logs").expect("it is one");
    store.list(&logs, &mut |key, size| {
        if !named.contains(key.as_str()) {
            let message = format!("no manifest names it ({})", Size(size));
            let finding = Finding::new("logs.object-unknown", Severity::Warning, key.to_string(), message);
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
