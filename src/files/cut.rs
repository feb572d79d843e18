//! Takes the head of a log away while others go on appending to it and, after a crash too, finds out whether that
//! happened. Whole blocks go, in one step of the file system; what is left over of the last one is written down
//! ([`Head`]), not overwritten. Never shortens a log from its end, and in doubt takes nothing.
//!
//! What tells afterwards: where the blocks lie on the disk, before and after ([`Layout`]), and the anchor. That is one empty
//! block far behind the end of the file, which no reader ever sees. A file that was emptied and written anew may lie exactly
//! where it lay before, with the same text (measured on ext4, xfs and btrfs); the anchor is gone then. Taking a head away
//! moves the anchor (ext4) or removes it (xfs). tmpfs shows neither: there only the text tells, of lines that differ.

mod anchor;
mod beneath;
mod head;
mod layout;
mod lines;
mod place;
mod sound;
#[cfg(test)]
mod tests;

use std::{fs::File, io};

use rustix::{
    fs::{FallocateFlags, fallocate},
    io::Errno,
};
use serde::{Deserialize, Serialize};

use self::anchor::{ANCHORS, anchored, fresh, moves_anchors};
pub use self::{
    head::{Head, archived},
    layout::Layout,
    place::Place,
};
use crate::failure::{Doing, Failure, Result, plain};

/// How a head goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// The file gets shorter: what follows is its beginning then.
    Collapse,
    /// The file stays as long as it is and begins with a hole, which takes no room and reads as zeros.
    Hole,
}

/// A head that is archived and then taken away, as it is written down before anything happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// How it goes, and in which pieces.
    #[serde(flatten)]
    pub place: Place,
    /// So many bytes are in an earlier archive already.
    pub from: u64,
    /// The archive's text ends before this byte, with a line's end.
    pub to: u64,
    /// So many bytes go: whole blocks.
    pub remove: u64,
    /// The file's length when it was looked at.
    pub length: u64,
    /// The layout of its blocks then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// What their layout will be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Layout>,
    /// SHA-256 of the last of what is archived, where the file system tells no layout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<String>,
    /// Where the anchor is; none when there was no room for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<u64>,
    /// SHA-256 of what is archived and stays, where the file will begin with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
}

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

/// What of a log can be archived and taken away: `to` and `remove` of a [`Cut`]. `head`: so much of it is archived
/// already; `most`: not much more than so many bytes. None when no line ends in it, or no whole block would go.
pub fn reach(file: &File, head: u64, place: Place, most: Option<u64>) -> Result<Option<(u64, u64)>> {
    let length = file.metadata().doing("look at", "the log")?.len();
    let limit = most.map_or(length, |most| head.saturating_add(most).min(length));
    let Some(to) = lines::last_end(file, head, limit)?.map_or_else(|| lines::next_end(file, limit, length), |to| Ok(Some(to)))?
    else {
        return Ok(None);
    };
    let remove = place.whole(to).min(match place.way {
        // The end of the file must stay.
        Way::Collapse => place.whole(length.saturating_sub(1)),
        Way::Hole => to,
    });
    let nothing = remove == 0 || (place.way == Way::Hole && remove <= place.whole(head));
    Ok((!nothing).then_some((to, remove)))
}

/// Makes the log ready to lose its head, and tells what must be known of it before. Nothing of the text changes.
pub fn prepare(file: &File, head: u64, place: Place, most: Option<u64>) -> Result<Option<Cut>> {
    let Some((to, remove)) = reach(file, head, place, most)? else { return Ok(None) };
    let anchor = anchored(file, place, fresh(file, place)?)?;
    // What is written from now on may have no place on the disk yet when the layout is looked at. Not less than when its
    // lines were looked at, unless somebody emptied it; then nothing will fit.
    let length = file.metadata().doing("look at", "the log")?.len();
    file.sync_all().doing("sync", "the log")?;
    let laid_out = |bytes: u64| place.laid_out(bytes, anchor.is_some());
    let layout = Layout::of(file, 0, laid_out(length))?;
    let rest = laid_out(length.saturating_sub(remove));
    let (after, left) = match place.way {
        Way::Collapse => (Layout::of(file, remove, remove + rest)?, Some(lines::sha256(file, remove, to)?)),
        Way::Hole => (None, None),
    };
    let ending = if layout.is_none() { Some(lines::sha256(file, ending(head, to), to)?) } else { None };
    Ok((length >= to).then_some(Cut { place, from: head, to, remove, length, layout, after, ending, anchor, left }))
}

