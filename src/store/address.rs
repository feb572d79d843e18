//! Where a store is, as settings and people write it: `file:///srv/archive`, `s3://bucket/prefix`.

use std::{
    borrow::Cow,
    fmt,
    path::{Component, Path, PathBuf},
    str::FromStr,
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Key;

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A folder of this machine, or one that is mounted on it.
    Folder(PathBuf),
    /// A bucket of S3, or of whoever talks like it.
    Bucket {
        /// Its name.
        bucket: String,
        /// What every key in it begins with.
        prefix: Option<Key>,
    },
}

const KNOWN: &str = "file:///srv/archive or s3://bucket/prefix";

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        if let Some(path) = text.strip_prefix("file://") {
            return folder(path).ok_or_else(|| format!("`{text}` names no folder from `/` on: file:///srv/archive"));
        }
        match text.strip_prefix("s3://") {
            Some(place) => bucket(place).ok_or_else(|| format!("`{text}` names no bucket that there can be: s3://bucket/prefix")),
            None => Err(format!("`{text}` is no store that is known: {KNOWN}")),
        }
    }
}

fn folder(text: &str) -> Option<Address> {
    let path = Path::new(text);
    let straight = path.is_absolute() && path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    (straight && path.parent().is_some() && !text.contains('\0')).then(|| Address::Folder(path.components().collect()))
}

fn bucket(text: &str) -> Option<Address> {
    let (name, prefix) = text.split_once('/').unwrap_or((text, ""));
    let ends = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let inside = |byte: u8| ends(byte) || byte == b'-' || byte == b'.';
    let bytes = name.as_bytes();
    let named = (3..=63).contains(&bytes.len()) && bytes.iter().copied().all(inside) && !name.contains("..");
    if !named || !bytes.first().copied().is_some_and(ends) || !bytes.last().copied().is_some_and(ends) {
        return None;
    }
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    let prefix = if prefix.is_empty() { None } else { Some(Key::new(prefix)?) };
    Some(Address::Bucket { bucket: name.to_owned(), prefix })
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Folder(path) => write!(f, "file://{}", path.display()),
            Address::Bucket { bucket, prefix: None } => write!(f, "s3://{bucket}"),
            Address::Bucket { bucket, prefix: Some(prefix) } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Address {
    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(file:///.|s3://[a-z0-9])",
            "description": "Where a store is: `file:///srv/archive` or `s3://bucket/prefix`."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_from_the_root_on() {
        assert_eq!("file:///srv//archive/".parse(), Ok(Address::Folder("/srv/archive".into())));
        for wrong in
            ["", "/srv", "file:", "file://", "file:///", "file://srv", "file:///a/../b", "s3:/x", "http://x", "file:///a\0b"]
        {
            assert!(wrong.parse::<Address>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_bucket_has_a_name_that_it_can_have() {
        let bucket = |name: &str, prefix: &str| Ok(Address::Bucket { bucket: name.to_owned(), prefix: Key::new(prefix) });
        assert_eq!("s3://logs".parse(), bucket("logs", ""));
        assert_eq!("s3://my.logs-1/".parse(), bucket("my.logs-1", ""));
        assert_eq!("s3://logs/fleet/web/".parse(), bucket("logs", "fleet/web"));
        for wrong in [
            "s3://",
            "s3://lo",
            "s3:///a",
            "s3://Logs",
            "s3://a_b",
            "s3://-logs",
            "s3://logs.",
            "s3://a..b",
            "s3://logs//a",
            "s3://logs/../a",
            "s3://logs/a b",
        ] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong:?}");
        }
        assert!(format!("s3://{}", "a".repeat(64)).parse::<Address>().is_err());
    }

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["file:///srv/archive", "s3://logs", "s3://logs/fleet/web"] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.to_string().parse()), (text, Ok(address)));
        }
    }
}
