//! README says what is so. Its `sh` blocks run, in order, in one empty folder with the real binary, and print what the `text`
//! block below them says; commands and files that it names exist; its figures are those of the last benchmark.
//!
//! `OPSBELT_REWRITE=1 cargo test --test readme` writes today's output and figures into README. Look at the difference.

mod support;

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use clap::Command as Line;
use opsbelt::{launch::command, tools::logs::Logs};
use support::{
    files,
    needs::{self, Need},
    ops_logs,
    process::Process,
};

/// What README calls the folder that its commands run in: as long as the real one, for the columns.
const SHOWN: &str = "/home/user/tour";
/// A benchmark's figures in README stand from `<!-- bench:NAME, ...-->` to `<!-- /bench:NAME -->`.
const BEGIN: &str = "<!-- bench:";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("README is committed")
}

fn rewriting() -> bool {
    env::var_os("OPSBELT_REWRITE").is_some()
}

/// A fenced block: what stands after the fence's backticks, and what is in it.
struct Block {
    kind: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut parts = page.split("```");
    let mut blocks = Vec::new();
    while let (Some(_prose), Some(block)) = (parts.next(), parts.next()) {
        let (kind, text) = block.split_once('\n').expect("a fence ends its line");
        blocks.push(Block { kind: kind.to_owned(), text: text.to_owned() });
    }
    blocks
}

#[test]
fn commands_print_what_readme_says() {
    if !needs::met(&[Need::Program("zstd"), Need::Program("seq"), Need::Program("sha256sum")]) {
        return;
    }
    let home = tempfile::Builder::new()
        .prefix("")
        .rand_bytes(SHOWN.len() - "/tmp/".len())
        .tempdir_in("/tmp")
        .expect("a temporary folder");
    fs::create_dir(home.path().join(".bin"))
        .and_then(|()| symlink(ops_logs(), home.path().join(".bin/ops-logs")))
        .expect("a writable tree");
    let blocks = blocks(&readme());
    let runs = blocks.windows(2).filter(|pair| pair[0].kind == "sh");
    let (mut count, mut page, mut exports) = (0, readme(), String::new());
    for pair in runs {
        exports.extend(pair[0].text.lines().filter(|line| line.starts_with("export ")).map(|line| format!("{line}\n")));
        let said = run(home.path(), &format!("{exports}{}", pair[0].text));
        let [wanted, got] = [&pair[1].text, &said].map(|text| shape(text));
        if rewriting() && !matches(&wanted, &got) {
            page = page.replacen(&format!("```\n```text\n{}```", pair[1].text), &format!("```\n```text\n{said}```"), 1);
        } else {
            assert_eq!(pair[1].kind, "text", "no output stands below\n{}", pair[0].text);
            assert!(matches(&wanted, &got), "README says\n{}\nand these commands\n{}\nprint\n{said}", pair[1].text, pair[0].text);
        }
        count += 1;
    }
    let written = blocks.iter().filter(|block| block.kind == "sh").count();
    assert!(count > 3 && count == written, "README was not understood: {count} of {written} blocks run");
    let kept = |folder: &str| home.path().join(folder).join("ledger.jsonl").exists();
    assert!(kept("state") && !kept(".state"), "the tour does not say where its state goes: it would go among the machine's");
    if rewriting() {
        files::write(root().join("README.md"), page).expect("a writable checkout");
    }
}

fn run(home: &Path, script: &str) -> String {
    let mut shell = Command::new("sh");
    shell.args(["-euc", script]).current_dir(home).env_clear();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", home.join(".bin").display());
    shell.env("PATH", path).env("HOME", home).env("LC_ALL", "C").env("COLUMNS", "120");
    shell.env("STATE_DIRECTORY", home.join(".state"));
    let ended = Process::start(&mut shell).end(Duration::from_mins(1));
    assert!(ended.status.success() && ended.stderr.is_empty(), "{script}\n{ended:#?}");
    ended.stdout.replace(&home.display().to_string(), SHOWN)
}

/// A line of three dots in README stands for any lines.
fn matches(wanted: &[Vec<String>], got: &[Vec<String>]) -> bool {
    match wanted.split_first() {
        None => got.is_empty(),
        Some((line, rest)) if line == &["..."] => (0..=got.len()).any(|skipped| matches(rest, &got[skipped..])),
        Some((line, rest)) => got.split_first().is_some_and(|(first, others)| first == line && matches(rest, others)),
    }
}

