//! The key of an archive's object: where query engines look for it, and unlike that of any other. Pure.
//!
//! ```text
//! logs/service=web/dt=2026-11-21/hour=03/i-0abc_app.log.20261121T042122Z-0001_5d41402a_<SHA-256 of the text>.zst
//! ```
//!
//! Service, day and hour (of the first line, UTC) are partitions. Machine, archive, the log's path (hashed) and text make it
//! the same key whenever the same archive is shipped, however often and compressed by whatever, and another one for any other.

use std::fmt::Write;

use chrono::{DateTime, NaiveDate, Utc};

use crate::{
    files::{
        archive_name::{ArchiveName, Extension},
        compress::Facts,
        fingerprint,
    },
    store::Key,
    tools::logs::ledger::Entry,
};

/// Where objects that hold logs are; everything else in a store is elsewhere.
pub const LOGS: &str = "logs";
/// The longest that a machine's name gets in a key.
const HOST: usize = 40;
/// The longest that an archive's name gets there.
const NAME: usize = 110;

/// The key of what `facts` are true of, of the archive `file` of `entry`, made by `host` for `service`.
pub fn key(entry: &Entry, file: &str, facts: &Facts, host: &str, service: &str) -> Option<Key> {
    let end = match ArchiveName::parse(file)?.extension() {
        Extension::Plain => ".log",
        Extension::Gzip => ".gz",
        Extension::Zstd => ".zst",
    };
    let path = &fingerprint::of(entry.log_path().as_bytes())[..8];
    let name = format!("{}_{}_{path}_{}{end}", word(host, HOST), word(&entry.name, NAME), facts.sha256);
    let first = first_line(entry, facts).format("dt=%Y-%m-%d/hour=%H");
    Key::new(format!("{LOGS}/service={}/{first}/{name}", self::service(service)))
}

/// How keys spell a service.
pub fn service(service: &str) -> String {
    word(service, 100)
}

/// Whether the key is that of a log of this machine: whatever a manifest names, nothing else of it may go.
pub fn is_of(key: &Key, host: &str) -> bool {
    let (mut folders, name) = key.parts();
    let mine = name.strip_prefix(&word(host, HOST)).is_some_and(|rest| rest.starts_with('_'));
    folders.next() == Some(LOGS) && mine
}

/// Whether the key may be one of this archive, whatever its text is.
pub fn may_be_of(key: &str, entry: &Entry) -> bool {
    key.contains(&format!("_{}_", word(&entry.name, NAME)))
}

/// The day (UTC) of its first line, which engines look for.
pub fn day(entry: &Entry, facts: &Facts) -> NaiveDate {
    first_line(entry, facts).date_naive()
}

/// When its first line was written, as far as anybody knows.
fn first_line(entry: &Entry, facts: &Facts) -> DateTime<Utc> {
    facts.times.map(|times| times.from).or(entry.begun).unwrap_or(entry.at)
}

