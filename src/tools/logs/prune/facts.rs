//! Asks a store once what its manifests say of the machines that are to be pruned, and what is there of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::{Prune, clock};
use crate::{
    failure::{Failure, Result},
    report::{Incomplete, Report},
    run::Run,
    store::{Key, Store},
    tools::logs::{
        manifest::{
            self, Object, Written,
            chain::Chain,
            folder,
            links::Links,
            stored::{self, Asking, Folders, Reading},
            tombs::Tombs,
        },
        parcel::key,
        patience::Patience,
    },
};

/// What is known.
#[derive(Debug, Default)]
pub(super) struct World {
    /// The machines that are asked about.
    pub(super) machines: Vec<Machine>,
    /// What was taken out of the store, as far as these and this machine say.
    pub(super) tombs: Tombs,
    /// What is there of these machines, with its size.
    pub(super) there: HashMap<String, u64>,
    /// Until when anything vouches for the clock, when it may be wrong.
    pub(super) doubt: Option<DateTime<Utc>>,
}

/// What this machine knows of itself.
pub(super) struct Own<'a> {
    /// What it remembers.
    pub(super) chain: &'a Chain,
    /// Whether it may sign, and so goes on where the store says that it was.
    pub(super) signs: bool,
    /// What its clock says.
    pub(super) now: DateTime<Utc>,
}

/// What one machine put there.
#[derive(Debug)]
pub(super) struct Machine {
    /// Its name.
    pub(super) host: String,
    /// What it names, and in which segment.
    pub(super) objects: Vec<(u64, Object)>,
    /// When each segment was made.
    pub(super) made: BTreeMap<u64, DateTime<Utc>>,
    /// Why nothing of it may go, when its manifest is not all there.
    pub(super) unclear: Option<String>,
}

/// Reads the manifests of the machines that are asked for, and this one's; what is wrong with them is told.
pub(super) fn gather(prune: &Prune, run: &Run, store: &dyn Store, own: &Own, troubles: &mut Report) -> Result<World> {
    let (chain, mut times) = (own.chain, Vec::new());
    let mut world = World::default();
    let asked: BTreeSet<&String> = if prune.hosts.is_empty() { [&prune.host].into() } else { prune.hosts.iter().collect() };
    let all: BTreeSet<&String> = asked.iter().copied().chain([&prune.host]).collect();
    let mut manifests = Folders::new();
    for host in &all {
        let folder = folder(host).ok_or_else(|| Failure::new("name", format!("the manifest of {host}")))?;
        manifests.insert((*host).clone(), stored::segments(store, &folder)?);
    }
    let patience = Patience::default();
    let reading = Reading::of(Asking::of(store, run, prune.parallel, &patience), &manifests);
    for (host, segments) in manifests {
        let is_own = host == prune.host;
        let mut links = Links::read(&reading, segments, troubles).ok_or_else(|| reading.broken_off())?;
        let mut unclear = (!links.unbroken).then(|| "its machine's manifest is not all there, or not as it was made".to_owned());
        if is_own {
            own.goes_on(&links)?;
            unclear = unclear.or(forgotten(&links, chain));
            begun(&mut links, chain)?;
        }
        world.tombs.add(&host, &links.removed);
        times.push(links.made.values().copied().collect());
        if !asked.contains(&host) {
            continue;
        }
        if links.hashes.is_empty() && !is_own {
            troubles
                .incomplete
                .push(Incomplete::new(format!("machine {host}"), "no machine of that name has put anything there"));
        }
        if let Some(why) = &unclear {
            troubles
                .incomplete
                .push(Incomplete::new(format!("the manifest of {host}"), format!("{why}: nothing of it is pruned")));
        }
        world.machines.push(Machine { host, objects: links.objects, made: links.made, unclear });
    }
    world.doubt = match clock::doubt(own.now, &times) {
        Some(_) if is_vouched_by_others(store, &all, own.now)? => None,
        doubt => doubt,
    };
    let logs = Key::new(key::LOGS).expect("it is one");
    store.list(&logs, &mut |found, size| {
        if asked.iter().any(|host| key::is_of(&found, host)) {
            world.there.insert(found.to_string(), size);
        }
        Ok(())
    })?;
    Ok(world)
}

impl Own<'_> {
    /// Refuses to say something in the name of a machine that this one perhaps is not.
    fn goes_on(&self, links: &Links) -> Result<()> {
        let Chain { host, head, pending, .. } = self.chain;
        let Some((last, _)) = links.hashes.last_key_value() else { return Ok(()) };
        if self.signs || head.is_some() || pending.is_some() {
            return Ok(());
        }
        Err(Failure::new("go on with", format!("the manifest of {host}"))
            .because(format!("the store has {last} segments of it, and nothing here remembers one: it is another machine's"))
            .hint("prune there; or give this machine a name of its own (`host` in the settings), and say `--host` whose objects"))
    }
}

/// Why this machine's manifest is not the one that it remembers.
fn forgotten(links: &Links, chain: &Chain) -> Option<String> {
    let head = chain.head.as_ref()?;
    let newest = head.number.saturating_add(u64::from(chain.pending.is_some()));
    if links.hashes.get(&head.number) != Some(&head.sha256) {
        return Some(format!("segment {} of this machine's manifest is not the one that it made", head.number));
    }
    let last = links.hashes.last_key_value().map_or(0, |(number, _)| *number);
    (last > newest).then(|| format!("it goes on to segment {last}, and this machine made {newest}: another one has its name"))
}

/// Whether a machine that nobody asked about said something in the last days: its clock is another one.
fn is_vouched_by_others(store: &dyn Store, known: &BTreeSet<&String>, now: DateTime<Utc>) -> Result<bool> {
    for (folder, segments) in stored::all(store)? {
        if known.iter().any(|host| manifest::is_of(&folder, host)) {
            continue;
        }
        // What cannot be read vouches for nothing.
        let newest = segments.last_key_value().and_then(|(_, key)| stored::segment(store, key).ok().flatten());
        if newest.is_some_and(|newest| clock::is_vouched(now, newest.segment.made_at)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What an earlier run was about to say is going to be said first.
fn begun(links: &mut Links, chain: &Chain) -> Result<()> {
    let Some(pending) = &chain.pending else { return Ok(()) };
    let written = Written::read(pending.text.clone().into_bytes())
        .map_err(|why| Failure::new("go on with", "the segment that an earlier run began").because(why))?;
    if !links.hashes.contains_key(&written.segment.number) {
        links.take(written.segment);
    }
    Ok(())
}
