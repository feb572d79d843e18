//! Settings before they have a type: a tree whose every value and key knows its origin.

use std::{collections::BTreeMap, sync::Arc};

use toml::{Spanned, de::DeTable, de::DeValue};

use super::{
    file::SettingsFile,
    origin::{Origin, Spot, Step},
    problem::{self, Problem},
};

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub value: Value,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Texts, and dates, which types of ours read from text.
    Text(String),
    Integer(i64),
    Float(f64),
    Flag(bool),
    List(Vec<Node>),
    Table(BTreeMap<String, Entry>),
    /// Was wrong and is reported; it stays only so that indices keep their meaning.
    Rejected,
}

impl Value {
    /// A single value as text; nothing for what holds others.
    pub(super) fn written(&self) -> String {
        match self {
            Value::Text(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Flag(flag) => flag.to_string(),
            Value::List(_) | Value::Table(_) | Value::Rejected => String::new(),
        }
    }
}

/// What a table holds under a key.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub key: Origin,
    pub node: Node,
}

impl Node {
    /// Settings that say nothing.
    pub(super) fn empty() -> Node {
        Node { value: Value::Table(BTreeMap::new()), origin: Origin::Default }
    }

    /// The content of a file; what cannot be taken is added to `problems`, and the whole is rejected when it is no TOML.
    pub(super) fn of_file(file: SettingsFile, problems: &mut Vec<Problem>) -> Node {
        let file = Arc::new(file);
        let (table, errors) = DeTable::parse_recoverable(&file.text);
        // What follows the first error is mostly the parser's guesswork.
        if let Some(first) = errors.iter().min_by_key(|error| error.span().map_or(usize::MAX, |span| span.start)) {
            let end = file.text.len();
            let bytes = first.span().unwrap_or(end..end);
            problems.push(Problem::at(&Origin::File(Spot { file, bytes }), first.message()));
            return Node { value: Value::Rejected, origin: Origin::Default };
        }
        let mut grower = Grower { file: &file, problems };
        Node { value: grower.table(table.into_inner()), origin: Origin::Default }
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.value, Value::Table(_))
    }

    /// Whether something in here was wrong and is reported already.
    pub(super) fn is_spoiled(&self) -> bool {
        match &self.value {
            Value::Rejected => true,
            Value::List(items) => items.iter().any(Node::is_spoiled),
            Value::Table(entries) => entries.values().any(|entry| entry.node.is_spoiled()),
            _ => false,
        }
    }

    /// Goes as far along `path` as there are nodes: the last one, and how many steps are left.
    pub(super) fn walk(&self, path: &[Step]) -> (&Node, usize) {
        let mut node = self;
        for (done, step) in path.iter().enumerate() {
            match node.child(step) {
                Some(child) => node = child,
                None => return (node, path.len() - done),
            }
        }
        (node, 0)
    }

    fn child(&self, step: &Step) -> Option<&Node> {
        match (&self.value, step) {
            (Value::Table(entries), Step::Key(key)) => entries.get(key).map(|entry| &entry.node),
            (Value::List(items), Step::Index(index)) => items.get(*index),
            _ => None,
        }
    }

    /// Where the key at the end of `path` was written.
    pub(super) fn key_origin(&self, path: &[Step]) -> Option<&Origin> {
        let (last, before) = path.split_last()?;
        match (self.walk(before), last) {
            ((Node { value: Value::Table(entries), .. }, 0), Step::Key(key)) => entries.get(key).map(|entry| &entry.key),
            _ => None,
        }
    }

    /// Takes the value at `path` out of play.
    pub(super) fn reject(&mut self, path: &[Step]) {
        let mut node = self;
        for step in path {
            let child = match (&mut node.value, step) {
                (Value::Table(entries), Step::Key(key)) => entries.get_mut(key).map(|entry| &mut entry.node),
                (Value::List(items), Step::Index(index)) => items.get_mut(*index),
                _ => None,
            };
            match child {
                Some(child) => node = child,
                None => return,
            }
        }
        node.value = Value::Rejected;
    }
}

/// Turns a parsed file into a tree.
struct Grower<'a> {
    file: &'a Arc<SettingsFile>,
    problems: &'a mut Vec<Problem>,
}

impl Grower<'_> {
    fn origin<T>(&self, spanned: &Spanned<T>) -> Origin {
        Origin::File(Spot { file: Arc::clone(self.file), bytes: spanned.span() })
    }

    fn node(&mut self, parsed: Spanned<DeValue<'_>>) -> Node {
        let origin = self.origin(&parsed);
        let value = match parsed.into_inner() {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => self.reject(&origin, "this number is too large"),
            },
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => Value::Float(number),
                Err(_) => self.reject(&origin, "this is no number"),
            },
            DeValue::Boolean(flag) => Value::Flag(flag),
            DeValue::Datetime(moment) => Value::Text(moment.to_string()),
            DeValue::Array(items) => Value::List(items.into_iter().map(|item| self.node(item)).collect()),
            DeValue::Table(table) => self.table(table),
        };
        let node = Node { value, origin };
        self.twins(&node);
        node
    }

    fn table(&mut self, table: DeTable<'_>) -> Value {
        let entries = table.into_iter().map(|(key, value)| {
            let entry = Entry { key: self.origin(&key), node: self.node(value) };
            (key.into_inner().into_owned(), entry)
        });
        Value::Table(entries.collect())
    }

    fn reject(&mut self, origin: &Origin, why: &str) -> Value {
        self.problems.push(Problem::at(origin, why));
        Value::Rejected
    }

    /// Across files a name means "the same entry"; twice in one file it is a slip.
    fn twins(&mut self, list: &Node) {
        let Value::List(items) = &list.value else { return };
        let mut seen = BTreeMap::new();
        for (name, origin) in items.iter().filter_map(Node::name) {
            // Each costs a look through the file, and nobody reads more of them.
            if let Some(first) = seen.insert(name, origin)
                && self.problems.len() <= problem::MOST
            {
                let problem = Problem::at(origin, format_args!("`{name}` is written twice in this file, first at {first}"));
                self.problems.push(problem.hint("rename one of the two, or make them one"));
            }
        }
    }
}

impl Node {
    /// The `name` of an entry of a list of tables, and where it was given.
    pub(super) fn name(&self) -> Option<(&str, &Origin)> {
        match &self.value {
            Value::Table(entries) => match &entries.get("name")?.node {
                Node { value: Value::Text(name), origin } => Some((name, origin)),
                _ => None,
            },
            _ => None,
        }
    }
}
