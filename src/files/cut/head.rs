//! What is left of a log whose head is gone: how much of its beginning is in an archive already, and how that file is known
//! again. In doubt it is another one.

use std::{fs::File, os::unix::fs::MetadataExt};

use serde::{Deserialize, Serialize};

use super::{
    Cut, Way,
    anchor::ANCHORS,
    layout::{self, Layout},
    lines,
    place::Place,
};
use crate::failure::{Doing, Result};

/// How much of the beginning of a live log is in an archive already, and how that file is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Which file.
    pub inode: u64,
    /// So many of its first bytes are archived.
    pub archived: u64,
    /// So many of them are a hole.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hole: u64,
    /// SHA-256 of the others.
    pub sha256: String,
    /// The file was at least so long then.
    pub length: u64,
    /// The layout of so much of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// Where the anchor is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<u64>,
    /// How it went, and in which pieces.
    #[serde(flatten)]
    pub place: Place,
}

impl Head {
    pub(super) fn of(file: &File, cut: &Cut, anchor: Option<u64>) -> Result<Head> {
        let place = cut.place;
        let gone = if place.way == Way::Collapse { cut.remove } else { 0 };
        let (archived, length) = (cut.to - gone, cut.length - gone);
        let layout = Layout::of(file, 0, place.laid_out(length, anchor.is_some()))?;
        let inode = file.metadata().doing("look at", "the log")?.ino();
        let hole = if place.way == Way::Collapse { 0 } else { cut.remove };
        let sha256 = lines::sha256(file, hole, archived)?;
        Ok(Head { inode, archived, hole, sha256, length, layout, anchor, place })
    }

    /// Whether these bytes are still at the beginning of the file; else why not.
    pub fn holds(&self, file: &File) -> Result<std::result::Result<(), &'static str>> {
        let meta = file.metadata().doing("look at", "the log")?;
        if !self.is_sound() {
            return Ok(Err("what is written down of it cannot be true"));
        }
        if meta.ino() != self.inode {
            return Ok(Err("it became another file"));
        }
        if meta.len() < self.length {
            return Ok(Err("it became shorter"));
        }
        let marked = match self.anchor {
            Some(_) => layout::first_behind(file, ANCHORS) == self.anchor,
            None => Layout::of(file, 0, self.place.laid_out(self.length, false))? == self.layout,
        };
        let emptied = self.hole == 0 || layout::data(file, 0)?.is_none_or(|data| data >= self.hole);
        if !marked || !emptied || lines::sha256(file, self.hole, self.archived)? != self.sha256 {
            return Ok(Err("it was emptied and written anew"));
        }
        Ok(Ok(()))
    }
}

/// How much of the beginning of a log is archived already, by what was written down of it; why that is not so any more,
/// when there is something written down.
pub fn archived(file: &File, head: Option<&Head>, place: Place) -> Result<(u64, Option<&'static str>)> {
    let lost = match head.map(|head| head.holds(file)).transpose()? {
        Some(Ok(())) => return Ok((head.map_or(0, |head| head.archived), None)),
        Some(Err(why)) => Some(why),
        None => None,
    };
    // A hole that a head left which went that way.
    let hole = if place.way == Way::Hole { place.whole(layout::data(file, 0)?.unwrap_or(0)) } else { 0 };
    Ok((hole, lost))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
