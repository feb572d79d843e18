//! What the directives of a stanza mean, one struct of plain values. The last word wins, as in
//! logrotate; globals are the values that a stanza starts from.

use serde::Serialize;

/// How logs are rotated. The default is what logrotate does when nothing is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Directives {
    /// How the live log makes room.
    pub method: Method,
    /// Rotated logs are compressed.
    pub compress: bool,
    /// They are compressed one rotation later only.
    pub delaycompress: bool,
    /// How many rotated logs stay; logrotate keeps none when nothing is said, -1 means all.
    pub rotate: Option<i64>,
    /// What makes it rotate.
    pub frequency: Frequency,
    /// Also rotates when larger than this.
    pub maxsize: Option<u64>,
    /// Does not rotate when smaller than this.
    pub minsize: Option<u64>,
    /// Rotated logs older than so many days go.
    pub maxage: Option<u32>,
    /// The file that takes the log's place.
    pub create: Create,
    /// Where rotated logs go, when not beside the log.
    pub olddir: Option<String>,
    /// The user and group that it rotates as.
    pub su: Option<String>,
    /// A script runs after the rotation, mostly to tell the writer.
    pub has_postrotate: bool,
}

/// How the live log makes room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The log gets another name.
    Rename,
    /// The log is copied and stays as it is.
    Copy,
    /// The log is copied and cut; lines written in between are lost.
    CopyTruncate,
}

/// What makes logrotate rotate, each time that it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Frequency {
    /// A new hour.
    Hourly,
    /// A new day.
    Daily,
    /// A new week.
    Weekly,
    /// A new month.
    Monthly,
    /// A new year.
    Yearly,
    /// So many minutes.
    Minutes(u64),
    /// This many bytes or more, and nothing else.
    Size(u64),
}

/// The file that takes a rotated log's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Create {
    /// None: the writer makes one.
    No,
    /// One like the old one.
    Like,
    /// With this mode, owner and group, as written.
    As(String),
}

impl Default for Directives {
    fn default() -> Directives {
        Directives {
            method: Method::Rename,
            compress: false,
            delaycompress: false,
            rotate: None,
            frequency: Frequency::Size(1 << 20),
            maxsize: None,
            minsize: None,
            maxage: None,
            create: Create::No,
            olddir: None,
            su: None,
            has_postrotate: false,
        }
    }
}

impl Directives {
    /// Follows one directive. The error says what is wrong with the value.
    pub(super) fn follow(&mut self, word: &str, value: &str) -> Result<(), String> {
        match word {
            "copytruncate" => self.method = Method::CopyTruncate,
            "copy" if self.method == Method::Rename => self.method = Method::Copy,
            "renamecopy" => self.method = Method::Rename,
            "nocopytruncate" if self.method == Method::CopyTruncate => self.method = Method::Rename,
            "nocopy" if self.method == Method::Copy => self.method = Method::Rename,
            "compress" => self.compress = true,
            "nocompress" => self.compress = false,
            "delaycompress" => self.delaycompress = true,
            "nodelaycompress" => self.delaycompress = false,
            "hourly" => self.frequency = Frequency::Hourly,
            "daily" => self.frequency = Frequency::Daily,
            "weekly" => self.frequency = Frequency::Weekly,
            "monthly" => self.frequency = Frequency::Monthly,
            "yearly" => self.frequency = Frequency::Yearly,
            "minutes" => self.frequency = Frequency::Minutes(number(value)?),
            "size" => self.frequency = Frequency::Size(bytes(value)?),
            "maxsize" => self.maxsize = Some(bytes(value)?),
            "minsize" => self.minsize = Some(bytes(value)?),
            "maxage" => self.maxage = Some(number(value)?),
            "rotate" => self.rotate = Some(count(value)?),
            "create" => self.create = if value.is_empty() { Create::Like } else { Create::As(value.to_owned()) },
            "nocreate" => self.create = Create::No,
            "olddir" => self.olddir = Some(value.to_owned()),
            "noolddir" => self.olddir = None,
            "su" => self.su = Some(value.to_owned()),
            "postrotate" => self.has_postrotate = true,
            _ => {}
        }
        Ok(())
    }
}

fn count(value: &str) -> Result<i64, String> {
    value.parse().ok().filter(|count| *count >= -1).ok_or_else(|| format!("`{value}` is no count"))
}

fn number<N: std::str::FromStr>(value: &str) -> Result<N, String> {
    value.parse().map_err(|_| format!("`{value}` is no number"))
}

fn bytes(value: &str) -> Result<u64, String> {
    let (digits, unit) = match value.as_bytes().last() {
        Some(b'k' | b'K') => (&value[..value.len() - 1], 1 << 10),
        Some(b'M') => (&value[..value.len() - 1], 1 << 20),
        Some(b'G') => (&value[..value.len() - 1], 1 << 30),
        _ => (value, 1),
    };
    let size = digits.trim_end().parse::<u64>().ok().and_then(|size| size.checked_mul(unit));
    size.ok_or_else(|| format!("`{value}` is no size"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(words: &[(&str, &str)]) -> Directives {
        let mut directives = Directives::default();
        for (word, value) in words {
            directives.follow(word, value).unwrap();
        }
        directives
    }

    #[test]
    fn the_last_word_wins() {
        assert_eq!(after(&[("size", "1"), ("daily", "")]).frequency, Frequency::Daily);
        assert_eq!(after(&[("daily", ""), ("size", "10M")]).frequency, Frequency::Size(10 << 20));
        assert_eq!(after(&[("copytruncate", ""), ("nocopytruncate", "")]).method, Method::Rename);
        assert_eq!(after(&[("copytruncate", ""), ("copy", "")]).method, Method::CopyTruncate);
        assert_eq!(after(&[("create", "640 a b"), ("nocreate", "")]).create, Create::No);
    }

    #[test]
    fn values_that_mean_nothing_are_errors() {
        for (word, value) in
            [("rotate", "-2"), ("rotate", "x"), ("size", "1m"), ("size", ""), ("minutes", "-1"), ("size", "9e9G")]
        {
            assert!(Directives::default().follow(word, value).is_err(), "{word} {value}");
        }
        assert!(Directives::default().follow("size", "18446744073709551615G").is_err());
    }
}
