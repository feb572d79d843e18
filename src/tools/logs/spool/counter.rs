//! The side of the spool that hands over: it alone writes to what is ready, and takes back what the store has.
//!
//! A parcel is there when its ticket is; its archive is there before that, and goes after it. What a killed run left is no
//! parcel, and goes before the next one is made.

use std::{
    collections::HashSet,
    fs::File,
    io::{ErrorKind, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use rustix::fs::{Gid, Mode, fchmod, fchown};

use super::{DATA, READY, Spool, TICKET, data_name, hold, keeper, receipts, ticket_name};
use crate::{
    failure::{Doing, Failure, Result},
    files::{dir::Dir, fingerprint::Fingerprint},
    report::Size,
    settings::units::Room,
    tools::logs::{
        paper,
        parcel::{Parcel, ParcelId},
    },
};

/// An archive on its way into a parcel; one at a time.
const FRESH_DATA: &str = ".new.data";
/// One that is cut into parts.
const FRESH_WHOLE: &str = ".new.whole";
/// The ticket of what is on its way.
const FRESH_TICKET: &str = ".new.json";

/// Whoever ships must get to what waits; what waits is shown to nobody else.
const FOLDERS: Mode = Mode::from_raw_mode(0o755);

/// Where parcels are handed over.
#[derive(Debug)]
pub struct Counter {
    ready: Dir,
    /// Who may read them besides us.
    readers: Option<Gid>,
    /// The state folder of somebody else who hands over here.
    pub other: Option<PathBuf>,
}

/// A copy of an archive that is no parcel yet.
#[derive(Debug)]
pub struct Copied {
    /// The copy.
    pub file: File,
    /// SHA-256 of it.
    pub sha256: String,
}

impl Spool {
    /// Makes what is missing of the spool, and removes what a killed run left. What is handed over is remembered in `state`.
    pub fn counter(&self, state: &Path) -> Result<Counter> {
        let (above, spool) = self.made()?;
        let (us, ships) = (rustix::process::geteuid().as_raw(), receipts::desk_made(&spool)?.stat_self()?);
        // What nobody could read who ships is not handed over.
        self.shipper()?;
        let readers = (ships.uid != us).then(|| Gid::from_raw(ships.gid));
        let ready = spool.folder_made(READY, Mode::RWXU)?;
        self.believed(&ready.stat_self()?, READY)?;
        hold(&ready)?;
        let other = keeper::note(&spool, state)?;
        let counter = Counter { ready, readers, other };
        for folder in [&above, &spool] {
            folder.sync()?;
        }
        counter.sweep()?;
        counter.show_all()?;
        Ok(counter)
    }

    /// Makes the folder of receipts where there is none: whoever has it is the one who ships from this machine.
    pub fn make_desk(&self) -> Result<()> {
        let (above, spool) = self.made()?;
        receipts::desk_made(&spool)?;
        [&above, &spool].into_iter().try_for_each(Dir::sync)
    }

    /// The folder above it, and its own.
    fn made(&self) -> Result<(Dir, Dir)> {
        let above = self.path.parent().ok_or_else(|| Failure::new("make a spool in", self.path.display()))?;
        let name = self.path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| Failure::new("make a spool in", self.path.display()).because("its name is no text"))?;
        let above = Dir::made(above, FOLDERS)?;
        let spool = above.folder_made(name, FOLDERS)?;
        self.believed(&spool.stat_self()?, "")?;
        Ok((above, spool))
    }
}

impl Counter {
    /// Copies an archive of `stored` bytes.
    pub fn copy(&self, archive: &File, stored: u64) -> Result<Copied> {
        const PIECE: usize = 256 << 10;
        let mut file = self.fresh()?;
        let shown = self.ready.shown(FRESH_DATA);
        let mut hash = Fingerprint::default();
        let mut buffer = vec![0; PIECE];
        let mut at = 0;
        while at < stored {
            match archive.read_at(&mut buffer, at) {
                Ok(0) => break,
                Ok(got) => {
                    hash.take(&buffer[..got]);
                    file.write_all(&buffer[..got]).doing("write", &shown)?;
                    at += got as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).doing("read", "the archive"),
            }
        }
        Ok(Copied { file, sha256: hash.hex() })
    }

    /// An empty file for what comes next.
    pub fn fresh(&self) -> Result<File> {
        self.ready.remove(FRESH_DATA)?;
        self.ready.create(FRESH_DATA)
    }

    /// The copy is to be cut into parts, of which each comes into a fresh file.
    pub fn set_aside(&self) -> Result<()> {
        self.ready.remove(FRESH_WHOLE)?;
        self.ready.rename(FRESH_DATA, FRESH_WHOLE)
    }

    /// Whether the spool is on the same disk as that folder.
    pub fn shares_a_disk(&self, folder: &Dir) -> Result<bool> {
        Ok(self.ready.stat_self()?.id.dev == folder.stat_self()?.id.dev)
    }

    /// Whether there is room for so many bytes, and then still for receipts, without which nothing here ever goes, and as much as
    /// the rules want `free`.
    pub fn room_for(&self, bytes: u64, free: Option<Room>) -> Result<()> {
        const RECEIPTS: u64 = 1 << 20;
        let space = self.ready.space()?;
        let (stays, what) = match free.map_or(0, |wanted| wanted.of(space.total)) {
            wanted if wanted > RECEIPTS => (wanted, "are to stay free (min-free)"),
            _ => (RECEIPTS, "are for receipts"),
        };
        let free = space.free;
        if free >= bytes.saturating_add(stays) {
            return Ok(());
        }
        let why = format!("it needs {}, with {} free there, and {} {what}", Size(bytes), Size(free), Size(stays));
        let failure = Failure::new("hand over to", self.ready.path().display()).because(why);
        Err(failure.hint("free that much there, or have the spool on another disk; until then it waits where it is"))
    }

    /// Gives up what is no parcel.
    pub fn discard(&self) -> Result<()> {
        [FRESH_DATA, FRESH_WHOLE].iter().try_for_each(|name| self.ready.remove(name).map(drop))
    }

    /// Makes a parcel of the copy. It is handed over, for good, when this returns.
    pub fn hand_over(&self, copied: &Copied, parcel: &Parcel) -> Result<ParcelId> {
        let text = paper::text(parcel);
        let id = ParcelId::of(&text);
        self.show(&copied.file, 0o600, FRESH_DATA)?;
        copied.file.sync_all().doing("sync", self.ready.shown(FRESH_DATA))?;
        self.ready.rename(FRESH_DATA, &data_name(&id))?;
        self.ready.remove(FRESH_TICKET)?;
        let mut ticket = self.ready.create(FRESH_TICKET)?;
        ticket.write_all(&text).doing("write", self.ready.shown(FRESH_TICKET))?;
        self.show(&ticket, 0o600, FRESH_TICKET)?;
        ticket.sync_all().doing("sync", self.ready.shown(FRESH_TICKET))?;
        // The archive first: a ticket without it is a promise that nobody can keep.
        self.ready.sync()?;
        self.ready.rename(FRESH_TICKET, &ticket_name(&id))?;
        self.ready.sync()?;
        Ok(id)
    }

    /// Takes a parcel back.
    pub fn take_back(&self, id: &ParcelId) -> Result<()> {
        self.ready.remove(&ticket_name(id))?;
        self.ready.sync()?;
        self.ready.remove(&data_name(id))?;
        Ok(())
    }

    /// Removes halves of parcels: what was not handed over, what was not wholly taken back, and tickets whose archive somebody
    /// removed.
    fn sweep(&self) -> Result<()> {
        let (mut tickets, mut data) = (HashSet::new(), HashSet::new());
        self.ready.each(|name, _| {
            let Ok(name) = name else { return };
            tickets.extend(name.strip_suffix(TICKET).and_then(ParcelId::parse));
            data.extend(name.strip_suffix(DATA).and_then(ParcelId::parse));
        })?;
        let halves = data.difference(&tickets).map(data_name).chain(tickets.difference(&data).map(ticket_name));
        let fresh = [FRESH_DATA, FRESH_WHOLE, FRESH_TICKET].map(str::to_owned);
        halves.chain(fresh).try_for_each(|name| self.ready.remove(&name).map(drop))
    }

    /// Another user may ship from now on: then that one reads what waits already, too.
    fn show_all(&self) -> Result<()> {
        let mut names = Vec::new();
        let shown_to = self.ready.stat_self()?.gid;
        if self.readers.is_some_and(|readers| readers.as_raw() != shown_to) {
            let parcel = |name: &str| name.strip_suffix(TICKET).or(name.strip_suffix(DATA)).and_then(ParcelId::parse).is_some();
            self.ready.each(|name, _| names.extend(name.ok().filter(|name| parcel(name)).map(str::to_owned)))?;
        }
        names.iter().try_for_each(|name| self.show(self.ready.read(name)?, 0o600, name))?;
        // The folder last: a run that is killed before begins anew.
        self.show(self.ready.handle()?, 0o700, READY)
    }

    /// Gives whoever ships the right to read: `mode` is the owner's.
    fn show(&self, file: impl std::os::fd::AsFd, mode: u32, name: &str) -> Result<()> {
        let Some(readers) = self.readers else { return Ok(()) };
        let shown = self.ready.shown(name);
        fchown(&file, None, Some(readers)).doing("give to who ships", &shown)?;
        let group = (mode & 0o500) >> 3;
        fchmod(&file, Mode::from_raw_mode(mode | group)).doing("set the mode of", &shown)
    }
}
