//! Folders that must not lie in one another: what is in a store or in a spool is nobody's log, or a rule for logs would move and remove it
//! there. Pure: of links, only the machine knows.

use std::path::Path;

use super::{LogSet, LogWords, Settings, check::contradiction};
use crate::{files::find::PathPattern, store::Address, tool::Contradiction};

/// What stands below a store in a folder, as a pattern may meet it.
const STORED: [&str; 4] = [
    "logs/service=x/dt=2026-01-01/hour=00/x_x.log.20260101T000000Z-0001_01234567_0123456789abcdef.log",
    "logs/service=x/dt=2026-01-01/hour=00/x_x.log.20260101T000000Z-0001_01234567_0123456789abcdef.gz",
    "logs/service=x/dt=2026-01-01/hour=00/x_x.log.20260101T000000Z-0001_01234567_0123456789abcdef.zst",
    "_opsbelt/manifests/x/0000000001.json",
];
/// The same below a spool.
const SPOOLED: [&str; 3] = ["ready/0123456789abcdef.data", "ready/0123456789abcdef.json", "receipts/0123456789abcdef.json"];

/// Every folder that lies where it must not, and every pattern that means what lies there.
pub(super) fn check(settings: &Settings) -> Vec<Contradiction> {
    let Some(words) = &settings.store else { return Vec::new() };
    let store = match &words.url {
        Address::Folder(path) => Some(path.as_path()),
        Address::Bucket { .. } => None,
    };
    let spool = words.spool();
    let mut found = Vec::new();
    let lies_in = |one: &Path, other: &Path| one.starts_with(other) || other.starts_with(one);
    if store.is_some_and(|store| lies_in(store, spool)) {
        let problem = format!("the store and its spool ({}) lie in one another", spool.display());
        found.push(contradiction("store.url".to_owned(), problem, "give each a folder of its own, best on disks of their own"));
    }
    let places = [("store", store, &STORED[..]), ("spool", Some(spool), &SPOOLED)];
    let sets = settings.log.iter().enumerate();
    for (index, words, set) in sets.filter_map(|(index, words)| Some((index, words, words.complete(&settings.defaults).ok()?))) {
        for (name, place, files) in places {
            let Some(place) = place else { continue };
            if set.archive_dir.as_deref().is_some_and(|archives| archives.starts_with(place)) {
                let problem = format!("archive-dir lies in the {name} ({})", place.display());
                found.push(contradiction(archives(index, words), problem, "give each a folder of its own"));
            }
            if let Some(pattern) = meant(&set, place, files) {
                let problem = format!("`{pattern}` means what is in the {name} ({}) as well", place.display());
                let hint = format!("exclude = [\"{}/**/*\"], or a {name} elsewhere", place.display());
                found.push(contradiction(format!("log[{index}]"), problem, &hint));
            }
        }
    }
    found
}

fn archives(index: usize, words: &LogWords) -> String {
    if words.archive_dir.is_some() { format!("log[{index}].archive-dir") } else { "defaults.archive-dir".to_owned() }
}

/// The pattern of the set that means one of these files there.
fn meant<'a>(set: &'a LogSet, place: &Path, files: &[&str]) -> Option<&'a str> {
    let excluded: Vec<PathPattern> = set.exclude.iter().filter_map(|text| PathPattern::new(text).ok()).collect();
    let means = |text: &&String| {
        let pattern = PathPattern::new(text).ok();
        let met = |file: &&str| {
            let path = place.join(file);
            pattern.as_ref().is_some_and(|pattern| pattern.matches(&path)) && !excluded.iter().any(|other| other.matches(&path))
        };
        files.iter().any(met)
    };
    set.paths.iter().find(means).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(store: &str, log: &str) -> Vec<String> {
        let text = format!("[store]\n{store}\n[[log]]\nname = \"app\"\n{log}\n");
        check(&toml::from_str(&text).unwrap()).into_iter().map(|found| found.key).collect()
    }

    #[test]
    fn what_is_in_a_store_or_in_a_spool_is_nobodys_log() {
        let store = "url = \"file:///var/log/store\"\nspool = \"/var/log/spool\"";
        for (log, keys) in [
            ("paths = [\"/var/log/*.log\"]", &[][..]),
            ("paths = [\"/var/log/**/*.log\"]", &["log[0]"]),
            ("paths = [\"/var/log/**/*.log\"]\nexclude = [\"/var/log/store/**/*\"]", &[]),
            ("paths = [\"/var/log/**/*\"]", &["log[0]", "log[0]"]),
            ("paths = [\"/var/log/app/**/*.log\"]", &[]),
            ("paths = [\"/var/log/app.log\"]\narchive-dir = \"/var/log/store/logs\"", &["log[0].archive-dir"]),
            ("paths = [\"/var/log/app.log\"]\narchive-dir = \"/var/log/store-too\"", &[]),
            ("paths = [\"/var/log/app.log\"]\narchive-dir = \"/var/log\"", &[]),
        ] {
            assert_eq!(wrong(store, log), keys, "{log}");
        }
    }

    #[test]
    fn a_store_and_its_spool_do_not_lie_in_one_another() {
        let log = "paths = [\"/a.log\"]";
        for (store, spool, keys) in [
            ("file:///srv/store", "/srv/store/spool", &["store.url"][..]),
            ("file:///srv/spool/store", "/srv/spool", &["store.url"]),
            ("file:///srv/store", "/srv/store", &["store.url"]),
            ("file:///srv/store", "/srv/store-spool", &[]),
            ("s3://bucket/srv", "/srv", &[]),
        ] {
            assert_eq!(wrong(&format!("url = \"{store}\"\nspool = \"{spool}\""), log), keys, "{store} {spool}");
        }
    }
}
