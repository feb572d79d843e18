//! What a file's name tells: whether it is a log, an older part of one, or compressed. Pure; names are
//! clues, not proof, and the findings say so.

use crate::files::archive_name::ArchiveName;

/// Whether somebody who sees only the name would call it a log.
pub(super) fn looks_like_log(name: &str) -> bool {
    let ends = [".log", ".out", ".err", "_log", ".trace"];
    [unpacked(name).to_lowercase(), base(name).to_lowercase()]
        .iter()
        .any(|name| name == "log" || name == "syslog" || ends.iter().any(|end| name.len() > end.len() && name.ends_with(end)))
}

/// Whether a file in a folder called `log` can be one: no program text, no picture.
pub(super) fn may_be_log(name: &str) -> bool {
    let plain = base(name);
    let extension = plain.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
    let data = ["txt", "json", "jsonl", "csv", "log", "out", "err", "trace", "audit"];
    extension.is_none_or(|extension| data.contains(&extension.as_str()))
}

/// The name without the mark of a compressor.
pub(super) fn unpacked(name: &str) -> &str {
    packing(name).map_or(name, |packing| &name[..name.len() - packing.extension().len()])
}

/// The compressor that the name speaks of.
pub(super) fn packing(name: &str) -> Option<Packing> {
    const ALL: [Packing; 4] = [Packing::Gzip, Packing::Zstd, Packing::Xz, Packing::Bzip2];
    ALL.into_iter().find(|packing| name.ends_with(packing.extension()) && name.len() > packing.extension().len())
}

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// gzip
    Gzip,
    /// Zstandard
    Zstd,
    /// xz
    Xz,
    /// bzip2
    Bzip2,
}

impl Packing {
    /// What every such file begins with.
    pub(super) fn magic(self) -> &'static [u8] {
        match self {
            Packing::Gzip => &[0x1f, 0x8b],
            Packing::Zstd => &[0x28, 0xb5, 0x2f, 0xfd],
            Packing::Xz => &[0xfd, b'7', b'z', b'X', b'Z', 0],
            Packing::Bzip2 => b"BZh",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Packing::Gzip => ".gz",
            Packing::Zstd => ".zst",
            Packing::Xz => ".xz",
            Packing::Bzip2 => ".bz2",
        }
    }
}

/// The name of the live log that this file belongs to: the same name for a live log itself, another one
/// for what a rotation left, which carries a number or a date.
pub(super) fn base(name: &str) -> String {
    if let Some(ours) = ArchiveName::parse(name) {
        return ours.log().to_owned();
    }
    let mut base = without_dates(unpacked(name));
    for end in [".old", ".bak", ".prev"] {
        if let Some(stem) = base.strip_suffix(end) {
            base = stem.to_owned();
        }
    }
    if let Some(stem) = without_number(&base) {
        return stem.to_owned();
    }
    let numbered = base.strip_suffix(".log").and_then(without_number);
    numbered.map_or(base.clone(), |stem| format!("{stem}.log"))
}

/// `app.log` of `app.log.12`.
fn without_number(name: &str) -> Option<&str> {
    let (stem, number) = name.rsplit_once('.')?;
    let counts = (1..=4).contains(&number.len()) && number.bytes().all(|c| c.is_ascii_digit());
    (counts && !stem.is_empty()).then_some(stem)
}

fn without_dates(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut kept = String::new();
    let mut at = 0;
    while at < bytes.len() {
        let separated = usize::from(matches!(bytes[at], b'.' | b'-' | b'_'));
        let inside_number = at > 0 && bytes[at - 1].is_ascii_digit() && separated == 0;
        match date(&bytes[at + separated..]) {
            Some(length) if !inside_number && (separated == 1 || at == 0) => at += separated + length,
            _ => {
                let c = name[at..].chars().next().map_or(1, char::len_utf8);
                kept.push_str(&name[at..at + c]);
                at += c;
            }
        }
    }
    // A name that is nothing but its date stays itself.
    if kept.trim_matches(['.', '-', '_']).is_empty() { name.to_owned() } else { kept }
}

