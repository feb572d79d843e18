//! As much of JSON Schema as our own schemas use: enough to see a missing, a wrong and an unknown key.
//!
//! Stricter than the standard in one thing: a key that an object's `properties` do not name is a fault, so that
//! nothing is printed that the schema does not tell. A word that this does not know is a fault too.

use std::{fs, path::Path};

use serde_json::Value;

/// A schema that values are held against.
pub struct Schema(Value);

impl Schema {
    /// The committed schema at `path`, from the repository's root.
    pub fn read(path: &str) -> Schema {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
        Schema(serde_json::from_str(&text).expect("a schema is JSON"))
    }

    /// What is wrong with `value`, each with its place.
    pub fn faults(&self, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.hold(&self.0, value, "$", &mut faults);
        faults
    }

    fn hold(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        for (word, wanted) in schema.as_object().expect("a schema is an object") {
            let holds = match word.as_str() {
                "$ref" => {
                    let pointer = wanted.as_str().and_then(|text| text.strip_prefix('#')).expect("a pointer into the schema");
                    self.hold(self.0.pointer(pointer).expect("it leads somewhere"), value, at, faults);
                    true
                }
                "type" => is(value, wanted),
                "enum" => wanted.as_array().is_some_and(|all| all.contains(value)),
                "pattern" => matches(value.as_str().unwrap_or_default(), wanted.as_str().unwrap_or_default()),
                "required" => {
                    wanted.as_array().into_iter().flatten().all(|key| value.get(key.as_str().unwrap_or_default()).is_some())
                }
                "items" => {
                    let items = value.as_array().into_iter().flatten().enumerate();
                    items.for_each(|(index, item)| self.hold(wanted, item, &format!("{at}[{index}]"), faults));
                    true
                }
                "properties" => {
                    self.properties(wanted, value, at, faults);
                    true
                }
                "additionalProperties" => {
                    let known = schema.get("properties");
                    let more = value
                        .as_object()
                        .into_iter()
                        .flatten()
                        .filter(|(key, _)| known.is_none_or(|known| known.get(key).is_none()));
                    more.for_each(|(key, item)| self.hold(wanted, item, &format!("{at}.{key}"), faults));
                    true
                }
                "$schema" | "$id" | "$defs" | "title" | "description" => true,
                unknown => panic!("this checker does not know `{unknown}`"),
            };
            if !holds {
                faults.push(format!("{at}: {word}: {wanted}"));
            }
        }
    }

    fn properties(&self, wanted: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        for (key, item) in value.as_object().into_iter().flatten() {
            match wanted.get(key) {
                Some(schema) => self.hold(schema, item, &format!("{at}.{key}"), faults),
                None => faults.push(format!("{at}.{key}: the schema does not know it")),
            }
        }
    }
}

fn is(value: &Value, wanted: &Value) -> bool {
    let one = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("no type of ours: {other}"),
    };
    match wanted {
        Value::String(name) => one(name),
        several => several.as_array().into_iter().flatten().filter_map(Value::as_str).any(one),
    }
}

/// The one kind of pattern that our schemas use: `^prefix.*/1$` with the points escaped.
fn matches(text: &str, pattern: &str) -> bool {
    let pattern = pattern.trim_start_matches('^').trim_end_matches('$').replace("\\.", ".");
    let (head, tail) = pattern.split_once("[a-z.]*").expect("a pattern of the one kind");
    let middle = text.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail));
    middle.is_some_and(|middle| middle.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'.'))
}
