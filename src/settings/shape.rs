//! What settings may look like, asked of their JSON Schema, so that no second list of keys exists.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value as Json};

use super::{
    origin::{Path, Step},
    problem::Problem,
    suggest,
    tree::{Node, Value},
};

/// The schema of a type.
pub(super) struct Schema(Json);

impl Schema {
    pub(super) fn of<T: JsonSchema>() -> Schema {
        Schema(SchemaGenerator::default().into_root_schema_for::<T>().to_value())
    }

    pub(super) fn shape(&self) -> Shape<'_> {
        Shape::new(&self.0, [&self.0])
    }
}

/// The schemas that may hold at one place.
pub(super) struct Shape<'s> {
    root: &'s Json,
    alternatives: Vec<&'s Map<String, Json>>,
    /// Several kinds of table are possible, of which one must be chosen.
    choice: bool,
    /// Nothing is known: anything may stand here.
    open: bool,
}

/// Deeper nesting of references than any type has.
const DEEPEST: usize = 32;

impl<'s> Shape<'s> {
    fn new(root: &'s Json, schemas: impl IntoIterator<Item = &'s Json>) -> Shape<'s> {
        let mut shape = Shape { root, alternatives: Vec::new(), choice: false, open: false };
        for schema in schemas {
            shape.resolve(schema, DEEPEST);
        }
        let tables = shape.alternatives.iter().filter(|schema| says_object(schema)).count();
        // A choice that is flattened into a table leaves the table's own keys beside it.
        let common = |schema: &&Map<String, Json>| schema.contains_key("properties") && offers(schema).next().is_some();
        shape.choice = tables > 1 && !shape.alternatives.iter().any(common);
        shape
    }

    /// Collects `schema` and what it refers to or offers, outermost first.
    fn resolve(&mut self, schema: &'s Json, left: usize) {
        let (Json::Object(schema), true) = (schema, left > 0) else {
            self.open |= *schema == Json::Bool(true);
            return;
        };
        let target = schema.get("$ref").and_then(Json::as_str).and_then(|target| target.strip_prefix('#'));
        if let Some(target) = target.and_then(|pointer| self.root.pointer(pointer)) {
            // The tag of a tagged table stands beside the reference to the rest of it.
            if schema.contains_key("properties") {
                self.alternatives.push(schema);
            }
            self.resolve(target, left - 1);
            return;
        }
        self.alternatives.push(schema);
        let says_nothing = ["type", "const", "enum"].iter().all(|word| !schema.contains_key(*word));
        self.open |= says_nothing && offers(schema).next().is_none();
        for offer in offers(schema) {
            self.resolve(offer, left - 1);
        }
    }

    fn child(&self, found: impl Fn(&'s Map<String, Json>) -> Option<&'s Json>) -> Shape<'s> {
        let mut child = Shape::new(self.root, self.alternatives.iter().filter_map(|schema| found(schema)));
        child.open |= child.alternatives.is_empty();
        child
    }

    /// What may stand under `key`.
    pub(super) fn key(&self, key: &str) -> Shape<'s> {
        self.child(|schema| schema.get("properties").and_then(|all| all.get(key)).or_else(|| schema.get("additionalProperties")))
    }

    /// What the items of a list may be.
    pub(super) fn item(&self) -> Shape<'s> {
        self.child(|schema| schema.get("items"))
    }

    /// Whether tables here are one of several kinds, which must never be mixed.
    pub(super) fn is_choice(&self) -> bool {
        self.choice
    }

    /// The keys that a table may have here, unless any may.
    pub(super) fn keys(&self) -> Option<Vec<&'s str>> {
        let mut tables = self.alternatives.iter().filter(|schema| says_object(schema)).peekable();
        let any = |schema: &&&Map<String, Json>| match schema.get("additionalProperties") {
            Some(extra) => *extra != Json::Bool(false),
            None => !schema.contains_key("properties"),
        };
        if self.open || tables.peek().is_none() || tables.clone().any(|schema| any(&schema)) {
            return None;
        }
        let keys = tables.filter_map(|schema| schema.get("properties")?.as_object());
        Some(keys.flat_map(|keys| keys.keys().map(String::as_str)).collect())
    }

    /// Whether a single value may stand here.
    pub(super) fn is_scalar(&self) -> bool {
        self.open || ["string", "integer", "number", "boolean"].iter().any(|name| self.says(name))
    }

    /// Whether the JSON type `name` may stand here.
    pub(super) fn says(&self, name: &str) -> bool {
        self.alternatives.iter().any(|schema| says(schema, name))
    }
}

/// The schemas that `schema` puts together or offers to choose from.
fn offers(schema: &Map<String, Json>) -> impl Iterator<Item = &Json> {
    ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|word| schema.get(word)?.as_array()).flatten()
}