/// The length of the date, and time of day, that `text` begins with.
fn date(text: &[u8]) -> Option<usize> {
    number(text, 0, 4).filter(|year| (1990..2100).contains(year))?;
    let gap = usize::from(matches!(text.get(4), Some(b'-' | b'_' | b'.')));
    number(text, 4 + gap, 2).filter(|month| (1..=12).contains(month))?;
    let same_gap = if gap == 1 { usize::from(text.get(6 + gap) == text.get(4)) } else { 0 };
    if gap != same_gap {
        return None;
    }
    number(text, 6 + 2 * gap, 2).filter(|day| (1..=31).contains(day))?;
    let mut length = 8 + 2 * gap;
    // The time of day: any run of digits with its separators.
    loop {
        let separated = usize::from(matches!(text.get(length), Some(b'-' | b'_' | b'T' | b':' | b'.')));
        let digits = text[(length + separated).min(text.len())..].iter().take_while(|c| c.is_ascii_digit()).count();
        if digits == 0 || (separated == 0 && length == 8 + 2 * gap) {
            break;
        }
        length += separated + digits;
    }
    if text.get(length) == Some(&b'Z') {
        length += 1;
    }
    Some(length).filter(|length| !text.get(*length).is_some_and(u8::is_ascii_digit))
}

fn number(text: &[u8], from: usize, length: usize) -> Option<u32> {
    let digits = text.get(from..from + length)?;
    std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|c| c.is_ascii_digit()))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_parts_belong_to_their_log() {
        for (name, log) in [
            ("app.log", "app.log"),
            ("app.log.1", "app.log"),
            ("app.log.12.gz", "app.log"),
            ("app.log-20261120", "app.log"),
            ("app.log-20261120.gz", "app.log"),
            ("app-2026-11-20.log", "app.log"),
            ("app.2026-11-20.3.log.zst", "app.log"),
            ("app.log.2026-11-20-03.gz", "app.log"),
            ("app.log.20261120T031500Z.zst", "app.log"),
            ("server.1.log", "server.log"),
            ("app.log.old", "app.log"),
            ("syslog.1", "syslog"),
            ("postgresql-15-main.log", "postgresql-15-main.log"),
            ("app-1.log", "app-1.log"),
            ("i-20991399.log", "i-20991399.log"),
            ("20261120.log", ".log"),
            ("wtmp", "wtmp"),
        ] {
            assert_eq!(base(name), log, "{name}");
        }
    }

    #[test]
    fn logs_are_told_from_other_files() {
        for name in
            ["app.log", "app.log.1.gz", "catalina.out", "access_log", "app-2026-11-20.log", "syslog", "a.err.2", "20261120.log"]
        {
            assert!(looks_like_log(name), "{name}");
        }
        for name in ["app.txt", "catalog", "log.py", "blog", ".log", "login", "archive.tar.gz", "changelog"] {
            assert!(!looks_like_log(name), "{name}");
        }
        assert!(may_be_log("access") && may_be_log("report.json.gz") && may_be_log("mail.1"));
        assert!(!may_be_log("index.js") && !may_be_log("logo.png"));
    }

    proptest::proptest! {
        #[test]
        fn no_name_is_a_panic_and_a_base_is_stable(name in "[a-z0-9._\u{e4}-]{1,40}") {
            let _ = looks_like_log(&name);
            let _ = may_be_log(&name);
            proptest::prop_assert!(base(&name).len() <= name.len());
        }

        #[test]
        fn a_number_or_a_date_never_changes_whose_part_it_is(stem in "[a-z]{1,8}", number in 1_u32..999, day in 10_u32..28) {
            let log = format!("{stem}.log");
            proptest::prop_assert_eq!(base(&format!("{log}.{number}.gz")), log.clone());
            proptest::prop_assert_eq!(base(&format!("{log}-202611{day}")), log.clone());
            proptest::prop_assert_eq!(base(&format!("{stem}-2026-11-{day}.log")), log);
        }
    }
}
