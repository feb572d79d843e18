//! Where the side that may remove logs and the side that has the network meet.
//!
//! ```text
//! SPOOL/ready/PARCEL.json          what the archive is (tools/logs/parcel.rs); PARCEL is the SHA-256 of this file
//! SPOOL/ready/PARCEL.data          the archive
//! SPOOL/state                      a link to the state folder of who rotates (tools/logs/spool/keeper.rs)
//! SPOOL/receipts/PARCEL.json       that the store has it
//! SPOOL/receipts/chain-STORE.json  what who ships remembers of this machine's manifest in a store (tools/logs/manifest/memory.rs)
//! SPOOL/receipts/PARCEL.doubt      that what waits is not what its ticket says; nothing is in it, and it is only looked into
//! ```
//!
//! `ready` is written by the one side and read by the other, `receipts` the other way round; neither writes to what the other
//! one reads from it. Whoever owns `receipts` is the one who ships: where that is another user, what is ready is readable by
//! that folder's group, and by nobody else. What the other side wrote is read without following links, and within limits.

mod counter;
pub mod damage;
mod keeper;
mod receipts;

use std::{
    collections::HashSet,
    fs::File,
    path::{Path, PathBuf},
};

use super::{
    paper,
    parcel::{Parcel, ParcelId},
};
use crate::{
    failure::{Exit, Failure, Result},
    files::dir::{Dir, Kind, Stat, stat_open},
    report::Incomplete,
};

pub use self::{
    counter::{Copied, Counter},
    keeper::{Keeper, two_ledgers},
    receipts::{Pen, Shipper},
};

const READY: &str = "ready";
const RECEIPTS: &str = "receipts";
const TICKET: &str = ".json";
const DATA: &str = ".data";
/// About what a ticket takes: it counts as well, or very many small archives would count for nothing.
pub const TICKET_BYTES: u64 = 1 << 10;

/// The spool of a machine.
#[derive(Clone, Debug)]
pub struct Spool {
    path: PathBuf,
}

/// A parcel that waits for the store.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Which.
    pub id: ParcelId,
    /// What it is.
    pub parcel: Parcel,
    /// What it takes; None when the archive is missing.
    pub bytes: Option<u64>,
}

impl Waiting {
    /// What it takes in the spool, with its ticket.
    pub fn takes(&self) -> u64 {
        self.bytes.unwrap_or(0) + TICKET_BYTES
    }
}

/// What waits.
#[derive(Debug, Default)]
pub struct Listed {
    /// In the order in which the logs were rotated.
    pub waiting: Vec<Waiting>,
    /// What cannot be read as what its name says.
    pub unreadable: Vec<Incomplete>,
    /// Those of them that are no tickets any more, whoever reads them.
    pub broken: Vec<ParcelId>,
}

