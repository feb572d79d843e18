//! Whose the archives of a set are that the settings no longer have: of the set that names their log today, as when a set
//! got another name. Where no set names it they are nobody's, no rule removes them, and that is told. Pure.

use std::collections::{BTreeMap, HashSet};

use super::Rotate;
use crate::{
    files::find::PathPattern,
    report::{Finding, Severity, Size, count},
    tools::logs::{
        ledger::{Content, Entry},
        settings::LogSet,
    },
};

/// Finds heirs.
pub(super) struct Heirs<'a> {
    rotate: &'a Rotate,
    chosen: HashSet<&'a str>,
    named: Vec<Named<'a>>,
}

/// What a set names, and what not.
struct Named<'a> {
    set: &'a str,
    paths: Vec<PathPattern>,
    exclude: Vec<PathPattern>,
}

impl<'a> Heirs<'a> {
    pub(super) fn of(rotate: &'a Rotate) -> Heirs<'a> {
        let patterns = |texts: &[String]| texts.iter().filter_map(|text| PathPattern::new(text).ok()).collect();
        let named = |set: &'a LogSet| Named { set: &set.name, paths: patterns(&set.paths), exclude: patterns(&set.exclude) };
        Heirs { rotate, chosen: rotate.chosen(), named: rotate.sets.iter().map(named).collect() }
    }

    /// The set that an entry belongs to today, when its own is gone.
    pub(super) fn heir(&self, entry: &Entry) -> Option<String> {
        if self.has_set(entry) {
            return None;
        }
        let path = entry.log_path();
        let any = |patterns: &[PathPattern]| patterns.iter().any(|pattern| pattern.matches(path.as_ref()));
        let mut heirs = self.named.iter().filter(|named| any(&named.paths) && !any(&named.exclude));
        let heir = heirs.next()?;
        heirs.next().is_none().then(|| heir.set.to_owned())
    }

    fn has_set(&self, entry: &Entry) -> bool {
        self.chosen.contains(entry.set.as_str()) || self.rotate.others.contains(&entry.set)
    }
}

/// Archives that are nobody's.
pub(super) fn orphans(rotate: &Rotate, content: &Content) -> Vec<Finding> {
    let heirs = Heirs::of(rotate);
    let mut sets: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for entry in content.entries.values().filter(|entry| entry.is_settled() && !heirs.has_set(entry)) {
        let (archives, bytes) = sets.entry(&entry.set).or_default();
        *archives += 1;
        *bytes += entry.stored();
    }
    let told = |(set, (archives, bytes)): (&str, (u64, u64))| {
        let archives = count(archives, "archive");
        let message =
            format!("{archives} ({}) of a set that is gone, of logs that no other set names: no rule removes them", Size(bytes));
        let finding = Finding::new("logs.unruled", Severity::Note, format!("set {set}"), message);
        finding.hint("name their logs in a set to have them ruled again; or remove them yourself")
    };
    sets.into_iter().map(told).collect()
}
