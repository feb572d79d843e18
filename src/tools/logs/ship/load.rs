//! How much it is: archives, the objects that they become, bytes; in words. An object may hold several archives, and an archive of several
//! days becomes several objects. Pure.

use std::collections::HashSet;

use crate::{
    report::{Size, count},
    tools::logs::parcel::{Parcel, part::Part},
};

/// What goes to a store, or went.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// Each once: log, name, SHA-256 of the text.
    archives: HashSet<(String, String, String)>,
    objects: u64,
    bytes: u64,
}

impl Load {
    /// All of these, each of so many bytes.
    pub(super) fn of<'p>(parcels: impl Iterator<Item = (&'p Parcel, u64)>) -> Load {
        let mut load = Load::default();
        parcels.for_each(|(parcel, bytes)| load.add(parcel, bytes));
        load
    }

    /// One more.
    pub(super) fn add(&mut self, parcel: &Parcel, bytes: u64) {
        let archive = |(name, part): (&str, Part)| (parcel.log.clone(), name.to_owned(), part.whole.sha256);
        self.archives.extend(parcel.archives().into_iter().map(archive));
        self.objects += 1;
        self.bytes += bytes;
    }

    /// `2 archives shipped in 1 object (3.0 KiB)`.
    pub(super) fn told(&self, verb: &str) -> String {
        let archives = self.archives.len() as u64;
        let objects = if archives == self.objects { String::new() } else { format!(" in {}", count(self.objects, "object")) };
        format!("{} {verb}{objects} ({})", count(archives, "archive"), Size(self.bytes))
    }
}
