//! Reads a tree into a type, as serde's deserializer, so that whatever goes wrong is known with its key path; also what
//! the type's own `Deserialize` refuses.

use std::fmt::{self, Display};

use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
        VariantAccess, Visitor, value::StrDeserializer,
    },
    forward_to_deserialize_any,
};

use super::{
    origin::Step,
    suggest,
    tree::{Entry, Node, Value},
};

/// Why a tree cannot be read, and at which value or key of it.
#[derive(Debug)]
pub(super) struct Refusal {
    pub message: String,
    pub hint: Option<String>,
    /// It is the key that is wrong, not its value.
    pub at_key: bool,
    /// Innermost step first.
    path: Vec<Step>,
}

/// The value that `tree` holds.
pub(super) fn read<T: DeserializeOwned>(tree: &Node) -> Result<T, Refusal> {
    T::deserialize(tree)
}

impl Refusal {
    fn new(message: impl Display) -> Refusal {
        Refusal { message: message.to_string(), hint: None, at_key: false, path: Vec::new() }
    }

    fn under(mut self, step: Step) -> Refusal {
        self.path.push(step);
        self
    }

    fn under_key(self, key: &str) -> Refusal {
        self.under(Step::Key(key.to_owned()))
    }

    fn on_key(mut self) -> Refusal {
        self.at_key = true;
        self
    }

    fn with(mut self, hint: impl Display) -> Refusal {
        self.hint = Some(hint.to_string());
        self
    }

    /// From the root to the place.
    pub(super) fn path(&self) -> Vec<Step> {
        self.path.iter().rev().cloned().collect()
    }

