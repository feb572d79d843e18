//! How archives get into the store, as `ship` says it: `true`, `false` or `"direct"`.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};

/// How archives of a set get into the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// Not at all.
    Stays,
    /// `rotate` hands them over, `ship` ships them.
    #[default]
    Spool,
    /// There are none here: `direct` ships the rotated logs.
    Direct,
}

const DIRECT: &str = "direct";

impl Serialize for Way {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Way::Stays => serializer.serialize_bool(false),
            Way::Spool => serializer.serialize_bool(true),
            Way::Direct => serializer.serialize_str(DIRECT),
        }
    }
}

impl<'de> Deserialize<'de> for Way {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Way, D::Error> {
        struct Word;
        impl Visitor<'_> for Word {
            type Value = Way;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("true, false or \"direct\"")
            }

            fn visit_bool<E: Error>(self, ships: bool) -> Result<Way, E> {
                Ok(if ships { Way::Spool } else { Way::Stays })
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Way, E> {
                if word == DIRECT {
                    Ok(Way::Direct)
                } else {
                    Err(E::custom(format!("`{word}` is none of true, false, \"direct\"")))
                }
            }
        }
        deserializer.deserialize_any(Word)
    }
}

impl JsonSchema for Way {
    fn schema_name() -> Cow<'static, str> {
        "Way".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Way").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Whether archives go to the store; \"direct\": without any archive here.",
            "enum": [true, false, DIRECT],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_written_as_it_is_read_and_no_other_is() {
        for (word, way) in [("true", Way::Spool), ("false", Way::Stays), ("\"direct\"", Way::Direct)] {
            assert_eq!(serde_json::from_str::<Way>(word).unwrap(), way);
            assert_eq!(serde_json::to_string(&way).unwrap(), word);
        }
        for slip in ["\"Direct\"", "\"true\"", "1", "\"\""] {
            assert!(serde_json::from_str::<Way>(slip).unwrap_err().to_string().contains("direct"), "{slip}");
        }
    }
}
