//! Whether what is written down of a cut can be true at all. It comes from a file or from a child that need not be
//! trusted: numbers that contradict each other must never be reckoned with, and texts have the length that ours have.

use super::{ANCHORS, Cut, Head, Layout, Place, Way};

impl Cut {
    /// Whether its numbers agree with each other.
    pub fn is_sound(&self) -> bool {
        let length = match self.place.way {
            // The end of the file stays.
            Way::Collapse => self.length.saturating_sub(1),
            Way::Hole => self.length,
        };
        let whole = self.remove > 0 && self.place.whole(self.remove) == self.remove;
        let ordered = self.from < self.to && self.remove <= self.to.min(length) && self.to <= self.length;
        let layouts = self.layout.iter().chain(&self.after).all(Layout::is_sound);
        let texts = layouts && self.ending.iter().chain(&self.left).all(|text| is_print(text));
        is_place(self.place) && whole && ordered && self.length < ANCHORS && texts && is_anchor(self.anchor)
    }
}

impl Head {
    /// Whether its numbers agree with each other.
    pub fn is_sound(&self) -> bool {
        let left = self.archived.checked_sub(self.hole).is_some_and(|left| left <= self.place.unit);
        let ordered = self.archived <= self.length && self.length < ANCHORS;
        let texts = is_print(&self.sha256) && self.layout.iter().all(Layout::is_sound);
        is_place(self.place) && left && ordered && texts && is_anchor(self.anchor)
    }
}

/// Whether this is a fingerprint of ours.
pub(super) fn is_print(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn is_place(place: Place) -> bool {
    const LARGEST: u64 = 1 << 30;
    place.unit.is_power_of_two() && place.unit <= LARGEST
}

fn is_anchor(anchor: Option<u64>) -> bool {
    anchor.is_none_or(|anchor| (ANCHORS..=1 << 62).contains(&anchor))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { way: Way::Collapse, unit: 4096 };

    fn cut() -> Cut {
        let (layout, after, ending, left) = (None, None, None, None);
        Cut { place: PLACE, from: 100, to: 8200, remove: 8192, length: 9000, layout, after, ending, anchor: Some(3 << 40), left }
    }

    fn head() -> Head {
        let (sha256, layout) = ("0".repeat(64), None);
        Head { inode: 7, archived: 8, hole: 0, sha256, length: 808, layout, anchor: Some((3 << 40) - 8192), place: PLACE }
    }

    #[test]
    fn a_cut_whose_numbers_contradict_each_other_is_none() {
        assert!(cut().is_sound());
        assert!(Cut { place: Place { way: Way::Hole, ..PLACE }, to: 8192, length: 8192, ..cut() }.is_sound());
        for (what, lie) in [
            ("nothing goes", Cut { remove: 0, ..cut() }),
            ("a part of a block goes", Cut { remove: 8000, ..cut() }),
            ("more goes than is archived", Cut { to: 8191, ..cut() }),
            ("the whole file goes", Cut { to: 8192, length: 8192, ..cut() }),
            ("more is archived than there is", Cut { length: 8199, ..cut() }),
            ("nothing is archived", Cut { from: 8200, ..cut() }),
            ("it reaches the anchors", Cut { length: 2 << 40, ..cut() }),
            ("the anchor is in the log", Cut { anchor: Some(4096), ..cut() }),
            ("the anchor is nowhere", Cut { anchor: Some(u64::MAX), ..cut() }),
            ("a block is nothing", Cut { place: Place { unit: 0, ..PLACE }, ..cut() }),
        ] {
            assert!(!lie.is_sound(), "{what}");
        }
    }

    #[test]
    fn a_head_whose_numbers_contradict_each_other_is_none() {
        assert!(head().is_sound());
        for (what, lie) in [
            ("the hole is longer than all of it", Head { hole: 9, ..head() }),
            ("more than a block is left", Head { archived: 5000, length: 6000, ..head() }),
            ("more is archived than there is", Head { length: 7, ..head() }),
            ("it has no end", Head { length: u64::MAX, ..head() }),
            ("its checksum has no end", Head { sha256: "0".repeat(1 << 20), ..head() }),
        ] {
            assert!(!lie.is_sound(), "{what}");
        }
    }
}
