//! Quantities as people write them in settings: `100 MiB`, `90d`, `10%`, `Europe/Berlin`.
//!
//! Each is parsed once, at the edge, into a type that cannot hold nonsense; it is shown in a canonical form that
//! parses to the same value again. No floating point anywhere, and no text may panic or overflow.

mod bytes;
mod period;
mod room;
mod share;
mod span;
mod zone;

use std::{fmt, marker::PhantomData, str::FromStr};

use serde::de::{Deserializer, Error, Unexpected, Visitor};

pub use self::{
    bytes::Bytes,
    period::{Period, shown},
    room::Room,
    share::Share,
    span::Span,
    zone::Zone,
};

/// Text that is no such quantity, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread(String);

impl Misread {
    fn new(text: &str, why: impl fmt::Display) -> Misread {
        // A pasted novel must not drown the message.
        let shown: String = text.chars().take(60).collect();
        let dots = if shown.len() < text.len() { "..." } else { "" };
        Misread(format!("`{shown}{dots}`: {why}"))
    }
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misread {}

/// A quantity written as text, and by some also as a bare integer.
trait Quantity: FromStr<Err = Misread> {
    /// What a reader of an error is told to write.
    const EXPECTED: &'static str;

    /// What a bare integer means, when it means anything.
    fn from_integer(_: u64) -> Option<Self> {
        None
    }
}

/// Gives a quantity its text form in serde and its place in JSON Schema.
macro_rules! quantity {
    ($type:ident, $schema:tt) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                super::read(deserializer)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn schema_id() -> std::borrow::Cow<'static, str> {
                concat!(module_path!(), "::", stringify!($type)).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}
use quantity;

fn read<'de, Q: Quantity, D: Deserializer<'de>>(deserializer: D) -> Result<Q, D::Error> {
    deserializer.deserialize_any(Reader(PhantomData))
}

struct Reader<Q>(PhantomData<Q>);

impl<Q: Quantity> Visitor<'_> for Reader<Q> {
    type Value = Q;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Q::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Q, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Q, E> {
        Q::from_integer(number).ok_or_else(|| E::invalid_type(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Q, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self)),
        }
    }
}

/// A size or a duration that is written in another way here than `text`: `10 MiB` for `10M`, `90d` for `90 days`.
pub fn meant(text: &str) -> Option<String> {
    bytes::meant(text).or_else(|| span::meant(text))
}

/// Cuts leading ASCII digits off `text`.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};

    use proptest::prelude::*;
    use schemars::JsonSchema;

    use super::*;

    fn survives<Q: Quantity + Display + Debug + PartialEq>(quantity: &Q) {
        assert_eq!(quantity.to_string().parse::<Q>().as_ref(), Ok(quantity), "{quantity}");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(bytes: u64, millis in 0..=Span::LONGEST.as_millis(), permille in 0..=1000u16, zone: prop::sample::Index) {
            let span = Span::try_from(std::time::Duration::from_millis(u64::try_from(millis).unwrap())).unwrap();
            let share = format!("{}.{}%", permille / 10, permille % 10).parse::<Share>().unwrap();
            survives(&Bytes(bytes));
            survives(&span);
            survives(&share);
            survives(&Room::Bytes(Bytes(bytes)));
            survives(&Room::Share(share));
            survives(&Zone(*zone.get(&chrono_tz::TZ_VARIANTS)));
        }

        #[test]
        fn no_text_panics_and_accepted_text_is_stable(text in "\\PC{0,24}|[0-9]{0,22}[.]?[0-9]{0,12} ?([KMGT]i?B|[wdhms%]{1,2}|[0-9]{1,3}[dhms]){0,3}") {
            text.parse::<Bytes>().iter().for_each(survives);
            text.parse::<Span>().iter().for_each(survives);
            text.parse::<Share>().iter().for_each(survives);
            text.parse::<Room>().iter().for_each(survives);
            text.parse::<Zone>().iter().for_each(survives);
        }
    }

    #[test]
    fn examples_of_every_schema_are_accepted() {
        fn accepted<Q: Quantity + JsonSchema>() {
            let schema = schemars::schema_for!(Q);
            let examples = schema.get("examples").and_then(|examples| examples.as_array()).unwrap();
            assert!(!examples.is_empty());
            for example in examples {
                match example.as_str() {
                    Some(text) => assert!(text.parse::<Q>().is_ok(), "{text}"),
                    None => assert!(Q::from_integer(example.as_u64().unwrap()).is_some(), "{example}"),
                }
            }
        }
        accepted::<Bytes>();
        accepted::<Span>();
        accepted::<Share>();
        accepted::<Room>();
        accepted::<Zone>();
    }

    #[test]
    fn serde_sees_the_text() {
        let bytes: Bytes = serde_json::from_str("\"1.5 GiB\"").unwrap();
        assert_eq!(serde_json::to_string(&bytes).unwrap(), "\"1536 MiB\"");
        assert_eq!(serde_json::from_str::<Bytes>("4096").unwrap(), Bytes(4096));
        assert!(serde_json::from_str::<Bytes>("-1").unwrap_err().to_string().contains("integer `-1`, expected a size"));
        assert!(serde_json::from_str::<Span>("90").unwrap_err().to_string().contains("integer `90`, expected a duration"));
    }

    #[test]
    fn a_message_quotes_only_the_beginning_of_a_long_text() {
        let message = "x".repeat(5000).parse::<Bytes>().unwrap_err().to_string();
        assert!(message.len() < 200, "{message}");
    }
}
