//! State that came from another machine, or back from one, and files that are set aside before they are written anew.

use std::fs;

use super::Ledger;
use crate::failure::{Doing, Result};

impl Ledger {
    /// All that another machine made is kept, and none of it is ours to remove.
    pub(super) fn inherit(&mut self, other: &str) {
        for entry in self.content.entries.values_mut() {
            entry.inherited.get_or_insert_with(|| other.to_owned());
        }
        self.content.last.clear();
        self.content.last_roots.clear();
        self.content.seen.clear();
        // What was collected, and logs whose heads are archived, may be here as well: a copied disk has the same files. Each is
        // looked at before it is believed.
        self.content.live.clear();
        self.content.clock = None;
        self.content.doubted = None;
    }

    /// What this machine made itself, before its state went to another one and came back, is its own again.
    pub(super) fn come_home(&mut self) {
        let mut rotations = Vec::new();
        for entry in self.content.entries.values_mut() {
            if entry.inherited.as_ref() == Some(&self.host) {
                entry.inherited = None;
                rotations.push(entry.rotation());
            }
        }
        for rotation in rotations {
            self.content.note(rotation);
        }
    }

    /// Keeps a copy of the file as it was found. Earlier copies stay, as long as there are few: what is wrong may come back.
    pub(super) fn set_aside(&self, why: &str) -> Result<()> {
        const COPIES: usize = 9;
        let safe: String = why.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
        let copy = |number: usize| {
            let number = if number > 1 { format!("-{number}") } else { String::new() };
            self.path.with_file_name(format!("ledger.{safe}{number}.jsonl"))
        };
        let aside = (1..COPIES).map(copy).find(|aside| !aside.exists()).unwrap_or_else(|| copy(COPIES));
        fs::copy(&self.path, &aside).doing("keep a copy of the ledger in", aside.display()).map(drop)
    }
}