    fn choose(message: impl Display, word: &str, known: &[&str]) -> Refusal {
        Refusal::new(message).with(suggest::instead(word, known))
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

impl de::Error for Refusal {
    fn custom<T: Display>(message: T) -> Refusal {
        let text = message.to_string();
        // Serde's own words name a Rust type.
        let untagged = text.starts_with("data did not match any variant of untagged enum");
        Refusal::new(if untagged { "this has none of the forms that are allowed here" } else { &text })
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Refusal {
        let wanted = wanted(expected);
        let hint = match found {
            Unexpected::Str(text) if wanted == "a list" && text.chars().count() <= 60 => Some(format!("write [{text:?}]")),
            Unexpected::Map if wanted == "a list" => Some("a list of tables is written with two brackets: [[...]]".to_owned()),
            _ => None,
        };
        Refusal { hint, ..Refusal::new(format_args!("expected {wanted}, found {}", seen(found))) }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Refusal {
        Refusal::invalid_type(found, expected)
    }

    fn missing_field(field: &'static str) -> Refusal {
        Refusal::new(format_args!("`{field}` is missing"))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Refusal {
        Refusal::choose(format_args!("unknown key `{field}`"), field, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Refusal {
        Refusal::choose(format_args!("unknown value `{variant}`"), variant, expected)
    }
}

/// What serde calls by Rust's names, in the words of TOML.
fn wanted(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    match text.as_str() {
        "u8" => "a whole number from 0 to 255".to_owned(),
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "u32" | "u64" | "usize" => "a whole number from 0 up".to_owned(),
        "a nonzero u8" | "a nonzero u16" | "a nonzero u32" | "a nonzero u64" | "a nonzero usize" => {
            "a whole number from 1 up".to_owned()
        }
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a map" => "a table".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a boolean" => "true or false".to_owned(),
        other if other.starts_with("struct ") => "a table".to_owned(),
        other if other.starts_with("enum ") => "one of its named values".to_owned(),
        _ => text,
    }
}

fn seen(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Map => "a table".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Str(text) if text.chars().count() > 60 => "a long text".to_owned(),
        Unexpected::Str(text) => format!("the text {text:?}"),
        Unexpected::Bool(flag) => flag.to_string(),
        Unexpected::Signed(number) => number.to_string(),
        Unexpected::Unsigned(number) => number.to_string(),
        Unexpected::Float(number) => number.to_string(),
        other => other.to_string(),
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match &self.value {
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Flag(flag) => visitor.visit_bool(*flag),
            Value::List(items) => visitor.visit_seq(Items(items.iter().enumerate())),
            Value::Table(entries) => visitor.visit_map(Entries { rest: entries.iter(), current: None }),
            // Only reached when all of the settings are rejected.
            Value::Rejected => visitor.visit_unit(),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match &self.value {
            Value::Integer(number @ 1..) if fields.contains(&"count") => {
                let refusal = Refusal::new(format_args!("expected a table, found {number}"));
                Err(refusal.with(format_args!("write {{ count = {number} }}")))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let mut entries = match &self.value {
            Value::Text(name) => return visitor.visit_enum(Variant { name, content: None }),
            Value::Table(entries) => entries.iter().filter(|(_, entry)| !matches!(entry.node.value, Value::Rejected)),
            _ => return Err(Refusal::new("expected a named value").with(suggest::one_of(known))),
        };
        match (entries.next(), entries.next()) {
            (Some((name, entry)), None) => visitor.visit_enum(Variant { name, content: Some(&entry.node) }),
            (None, _) => Err(Refusal::new("an empty table says nothing").with(suggest::one_of(known))),
            (Some((one, _)), Some((other, _))) => {
                Err(Refusal::new(format_args!("`{one}` and `{other}` exclude each other")).under_key(other).on_key())
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

struct Items<'de>(std::iter::Enumerate<std::slice::Iter<'de, Node>>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Refusal;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Refusal> {
        match self.0.find(|(_, node)| !matches!(node.value, Value::Rejected)) {
            Some((index, node)) => seed.deserialize(node).map(Some).map_err(|refusal| refusal.under(Step::Index(index))),
            None => Ok(None),
        }
    }
}

struct Entries<'de> {
    rest: std::collections::btree_map::Iter<'de, String, Entry>,
    current: Option<(&'de str, &'de Node)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Refusal;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Refusal> {
        let Some((key, entry)) = self.rest.find(|(_, entry)| !matches!(entry.node.value, Value::Rejected)) else {
            return Ok(None);
        };
        self.current = Some((key, &entry.node));
        seed.deserialize(named(key)).map(Some).map_err(|refusal| refusal.under_key(key).on_key())
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Refusal> {
        let (key, node) = self.current.take().ok_or_else(|| Refusal::new("a value was asked for before its key"))?;
        seed.deserialize(node).map_err(|refusal| refusal.under_key(key))
    }
}

fn named(name: &str) -> StrDeserializer<'_, Refusal> {
    name.into_deserializer()
}

/// A named value: `"daily"`, or `{ any = [...] }`.
struct Variant<'de> {
    name: &'de str,
    content: Option<&'de Node>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Refusal;
    type Variant = Variant<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Variant<'de>), Refusal> {
        match seed.deserialize(named(self.name)) {
            Ok(value) => Ok((value, self)),
            Err(refusal) if self.content.is_some() => Err(refusal.under_key(self.name).on_key()),
            Err(refusal) => Err(refusal),
        }
    }
}

impl<'de> Variant<'de> {
    fn content(&self) -> Result<&'de Node, Refusal> {
        self.content.ok_or_else(|| {
            Refusal::new(format_args!("`{0}` needs a value", self.name)).with(format_args!("write `{{ {} = ... }}`", self.name))
        })
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Refusal;

    fn unit_variant(self) -> Result<(), Refusal> {
        if self.content.is_none() {
            return Ok(());
        }
        let refusal = Refusal::new(format_args!("`{}` takes no value", self.name));
        Err(refusal.with(format_args!("write \"{}\"", self.name)).under_key(self.name).on_key())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Refusal> {
        seed.deserialize(self.content()?).map_err(|refusal| refusal.under_key(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Refusal> {
        self.content()?.deserialize_any(visitor).map_err(|refusal| refusal.under_key(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Refusal> {
        self.content()?.deserialize_any(visitor).map_err(|refusal| refusal.under_key(self.name))
    }
}