fn says_object(schema: &Map<String, Json>) -> bool {
    says(schema, "object") || schema.contains_key("properties")
}

fn says(schema: &Map<String, Json>, name: &str) -> bool {
    match schema.get("type") {
        Some(Json::String(only)) => only == name,
        Some(Json::Array(several)) => several.iter().any(|one| one == name),
        _ => name == "string" && (schema.get("const").is_some_and(Json::is_string) || schema.contains_key("enum")),
    }
}

/// What to write instead of a key, with its value, that another program has.
pub(super) type Foreign = fn(&str, &str) -> Option<String>;

/// Reports every key that no settings have, and takes it out of play.
pub(super) fn reject_unknown_keys(node: &mut Node, shape: &Shape<'_>, foreign: Foreign, problems: &mut Vec<Problem>) {
    unknown_keys(node, shape, foreign, &mut Vec::new(), problems);
}

fn unknown_keys(node: &mut Node, shape: &Shape<'_>, foreign: Foreign, path: &mut Vec<Step>, problems: &mut Vec<Problem>) {
    match &mut node.value {
        Value::List(items) => {
            let shape = shape.item();
            for (index, item) in items.iter_mut().enumerate() {
                path.push(Step::Index(index));
                unknown_keys(item, &shape, foreign, path, problems);
                path.pop();
            }
        }
        Value::Table(entries) => {
            let known = shape.keys();
            for (key, entry) in entries {
                match &known {
                    Some(known) if !known.contains(&key.as_str()) => {
                        let foreign = foreign(key, &entry.node.value.written());
                        problems.push(unknown(key, known, foreign, path).place(&entry.key));
                        entry.node.value = Value::Rejected;
                    }
                    _ => {
                        path.push(Step::Key(key.clone()));
                        unknown_keys(&mut entry.node, &shape.key(key), foreign, path, problems);
                        path.pop();
                    }
                }
            }
        }
        _ => {}
    }
}

fn unknown(key: &str, known: &[&str], foreign: Option<String>, path: &[Step]) -> Problem {
    let table = if path.is_empty() { String::new() } else { format!(" in `{}`", Path(path)) };
    let hint = foreign.unwrap_or_else(|| suggest::instead(key, known));
    Problem::new(format_args!("unknown key `{key}`{table}")).hint(hint)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Root {
        plain: Option<Plain>,
        tagged: Tagged,
        flat: Option<Flat>,
        map: BTreeMap<String, Plain>,
        any: Json,
        list: Vec<Plain>,
        named: Option<Named>,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Plain {
        one: u8,
        deeper: Option<Box<Plain>>,
    }

    #[derive(JsonSchema)]
    #[serde(tag = "kind")]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Tagged {
        A(Plain),
        B { two: u8 },
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Flat {
        own: u8,
        #[serde(flatten)]
        choice: Tagged,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Named {
        Nothing,
        Left(Plain),
        Right(Plain),
    }

    fn keys(path: &[&str]) -> Option<Vec<String>> {
        let schema = Schema::of::<Root>();
        let shape = path.iter().fold(schema.shape(), |shape, key| if *key == "[]" { shape.item() } else { shape.key(key) });
        let mut keys: Vec<String> = shape.keys()?.into_iter().map(str::to_owned).collect();
        keys.sort();
        keys.dedup();
        Some(keys)
    }

    #[test]
    fn every_kind_of_table_knows_its_keys() {
        let plain = Some(vec!["deeper".to_owned(), "one".to_owned()]);
        assert_eq!(keys(&["plain"]), plain);
        assert_eq!(keys(&["plain", "deeper", "deeper"]), plain);
        assert_eq!(keys(&["list", "[]"]), plain);
        assert_eq!(keys(&["map", "whatever"]), plain);
        assert_eq!(keys(&["tagged"]).unwrap(), ["deeper", "kind", "one", "two"]);
        assert_eq!(keys(&["flat"]).unwrap(), ["deeper", "kind", "one", "own", "two"]);
        assert_eq!(keys(&["named"]).unwrap(), ["Left", "Right"]);
    }

    #[test]
    fn where_anything_may_stand_no_key_is_unknown() {
        for path in [&["map"][..], &["any"], &["any", "x", "[]"], &["plain", "one"]] {
            assert_eq!(keys(path), None, "{path:?}");
        }
    }

    #[test]
    fn only_kinds_that_exclude_each_other_are_a_choice() {
        let schema = Schema::of::<Root>();
        let choices = ["plain", "tagged", "flat", "map", "any", "list", "named"].map(|key| schema.shape().key(key).is_choice());
        assert_eq!(choices, [false, true, false, false, false, false, true]);
    }
}