/// The text by lines and words; sizes, instants and durations count as equal. Everything else must be the same.
fn shape(text: &str) -> Vec<Vec<String>> {
    let line = |line: &str| {
        let mut words: Vec<String> = line.split_whitespace().map(without_stamp).collect();
        for index in 1..words.len() {
            let unit = words[index].trim_matches(|c: char| !c.is_alphanumeric());
            let number = words[index - 1].trim_start_matches('(');
            if ["B", "KiB", "MiB", "GiB", "s"].contains(&unit) && number.parse::<f64>().is_ok() {
                "unit".clone_into(&mut words[index]);
                "number".clone_into(&mut words[index - 1]);
            }
        }
        words
    };
    text.lines().map(line).filter(|words| !words.is_empty()).collect()
}

/// A word with its instants set to zero: `20261121T042122Z` anywhere in it; `2026-11-21` or `04:21:22` when it is one.
fn without_stamp(word: &str) -> String {
    let zeros = |text: &str| text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>();
    let plain = word.trim_end_matches(',');
    if ["0000-00-00", "00:00:00", "00:00"].contains(&zeros(plain).as_str()) {
        return zeros(word);
    }
    match word
        .match_indices('T')
        .find(|(at, _)| *at >= 8 && word.get(at - 8..at + 8).is_some_and(|stamp| zeros(stamp) == "00000000T000000Z"))
    {
        Some((at, _)) => format!("{}00000000T000000Z{}", &word[..at - 8], &word[at + 8..]),
        None => word.to_owned(),
    }
}

#[test]
fn the_matcher_forgives_sizes_and_instants_and_nothing_else() {
    let same = |one: &str, other: &str| matches(&shape(one), &shape(other));
    assert!(same("a.20261121T042122Z-0001.zst  2.4 MiB", "a.20251231T235959Z-0001.zst 17 B"));
    assert!(same("next at 2026-11-22 00:00 UTC", "next at 2027-01-01 10:00 UTC"));
    assert!(!same("a.20261121T042122Z-0001.zst", "a.20261121T042122Z-0002.zst"));
    assert!(!same("2 logs", "3 logs"));
    assert!(same("begin\n...\nend", "begin\nanything\nat all\nend") && !same("begin\n...\nend", "begin\nanything"));
    assert!(!same("sha-256 1067b6e7", "sha-256 1067b6e8"));
    assert!(!same("rotate x\nkeep y", "rotate x"));
    assert!(!same("archive done", "archive waits"));
}

#[test]
fn commands_and_flags_that_readme_names_exist() {
    let line = command::<Logs>();
    let page = readme();
    let commands =
        blocks(&page).into_iter().filter(|block| block.kind == "sh" || block.kind == "console").map(|block| block.text);
    let lines: Vec<String> = commands
        .flat_map(|text| text.lines().map(|line| line.split('#').next().unwrap_or_default().to_owned()).collect::<Vec<_>>())
        .collect();
    let spans = page.split('`').filter(|span| span.starts_with("ops-logs ") && !span.contains('\n'));
    let mut seen = 0;
    for call in lines.iter().map(String::as_str).filter(|line| line.starts_with("ops-logs ")).chain(spans) {
        let words: Vec<&str> = call.split_whitespace().skip(1).take_while(|word| !word.starts_with(['|', ';'])).collect();
        check(&line, &words, call);
        seen += 1;
    }
    assert!(seen > 4, "README was not understood: {seen} calls seen");
    let chores = fs::read_to_string(root().join("xtask/src/main.rs")).expect("the chores are committed");
    for chore in page.split("cargo xtask ").skip(1).filter_map(|rest| rest.split(|c: char| !c.is_ascii_lowercase()).next()) {
        assert!(chores.contains(&format!("name: \"{chore}\"")), "there is no chore {chore}");
    }
}

/// The first word that is no flag (nor `--config`'s file) must be a command, and long flags must be known.
fn check(line: &Line, words: &[&str], call: &str) {
    let mut words = words.iter();
    let mut below = line;
    while let Some(word) = words.next() {
        if let Some(flag) = word.strip_prefix("--") {
            let known = |line: &Line| line.get_arguments().any(|argument| argument.get_long() == Some(flag));
            assert!(known(line) || known(below), "there is no {word}: {call}");
            if ["config", "format"].contains(&flag) {
                words.next();
            }
        } else if !word.starts_with('-') && below.has_subcommands() {
            let found = below.get_subcommands().find(|known| known.get_name() == *word);
            below = found.unwrap_or_else(|| panic!("there is no command {word}: {call}"));
        }
    }
}

