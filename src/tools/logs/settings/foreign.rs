//! logrotate's directives as keys: what to write here instead, in the user's own word and value, or why there is
//! nothing. Only for the hint of an error; never a second way to say a setting, and never the opposite of what was
//! meant. `docs/from-logrotate.md` tells the same at length.

use std::path::Path;

use crate::{
    files::compress::Compression,
    settings::units::{self, Bytes},
};

/// The hint for a key that is a directive of logrotate, with this value; none for a list or a table.
pub fn foreign(key: &str, value: &str) -> Option<String> {
    let on = value != "false";
    let hint = |(words, hint): &(&[&str], &str)| words.contains(&key).then(|| (*hint).to_owned());
    if let Some(same) = WORDS.iter().find_map(hint) {
        return Some(same);
    }
    Some(match key {
        "rotate" => count(value),
        "maxage" => match days(value) {
            Some(days) => format!("write keep = {{ max-age = \"{days}d\" }}"),
            None => "write days into keep, such as { max-age = \"90d\" }".to_owned(),
        },
        "minage" => match days(value) {
            Some(days) => format!("write when = {{ any = [\"daily\"], min-age = \"{days}d\" }}{PERIOD}"),
            None => "write days into when, such as { any = [\"daily\"], min-age = \"1d\" }".to_owned(),
        },
        "size" => match size(value) {
            Some(size) => format!("write when = \"{size}\""),
            None => "write a size, such as when = \"100 MiB\"".to_owned(),
        },
        "maxsize" => joined("any", value),
        "minsize" => joined("all", value),
        "hourly" | "daily" | "weekly" | "monthly" | "yearly" => period(key, value),
        "ifempty" | "notifempty" => empty((key == "ifempty") == on),
        "missingok" | "nomissingok" => missing((key == "missingok") == on),
        "copytruncate" if on => IN_PLACE.to_owned(),
        "copytruncate" => RENAMED.to_owned(),
        "nocompress" if on => "write compress = \"none\"".to_owned(),
        "nocompress" => COMPRESSED.to_owned(),
        "compresscmd" => compressor(value),
        "olddir" if on => folder(value),
        "olddir" | "noolddir" => "leave it out: archives stand beside their log anyway".to_owned(),
        _ => return None,
    })
}

const RENAMED: &str = "leave it out: logs are renamed, never copied; to tell the writer, write reopen = { unit = \"app.service\", signal = \"HUP\" }";
const IN_PLACE: &str = "write method = \"in-place\"; it loses no line, and needs ext4 or xfs, a writer that appends, and root";

/// What holds of archives where nobody says anything.
pub(super) const COMPRESSED: &str = "leave it out: archives are compressed anyway";
/// The set may well say another period beside it.
const PERIOD: &str = "; or another period";

/// The directives whose answer does not depend on their value.
const WORDS: [(&[&str], &str); 8] = [
    (&["create", "nocreate"], "leave it out: the new log gets the owner, mode and ACL of the old one"),
    (&["createolddir", "nocreateolddir"], "leave it out: the folder that archive-dir names must exist"),
    (
        &["postrotate", "prerotate", "firstaction", "lastaction", "preremove", "sharedscripts", "nosharedscripts", "endscript"],
        "scripts are not run; to tell the writer, write reopen = { unit = \"app.service\", signal = \"HUP\" }",
    ),
    (&["copy", "nocopytruncate", "nocopy", "renamecopy", "norenamecopy"], RENAMED),
    (&["delaycompress", "nodelaycompress"], "leave it out: a file is compressed as soon as nobody writes to it"),
    (
        &["compressoptions", "compressext", "uncompresscmd"],
        "leave it out: compress says all of it, such as \"zstd\", \"zstd:19\" or \"gzip:9\"",
    ),
    (
        &["dateext", "nodateext", "dateformat", "dateyesterday", "datehourago", "extension", "addextension", "start"],
        "leave it out: archives are named by time, in UTC",
    ),
    (
        &["su", "mail", "nomail", "mailfirst", "maillast", "shred", "noshred", "tabooext", "include"],
        "leave it out: it has no counterpart; docs/from-logrotate.md says why",
    ),
];

fn count(value: &str) -> String {
    match value.parse::<i64>() {
        Ok(-1) => "leave it out: without keep every archive stays".to_owned(),
        Ok(0) => "write keep = { count = 1 }; the newest archive of a log always stays".to_owned(),
        Ok(count @ 1..=0xffff_ffff) => format!("write keep = {{ count = {count} }}"),
        _ => "write a number into keep, such as { count = 7 }".to_owned(),
    }
}

