//! What is sound in `logs.toml`, and yet worth knowing. Never asks for a person: what does is a contradiction.

use super::{LogSet, LogWords, Method, Settings};
use crate::{
    report::{Finding, Severity},
    retention::Keep,
};

/// Every note. Settings that cannot be completed are told elsewhere.
pub fn notes(settings: &Settings) -> Vec<Finding> {
    let sets = settings.sets().unwrap_or_default();
    let names: Vec<&str> = sets.iter().filter(|set| set.keep == Keep::default()).map(|set| set.name.as_str()).collect();
    let mut notes = Vec::new();
    if !names.is_empty() {
        let message = "every archive stays, for ever: `keep` has no rule";
        let hint = "write keep = { count = 14, max-age = \"90d\" } there or in [defaults], unless that is meant";
        notes.push(Finding::new("logs.keeps-all", Severity::Note, names.join(", "), message).hint(hint));
    }
    let says_when = |(set, words): (&LogSet, &LogWords)| set.method == Method::Collect && words.when.is_some();
    for (set, _) in sets.iter().zip(&settings.log).filter(|both| says_when(*both)) {
        let message = "`when` has no use: its writer decides when, and what it finished is collected by the next run";
        let finding = Finding::new("logs.no-use", Severity::Note, set.name.clone(), message);
        notes.push(finding.hint("leave `when` out, and run often enough that nothing is deleted before"));
    }
    notes
}
