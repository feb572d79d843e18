//! Which groups of tests there are, and what each runs. Integration tests are found, not listed.

use std::{fs, path::Path};

use crate::{Outcome, Stop, failed, place};

/// A named part of the tests, timed and counted by itself.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) steps: Vec<Step>,
}

/// What a failure means for the groups after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The later groups can still tell something.
    Check,
    /// They cannot.
    Build,
}

/// One call of cargo.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Its exit status is its answer.
    Cargo(Vec<String>),
    /// Lists what is linked; none of it may be asynchronous or from AWS.
    Linked(Vec<String>),
}

impl Step {
    /// What cargo is called with.
    pub(crate) fn words(&self, ci: bool) -> Vec<String> {
        let (Step::Cargo(words) | Step::Linked(words)) = self;
        let mut words = words.clone();
        // `cargo fmt` resolves nothing and does not know the flag.
        if ci && words[0] != "fmt" {
            words.insert(1, "--locked".into());
        }
        words
    }

    /// Whether somebody reads what it prints.
    pub(crate) fn is_judged(&self) -> bool {
        matches!(self, Step::Linked(_))
    }

    /// What is wrong with what it printed.
    pub(crate) fn judge(&self, printed: &[String]) -> Option<String> {
        let banned: Vec<&str> = match self {
            Step::Cargo(_) => return None,
            Step::Linked(_) => printed.iter().map(|line| line.trim()).filter(|line| is_heavy(line)).collect(),
        };
        if printed.is_empty() {
            return Some("cargo tree listed nothing".into());
        }
        (!banned.is_empty()).then(|| format!("ops-logs alone must not link {}", banned.join(", ")))
    }
}

fn is_heavy(package: &str) -> bool {
    package == "tokio" || package.starts_with("tokio-") || package.starts_with("aws-")
}

/// Every group, in the order in which they run.
pub(crate) fn all() -> Outcome<Vec<Group>> {
    let alone = "--no-default-features --features logs";
    let mut groups = vec![
        check("fmt", &["fmt --all --check"]),
        check("clippy", &["clippy --workspace --all-targets -- -D warnings"]),
        Group {
            name: "build-alone".into(),
            kind: Kind::Build,
            steps: vec![
                cargo(&format!("build {alone}")),
                Step::Linked(words(&format!("tree {alone} --edges normal --prefix none --format {{lib}}"))),
            ],
        },
        Group { name: "build".into(), kind: Kind::Build, steps: vec![cargo("test --workspace --no-run")] },
        check("unit", &["test --workspace --lib --bins -- --show-output"]),
        check("doc", &["test --doc -- --show-output"]),
    ];
    let scenarios = place::repository().join("tests");
    groups.extend(scenario_names(&scenarios)?.iter().map(|name| check(name, &[&scenario_line(name)])));
    Ok(groups)
}

fn scenario_line(name: &str) -> String {
    // Its stories last a minute each on any machine: the three file systems side by side also where there are two cores.
    let threads = if name == "exactly_once" { " --test-threads 3" } else { "" };
    format!("test --test {name} -- --show-output{threads}")
}

fn check(name: &str, lines: &[&str]) -> Group {
    Group { name: name.to_owned(), kind: Kind::Check, steps: lines.iter().map(|line| cargo(line)).collect() }
}

fn cargo(line: &str) -> Step {
    Step::Cargo(words(line))
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

/// `tests/NAME.rs` and `tests/NAME/main.rs`, as cargo finds them, sorted.
fn scenario_names(folder: &Path) -> Outcome<Vec<String>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let cannot = |error| failed(format!("cannot read {}: {error}", folder.display()));
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let is_test = path.extension().is_some_and(|ending| ending == "rs") || path.join("main.rs").is_file();
        if let (true, Some(name)) = (is_test, path.file_stem()) {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// What kind of tests a group holds, in words. A new file under `tests/` holds stories, until this says otherwise.
pub(crate) fn what_is_tested(group: &str) -> &'static str {
    match group {
        "unit" | "doc" => "units and properties",
        "crash"
        | "crash_in_place"
        | "collect_crash"
        | "collect_power_cuts"
        | "durability"
        | "power_cuts"
        | "ship_crash"
        | "ship_durability"
        | "ship_power_cuts"
        | "ship_s3_calls"
        | "ship_s3_direct_calls" => "kills, refusals and power cuts",
        "collectors" | "engines" | "exactly_once" | "hostile" | "readers" => "real writers, readers and attackers",
        "units" => "a booted systemd",
        "completions" | "examples" | "formats" | "readme" => "documents and formats",
        "fmt" | "clippy" | "build-alone" | "build" | "layering" | "secrecy" | "harness" => "rules of the house",
        _ => "stories through the real binary",
    }
}

/// How many tests under `folder` are properties: they stand in a `proptest!` block.
pub(crate) fn properties(folder: &Path) -> std::io::Result<usize> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sum += properties(&path)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            sum += count_properties(&fs::read_to_string(&path)?);
        }
    }
    Ok(sum)
}

fn count_properties(source: &str) -> usize {
    let (mut sum, mut end) = (0, None);
    for line in source.lines() {
        let text = line.trim_start();
        if text.starts_with("proptest! {") {
            // The block ends at the same indentation.
            end = Some(format!("{}}}", &line[..line.len() - text.len()]));
        } else if end.as_deref() == Some(line) {
            end = None;
        }
        sum += usize::from(end.is_some() && text == "#[test]");
    }
    sum
}

/// The named groups in their own order; all when none is named.
pub(crate) fn choose(all: Vec<Group>, names: &[String]) -> Outcome<Vec<Group>> {
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|group| group.name != **name)) {
        let known: Vec<&str> = all.iter().map(|group| group.name.as_str()).collect();
        return Err(Stop::Usage(format!("no group is called {unknown:?}: there are {}", known.join(", "))));
    }
    Ok(all.into_iter().filter(|group| names.is_empty() || names.contains(&group.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_or_an_sdk_among_what_is_linked_is_told() {
        let step = Step::Linked(Vec::new());
        let linked = |names: &[&str]| step.judge(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(linked(&["clap", "tokenizer", "flaws-x"]), None);
        assert!(linked(&["clap", "tokio"]).expect("refused").contains("tokio"));
        assert!(linked(&["aws-sdk-s3"]).expect("refused").contains("aws-sdk-s3"));
        assert!(linked(&[]).is_some(), "a list that is empty proves nothing");
    }

    #[test]
    fn named_groups_keep_their_order_and_unknown_ones_are_refused() {
        let all = || vec![check("fmt", &[]), check("unit", &[]), check("rotate", &[])];
        let chosen = choose(all(), &["rotate".into(), "fmt".into()]).expect("known");
        assert_eq!(chosen.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), ["fmt", "rotate"]);
        assert!(matches!(choose(all(), &["rotat".into()]), Err(Stop::Usage(_))));
        assert_eq!(choose(all(), &[]).expect("all").len(), 3);
    }

    #[test]
    fn only_tests_in_a_proptest_block_are_properties() {
        let source =
            "#[test]\nfn a() {}\n    proptest! {\n        #[test]\n        fn b() {}\n    }\n    #[test]\n    fn c() {}\n";
        assert_eq!(count_properties(source), 1);
    }

    #[test]
    fn in_ci_the_lock_file_holds() {
        assert_eq!(cargo("test --doc -- --show-output").words(true), words("test --locked --doc -- --show-output"));
        assert_eq!(cargo("fmt --check").words(true), words("fmt --check"));
    }
}
