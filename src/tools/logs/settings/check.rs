//! Settings of `logs.toml` that contradict themselves, whatever the machine looks like.

use std::{
    collections::{HashMap, hash_map::Entry},
    path::{Component, Path, PathBuf},
};

use super::{LogSet, LogWords, Method, Settings, finished, places};
use crate::{
    files::{compress::Compression, find::PathPattern},
    settings::units::Span,
    tool::Contradiction,
};

/// Every contradiction, with the key it stands at.
pub fn check(settings: &Settings) -> Vec<Contradiction> {
    let mut found = defaults(&settings.defaults);
    for (index, words) in settings.log.iter().enumerate() {
        let key = format!("log[{index}]");
        found.extend(log(&key, words));
        let whole = words.complete(&settings.defaults).ok();
        if let Some(set) = whole.as_ref().filter(|set| set.compress == Compression::None && set.archive_dir.is_some()) {
            let (problem, hint) = if set.direct.is_some() {
                let problem =
                    "what is shipped directly stays where it was rotated until the store has it, and archive-dir has no use";
                (problem, "leave archive-dir out, or ship = true")
            } else {
                let problem = "without compression the rotated file stays where it is, and archive-dir has no use";
                (problem, "choose a compressor, or leave archive-dir out")
            };
            found.push(contradiction(key.clone(), problem.to_owned(), hint));
        }
        found.extend(whole.iter().flat_map(|set| method(&key, words, set)));
    }
    found.extend(twice(&settings.log));
    if settings.host.as_deref().is_some_and(|host| host.trim().is_empty()) {
        let hint = "leave it out for the instance id or machine-id";
        found.push(contradiction("host".to_owned(), "this machine would have no name".to_owned(), hint));
    }
    found.extend(absolute("logrotate", settings.logrotate.as_deref().filter(|path| !path.as_os_str().is_empty())));
    found.extend(store(settings));
    found.extend(places::check(settings));
    if settings.parallel == Some(0) {
        let problem = "nothing would ever be compressed".to_owned();
        found.push(contradiction("parallel".to_owned(), problem, "1 or more, or leave it out"));
    }
    found
}

/// Of the store, and of what is said of it without there being one.
fn store(settings: &Settings) -> Vec<Contradiction> {
    let sets = settings.log.iter().enumerate().map(|(index, words)| (format!("log[{index}]"), words));
    let mut found = Vec::new();
    for (key, words) in std::iter::once(("defaults".to_owned(), &settings.defaults)).chain(sets) {
        let said =
            [("ship", words.ship.is_some()), ("service", words.service.is_some()), ("store-keep", words.store_keep.is_some())];
        for (word, _) in said.into_iter().filter(|(_, said)| *said && settings.store.is_none()) {
            let problem = "there is no store that archives could go to".to_owned();
            found.push(contradiction(format!("{key}.{word}"), problem, "add [store] with its url, or leave it out"));
        }
        if words.store_keep.is_some_and(|keep| keep.min_free.is_some()) {
            let problem = "nobody measures the room in a store".to_owned();
            found.push(contradiction(
                format!("{key}.store-keep.min-free"),
                problem,
                "max-total = \"100 GiB\" says how much a set may have there",
            ));
        }
        if words.service.as_deref().is_some_and(|service| service.is_empty() || service.contains(char::is_control)) {
            let problem = "a service must be visible text: it stands in the keys of the store".to_owned();
            found.push(contradiction(format!("{key}.service"), problem, "service = \"web\""));
        }
    }
    let Some(store) = &settings.store else { return found };
    let spool = store.spool.as_deref();
    found.extend(absolute("store.spool", spool).or_else(|| straight("store.spool", spool)));
    if store.spool_max() == 0 {
        let problem = "nothing would ever be handed over".to_owned();
        found.push(contradiction("store.spool-max".to_owned(), problem, "spool-max = \"1 GiB\", or leave it out"));
    }
    if store.min_object.is_some() != store.max_delay.is_some() {
        let (word, problem, hint) = match store.min_object {
            Some(_) => ("min-object", "nobody says how long a small archive may wait for others", "add max-delay = \"1h\""),
            None => ("max-delay", "nobody says which archives wait for others", "add min-object = \"8 MiB\", or leave it out"),
        };
        found.push(contradiction(format!("store.{word}"), problem.to_owned(), hint));
    }
    found.extend(store.check());
    found
}

