//! What is sound in `logs.toml`, and yet worth knowing. Never asks for a person: what does is a contradiction.

use super::{LogSet, LogWords, Method, Settings};
use crate::{
    report::{Finding, Severity},
    retention::Keep,
    tools::logs::when::When,
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
    // Of what is built in, the size is far off.
    let often = |set: &&LogSet| set.method == Method::Collect || (set.when.is_by_size() && set.when != When::default());
    for set in sets.iter().filter(|set| set.keep.is_by_calendar_alone()).filter(often) {
        let message = "it may be archived several times a day, and `keep` wants one archive of each period: the others of an hour or day go";
        let finding = Finding::new("logs.keeps-one", Severity::Note, set.name.clone(), message);
        notes.push(finding.hint("add count, or write max-age and max-total alone, unless that is meant"));
    }
    let says_when = |(set, words): (&LogSet, &LogWords)| set.method == Method::Collect && words.when.is_some();
    for (set, _) in sets.iter().zip(&settings.log).filter(|both| says_when(*both)) {
        let message = "`when` has no use: its writer decides when, and what it finished is collected by the next run";
        let finding = Finding::new("logs.no-use", Severity::Note, set.name.clone(), message);
        notes.push(finding.hint("leave `when` out, and run often enough that nothing is deleted before"));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(words: &str) -> Vec<&'static str> {
        let settings: Settings = toml::from_str(&format!("[[log]]\npaths = [\"/a.log\"]\n{words}\n")).unwrap();
        notes(&settings).into_iter().map(|note| note.id).collect()
    }

    #[test]
    fn who_keeps_one_of_a_day_of_a_log_that_is_rotated_by_size_is_told() {
        assert_eq!(noted("when = \"100 MiB\"\nkeep = { daily = 14 }"), ["logs.keeps-one"]);
        assert_eq!(noted("method = \"collect\"\nkeep = { weekly = 4, max-age = \"90d\" }"), ["logs.keeps-one"]);
        for sound in ["when = \"daily\"\nkeep = { daily = 14 }", "when = \"1 MiB\"\nkeep = { daily = 14, count = 99 }"] {
            assert_eq!(noted(sound), [""; 0], "{sound}");
        }
        assert_eq!(noted("when = \"1 MiB\"\nkeep = { max-age = \"14d\" }"), [""; 0]);
    }
}
