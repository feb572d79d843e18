//! How much of the beginning of a log that is rotated in place is in an archive already: what its ledger says last.
//!
//! Believed only of the very file that the ledger names.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::tally;

/// The heads of all logs of one ledger.
#[derive(Clone, Debug, Default)]
pub struct Heads(BTreeMap<PathBuf, (u64, u64)>);

impl Heads {
    /// What the ledger in the folder `state` says; nothing when there is none.
    pub fn of(state: &Path) -> Heads {
        let text = fs::read_to_string(state.join("ledger.jsonl")).unwrap_or_default();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let heads = lines.filter(|line| line["line"] == "head").map(|line| {
            let number = |key: &str| line[key].as_u64().expect("a number");
            (PathBuf::from(line["log"].as_str().expect("a path")), (number("inode"), number("archived")))
        });
        Heads(heads.collect())
    }

    /// So many bytes at the beginning of `file` are in an archive.
    pub fn archived(&self, file: &Path) -> u64 {
        let inode = fs::metadata(file).map_or(0, |meta| meta.ino());
        self.0.get(file).filter(|head| head.0 == inode).map_or(0, |head| head.1)
    }

    /// What `file` holds, unpacked, behind its head.
    pub fn rest(&self, file: &Path) -> Box<dyn Read> {
        let mut text = tally::plain(file);
        let archived = self.archived(file);
        let skipped = io::copy(&mut text.by_ref().take(archived), &mut io::sink()).expect("a readable log");
        assert_eq!(skipped, archived, "{} is shorter than its archived head", file.display());
        text
    }
}
