//! `when` as people write it: one trigger, or a table with exactly one of `any` and `all`.
//!
//! Parses once, at the edge; what it cannot mean is an error that says what to write.

#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use super::{Trigger, Triggers, When};
use crate::settings::{
    suggest,
    units::{self, Bytes, Period, Span},
};

/// Triggers and guards of a `when`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "WhenTable", extend("oneOf" = [{ "required": ["any"] }, { "required": ["all"] }]))]
struct Table {
    /// Due as soon as one of these holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    any: Option<Vec<Trigger>>,
    /// Due when all of these hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    all: Option<Vec<Trigger>>,
    /// Not before the log has this size.
    #[serde(skip_serializing_if = "Option::is_none")]
    min_size: Option<Bytes>,
    /// Not before so long after the last rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    min_age: Option<Span>,
    /// Not while the log is empty.
    #[serde(default = "yes")]
    skip_empty: bool,
}

fn yes() -> bool {
    true
}

impl TryFrom<Table> for When {
    type Error = &'static str;

    fn try_from(table: Table) -> Result<When, &'static str> {
        let triggers = match (table.any, table.all) {
            (Some(any), None) => Triggers::Any(any),
            (None, Some(all)) => Triggers::All(all),
            (Some(_), Some(_)) => return Err("write `any` or `all`, not both"),
            (None, None) => return Err("name what makes a log due: `any = [...]` or `all = [...]`"),
        };
        let (Triggers::Any(each) | Triggers::All(each)) = &triggers;
        if each.is_empty() {
            return Err("an empty list makes no log due: name a trigger such as \"daily\"");
        }
        Ok(When { triggers, min_size: table.min_size, min_age: table.min_age, skip_empty: table.skip_empty })
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<When, D::Error> {
        deserializer.deserialize_any(WhenReader)
    }
}

struct WhenReader;

impl<'de> Visitor<'de> for WhenReader {
    type Value = When;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a trigger such as \"daily\" or \"100 MiB\", or a table with `any` or `all`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<When, E> {
        let trigger = text.parse().map_err(E::custom)?;
        Ok(When::from(Triggers::Any(vec![trigger])))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<When, A::Error> {
        Table::deserialize(MapAccessDeserializer::new(map))?.try_into().map_err(A::Error::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<When, A::Error> {
        Err(A::Error::custom("a bare list does not say whether one is enough: write `{ any = [...] }` or `{ all = [...] }`"))
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (any, all) = match &self.triggers {
            Triggers::Any(any) => (Some(any.clone()), None),
            Triggers::All(all) => (None, Some(all.clone())),
        };
        if let (Some([only]), None, None, true) = (any.as_deref(), self.min_size, self.min_age, self.skip_empty) {
            return only.serialize(serializer);
        }
        let (min_size, min_age, skip_empty) = (self.min_size, self.min_age, self.skip_empty);
        Table { any, all, min_size, min_age, skip_empty }.serialize(serializer)
    }
}

impl JsonSchema for When {
    fn schema_name() -> Cow<'static, str> {
        "When".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "When to rotate: one trigger, or a table.",
            "anyOf": [generator.subschema_for::<Trigger>(), generator.subschema_for::<Table>()],
        })
    }
}

impl FromStr for Trigger {
    type Err = String;

    fn from_str(text: &str) -> Result<Trigger, String> {
        let word = text.trim();
        if let Some(period) = Period::ALL.into_iter().find(|period| period.word() == word) {
            return Ok(Trigger::Every(period));
        }
        // A bare number could be bytes as well as days.
        let unitless = word.bytes().all(|byte| byte.is_ascii_digit());
        match (word.parse::<Bytes>(), word.parse::<Span>()) {
            (Ok(size), _) if size.0 > 0 && !unitless => Ok(Trigger::Size(size)),
            (_, Ok(age)) if age > Span::default() => Ok(Trigger::Age(age)),
            (Ok(_), _) | (_, Ok(_)) if !unitless => Err(format!("`{word}`: must be more than nothing")),
            _ => Err(misread(word)),
        }
    }
}

fn misread(word: &str) -> String {
    let shown: String = word.chars().take(60).collect();
    if let Some(period) = suggest::nearest(word, Period::ALL.map(Period::word)) {
        return format!("`{shown}`: unknown trigger, did you mean `{period}`?");
    }
    if let Some(meant) = units::meant(word) {
        return format!("`{shown}`: write `{meant}`");
    }
    let words = Period::ALL.map(Period::word).join(", ");
    format!("`{shown}`: use {words}, a size such as `100 MiB`, or an age such as `7d`")
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trigger::Every(period) => period.fmt(f),
            Trigger::Size(size) => size.fmt(f),
            Trigger::Age(age) => age.fmt(f),
        }
    }
}

impl Serialize for Trigger {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Trigger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Trigger, D::Error> {
        deserializer.deserialize_str(TriggerReader)
    }
}

struct TriggerReader;

impl Visitor<'_> for TriggerReader {
    type Value = Trigger;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a trigger such as \"daily\", \"100 MiB\" or \"7d\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Trigger, E> {
        text.parse().map_err(E::custom)
    }
}

impl JsonSchema for Trigger {
    fn schema_name() -> Cow<'static, str> {
        "Trigger".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What makes a log due: a calendar word, a size, or an age since the last rotation.",
            "type": "string",
            "pattern": r"^\s*(hourly|daily|weekly|monthly|yearly|[0-9.]+\s*[A-Za-z].*)\s*$",
            "examples": ["hourly", "daily", "weekly", "monthly", "yearly", "100 MiB", "7d"]
        })
    }
}