impl Spool {
    /// The spool in this folder.
    pub fn at(path: impl Into<PathBuf>) -> Spool {
        Spool { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What waits in it; nothing where there is no spool.
    pub fn list(&self) -> Result<Listed> {
        let Some(ready) = self.ready()? else { return Ok(Listed::default()) };
        let (mut tickets, mut data) = (Vec::new(), HashSet::new());
        ready.each(|name, _| {
            let Ok(name) = name else { return };
            tickets.extend(name.strip_suffix(TICKET).and_then(ParcelId::parse));
            data.extend(name.strip_suffix(DATA).and_then(ParcelId::parse));
        })?;
        let mut listed = Listed::default();
        for id in tickets {
            match ticket(&ready, &id) {
                Ok(Some(parcel)) => {
                    let bytes = ready.stat(&data_name(&id))?.filter(|stat| stat.kind == Kind::File).map(|stat| stat.size);
                    listed.waiting.push(Waiting { id, parcel, bytes });
                }
                Ok(None) => {}
                Err(failure) => {
                    listed.unreadable.push((&failure).into());
                    listed.broken.extend((failure.exit == Exit::PersonNeeded).then_some(id));
                }
            }
        }
        listed.waiting.sort_by(|one, other| order(&one.parcel).cmp(&order(&other.parcel)));
        Ok(listed)
    }

    /// The archive of a parcel, open; None when the other side took it back meanwhile.
    pub fn data(&self, id: &ParcelId) -> Result<Option<File>> {
        let Some(ready) = self.ready()? else { return Ok(None) };
        open(&ready, &data_name(id)).map(|opened| opened.map(|(file, _)| file))
    }

    /// What is ready to be taken. Only its owner may write to it, or what is shipped is anybody's.
    fn ready(&self) -> Result<Option<Dir>> {
        let found = self.folder(READY)?;
        match &found {
            Some(ready) => self.believed(&ready.stat_self()?, READY).map(|()| found),
            None => Ok(None),
        }
    }

    fn believed(&self, stat: &Stat, name: &str) -> Result<()> {
        let us = rustix::process::geteuid().as_raw();
        let refuse = |why: String| {
            let failure = Failure::new("use the spool", self.path.join(name).display()).because(why);
            Err(failure.hint("it must belong to root, or to the user that rotates and ships; look through it, then give it back"))
        };
        if stat.uid != 0 && stat.uid != us {
            return refuse(format!("it belongs to user {}", stat.uid));
        }
        if stat.mode & 0o022 != 0 { refuse(format!("others may write to it (mode {:o})", stat.mode)) } else { Ok(()) }
    }

    fn folder(&self, name: &str) -> Result<Option<Dir>> {
        let Some(spool) = self.open()? else { return Ok(None) };
        if_any(spool.folder(name))
    }

    /// The spool itself. Whoever may write to it may put another folder in the place of one that is to be believed.
    fn open(&self) -> Result<Option<Dir>> {
        let believed = |spool: Dir| self.believed(&spool.stat_self()?, "").map(|()| spool);
        if_any(Dir::open(&self.path).and_then(believed))
    }
}

fn if_any(opened: Result<Dir>) -> Result<Option<Dir>> {
    match opened {
        Ok(folder) => Ok(Some(folder)),
        Err(failure) if failure.is_absence() => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Keeps runs out that have the same spool and another state, until the folder is closed. Whoever may open it can be in the way; that
/// is who rotates and who ships, and either of them could as well do nothing.
fn hold(folder: &Dir) -> Result<()> {
    let busy =
        || Failure::new("use", folder.path().display()).because("another run of ops-logs, with another state, works in it");
    if folder.hold()? { Ok(()) } else { Err(busy().hint("give each configuration a spool of its own")) }
}

/// The oldest goes first.
fn order(parcel: &Parcel) -> (chrono::DateTime<chrono::Utc>, &str, &str) {
    (parcel.rotated_at, &parcel.log, &parcel.name)
}

/// What the parcel is; None when it is not there any more.
fn ticket(ready: &Dir, id: &ParcelId) -> Result<Option<Parcel>> {
    let name = ticket_name(id);
    let shown = ready.shown(&name);
    let Some((file, _)) = open(ready, &name)? else { return Ok(None) };
    let text = paper::read_file(&file, &shown, paper::LONGEST)?;
    if ParcelId::of(&text) != *id {
        let why = "it is damaged: it is not the parcel of its name";
        return Err(Failure::new("read", shown).because(why).exit(Exit::PersonNeeded));
    }
    paper::read(&text).map(Some).map_err(|why| Failure::new("read", shown).because(why))
}

/// An ordinary file and what it is; None when there is no such name.
fn open(folder: &Dir, name: &str) -> Result<Option<(File, Stat)>> {
    let file = match folder.read(name) {
        Err(failure) if failure.is_absence() => return Ok(None),
        opened => opened?,
    };
    let stat = stat_open(&file)?;
    let odd = || Failure::new("read", folder.shown(name)).because("it is no ordinary file");
    if stat.kind == Kind::File { Ok(Some((file, stat))) } else { Err(odd()) }
}

fn ticket_name(id: &ParcelId) -> String {
    format!("{}{TICKET}", id.as_str())
}

fn data_name(id: &ParcelId) -> String {
    format!("{}{DATA}", id.as_str())
}
