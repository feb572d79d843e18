//! Settings of `logs.toml` that contradict themselves, whatever the machine looks like.

use std::{collections::HashMap, path::Path};

use super::{LogWords, Settings};
use crate::{
    files::{compress::Compression, find::PathPattern},
    settings::units::Span,
    tool::Contradiction,
};

/// Every contradiction, with the key it stands at.
pub fn check(settings: &Settings) -> Vec<Contradiction> {
    let mut found = defaults(&settings.defaults);
    let mut names = HashMap::new();
    let mut paths = HashMap::new();
    for (index, words) in settings.log.iter().enumerate() {
        let key = format!("log[{index}]");
        found.extend(log(&key, words));
        let whole = words.complete(&settings.defaults).ok();
        if whole.is_some_and(|set| set.compress == Compression::None && set.archive_dir.is_some()) {
            let problem = "without compression the rotated file stays where it is, and archive-dir has no use".to_owned();
            found.push(contradiction(key.clone(), problem, "choose a compressor, or leave archive-dir out"));
        }
        if let Some(first) = names.insert(words.shown_name().to_owned(), index) {
            let problem = format!("log[{first}] has the name `{}` too", words.shown_name());
            found.push(contradiction(format!("{key}.name"), problem, "give each set its own name"));
        }
        for (at, path) in words.paths.iter().flatten().enumerate() {
            if let Some(first) = paths.insert(path.clone(), words.shown_name().to_owned()) {
                let problem = format!("`{path}` is written twice: set `{first}` has it too");
                found.push(contradiction(format!("{key}.paths[{at}]"), problem, "name each log in one set only"));
            }
        }
    }
    found.extend(absolute("logrotate", settings.logrotate.as_deref().filter(|path| !path.as_os_str().is_empty())));
    if settings.parallel == Some(0) {
        found.push(contradiction(
            "parallel".to_owned(),
            "nothing would ever be compressed".to_owned(),
            "1 or more, or leave it out",
        ));
    }
    found
}

fn defaults(words: &LogWords) -> Vec<Contradiction> {
    let named = [("name", words.name.is_some()), ("preset", words.preset.is_some()), ("paths", words.paths.is_some())];
    let misplaced = named.into_iter().filter(|(_, present)| *present);
    let mut found: Vec<_> = misplaced
        .map(|(key, _)| {
            contradiction(
                format!("defaults.{key}"),
                format!("`{key}` belongs to one set of logs, not to all"),
                "move it into a [[log]] table",
            )
        })
        .collect();
    found.extend(shared("defaults", words));
    found
}

fn log(key: &str, words: &LogWords) -> Vec<Contradiction> {
    let mut found = shared(key, words);
    let preset = match words.preset.as_deref().map(LogWords::of_preset) {
        Some(Ok(preset)) => Some(preset),
        Some(Err(failure)) => {
            found.push(contradiction(format!("{key}.preset"), failure.to_string(), failure.hint.as_deref().unwrap_or_default()));
            None
        }
        None => None,
    };
    let paths = words.paths.as_ref().or(preset.as_ref().and_then(|preset| preset.paths.as_ref()));
    if words.preset.is_none() && paths.is_none_or(Vec::is_empty) {
        found.push(contradiction(key.to_owned(), "it names no paths".to_owned(), "add paths = [\"/var/log/app/*.log\"]"));
    }
    for (list, patterns) in [("paths", &words.paths), ("exclude", &words.exclude)] {
        for (index, pattern) in patterns.iter().flatten().enumerate() {
            if let Err(problem) = PathPattern::new(pattern) {
                found.push(contradiction(
                    format!("{key}.{list}[{index}]"),
                    problem,
                    "an absolute path; *, ? and [..] within a name, ** for any folders",
                ));
            }
        }
    }
    found
}

fn shared(key: &str, words: &LogWords) -> Vec<Contradiction> {
    /// A run must end; a writer that needs longer is awaited by the next one.
    const LONGEST_WAIT: Span = Span::seconds(60);
    let mut found = absolute(&format!("{key}.archive-dir"), words.archive_dir.as_deref());
    if words.close_wait.is_some_and(|wait| wait.duration() > LONGEST_WAIT.duration()) {
        let problem = format!("a run would wait longer than {LONGEST_WAIT}");
        found.push(contradiction(format!("{key}.close-wait"), problem, "what is still open then is archived by the next run"));
    }
    found
}

fn absolute(key: &str, path: Option<&Path>) -> Vec<Contradiction> {
    let relative = path.filter(|path| !path.is_absolute());
    relative
        .map(|path| contradiction(key.to_owned(), format!("`{}` is not an absolute path", path.display()), "start it with /"))
        .into_iter()
        .collect()
}

fn contradiction(key: String, problem: String, hint: &str) -> Contradiction {
    Contradiction { key, problem, hint: (!hint.is_empty()).then(|| hint.to_owned()) }
}
