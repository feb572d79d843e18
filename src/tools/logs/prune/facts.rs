//! Asks a store once what its manifests say of the machines that are to be pruned, and what is there of it.

use std::collections::{BTreeSet, HashMap};

use super::Prune;
use crate::{
    failure::{Failure, Result},
    report::{Incomplete, Report},
    store::{Key, Store},
    tools::logs::{
        manifest::{Object, Written, chain::Chain, folder, links::Links, stored, tombs::Tombs},
        parcel::key,
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
}

/// What one machine put there.
#[derive(Debug)]
pub(super) struct Machine {
    /// Its name.
    pub(super) host: String,
    /// What it names, and in which segment.
    pub(super) objects: Vec<(u64, Object)>,
    /// Why nothing of it may go, when its manifest is not all there.
    pub(super) unclear: Option<String>,
}

/// Reads the manifests of the machines that are asked for, and this one's; what is wrong with them is told.
pub(super) fn gather(prune: &Prune, store: &dyn Store, chain: &Chain, troubles: &mut Report) -> Result<World> {
    let mut world = World::default();
    let asked: BTreeSet<&String> = if prune.hosts.is_empty() { [&prune.host].into() } else { prune.hosts.iter().collect() };
    let all: BTreeSet<&String> = asked.iter().copied().chain([&prune.host]).collect();
    for host in all {
        let folder = folder(host).ok_or_else(|| Failure::new("name", format!("the manifest of {host}")))?;
        let mut links = Links::read(store, stored::segments(store, &folder)?.into_iter(), troubles);
        let mut unclear = (!links.unbroken).then(|| "its machine's manifest is not all there, or not as it was made".to_owned());
        if *host == prune.host {
            unclear = unclear.or(forgotten(&links, chain));
            begun(&mut links, chain)?;
        }
        world.tombs.add(host, &links.removed);
        if !asked.contains(host) {
            continue;
        }
        if links.hashes.is_empty() && *host != prune.host {
            troubles
                .incomplete
                .push(Incomplete::new(format!("machine {host}"), "no machine of that name has put anything there"));
        }
        if let Some(why) = &unclear {
            troubles
                .incomplete
                .push(Incomplete::new(format!("the manifest of {host}"), format!("{why}: nothing of it is pruned")));
        }
        world.machines.push(Machine { host: host.clone(), objects: links.objects, unclear });
    }
    let logs = Key::new(key::LOGS).expect("it is one");
    store.list(&logs, &mut |found, size| {
        if asked.iter().any(|host| key::is_of(&found, host)) {
            world.there.insert(found.to_string(), size);
        }
        Ok(())
    })?;
    Ok(world)
}

/// Why this machine's manifest is not the one that it remembers.
fn forgotten(links: &Links, chain: &Chain) -> Option<String> {
    let head = chain.head.as_ref()?;
    let agrees = links.hashes.get(&head.number) == Some(&head.sha256);
    (!agrees).then(|| format!("segment {} of this machine's manifest is not the one that it made", head.number))
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