fn joined(how: &str, value: &str) -> String {
    match size(value) {
        Some(size) => format!("write when = {{ {how} = [\"daily\", \"{size}\"] }}{PERIOD}"),
        None => format!("write a size into when, such as {{ {how} = [\"daily\", \"100 MiB\"] }}"),
    }
}

fn period(word: &str, value: &str) -> String {
    match value.parse::<u32>() {
        _ if value == "false" => format!("leave it out, or say the period that is meant: when = \"{word}\""),
        Ok(count @ 1..) => {
            format!("write when = \"{word}\"; for how many archives stay, keep = {{ {word} = {count} }}")
        }
        _ => format!("write when = \"{word}\""),
    }
}

fn empty(too: bool) -> String {
    if too {
        format!("write when = {{ any = [\"daily\"], skip-empty = false }}{PERIOD}")
    } else {
        "leave it out: empty logs are left alone anyway".to_owned()
    }
}

fn missing(fine: bool) -> String {
    let hint = if fine { "write optional = true" } else { "leave it out: a missing log is reported anyway" };
    hint.to_owned()
}

fn compressor(value: &str) -> String {
    let name = Path::new(value).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match name.parse::<Compression>() {
        Ok(known) => format!("write compress = \"{known}\""),
        Err(_) => "write one of ours, such as compress = \"zstd\"".to_owned(),
    }
}

fn folder(value: &str) -> String {
    let plain = value.len() <= LONGEST && !value.contains(|c: char| c.is_control() || matches!(c, '"' | '\\'));
    let folder = if plain && value.starts_with('/') { value } else { "/var/log/archive" };
    let write = if folder == value { "write" } else { "write a whole path, such as" };
    format!("{write} archive-dir = \"{folder}\"; the folder must exist")
}

/// A hint is one line.
const LONGEST: usize = 60;

/// A size as logrotate and people write it.
fn size(value: &str) -> Option<Bytes> {
    let read = value.parse().ok().or_else(|| units::meant(value)?.parse().ok());
    read.filter(|size: &Bytes| size.0 > 0)
}

fn days(value: &str) -> Option<u32> {
    /// More is no length of time here.
    const MOST: u32 = 365_250;
    value.parse().ok().filter(|days| (1..=MOST).contains(days))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::logs::settings::Settings;

    const KEYS: [&str; 18] = [
        "rotate",
        "copytruncate",
        "maxage",
        "minage",
        "size",
        "maxsize",
        "minsize",
        "hourly",
        "daily",
        "weekly",
        "monthly",
        "yearly",
        "ifempty",
        "notifempty",
        "missingok",
        "nocompress",
        "compresscmd",
        "olddir",
    ];

    #[test]
    fn what_a_hint_tells_to_write_is_accepted() {
        let mut written = 0;
        let values =
            ["", "true", "false", "0", "-1", "1", "14", "99999999999", "10M", "4096", "x", "/usr/bin/gzip", "/a b", "\"\\"];
        let words = KEYS.into_iter().chain(WORDS.iter().flat_map(|(words, _)| words.iter().copied()));
        for (key, value) in words.flat_map(|key| values.map(|value| (key, value))) {
            let hint = foreign(key, value).unwrap_or_else(|| panic!("{key}"));
            let Some((_, rest)) = hint.split_once("write ") else { continue };
            let setting = rest.split(';').next().expect("a split has a first part");
            let setting = setting.split_once("such as ").map_or(setting, |(_, example)| example);
            let table = if rest.contains("into when,") { "when = " } else { "keep = " };
            let setting = if setting.starts_with('{') { format!("{table}{setting}") } else { setting.to_owned() };
            let text = format!("[[log]]\npaths = [\"/x\"]\n{setting}\n");
            toml::from_str::<Settings>(&text).unwrap_or_else(|error| panic!("{key} {value}: {error}\n{text}"));
            written += 1;
        }
        assert!(written > 100, "{written}");
    }

    #[test]
    fn no_word_of_ours_is_foreign() {
        for word in ["name", "paths", "when", "keep", "compress", "reopen", "count", "max-age", "reopn"] {
            assert_eq!(foreign(word, "true"), None, "{word}");
        }
    }
}