/// Words that mean nothing, or the wrong thing, with the method of their set.
fn method(key: &str, words: &LogWords, set: &LogSet) -> Vec<Contradiction> {
    let mut found = Vec::new();
    let mut refuse = |word: &str, wanted: bool, problem: &str, hint: &str| {
        if wanted {
            found.push(contradiction(format!("{key}.{word}"), problem.to_owned(), hint));
        }
    };
    let (in_place, collect) = (set.method == Method::InPlace, set.method == Method::Collect);
    let renamed = set.method == Method::Rename;
    let why = "its writer is never told: this method leaves the file to it";
    refuse("reopen", words.reopen.is_some() && !renamed, why, "leave reopen out, or use method = \"rename\"");
    let why = "only a log that is collected has finished files";
    refuse("finished", words.finished.is_some() && !collect, why, "add method = \"collect\", or leave it out");
    let why = "only a log that is rotated in place can have a hole made of its head";
    refuse("punch-hole", words.punch_hole.is_some() && !in_place, why, "add method = \"in-place\", or leave it out");
    let why = "uncompressed, the archive would be the writer's own file, which it may still alter";
    let uncompressed = collect && set.compress == Compression::None && set.direct.is_none();
    refuse("method", uncompressed, why, "choose a compressor (compress = \"zstd\")");
    let why = "only what is renamed can be shipped without an archive here: of anything else its writer still has the file";
    let directly = set.direct.is_some() && !renamed;
    refuse("ship", directly, why, "ship = true, or method = \"rename\" where its writer can be told");
    for (index, pattern) in words.finished.iter().flatten().enumerate() {
        let hint = "a file name, such as \"{name}.*\" or \"{stem}-[0-9]*.log\"";
        if let Err(problem) = finished::check(pattern) {
            found.push(contradiction(format!("{key}.finished[{index}]"), problem, hint));
        }
    }
    found
}

/// Names and paths that several sets have, or one set has twice.
fn twice(sets: &[LogWords]) -> Vec<Contradiction> {
    let mut found = Vec::new();
    let mut names = HashMap::new();
    let mut paths: HashMap<PathBuf, usize> = HashMap::new();
    for (index, words) in sets.iter().enumerate() {
        let name = words.shown_name();
        if let Some(first) = names.insert(name, index) {
            let problem = format!("log[{first}] has the name `{name}` too");
            found.push(contradiction(format!("log[{index}].name"), problem, "give each set its own name"));
            continue;
        }
        let mut note = |path: &str| match paths.entry(plain(path)) {
            Entry::Vacant(free) => {
                free.insert(index);
                None
            }
            Entry::Occupied(first) => Some(*first.get()),
        };
        for (at, path) in words.paths.iter().flatten().enumerate() {
            let Some(first) = note(path) else { continue };
            let whose = if first == index { "this set" } else { &format!("set `{}`", sets[first].shown_name()) };
            let problem = format!("`{path}` is written twice: {whose} has it too");
            found.push(contradiction(format!("log[{index}].paths[{at}]"), problem, "name each log in one set only"));
        }
        let preset = words.preset.as_deref().filter(|_| words.paths.is_none()).and_then(|name| LogWords::of_preset(name).ok());
        let theirs = preset.and_then(|preset| preset.paths).unwrap_or_default();
        if let Some((path, first)) = theirs.iter().find_map(|path| Some((path, note(path).filter(|first| *first != index)?))) {
            let problem = format!("its `{path}` is in set `{}` too", sets[first].shown_name());
            let hint = "name each log in one set only; paths = [...] stands instead of the preset's";
            found.push(contradiction(format!("log[{index}].preset"), problem, hint));
        }
    }
    found
}

/// The path with one `/` for `//` and `/./`.
fn plain(path: &str) -> PathBuf {
    Path::new(path).components().collect()
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
            let problem = format!("`{}`: {}", words.preset.as_deref().unwrap_or_default(), failure.cause.unwrap_or_default());
            found.push(contradiction(format!("{key}.preset"), problem, failure.hint.as_deref().unwrap_or_default()));
            None
        }
        None => None,
    };
    let unknown_preset = words.preset.is_some() && preset.is_none();
    let paths = words.paths.as_ref().or(preset.as_ref().and_then(|preset| preset.paths.as_ref()));
    if words.name.as_deref().is_some_and(|name| name.is_empty() || name.contains(char::is_control)) {
        let problem = "a name must be visible text: it is typed to choose the set".to_owned();
        found.push(contradiction(format!("{key}.name"), problem, "name = \"app\""));
    }
    if !unknown_preset && paths.is_none_or(Vec::is_empty) {
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
    let (dir_key, dir) = (format!("{key}.archive-dir"), words.archive_dir.as_deref());
    let mut found: Vec<_> = absolute(&dir_key, dir).or_else(|| straight(&dir_key, dir)).into_iter().collect();
    if words.close_wait.is_some_and(|wait| wait.duration() > LONGEST_WAIT.duration()) {
        let problem = format!("a run would wait longer than {LONGEST_WAIT}");
        found.push(contradiction(format!("{key}.close-wait"), problem, "what is still open then is archived by the next run"));
    }
    found
}

fn absolute(key: &str, path: Option<&Path>) -> Option<Contradiction> {
    let path = path?;
    let refuse = |why: &str, hint: &str| Some(contradiction(key.to_owned(), format!("`{}` {why}", path.display()), hint));
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return refuse("contains a NUL byte, which no path can", "");
    }
    if path.is_absolute() { None } else { refuse("is not an absolute path", "start it with /") }
}

/// Archives are recorded by their path, and found again by it.
fn straight(key: &str, path: Option<&Path>) -> Option<Contradiction> {
    let path = path.filter(|path| path.components().any(|part| part == Component::ParentDir))?;
    Some(contradiction(key.to_owned(), format!("`{}` goes back with `..`", path.display()), "write the path without it"))
}

pub(super) fn contradiction(key: String, problem: String, hint: &str) -> Contradiction {
    Contradiction { key, problem, hint: (!hint.is_empty()).then(|| hint.to_owned()) }
}
