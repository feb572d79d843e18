//! Settings from the environment: `OPSBELT_LOGS_HOST` stands for the top-level key `host`. Only single values can be
//! given this way; a variable that means nothing is an error, since somebody meant something by it.

use std::collections::BTreeMap;

use super::{
    origin::Origin,
    problem::Problem,
    shape::Shape,
    suggest,
    tree::{Entry, Node, Value},
};

/// What the names of a tool's variables begin with.
pub(super) fn prefix(subject: &str) -> String {
    format!("OPSBELT_{}_", shouted(subject))
}

/// The layer that `variables` make; other tools' variables are passed over, and so are empty ones.
pub(super) fn layer(subject: &str, variables: &[(String, String)], shape: &Shape<'_>, problems: &mut Vec<Problem>) -> Node {
    let prefix = prefix(subject);
    let keys: BTreeMap<String, &str> =
        shape.keys().unwrap_or_default().into_iter().map(|key| (format!("{prefix}{}", shouted(key)), key)).collect();
    let mut entries = BTreeMap::new();
    for (name, text) in variables.iter().filter(|(name, text)| name.starts_with(&prefix) && !text.is_empty()) {
        let origin = Origin::Environment(name.clone());
        match keys.get(name).map(|key| (*key, shape.key(key))) {
            Some((key, shape)) if shape.is_scalar() => {
                if text.contains('\u{fffd}') {
                    problems.push(Problem::at(&origin, "its value is not UTF-8"));
                }
                let node = Node { value: value(text, &shape), origin: origin.clone() };
                entries.insert(key.to_owned(), Entry { key: origin, node });
            }
            Some((key, _)) => {
                let problem = Problem::at(&origin, format_args!("`{key}` is more than a single value"));
                problems.push(problem.hint(format_args!("write `{key}` in a settings file")));
            }
            None => problems.push(unknown(name, &origin, &keys, shape)),
        }
    }
    Node { value: Value::Table(entries), origin: Origin::Default }
}

fn shouted(key: &str) -> String {
    key.replace('-', "_").to_uppercase()
}

/// The text as the type that is asked for. What it does not fit stays text, and reading it says what is expected.
fn value(text: &str, shape: &Shape<'_>) -> Value {
    let number = || shape.says("integer").then(|| text.parse().ok()).flatten().map(Value::Integer);
    let float = || shape.says("number").then(|| text.parse().ok()).flatten().map(Value::Float);
    let flag = || shape.says("boolean").then(|| text.parse().ok()).flatten().map(Value::Flag);
    let text = Value::Text(text.to_owned());
    if shape.says("string") { text } else { number().or_else(float).or_else(flag).unwrap_or(text) }
}

fn unknown(name: &str, origin: &Origin, keys: &BTreeMap<String, &str>, shape: &Shape<'_>) -> Problem {
    let problem = Problem::at(origin, "no setting has this name");
    let settable: Vec<&str> = keys.iter().filter(|(_, key)| shape.key(key).is_scalar()).map(|(name, _)| name.as_str()).collect();
    match suggest::nearest(name, settable.iter().copied()) {
        Some(meant) => problem.hint(format_args!("did you mean {meant}?")),
        None if settable.is_empty() => problem.hint("write settings in a file"),
        None => problem.hint(format_args!("known are {}", settable.join(", "))),
    }
}
