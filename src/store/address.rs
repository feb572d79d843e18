//! Where a store is, as settings and people write it: `file:///srv/archive`.

use std::{
    borrow::Cow,
    fmt,
    path::{Component, Path, PathBuf},
    str::FromStr,
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A folder of this machine, or one that is mounted on it.
    Folder(PathBuf),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        let Some(path) = text.strip_prefix("file://") else {
            return Err(format!("`{text}` is no store that is known: file:///srv/archive"));
        };
        let path = Path::new(path);
        let straight =
            path.is_absolute() && path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        if straight && path.parent().is_some() && !text.contains('\0') {
            Ok(Address::Folder(path.components().collect()))
        } else {
            Err(format!("`{text}` names no folder from `/` on: file:///srv/archive"))
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Folder(path) => write!(f, "file://{}", path.display()),
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
        json_schema!({ "type": "string", "pattern": "^file:///.", "description": "Where a store is: `file:///srv/archive`." })
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
    fn what_is_written_is_read_again() {
        let address: Address = "file:///srv/archive".parse().unwrap();
        assert_eq!(address.to_string().parse(), Ok(address));
    }
}
