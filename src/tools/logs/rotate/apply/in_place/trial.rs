//! Which piece of a log frees more than its archive takes where next to nothing is free: tried in memory, on the lines that
//! are next. Never touches the log nor its disk.

use std::{fs::File, result::Result};

use rustix::fs::{MemfdFlags, memfd_create};

use crate::{
    files::{
        compress::{self, Compression, Label, Stretch, Text},
        cut::{self, Place},
        dir::Dir,
    },
    run::Shutdown,
    tools::logs::rotate::{apply::Carry, plan::Rotation},
};

/// So much text at a time is tried at most, in so much memory.
const MOST: u64 = 4 << 20;

/// One log to try on.
pub(super) struct Trial {
    log: File,
    place: Place,
    how: Compression,
    label: Label,
    /// Where archives are made to see how long they get.
    scratch: File,
    shutdown: Shutdown,
}

/// Somebody asked to stop: what would have come of it is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stopped;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// So many bytes at a time.
    Piece(u64),
    /// No piece that fits frees anything. So much room would do; none when no piece does, whatever the room.
    Needs(Option<u64>),
}

/// One piece, tried.
#[derive(Clone, Copy)]
struct Tried {
    size: u64,
    takes: u64,
    frees: u64,
}

impl Trial {
    /// None where it cannot be looked at, or nothing may be kept in memory; what cannot be done, the work itself will tell.
    pub(super) fn of(carry: &Carry, rotation: &Rotation) -> Option<Trial> {
        let (bound, set) = (&rotation.bound, &carry.rotate.sets[rotation.bound.set]);
        let log = Dir::open(&bound.folder).and_then(|folder| folder.read(&bound.log)).ok()?;
        let place = Place::likely(&log, set.punch_hole, &bound.log).ok()?;
        let label = Label {
            set: set.name.clone(),
            log: bound.log_path(),
            host: carry.rotate.host.clone(),
            rotated_at: bound.at,
            begun_at: Some(bound.begun),
            labels: bound.labels.clone(),
        };
        let scratch = File::from(memfd_create("archive", MemfdFlags::CLOEXEC).ok()?);
        Some(Trial { log, place, how: set.compress, label, scratch, shutdown: carry.run.shutdown.clone() })
    }

    /// The piece behind `from` that frees most where `free` bytes are free, of `left`. All of it, if that fits.
    pub(super) fn choose(&self, from: u64, left: u64, free: u64) -> Result<Choice, Stopped> {
        Ok(match choose(self.place.unit, left.min(MOST), left, self.place.room(free), &|size| self.one(from, size))? {
            Choice::Needs(Some(takes)) => Choice::Needs(Some(self.place.least_free(takes))),
            choice => choice,
        })
    }

    /// Whether that piece frees more than it takes, as far as it can be tried.
    pub(super) fn gains(&self, from: u64, size: u64) -> bool {
        size > MOST || !matches!(self.one(from, size), Ok(Some(tried)) if tried.frees <= tried.takes)
    }

    fn one(&self, from: u64, size: u64) -> Result<Option<Tried>, Stopped> {
        if self.shutdown.asked() { Err(Stopped) } else { Ok(self.tried(from, size)) }
    }

    fn tried(&self, from: u64, size: u64) -> Option<Tried> {
        let (to, remove) = cut::reach(&self.log, from, self.place, Some(size)).ok()??;
        self.scratch.set_len(0).ok()?;
        let text = Text::of(&self.log, Some(Stretch { from, to }));
        let facts = compress::compress(text, &self.scratch, self.how, &self.label, &|_| ()).ok()?;
        let frees = match self.place.way {
            cut::Way::Collapse => remove,
            cut::Way::Hole => remove - self.place.whole(from),
        };
        Some(Tried { size, takes: facts.stored.next_multiple_of(self.place.unit), frees })
    }
}

/// Tries a piece of that size; none when no piece of whole lines and blocks is.
type One<'a> = &'a dyn Fn(u64) -> Result<Option<Tried>, Stopped>;

fn choose(unit: u64, most: u64, left: u64, free: u64, one: One) -> Result<Choice, Stopped> {
    let mut best: Option<Tried> = None;
    let mut consider = |tried: Tried| {
        let gain = |tried: &Tried| tried.frees.saturating_sub(tried.takes);
        if gain(&tried) > best.as_ref().map_or(0, gain) {
            best = Some(tried);
        }
    };
    let at = |blocks: u64| sized(unit, most, blocks);
    let (mut fits, mut over) = (0, 2);
    loop {
        match one(at(over))? {
            Some(tried) if tried.takes > free => break,
            Some(tried) if tried.size >= left => return Ok(Choice::Piece(left)),
            Some(tried) => consider(tried),
            None => {}
        }
        fits = over;
        if at(over) >= most {
            break;
        }
        over *= 2;
    }
    while over - fits > 1 && over - fits > fits / 16 {
        let middle = fits.midpoint(over);
        match one(at(middle))? {
            Some(tried) if tried.takes > free => over = middle,
            tried => {
                tried.into_iter().for_each(&mut consider);
                fits = middle;
            }
        }
    }
    Ok(match best {
        Some(best) => Choice::Piece(best.size),
        None => Choice::Needs(least(unit, most, one)?),
    })
}

