//! Whose the archives of a set are that the settings no longer have: of the set that names their log today, as when a set
//! got another name. Where no set names it they are nobody's, no rule removes them, and that is told.

use std::{collections::BTreeMap, path::Path};

use crate::{
    files::find::PathPattern,
    report::{Finding, Severity, Size, count},
    tools::logs::{
        ledger::{Content, Ledger},
        settings::LogSet,
    },
};

/// All sets of the settings, whichever are asked for: any of them may be an heir.
pub struct Heirs(Vec<LogSet>);

/// What a set names, and what not.
struct Named<'a> {
    set: &'a str,
    paths: Vec<PathPattern>,
    exclude: Vec<PathPattern>,
}

impl Heirs {
    /// Among these sets.
    pub fn of(sets: Vec<LogSet>) -> Heirs {
        Heirs(sets)
    }

    /// Gives entries whose set is gone to the set that alone names their log today.
    pub fn settle(&self, ledger: &mut Ledger) {
        let gone = |entry_set: &str| !self.has(entry_set);
        if !ledger.content().entries.values().any(|entry| gone(&entry.set)) {
            return;
        }
        let named: Vec<Named> = self.0.iter().map(Named::of).collect();
        ledger.rehome(|entry| {
            let path = entry.log_path();
            let mut heirs = named.iter().filter(|named| gone(&entry.set) && named.means(path.as_ref()));
            let heir = heirs.next()?;
            heirs.next().is_none().then(|| heir.set.to_owned())
        });
    }

    /// Archives that are nobody's, once the others are settled.
    pub fn orphans(&self, content: &Content) -> Vec<Finding> {
        let mut sets: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for entry in content.entries.values().filter(|entry| entry.is_settled() && !self.has(&entry.set)) {
            let (archives, bytes) = sets.entry(&entry.set).or_default();
            *archives += 1;
            *bytes += entry.stored();
        }
        let told = |(set, (archives, bytes)): (&str, (u64, u64))| {
            let archives = count(archives, "archive");
            let message = format!(
                "the settings no longer have this set, and no other set, or more than one, names its logs: no keep-rule removes its {archives} ({})",
                Size(bytes)
            );
            let finding = Finding::new("logs.unruled", Severity::Note, format!("set {set}"), message);
            finding.hint(
                "name these logs in `paths` of one set, whose keep-rules then hold for them; or remove the archives yourself",
            )
        };
        sets.into_iter().map(told).collect()
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|set| set.name == name)
    }
}

impl Named<'_> {
    /// The ledger has the real path of a log; a setting may lead there through a link.
    fn of(set: &LogSet) -> Named<'_> {
        let patterns = |texts: &[String]| {
            let spelled = texts.iter().filter_map(|text| PathPattern::new(text).ok());
            spelled.flat_map(|pattern| [pattern.resolved(), Some(pattern)]).flatten().collect()
        };
        Named { set: &set.name, paths: patterns(&set.paths), exclude: patterns(&set.exclude) }
    }

    fn means(&self, path: &Path) -> bool {
        let any = |patterns: &[PathPattern]| patterns.iter().any(|pattern| pattern.matches(path));
        any(&self.paths) && !any(&self.exclude)
    }
}
