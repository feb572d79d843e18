//! What became of a head that was to be taken away, after a crash too: by where its blocks lie, by the anchor, and by the text
//! only where neither tells. Changes nothing, and in doubt says why.

use std::fs::File;

use serde::{Deserialize, Serialize};

use super::{
    Cut, Way,
    anchor::{ANCHORS, moves_anchors},
    layout::{self, Layout},
    lines,
};
use crate::failure::{Doing, Result};

/// What became of a head that was to be taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Found {
    /// It is there.
    There,
    /// It is gone.
    Gone,
    /// The file system was cut off in the middle of it: a hole of that length is where the rest was not moved up yet.
    Halfway(u64),
    /// Nobody can tell, and why.
    Unknown(String),
}

/// Where that begins whose text tells the log from another one, on tmpfs above all, which shows neither layout nor anchor.
pub(super) fn ending(from: u64, to: u64) -> u64 {
    const ENOUGH: u64 = 64 << 10;
    to.saturating_sub(ENOUGH).max(from)
}

/// What became of it.
pub fn found(file: &File, cut: &Cut) -> Result<Found> {
    let verdict = verdict(file, cut)?;
    let length = file.metadata().doing("look at", "the log")?.len();
    // Where it is moved piece after piece, it is shortened last.
    if verdict != Found::Gone || cut.place.way == Way::Hole || moves_anchors(file) || length < cut.length {
        return Ok(verdict);
    }
    let zeros = lines::zeros(file, cut.length - cut.remove, length, cut.remove)?;
    Ok(zeros.map_or(Found::Gone, |(from, to)| unfinished(from, to)))
}

/// The same of a cut that was not cut off.
pub(super) fn verdict(file: &File, cut: &Cut) -> Result<Found> {
    if !cut.is_sound() {
        return Ok(Found::Unknown("what is written down of it cannot be true".to_owned()));
    }
    let place = cut.place;
    let length = file.metadata().doing("look at", "the log")?.len();
    let anchor = layout::first_behind(file, ANCHORS);
    let lies = |to: u64, known: &Option<Layout>| -> Result<bool> {
        let now = if length >= to { Layout::of(file, 0, place.laid_out(to, cut.anchor.is_some()))? } else { None };
        Ok(length >= to && now == *known)
    };
    let left = |from: u64, to: u64| match &cut.left {
        Some(left) => Ok(lines::sha256(file, from, to)? == *left),
        None => Ok(true),
    };
    if place.way == Way::Hole {
        let emptied = layout::data(file, 0)?.is_none_or(|data| data >= cut.remove);
        let ends = || match &cut.ending {
            Some(known) => Ok(lines::sha256(file, ending(cut.from, cut.to), cut.to)? == *known),
            None => Ok(true),
        };
        return Ok(match () {
            () if length < cut.length || (cut.anchor.is_some() && anchor != cut.anchor) => unlike(),
            () if emptied && left(cut.remove, cut.to)? => Found::Gone,
            () if lies(cut.length, &cut.layout)? && ends()? => Found::There,
            () => unlike(),
        });
    }
    if anchor == cut.anchor && lies(cut.length, &cut.layout)? {
        // Without an anchor both may look alike: a log that is one hole.
        let alike = cut.anchor.is_none() && cut.layout == cut.after;
        return Ok(if alike { unlike() } else { Found::There });
    }
    // What lies where it should, at the beginning, may be all that was moved.
    if let Some(half) = halfway(file, cut, length)? {
        return Ok(half);
    }
    let marked = anchor == moved(cut) || (anchor.is_none() && !moves_anchors(file));
    Ok(if marked && lies(cut.length - cut.remove, &cut.after)? && left(0, cut.to - cut.remove)? { Found::Gone } else { unlike() })
}

/// Where the anchor is when the head before it is gone; none when it is too near to be found.
pub(super) fn moved(cut: &Cut) -> Option<u64> {
    cut.anchor.map(|anchor| anchor - cut.remove).filter(|anchor| *anchor >= ANCHORS)
}

fn unlike() -> Found {
    let why = "the log lies neither where it did nor where it would without its head: somebody else emptied or replaced it, or \
               what it lies on was moved";
    Found::Unknown(why.to_owned())
}

fn unfinished(from: u64, to: u64) -> Found {
    Found::Unknown(format!("its head is gone, but a power cut left zeros in it, from byte {from} to {to}"))
}

/// xfs moves piece after piece. What a power cut leaves is one hole, exactly as long as what was to go, anywhere before the
/// end. To take away a hole loses nothing. At the end, where the log was not shortened yet, nobody may take it away.
fn halfway(file: &File, cut: &Cut, length: u64) -> Result<Option<Found>> {
    /// No log has so many, and each costs two calls.
    const MOST: usize = 1 << 16;
    let mut at = 0;
    for _ in 0..MOST {
        let Some((begin, end)) = layout::hole(file, at)? else { return Ok(None) };
        if end - begin == cut.remove {
            return Ok(Some(if end < length { Found::Halfway(begin) } else { unfinished(begin, end) }));
        }
        at = end;
    }
    Ok(None)
}

/// How much of the beginning of a log is archived when a cut that was begun has come to its end, and how much of that is
/// there only until then; none when that cannot be told.
pub fn begun(file: &File, cut: &Cut) -> Result<Option<(u64, u64)>> {
    Ok(match found(file, cut)? {
        Found::Gone if cut.place.way == Way::Collapse => Some((cut.to - cut.remove, 0)),
        Found::There | Found::Halfway(_) | Found::Gone => Some((cut.to, cut.remove)),
        Found::Unknown(_) => None,
    })
}
