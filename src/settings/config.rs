//! The answers of `config check`, `config show` and `config schema`, for any tool. They print nothing.

use std::collections::BTreeMap;

use schemars::SchemaGenerator;
use serde_json::{Map, Value as Json, json};
use toml::{Spanned, de::DeTable, de::DeValue};

use super::{
    Origin, Origins, Sources, load,
    origin::{Path, Step},
};
use crate::{
    failure::{Failure, Result},
    report::{Cell, Report, Table, safe},
    tool::{Effective, Lender, Tool},
};

/// The files that were read, when all of them are sound and give work; otherwise a failure that names every problem.
pub fn check<T: Tool>(sources: &Sources) -> Result<Report> {
    let loaded = load::<T>(sources)?;
    T::check_work(&loaded)?;
    let rows: Vec<Vec<Cell>> = loaded.files.iter().map(|path| vec![Cell::Text(path.display().to_string())]).collect();
    let summary = match rows.len() {
        0 => "no settings file found; the defaults hold".to_owned(),
        1 => "the settings are sound: 1 file read".to_owned(),
        count => format!("the settings are sound: {count} files read, later ones win"),
    };
    let tables = vec![Table { name: "files", title: "Settings files".to_owned(), columns: vec!["file"], rows }];
    Ok(Report { tables, findings: T::notes(&loaded.value), summary, ..Report::default() })
}

/// The merged settings as TOML with what holds where they say nothing, each value with its origin.
pub fn show<T: Tool>(sources: &Sources) -> Result<String> {
    let loaded = load::<T>(sources)?;
    let effective = T::effective(&loaded.value);
    let text = written::<T>(&effective)?;
    let mut shown = String::new();
    let mut from = 0;
    for (path, end) in leaves(&text, &effective.meanings, T::NAME)? {
        let line_end = text[end..].find('\n').map_or(text.len(), |more| end + more);
        shown.push_str(&disarmed(&text[from..line_end]));
        shown.push_str(&safe(&format!("   # {}", origin(&path, &loaded.origins, &effective))));
        from = line_end;
    }
    shown.push_str(&text[from..]);
    Ok(shown)
}

/// Where the value at `path` was written, be it elsewhere and lent, and what it means if it is empty.
fn origin<S>(path: &str, origins: &Origins, effective: &Effective<S>) -> String {
    let from = written_at(path, origins, &effective.lenders);
    effective.meanings.get(path).map_or_else(|| from.clone(), |meaning| format!("{from}: {meaning}"))
}

fn written_at(path: &str, origins: &Origins, lenders: &BTreeMap<String, Lender>) -> String {
    let own = origins.source(path);
    let ends = path.match_indices(['.', '[']).map(|(at, _)| at).chain([path.len()]);
    let mut lent = ends.filter_map(|end| Some((lenders.get(&path[..end])?, &path[end..])));
    match (own, lent.next()) {
        (Origin::Default, Some((Lender::Key(key), rest))) => format!("{}, as {key}", origins.source(&format!("{key}{rest}"))),
        (Origin::Default, Some((Lender::BuiltIn(name), _))) => name.clone(),
        _ => own.to_string(),
    }
}

/// Every line by itself: the ends of lines are ours.
fn disarmed(text: &str) -> String {
    text.split('\n').map(safe).collect::<Vec<_>>().join("\n")
}

/// The merged settings as `value`, and in `origins` the origin of each by its key path.
pub fn show_json<T: Tool>(sources: &Sources) -> Result<Json> {
    let loaded = load::<T>(sources)?;
    let effective = T::effective(&loaded.value);
    let value = serde_json::to_value(&effective.settings).map_err(|error| unshown::<T>(&error))?;
    let leaves = leaves(&written::<T>(&effective)?, &effective.meanings, T::NAME)?;
    let origin = |path: &str| Json::String(origin(path, &loaded.origins, &effective));
    let origins: Map<String, Json> = leaves.into_iter().map(|(path, _)| (path.clone(), origin(&path))).collect();
    Ok(json!({ "value": value, "origins": origins }))
}

/// The JSON Schema of the tool's settings files, for editors.
pub fn schema<T: Tool>() -> String {
    let mut schema = SchemaGenerator::default().into_root_schema_for::<T::Settings>();
    schema.insert("$id".to_owned(), Json::String(format!("urn:opsbelt:{}:settings", T::SUBJECT)));
    schema.insert("title".to_owned(), Json::String(format!("Settings of {}", T::NAME)));
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    text.push('\n');
    text
}

fn written<T: Tool>(effective: &Effective<T::Settings>) -> Result<String> {
    toml::to_string(&effective.settings).map_err(|error| unshown::<T>(&error))
}

fn unshown<T: Tool>(error: &dyn std::fmt::Display) -> Failure {
    Failure::new("show", format_args!("the settings of {}", T::NAME)).because(error)
}

/// The key path of each value in `text`, and where it ends, in the order of the text; an inline list is one value, and
/// so is an empty table that means something.
fn leaves(text: &str, meanings: &BTreeMap<String, &str>, tool: &str) -> Result<Vec<(String, usize)>> {
    let table = DeTable::parse(text)
        .map_err(|error| Failure::new("show", format_args!("the settings of {tool}")).because(error.message()))?;
    let mut leaves = Vec::new();
    for (key, value) in table.get_ref() {
        collect((text, meanings), &mut vec![Step::Key(key.get_ref().to_string())], value, &mut leaves);
    }
    leaves.sort_by_key(|(_, end)| *end);
    Ok(leaves)
}

type Shown<'a> = (&'a str, &'a BTreeMap<String, &'a str>);

fn collect(shown: Shown<'_>, path: &mut Vec<Step>, value: &Spanned<DeValue<'_>>, leaves: &mut Vec<(String, usize)>) {
    let (text, meanings) = shown;
    let whole = Path(path).to_string();
    let mut inside = |step: Step, value: &Spanned<DeValue<'_>>| {
        path.push(step);
        collect(shown, path, value, leaves);
        path.pop();
    };
    match value.get_ref() {
        DeValue::Table(table) if !meanings.contains_key(&whole) => {
            table.iter().for_each(|(key, value)| inside(Step::Key(key.get_ref().to_string()), value));
        }
        DeValue::Array(items) if text[value.span()].starts_with("[[") && items.iter().all(|item| item.get_ref().is_table()) => {
            items.iter().enumerate().for_each(|(index, item)| inside(Step::Index(index), item));
        }
        _ => leaves.push((whole, value.span().end)),
    }
}