/// Somewhat more than so many blocks: a piece ends with a line, and only whole blocks of it go.
fn sized(unit: u64, most: u64, blocks: u64) -> u64 {
    (blocks * unit + unit / 8).min(most)
}

/// The least room with which a piece frees more than it takes.
fn least(unit: u64, most: u64, one: One) -> Result<Option<u64>, Stopped> {
    let at = |blocks: u64| sized(unit, most, blocks);
    let gains = |blocks: u64| Ok(one(at(blocks))?.filter(|tried| tried.frees > tried.takes));
    let mut blocks = 2;
    let found = loop {
        match gains(blocks)? {
            Some(tried) => break tried,
            None if at(blocks) >= most => return Ok(None),
            None => blocks *= 2,
        }
    };
    // Whole blocks make it no smooth line.
    let step = usize::try_from(blocks / 128).unwrap_or(usize::MAX).max(1);
    let smaller = (blocks / 2..blocks).step_by(step).find_map(|blocks| gains(blocks).transpose()).transpose()?;
    Ok(Some(smaller.unwrap_or(found).takes))
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, collections::BTreeMap, sync::atomic::Ordering};

    use chrono::DateTime;

    use super::*;

    /// Lines of 80 bytes that become so many percent, and what an archive says of itself.
    fn text(percent: u64) -> impl Fn(u64) -> Option<Tried> {
        move |size| {
            let to = size - size % 80;
            let takes = (to * percent / 100 + 700).next_multiple_of(4096);
            Some(Tried { size, takes, frees: to - to % 4096 })
        }
    }

    fn chosen(percent: u64, left: u64, free: u64) -> Choice {
        choose(4096, left.min(MOST), left, free, &|size| Ok(text(percent)(size))).unwrap()
    }

    fn of_nothing(shutdown: Shutdown) -> Trial {
        let [log, scratch] = [(); 2].map(|()| tempfile::tempfile().unwrap());
        let name = || "x".to_owned();
        let label = Label {
            set: name(),
            log: name(),
            host: name(),
            rotated_at: DateTime::UNIX_EPOCH,
            begun_at: None,
            labels: BTreeMap::new(),
        };
        let place = Place { way: cut::Way::Collapse, unit: 4096 };
        Trial { log, place, how: Compression::default(), label, scratch, shutdown }
    }

    #[test]
    fn a_wish_to_stop_ends_it_with_the_piece_that_is_tried() {
        let shutdown = Shutdown::default();
        let trial = of_nothing(shutdown.clone());
        assert_eq!(trial.choose(0, 1 << 30, 4096), Ok(Choice::Needs(None)));
        // It would try more than this; the last ones to see what would do.
        for tries in 1..20 {
            shutdown.flag().store(0, Ordering::Relaxed);
            let left = Cell::new(tries);
            let one = |size| {
                if left.replace(left.get() - 1) == 1 {
                    shutdown.flag().store(15, Ordering::Relaxed);
                }
                assert!(left.get() >= 0, "one more was tried");
                trial.one(0, size).map(|_| text(101)(size))
            };
            assert_eq!(choose(4096, MOST, 1 << 30, 1 << 20, &one), Err(Stopped), "{tries}");
        }
        assert!(trial.gains(0, MOST), "nobody knows");
    }

    #[test]
    fn a_piece_frees_more_than_it_takes_and_what_it_needs_is_enough() {
        for percent in [1, 5, 20, 40, 50, 60, 76, 85, 95] {
            for free in [4096, 8192, 16 << 10, 20 << 10, 64 << 10, 1 << 20] {
                match chosen(percent, 1 << 30, free) {
                    Choice::Piece(size) => {
                        let tried = text(percent)(size).unwrap();
                        assert!(tried.takes <= free && tried.frees > tried.takes, "{percent} {free}: {size}");
                    }
                    Choice::Needs(needs) => {
                        let needs = needs.unwrap();
                        assert!(needs > free, "{percent} {free}: {needs}");
                        assert!(matches!(chosen(percent, 1 << 30, needs), Choice::Piece(_)), "{percent} {needs}");
                    }
                }
            }
        }
    }

    #[test]
    fn all_of_it_goes_when_it_fits_and_what_gets_no_smaller_never_frees_anything() {
        assert_eq!(chosen(20, 12_000, 4096), Choice::Piece(12_000));
        assert_eq!(chosen(76, 5000, 8192), Choice::Piece(5000));
        assert_eq!(chosen(101, 1 << 30, 1 << 20), Choice::Needs(None));
    }
}
