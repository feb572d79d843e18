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
mod found;
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

use self::{
    anchor::{ANCHORS, anchored, fresh, moves_anchors},
    found::{ending, moved, verdict},
};
pub use self::{
    found::{Found, begun, found},
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
    /// SHA-256 of what is archived and stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
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
pub fn prepare(file: &File, head: Option<&Head>, place: Place, most: Option<u64>) -> Result<Option<Cut>> {
    let meant = || -> Result<Option<(u64, (u64, u64))>> {
        let (from, _) = archived(file, head, place)?;
        Ok(reach(file, from, place, most)?.map(|reach| (from, reach)))
    };
    if meant()?.is_none() {
        return Ok(None);
    }
    let anchor = anchored(file, place, fresh(file, place)?)?;
    // From here on nobody empties it unseen: what is archived of it is what this look tells.
    let Some((from, (to, remove))) = meant()? else { return Ok(None) };
    // What is written from now on may have no place on the disk yet when the layout is looked at. Not less than when its
    // lines were looked at, unless somebody emptied it; then nothing will fit.
    let length = file.metadata().doing("look at", "the log")?.len();
    file.sync_all().doing("sync", "the log")?;
    let layout = Layout::of(file, 0, place.laid_out(length, anchor.is_some()))?;
    let left = Some(lines::sha256(file, remove, to)?);
    let ending = if layout.is_none() { Some(lines::sha256(file, ending(from, to), to)?) } else { None };
    let cut = Cut { place, from, to, remove, length, layout, after: None, ending, anchor, left };
    Ok(if length < to { None } else { Some(cut.foreseen(file)?) })
}

impl Cut {
    /// The same with the layout that there will be, as the rest lies now.
    fn foreseen(self, file: &File) -> Result<Cut> {
        if self.place.way == Way::Hole {
            return Ok(self);
        }
        let rest = self.place.laid_out(self.length.saturating_sub(self.remove), self.anchor.is_some());
        Ok(Cut { after: Layout::of(file, self.remove, self.remove.saturating_add(rest))?, ..self })
    }
}

/// Takes the head away unless it is gone already, makes that survive a power cut, and says what is left of it. After an error
/// it may be gone or not: whoever looks again finds out.
pub fn take_away(file: &File, cut: &Cut) -> Result<std::result::Result<Head, String>> {
    let told = |failure: Failure| failure.hint("its head is archived and gone; the next run looks at the rest");
    // Who shares blocks with the log may have moved its last one since it was written down.
    let now = cut.clone().foreseen(file)?;
    match found(file, cut)? {
        Found::There => {
            remove(file, cut.place.way, 0, cut.remove)?;
            return Ok(rest(file, &now).map_err(told)?.map_err(|_| too_late(cut)));
        }
        Found::Halfway(begin) => remove(file, cut.place.way, begin, cut.remove)?,
        Found::Gone => {}
        Found::Unknown(why) => return Ok(Err(why)),
    }
    rest(file, cut).map_err(told)
}

fn remove(file: &File, way: Way, from: u64, length: u64) -> Result<()> {
    let flags = match way {
        Way::Collapse => FallocateFlags::COLLAPSE_RANGE,
        Way::Hole => FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE,
    };
    allocate(file, flags, from, length).map_err(io::Error::from).doing("take away the head of", "the log")
}

/// What is left of a log whose head is gone, for good; why not, if it was emptied just now.
fn rest(file: &File, cut: &Cut) -> Result<std::result::Result<Head, String>> {
    let anchor = match moved(cut).filter(|_| cut.place.way == Way::Collapse) {
        // It went with the head. It goes where ext4 would have it: killed behind this, the next run must know the file.
        Some(moved) if !moves_anchors(file) => anchored(file, cut.place, moved)?,
        // Where it is gone somebody emptied the log.
        _ => layout::first_behind(file, ANCHORS),
    };
    file.sync_all().doing("sync", "the log")?;
    let head = Head::of(file, cut, anchor)?;
    // Emptied before this, it is another text; after this, the anchor tells.
    Ok(match verdict(file, cut)? {
        Found::Unknown(why) => Err(why),
        Found::There | Found::Halfway(_) | Found::Gone => Ok(head),
    })
}

/// Between the last look and the act nobody can be kept away.
fn too_late(cut: &Cut) -> String {
    let bytes = cut.remove;
    format!(
        "somebody else emptied it just when its head was taken away, and up to {bytes} bytes of what was written then may be gone"
    )
}

fn allocate(file: &File, flags: FallocateFlags, from: u64, length: u64) -> rustix::io::Result<()> {
    loop {
        match fallocate(file, flags, from, length) {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

/// What the system said, as the reason of a refusal.
fn refused(errno: Errno, shown: &str) -> Failure {
    Failure::new(place::DOING, shown).because(plain(&io::Error::from(errno)))
}
