//! The word for a compression, as settings and people write it: `zstd`, `zstd:small`, `gzip:9`, `none`.
//!
//! A level that cannot be written cannot come out of a text either; nothing here compresses.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::files::archive_name::Extension;

/// How an archive is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// The rotated log is the archive.
    None,
    /// zstd frames, with what the archive says of itself.
    Zstd {
        /// 1 to 19.
        level: i32,
    },
    /// One gzip member.
    Gzip {
        /// 1 to 9.
        level: u32,
    },
}

const ZSTD: i32 = 6;
const ZSTD_FAST: i32 = 1;
const ZSTD_SMALL: i32 = 12;
const GZIP: u32 = 6;

impl Compression {
    /// What an archive's name ends with.
    pub fn extension(self) -> Extension {
        match self {
            Compression::None => Extension::Plain,
            Compression::Zstd { .. } => Extension::Zstd,
            Compression::Gzip { .. } => Extension::Gzip,
        }
    }

    /// How to read an archive of this name; its level does not matter for that.
    pub fn of(extension: Extension) -> Compression {
        match extension {
            Extension::Plain => Compression::None,
            Extension::Zstd => Compression::Zstd { level: ZSTD },
            Extension::Gzip => Compression::Gzip { level: GZIP },
        }
    }

    /// The most bytes that the archive of so much plain text can have, if nothing in it repeats.
    pub fn at_most(self, plain: u64) -> u64 {
        /// Names, checksums, and rounding to whole blocks.
        const REST: u64 = 64 << 10;
        match self {
            Compression::None => plain,
            Compression::Zstd { .. } => plain.saturating_add(plain / 256 + REST),
            // Its fastest level may take nine bits for eight.
            Compression::Gzip { .. } => plain.saturating_add(plain / 8 + REST),
        }
    }
}

impl Default for Compression {
    fn default() -> Compression {
        Compression::Zstd { level: ZSTD }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Compression::None => f.write_str("none"),
            Compression::Zstd { level: ZSTD } => f.write_str("zstd"),
            Compression::Zstd { level: ZSTD_FAST } => f.write_str("zstd:fast"),
            Compression::Zstd { level: ZSTD_SMALL } => f.write_str("zstd:small"),
            Compression::Zstd { level } => write!(f, "zstd:{level}"),
            Compression::Gzip { level: GZIP } => f.write_str("gzip"),
            Compression::Gzip { level } => write!(f, "gzip:{level}"),
        }
    }
}

impl FromStr for Compression {
    type Err = String;

    fn from_str(text: &str) -> Result<Compression, String> {
        let word = text.trim();
        match word.split_once(':') {
            None if word == "none" => Ok(Compression::None),
            None if word == "zstd" => Ok(Compression::default()),
            None if word == "gzip" => Ok(Compression::Gzip { level: GZIP }),
            Some(("zstd", level)) => zstd_level(level).map(|level| Compression::Zstd { level }),
            Some(("gzip", level)) => gzip_level(level).map(|level| Compression::Gzip { level }),
            _ => Err(format!(
                "`{text}` is no compression: say zstd, zstd:fast, zstd:small, zstd:1 to zstd:19, gzip, gzip:1 to gzip:9 or none"
            )),
        }
    }
}

fn zstd_level(word: &str) -> Result<i32, String> {
    match word {
        "fast" => Ok(ZSTD_FAST),
        "small" => Ok(ZSTD_SMALL),
        _ => number(word)
            .filter(|level| (1..=19).contains(level))
            .ok_or_else(|| format!("`{word}` is no level of zstd: say fast, small, or a number from 1 to 19")),
    }
}

fn gzip_level(word: &str) -> Result<u32, String> {
    number(word)
        .filter(|level| (1..=9).contains(level))
        .ok_or_else(|| format!("`{word}` is no level of gzip: say a number from 1 to 9"))
}

/// Digits only: `+6` and `06` are slips, not levels.
fn number<N: FromStr + fmt::Display>(word: &str) -> Option<N> {
    word.parse().ok().filter(|number: &N| number.to_string() == word)
}

impl Serialize for Compression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Compression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Compression, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Compression {
    fn schema_name() -> Cow<'static, str> {
        "Compression".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Compression").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "How archives are compressed: zstd (level 6), zstd:fast (1), zstd:small (12), zstd:1 to zstd:19, gzip (level 6), gzip:1 to gzip:9, or none.",
            "pattern": "^(none|zstd(:(fast|small|[1-9]|1[0-9]))?|gzip(:[1-9])?)$",
            "examples": ["zstd", "zstd:small", "gzip", "none"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_written_as_it_is_read() {
        let zstd = (1..=19).map(|level| Compression::Zstd { level });
        let gzip = (1..=9).map(|level| Compression::Gzip { level });
        for choice in zstd.chain(gzip).chain([Compression::None]) {
            assert_eq!(choice.to_string().parse(), Ok(choice));
            let json = serde_json::to_string(&choice).unwrap();
            assert_eq!(serde_json::from_str::<Compression>(&json).unwrap(), choice);
        }
    }

    #[test]
    fn words_stand_for_levels() {
        let read = |text: &str| text.parse::<Compression>().unwrap();
        assert_eq!(read("zstd"), Compression::Zstd { level: 6 });
        assert_eq!(read("zstd"), Compression::default());
        assert_eq!(read("zstd:fast"), Compression::Zstd { level: 1 });
        assert_eq!(read("zstd:small"), Compression::Zstd { level: 12 });
        assert_eq!(read("gzip"), Compression::Gzip { level: 6 });
        for word in ["none", "zstd", "gzip"] {
            assert_eq!(Compression::of(read(word).extension()), read(word));
        }
    }

    #[test]
    fn a_slip_is_told_what_to_say_instead() {
        let told = |text: &str| text.parse::<Compression>().unwrap_err();
        assert_eq!(told("zstd:20"), "`20` is no level of zstd: say fast, small, or a number from 1 to 19");
        assert_eq!(told("gzip:0"), "`0` is no level of gzip: say a number from 1 to 9");
        assert!(told("zst").starts_with("`zst` is no compression: say zstd,"));
        for slip in ["", "zstd:", "zstd:+6", "zstd:06", "gzip:fast", "none:1", "ZSTD", "zstd:-1", "zstd:6:6"] {
            assert!(slip.parse::<Compression>().is_err(), "{slip}");
        }
    }
}
