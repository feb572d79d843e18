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
    let names: Vec<&str> =
        sets.iter().filter(|set| set.keep == Keep::default() && set.direct.is_none()).map(|set| set.name.as_str()).collect();
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
    for (set, _) in sets.iter().zip(&settings.log).filter(|(set, words)| set.direct.is_some() && words.keep.is_some()) {
        let message = "`keep` has no use for what is shipped directly: it stays until the store has it, and goes then";
        let finding = Finding::new("logs.no-use", Severity::Note, set.name.clone(), message);
        notes.push(finding.hint("leave `keep` out; `store-keep` says what stays in the store"));
    }
    let both = sets.iter().zip(&settings.log).filter(|(set, _)| set.method == Method::InPlace);
    notes.extend(both.flat_map(|(set, words)| in_place(set, words)));
    notes
}

/// What a set says, by itself or by its preset, that a rotation in place never asks for.
fn in_place(set: &LogSet, words: &LogWords) -> Vec<Finding> {
    let note = |message: &str, hint: &str| Finding::new("logs.no-use", Severity::Note, set.name.clone(), message).hint(hint);
    let reopen = |name: &String| LogWords::of_preset(name).is_ok_and(|preset| preset.reopen.is_some());
    let preset = words.preset.as_ref().filter(|name| reopen(name));
    let preset = preset.map(|name| {
        let message =
            format!("`reopen` of preset {name} has no use: rotated in place, its writer is never told to open its log anew");
        note(&message, "leave `method` out: \"rename\" tells it, and needs no right to look into every process")
    });
    let waits = words.assume_closed_after.is_some().then(|| {
        let message = "`assume-closed-after` has no use: rotated in place, the log stays open, and nothing waits for its writer to close it";
        note(message, "leave it out; who writes to the log must be seen (run as root with CAP_SYS_PTRACE)")
    });
    preset.into_iter().chain(waits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(words: &str) -> Vec<String> {
        let settings: Settings = toml::from_str(&format!("[[log]]\npaths = [\"/a.log\"]\n{words}\n")).unwrap();
        notes(&settings).into_iter().map(|note| note.id.into_owned()).collect()
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

    #[test]
    fn what_a_rotation_in_place_never_asks_for_is_told() {
        let in_place = |words: &str| noted(&format!("keep = {{ count = 3 }}\nmethod = \"in-place\"\n{words}"));
        assert_eq!(in_place("preset = \"nginx\""), ["logs.no-use"]);
        assert_eq!(in_place("preset = \"nginx\"\nassume-closed-after = \"1d\""), ["logs.no-use", "logs.no-use"]);
        for sound in ["", "preset = \"docker\"", "close-wait = \"1s\""] {
            assert_eq!(in_place(sound), [""; 0], "{sound}");
        }
        assert_eq!(noted("keep = { count = 3 }\npreset = \"nginx\"\nassume-closed-after = \"1d\""), [""; 0]);
    }
}