#[test]
fn files_that_readme_links_exist() {
    let page = readme();
    let links: Vec<&str> = page.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(links.len() > 5, "README was not understood: {links:?}");
    for link in links {
        assert!(root().join(link).exists(), "there is no {link}");
    }
}

#[test]
fn tests_and_files_that_the_other_pages_name_exist() {
    let sources = sources_below(&["src", "tests", "xtask/src"]);
    for name in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let page = fs::read_to_string(root().join(name)).expect("the page is committed");
        let spans: Vec<&str> =
            page.split('`').filter(|span| !span.contains(char::is_whitespace) && !span.contains(char::is_uppercase)).collect();
        for span in &spans {
            let is_path =
                ["src/", "tests/", "xtask/", "config/", "systemd/", "docs/"].iter().any(|folder| span.starts_with(folder));
            assert!(!is_path || root().join(span).exists(), "{name} names {span}, which does not exist");
            let Some((file, test)) = span.split_once("::").filter(|(_, test)| test.contains('_')) else { continue };
            let of_file = |path: &Path| path.iter().any(|part| part == file) || path.file_stem().is_some_and(|stem| stem == file);
            let found = sources.iter().any(|(path, text)| of_file(path) && text.contains(&format!("fn {test}(")));
            assert!(found, "{name} names the test {span}, which does not exist");
        }
        assert!(spans.len() > 20, "{name} was not understood");
    }
}

fn sources_below(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the checkout") {
            let path = entry.expect("a listed entry").path();
            if path.is_dir() {
                open.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                found.push((path, text));
            }
        }
    }
    found
}

#[test]
fn figures_are_those_of_the_last_benchmark() {
    let page = readme();
    let table = fs::read_to_string(root().join("docs/benchmarks.md")).unwrap_or_default();
    let names: Vec<&str> = page.split(BEGIN).skip(1).filter_map(|rest| rest.split(',').next()).collect();
    assert!(names.contains(&"rotate"), "README has no place for the figures of `bench rotate`: {names:?}");
    let wanted = names.iter().fold(page.clone(), |page, name| with_figures(&page, name, &table));
    if rewriting() && page != wanted {
        return files::write(root().join("README.md"), wanted).expect("a writable checkout");
    }
    assert_eq!(page, wanted, "OPSBELT_REWRITE=1 cargo test --test readme");
}

/// `page` with the tables of the last run of the benchmark `name`.
fn with_figures(page: &str, name: &str, table: &str) -> String {
    let between = |text: &str, begin: &str, end: &str| {
        text.split_once(begin).and_then(|(_, rest)| rest.split_once(end)).map(|(inside, _)| inside.to_owned())
    };
    let rows = between(table, &format!("<!-- bench {name}: begin"), &format!("<!-- bench {name}: end"))
        .map(|section| section.lines().filter(|line| line.starts_with('|')).fold(String::new(), |all, line| all + line + "\n"));
    let rows = rows.unwrap_or_else(|| format!("No full benchmark run is committed yet; `cargo xtask bench {name}` makes one.\n"));
    let shown = between(page, &format!("{BEGIN}{name},"), &format!("<!-- /bench:{name} -->")).expect("the place has an end");
    let (marker, old) = shown.split_once("-->\n").expect("the marker ends its line");
    page.replace(&format!("{BEGIN}{name},{marker}-->\n{old}<!-- /"), &format!("{BEGIN}{name},{marker}-->\n{rows}<!-- /"))
}

#[test]
fn figures_come_from_their_own_section() {
    let table = "<!-- bench one: begin -->\n| 1 |\nwords\n<!-- bench one: end -->\n<!-- bench two: begin -->\n| 2 |\n<!-- bench two: end -->\n";
    let page = "a\n<!-- bench:one, x -->\nold\n<!-- /bench:one -->\nb\n<!-- bench:two, x -->\n<!-- /bench:two -->\n";
    let one = with_figures(page, "one", table);
    assert_eq!(one, page.replace("old\n", "| 1 |\n"));
    assert_eq!(with_figures(&one, "two", table), one.replace("<!-- /bench:two", "| 2 |\n<!-- /bench:two"));
    assert!(with_figures(page, "one", "").contains("cargo xtask bench one"));
}