/// Where that begins whose text tells the log from another one, on tmpfs above all, which shows neither layout nor anchor.
fn ending(from: u64, to: u64) -> u64 {
    const ENOUGH: u64 = 64 << 10;
    to.saturating_sub(ENOUGH).max(from)
}

/// What became of it.
pub fn found(file: &File, cut: &Cut) -> Result<Found> {
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
    if place.way == Way::Hole {
        let emptied = layout::data(file, 0)?.is_none_or(|data| data >= cut.remove);
        let ends = || match &cut.ending {
            Some(known) => Ok(lines::sha256(file, ending(cut.from, cut.to), cut.to)? == *known),
            None => Ok(true),
        };
        return Ok(match () {
            () if length < cut.length || (cut.anchor.is_some() && anchor != cut.anchor) => unlike(),
            () if emptied => Found::Gone,
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
    let moved = cut.anchor.map(|anchor| anchor - cut.remove);
    let marked = anchor == moved || (anchor.is_none() && !moves_anchors(file));
    let left = || match &cut.left {
        Some(left) => Ok(lines::sha256(file, 0, cut.to - cut.remove)? == *left),
        None => Ok(true),
    };
    Ok(if marked && lies(cut.length - cut.remove, &cut.after)? && left()? { Found::Gone } else { unlike() })
}

fn unlike() -> Found {
    let why = "the log lies neither where it did nor where it would without its head: somebody else emptied or replaced it, or \
               what it lies on was moved";
    Found::Unknown(why.to_owned())
}

/// xfs moves piece after piece. What a power cut leaves is one hole, exactly as long as what was to go, anywhere up to the
/// end, which may have come later. To take away a hole loses nothing.
fn halfway(file: &File, cut: &Cut, length: u64) -> Result<Option<Found>> {
    /// No log has so many, and each costs two calls.
    const MOST: usize = 1 << 16;
    let mut at = 0;
    for _ in 0..MOST {
        let Some((begin, end)) = layout::hole(file, at)? else { return Ok(None) };
        if end - begin == cut.remove {
            let why = "a power cut left a hole at its end, which goes when something was written behind it";
            return Ok(Some(if end < length { Found::Halfway(begin) } else { Found::Unknown(why.to_owned()) }));
        }
        at = end;
    }
    Ok(None)
}

/// Takes the head away unless it is gone already, makes that survive a power cut, and says what is left of it. An error
/// means that nothing was taken away.
pub fn take_away(file: &File, cut: &Cut) -> Result<std::result::Result<Head, String>> {
    let hole = match found(file, cut)? {
        Found::There => Some(0),
        Found::Halfway(begin) => Some(begin),
        Found::Gone => None,
        Found::Unknown(why) => return Ok(Err(why)),
    };
    if let Some(begin) = hole {
        remove(file, cut.place.way, begin, cut.remove)?;
    }
    // On xfs it went with the head. It goes where ext4 has it now: killed behind this, the next run must know the file. From
    // now on it says whether what is left is still what it was.
    let moved = cut.anchor.filter(|_| cut.place.way == Way::Collapse).map(|anchor| anchor - cut.remove);
    let anchor = anchored(file, cut.place, moved.map_or_else(|| fresh(file, cut.place), Ok)?)?;
    file.sync_all().doing("sync", "the log")?;
    Head::of(file, cut, anchor).map(Ok)
}

fn remove(file: &File, way: Way, from: u64, length: u64) -> Result<()> {
    let flags = match way {
        Way::Collapse => FallocateFlags::COLLAPSE_RANGE,
        Way::Hole => FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE,
    };
    loop {
        match fallocate(file, flags, from, length) {
            Err(Errno::INTR) => {}
            result => return result.map_err(io::Error::from).doing("take away the head of", "the log"),
        }
    }
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

/// What the system said, as the reason of a refusal.
fn refused(errno: Errno, shown: &str) -> Failure {
    Failure::new(place::DOING, shown).because(plain(&io::Error::from(errno)))
}
