//! Receipts: written by the side that ships, into a folder of its own, and read by the other one, which believes nothing of them.

use std::{collections::HashSet, io::Write};

use rustix::fs::Mode;

use super::{RECEIPTS, Spool, TICKET, Waiting, damage::DOUBT, hold, open, ticket_name};
use crate::{
    failure::{Doing, Failure, Result},
    files::dir::{Dir, Stat},
    tools::logs::{
        paper,
        parcel::{ParcelId, Receipt},
    },
};

/// The user who ships, when that is another one than who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipper {
    /// The user; never root.
    pub uid: u32,
    /// The group that may read what is ready; never root's.
    pub gid: u32,
}

/// A receipt on its way to its name; one at a time.
const FRESH: &str = ".new.json";

/// The right to write receipts, which only one run has at a time.
#[must_use = "it is given back when it is dropped"]
#[derive(Debug)]
pub struct Pen {
    _desk: Dir,
}

impl Spool {
    /// The receipt for a parcel; None when there is none.
    pub fn receipt(&self, id: &ParcelId) -> Result<Option<Receipt>> {
        let Some(folder) = self.folder(RECEIPTS)? else { return Ok(None) };
        let name = ticket_name(id);
        let Some(text) = written(&folder, &name, paper::LONGEST)? else { return Ok(None) };
        let refuse = |why: String| Failure::new("believe", folder.shown(&name)).because(why);
        let receipt: Receipt = paper::read(&text).map_err(refuse)?;
        if receipt.parcel == *id { Ok(Some(receipt)) } else { Err(refuse("it is for another parcel".to_owned())) }
    }

    /// Whether there is a receipt for it, from that store, which the other side will believe. Any other one is written anew.
    pub fn is_signed(&self, waiting: &Waiting, store: &str) -> bool {
        let receipt = self.receipt(&waiting.id);
        receipt.is_ok_and(|receipt| receipt.is_some_and(|receipt| receipt.answers(&waiting.parcel, store).is_ok()))
    }

    /// What who ships remembers under that name, and where that is; None where there is no such thing.
    pub fn recall(&self, name: &str, longest: u64) -> Result<Option<(String, Vec<u8>)>> {
        let Some(folder) = self.folder(RECEIPTS)? else { return Ok(None) };
        Ok(written(&folder, name, longest)?.map(|text| (folder.shown(name), text)))
    }

    /// Whether another user than who asks ships, so that what that user remembers may not be read.
    pub fn is_closed(&self) -> bool {
        let us = rustix::process::geteuid();
        !us.is_root() && Stat::of_path(&self.path.join(RECEIPTS)).is_ok_and(|stat| stat.uid != us.as_raw())
    }

    /// The folder of receipts, which must be ours where there is one: only who may sign goes on with this machine's manifests.
    pub fn desk_if_any(&self) -> Result<Option<Dir>> {
        match self.desk() {
            Err(failure) if failure.is_absence() => Ok(None),
            found => found.map(Some),
        }
    }

    /// Whether receipts may be written; by nobody else until what is returned is dropped.
    pub fn may_sign(&self) -> Result<Pen> {
        let desk = self.desk()?;
        hold(&desk).map(|()| Pen { _desk: desk })
    }

    /// Who ships, where root asks and it is another user; None where it is the one who asks.
    pub fn shipper(&self) -> Result<Option<Shipper>> {
        let Some(folder) = self.folder(RECEIPTS)? else { return Ok(None) };
        let Stat { uid, gid, .. } = folder.stat_self()?;
        if uid == 0 || !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        if gid == 0 {
            let refused = Failure::new("ship as", format!("user {uid}")).because("the group of the folder of receipts is root's");
            return Err(refused.hint(format!("chgrp {} to that user's own group", self.path.join(RECEIPTS).display())));
        }
        Ok(Some(Shipper { uid, gid }))
    }

    /// Writes these receipts; they survive a power cut when it returns.
    pub fn sign(&self, receipts: &[Receipt]) -> Result<()> {
        let folder = self.desk()?;
        for receipt in receipts {
            let name = ticket_name(&receipt.parcel);
            folder.remove(FRESH)?;
            let mut file = folder.create(FRESH)?;
            file.write_all(&paper::text(receipt)).doing("write", folder.shown(&name))?;
            file.sync_all().doing("sync", folder.shown(&name))?;
            folder.remove(&name)?;
            folder.rename(FRESH, &name)?;
        }
        folder.sync()
    }

    /// Removes receipts for parcels that the other side has taken back, which is what they were for; doubts of them as well.
    pub fn sweep_receipts(&self, waiting: &HashSet<&ParcelId>) -> Result<()> {
        let Some(folder) = self.folder(RECEIPTS)? else { return Ok(()) };
        let mut done = Vec::new();
        folder.each(|name, _| {
            let Ok(name) = name else { return };
            let id = name.strip_suffix(TICKET).or(name.strip_suffix(DOUBT)).and_then(ParcelId::parse);
            done.extend(id.filter(|id| !waiting.contains(id)).map(|_| name.to_owned()));
        })?;
        done.iter().try_for_each(|name| folder.remove(name).map(drop))
    }

    /// The folder of receipts, which must be ours.
    pub(super) fn desk(&self) -> Result<Dir> {
        let us = rustix::process::geteuid().as_raw();
        let path = self.path.join(RECEIPTS);
        let ours = |owner: u32| {
            let refused = Failure::new("write receipts to", path.display());
            let refused = refused.because(format!("it belongs to user {owner}, and this is user {us}"));
            if owner == us { Ok(()) } else { Err(refused.hint(format!("run it as user {owner}, who ships for this machine"))) }
        };
        let opened = Dir::open(&path).map_err(|failure| match Stat::of_path(&path) {
            // It may be closed to us: whose it is can be asked all the same.
            Ok(stat) => ours(stat.uid).err().unwrap_or(failure),
            Err(_) if failure.is_absence() => failure
                .hint("`ops-logs rotate` makes it for its own user; where another user ships, make it and give it to that user"),
            Err(_) => failure,
        });
        let folder = opened?;
        ours(folder.stat_self()?.uid).map(|()| folder)
    }
}

/// What a name in the folder of receipts holds, as far as only its owner can have written it; None where there is no such name.
fn written(folder: &Dir, name: &str, longest: u64) -> Result<Option<Vec<u8>>> {
    let Some((file, stat)) = open(folder, name)? else { return Ok(None) };
    let owner = folder.stat_self()?;
    if stat.uid != owner.uid || owner.mode & 0o022 != 0 || stat.mode & 0o022 != 0 {
        let why = "somebody else than who ships may have written it";
        return Err(Failure::new("believe", folder.shown(name)).because(why));
    }
    paper::read_file(&file, &folder.shown(name), longest).map(Some)
}

/// The folder for receipts, whoever's it is; made for ourselves where there is none.
pub(super) fn desk_made(spool: &Dir) -> Result<Dir> {
    spool.folder_made(RECEIPTS, Mode::RWXU)
}
