//! What is sound in `logs.toml`, and yet worth knowing. Never asks for a person: what does is a contradiction.

use super::Settings;
use crate::{
    report::{Finding, Severity},
    retention::Keep,
};

/// Every note. Settings that cannot be completed are told elsewhere.
pub fn notes(settings: &Settings) -> Vec<Finding> {
    let sets = settings.sets().unwrap_or_default();
    let names: Vec<&str> = sets.iter().filter(|set| set.keep == Keep::default()).map(|set| set.name.as_str()).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let message = "every archive stays, for ever: `keep` has no rule";
    let hint = "write keep = { count = 14, max-age = \"90d\" } there or in [defaults], unless that is meant";
    vec![Finding::new("logs.keeps-all", Severity::Note, names.join(", "), message).hint(hint)]
}
