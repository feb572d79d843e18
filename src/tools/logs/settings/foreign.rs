//! logrotate's directives as keys: what to write here instead, or why there is nothing. Only for the hint of an error;
//! never a second way to say a setting. `docs/from-logrotate.md` tells the same at length.

/// The hint for a key that is a directive of logrotate.
pub fn foreign(key: &str) -> Option<&'static str> {
    let hint = |(words, hint): &(&[&str], &'static str)| words.contains(&key).then_some(*hint);
    WORDS.iter().find_map(hint)
}

const WORDS: [(&[&str], &str); 18] = [
    (&["rotate", "start"], "write keep = { count = 7 }"),
    (&["maxage"], "write keep = { max-age = \"90d\" }"),
    (&["size"], "write when = \"100 MiB\""),
    (&["maxsize"], "write when = { any = [\"daily\", \"100 MiB\"] }"),
    (&["minsize"], "write when = { all = [\"daily\", \"1 MiB\"] }"),
    (&["minage"], "write when = { any = [\"daily\"], min-age = \"1d\" }"),
    (&["hourly", "daily", "weekly", "monthly", "yearly"], "write when = \"daily\""),
    (&["ifempty", "notifempty"], "write when = { any = [\"daily\"], skip-empty = true }; empty logs are left alone anyway"),
    (&["olddir", "noolddir", "createolddir"], "write archive-dir = \"/var/log/archive\"; the folder must exist"),
    (&["create", "nocreate"], "leave it out: the new log gets the owner, mode and ACL of the old one"),
    (
        &["postrotate", "prerotate", "firstaction", "lastaction", "preremove", "sharedscripts", "nosharedscripts", "endscript"],
        "scripts are not run; to tell the writer, write reopen = { unit = \"app.service\", signal = \"HUP\" }",
    ),
    (
        &["copytruncate", "copy", "nocopytruncate", "nocopy", "renamecopy"],
        "leave it out: logs are renamed, never copied; to tell the writer, write reopen = { unit = \"app.service\", signal = \"HUP\" }",
    ),
    (&["delaycompress", "nodelaycompress"], "leave it out: a file is compressed as soon as nobody writes to it"),
    (
        &["compresscmd", "compressoptions", "compressext", "uncompresscmd"],
        "write compress = \"zstd\", \"gzip:9\", or another of its values",
    ),
    (&["nocompress"], "write compress = \"none\""),
    (&["missingok", "nomissingok"], "write optional = true"),
    (
        &["dateext", "nodateext", "dateformat", "dateyesterday", "datehourago", "extension", "addextension"],
        "leave it out: archives are named by time, in UTC",
    ),
    (
        &["su", "mail", "nomail", "mailfirst", "maillast", "shred", "noshred", "tabooext", "include"],
        "leave it out: it has no counterpart; docs/from-logrotate.md says why",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::logs::settings::Settings;

    #[test]
    fn what_a_hint_tells_to_write_is_accepted() {
        let mut written = 0;
        for (words, hint) in WORDS {
            let Some((_, rest)) = hint.split_once("write ") else { continue };
            let setting = rest.split(';').next().expect("a split has a first part");
            let setting = if setting.starts_with("compress") { setting.split(',').next().expect("likewise") } else { setting };
            let text = format!("[[log]]\npaths = [\"/x\"]\n{setting}\n");
            toml::from_str::<Settings>(&text).unwrap_or_else(|error| panic!("{words:?}: {error}"));
            written += 1;
        }
        assert!(written > 10, "{written}");
    }

    #[test]
    fn no_word_of_ours_is_foreign() {
        for word in ["name", "paths", "when", "keep", "compress", "reopen", "count", "max-age", "reopn"] {
            assert_eq!(foreign(word), None, "{word}");
        }
    }
}