/// The text as one word of a key, `longest` bytes at most; two texts never become one word.
pub fn word(text: &str, longest: usize) -> String {
    /// Nothing else in a word begins with that.
    const CUT: &str = "_";
    let mut word = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || (byte == b'.' && !word.is_empty()) {
            word.push(char::from(byte));
        } else {
            let _ = write!(word, "%{byte:02X}");
        }
    }
    if word.len() > longest {
        let hash = &fingerprint::of(word.as_bytes())[..16];
        word.truncate(longest - CUT.len() - hash.len());
        word = format!("{word}{CUT}{hash}");
    }
    word
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        files::compress::{TimeRange, TimeSource},
        tools::logs::{
            containers::Labels,
            ledger::{Archive, EntryId, Stage},
        },
    };

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn entry(folder: &str, log: &str, file: &str) -> Entry {
        let times = TimeRange { from: at("2026-11-20T23:59:59Z"), until: at("2026-11-21T00:10:00Z"), source: TimeSource::Lines };
        let facts = Facts { sha256: "ab".repeat(32), size: 3, lines: 1, stored: 2, encoder: "x".to_owned(), times: Some(times) };
        Entry {
            id: EntryId(7),
            set: "app".to_owned(),
            folder: folder.to_owned(),
            log: log.to_owned(),
            archives: None,
            name: format!("{log}.20261121T042122Z-0001"),
            at: at("2026-11-21T04:21:22Z"),
            begun: None,
            file: None,
            cut: None,
            piece: false,
            taken: None,
            volumes: None,
            inherited: None,
            labels: Labels::default(),
            stage: Stage::Stored,
            archive: Some(Archive { file: file.to_owned(), facts }),
            company: None,
            shipped: None,
        }
    }

    fn of(entry: &Entry, host: &str, service: &str) -> String {
        let archive = entry.archive.as_ref().unwrap();
        key(entry, &archive.file, &archive.facts, host, service).unwrap().to_string()
    }

    #[test]
    fn a_key_is_where_query_engines_look_for_the_first_line() {
        let entry = entry("/var/log", "app.log", "app.log.20261121T042122Z-0001.zst");
        let text = "ab".repeat(32);
        assert_eq!(
            of(&entry, "i-0abc", "web"),
            format!("logs/service=web/dt=2026-11-20/hour=23/i-0abc_app.log.20261121T042122Z-0001_f3e23ba3_{text}.zst")
        );
        let unknown =
            Archive { facts: Facts { times: None, ..entry.archive.clone().unwrap().facts }, ..entry.archive.clone().unwrap() };
        let begun = Entry { begun: Some(at("2026-11-19T07:00:00Z")), ..entry.clone() };
        assert!(
            key(&begun, &unknown.file, &unknown.facts, "i", "web")
                .unwrap()
                .as_str()
                .starts_with("logs/service=web/dt=2026-11-19/hour=07/")
        );
        assert!(
            key(&entry, &unknown.file, &unknown.facts, "i", "web")
                .unwrap()
                .as_str()
                .starts_with("logs/service=web/dt=2026-11-21/hour=04/")
        );
    }

    #[test]
    fn whatever_its_text_a_key_tells_which_archive_it_may_be_of() {
        let (one, other) =
            (entry("/a", "app.log", "app.log.20261121T042122Z-0001.gz"), entry("/a", "app.lo", "app.lo.20261121T042122Z-0001"));
        let key = of(&one, "h", "s");
        assert!(may_be_of(&key, &one) && !may_be_of(&key, &other));
    }

    #[test]
    fn a_key_tells_whose_it_is() {
        let entry = entry("/var/log", "app.log", "app.log.20261121T042122Z-0001.zst");
        let long = "a".repeat(60);
        for host in ["i-0abc", "web_1", long.as_str()] {
            let key = Key::new(of(&entry, host, "web")).unwrap();
            assert!(is_of(&key, host) && !is_of(&key, "i-0ab") && !is_of(&key, "web") && !is_of(&key, "other"), "{key}");
        }
        let elsewhere = |text: &str| is_of(&Key::new(text).unwrap(), "i");
        assert!(elsewhere("logs/i_x") && !elsewhere("_opsbelt/manifests/i_x") && !elsewhere("i_x") && !elsewhere("logs/i"));
    }

    #[test]
    fn logs_of_one_name_and_one_text_in_two_folders_are_two_objects() {
        let file = "app.log.20261121T042122Z-0001.gz";
        assert_ne!(of(&entry("/a", "app.log", file), "h", "s"), of(&entry("/b", "app.log", file), "h", "s"));
    }

    proptest! {
        #[test]
        fn whatever_things_are_called_there_is_a_key(log in ".{1,80}", host in ".{0,300}", service in ".{1,300}") {
            let entry = entry("/a", &log, "app.log.20261121T042122Z-0001");
            let archive = entry.archive.as_ref().unwrap();
            let key = key(&entry, &archive.file, &archive.facts, &host, &service).unwrap();
            prop_assert_eq!(key.parts().0.count(), 4);
            prop_assert_eq!(key.as_str().rsplit('.').next(), Some("log"));
        }

        #[test]
        fn two_texts_are_two_words(one in "[a-c%_. /]{0,60}", other in "[a-c%_. /]{0,60}") {
            prop_assert_eq!(one == other, word(&one, 40) == word(&other, 40));
        }
    }
}
