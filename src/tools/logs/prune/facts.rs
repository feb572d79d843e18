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
            Object,
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
    /// Why nothing of it may go, when its manifest, or that of the one that prunes, is not all there or not its maker's.
    pub(super) unclear: Option<String>,
}

/// Reads the manifests of the machines that are asked for, and this one's; what is wrong with them is told.
pub(super) fn gather(prune: &Prune, run: &Run, store: &dyn Store, own: &Own, troubles: &mut Report) -> Result<World> {
    let (mut world, mut times, mut own_unclear) = (World::default(), Vec::new(), None);
    let asked: BTreeSet<&String> = if prune.hosts.is_empty() { [&prune.host].into() } else { prune.hosts.iter().collect() };
    let all: BTreeSet<&String> = asked.iter().copied().chain([&prune.host]).collect();
    let patience = Patience::default();
    let asking = Asking::of(store, run, prune.parallel, &patience);
    let (mut hosts, mut manifests) = (BTreeMap::new(), Folders::new());
    for host in all {
        let folder = folder(host).ok_or_else(|| Failure::new("name", format!("the manifest of {host}")))?;
        hosts.insert(folder.parts().1.to_owned(), host);
        manifests.insert(folder.parts().1.to_owned(), stored::segments(store, &folder)?);
    }
    let reading = Reading::of(asking, &manifests);
    for (folder, segments) in manifests {
        let host = hosts[&folder];
        let is_own = *host == prune.host;
        let mut links = Links::read(&reading, segments, troubles).ok_or_else(|| reading.broken_off())?;
        let mut unclear = (!links.unbroken).then(|| "it is not all there, or not as it was made".to_owned());
        if is_own {
            own.goes_on(&links)?;
            unclear = unclear.or(forgotten(&links, own.chain));
            begun(&mut links, own.chain)?;
        }
        let manifest = format!("the manifest of {host}");
        if let Some(why) = &unclear {
            let stays = if is_own { "nothing is pruned" } else { "nothing of it is pruned" };
            troubles.incomplete.push(Incomplete::new(manifest.clone(), format!("{why}: {stays}")));
        }
        let unclear = unclear.map(|why| format!("{manifest}: {why}"));
        if is_own {
            own_unclear.clone_from(&unclear);
        }
        world.tombs.add(host, &links.removed);
        times.push(links.made.values().copied().collect());
        if !asked.contains(host) {
            continue;
        }
        if links.last == 0 && !is_own {
            let why = "no machine of that name has put anything there";
            troubles.incomplete.push(Incomplete::new(format!("machine {host}"), why));
        }
        world.machines.push(Machine { host: host.clone(), objects: links.objects, made: links.made, unclear });
    }
    // Whose tombstones they are nobody knows then: none of them is carried out, and none is added.
    if let Some(why) = own_unclear {
        for machine in &mut world.machines {
            machine.unclear.get_or_insert_with(|| why.clone());
        }
    }
    world.doubt = match clock::doubt(own.now, &times) {
        Some(_) if is_vouched_by_others(asking, &hosts, own.now)? => None,
        doubt => doubt,
    };
    let logs = Key::new(key::LOGS).expect("it is one");
    store.list(&logs, &mut |found, size| {
        if asked.iter().any(|host| key::is_of(&found, host)) {
            world.there.insert(found.to_string(), size);
        }
        asking.goes_on()
    })?;
    Ok(world)
}

impl Own<'_> {
    /// Refuses to say something in the name of a machine that this one perhaps is not.
    fn goes_on(&self, links: &Links) -> Result<()> {
        let Chain { host, head, pending, .. } = self.chain;
        if links.last == 0 || self.signs || head.is_some() || pending.is_some() {
            return Ok(());
        }
        let why = format!("the store has {} segments of it, and nothing here remembers one: it is another machine's", links.last);
        Err(Failure::new("go on with", format!("the manifest of {host}"))
            .because(why)
            .hint("prune there; or give this machine a name of its own (`host` in the settings), and say `--host` whose objects"))
    }
}

/// Why this machine's manifest is not the one that it remembers.
fn forgotten(links: &Links, chain: &Chain) -> Option<String> {
    let head = chain.head.as_ref()?;
    if links.hashes.get(&head.number) != Some(&head.sha256) {
        return Some(format!("segment {} is not the one that this machine made", head.number));
    }
    chain.goes_beyond(links.last)
}

/// Whether a machine that nobody asked about said something in the last days: its clock is another one.
fn is_vouched_by_others(asking: Asking, known: &BTreeMap<String, &String>, now: DateTime<Utc>) -> Result<bool> {
    let newest = stored::newest(asking)?;
    let others: Vec<Key> = newest.into_iter().filter(|(folder, _)| !known.contains_key(folder)).map(|(_, key)| key).collect();
    let made_at =
        |key: &Key| asking.hears(stored::segment(asking.store, key)).map(|found| found.map(|found| found.segment.made_at));
    // What cannot be read vouches for nothing.
    let vouches = |read| matches!(read, Some(Ok(Some(made_at))) if clock::is_vouched(now, made_at));
    Ok(others.chunks(asking.parallel).any(|few| asking.each(few, made_at).into_iter().any(vouches)))
}

/// What an earlier run was about to say is going to be said first.
fn begun(links: &mut Links, chain: &Chain) -> Result<()> {
    let Some(pending) = &chain.pending else { return Ok(()) };
    let written = pending.written()?;
    if !links.hashes.contains_key(&written.segment.number) {
        links.take(written.segment);
    }
    Ok(())
}
