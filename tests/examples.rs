//! `config/logs.toml` says what is true: the real binary accepts it as it stands and with every line switched on, it
//! has every setting there is, and what it calls a default is one. Changes nothing outside a temporary folder.

mod support;

use std::{collections::BTreeSet, fs, path::PathBuf};

use opsbelt::tools::logs::settings::{LogSet, Settings};
use serde_json::Value as Json;
use support::scenario::{Ran, Scenario};

fn example() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/logs.toml");
    fs::read_to_string(path).expect("the example is committed")
}

/// A line that is off: `#` and a key or a table at once; prose has a space between.
fn is_off(line: &str) -> bool {
    line.strip_prefix('#').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '['))
}

fn switched_on(line: &str) -> &str {
    if is_off(line) { &line[1..] } else { line }
}

fn all_on() -> String {
    example().lines().map(switched_on).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_binary_accepts_the_example_as_it_stands_and_with_every_line_on() {
    for text in [example(), all_on()] {
        let scenario = Scenario::new().settings(&text);
        scenario.run(&["config", "check"]).exits(0);
    }
}

#[test]
fn the_binary_accepts_every_setting_on_the_page_about_logrotate() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/from-logrotate.md");
    let page = fs::read_to_string(path).expect("the page is committed");
    let whole = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let is_setting =
        |span: &&str| span.split_once(" = ").is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'));
    let prose = page.split("```").step_by(2);
    let spans: Vec<&str> = prose.flat_map(|prose| prose.split('`').skip(1).step_by(2)).filter(is_setting).collect();
    assert!(whole.clone().count() > 1 && spans.len() > 15, "the page was not understood: {spans:?}");
    let paths = |span: &str| if span.starts_with("paths") { "" } else { "paths = [\"/x/*.log\"]\n" };
    let alone = |span: &&str| format!("[[log]]\n{}{span}\n", paths(span));
    for text in whole.map(str::to_owned).chain(spans.iter().map(alone)) {
        let ran = Scenario::new().settings(&text).run(&["config", "check"]);
        assert_eq!(ran.code, Some(0), "{text}\n{ran:#?}");
    }
}

#[test]
fn a_directive_of_logrotate_is_answered_with_the_word_to_use() {
    for (line, hint) in [
        ("rotate = 7", "write keep = { count = 7 }"),
        ("size = \"10M\"", "write when = \"10 MiB\""),
        ("olddir = \"/x/old\"", "write archive-dir ="),
        ("create = \"0640 root adm\"", "leave it out: the new log gets"),
        ("postrotate = \"kill\"", "write reopen ="),
        ("copytruncate = true", "write method = \"in-place\""),
        ("renamecopy = true", "never copied"),
        ("missingok = true", "write optional = true"),
        ("keep = 7", "write { count = 7 }"),
        ("when = \"10M\"", "write `10 MiB`"),
        ("keep = { max-total = \"10M\" }", "write `10 MiB`"),
        ("keep = { max-age = \"90 days\" }", "write `90d`"),
    ] {
        let scenario = Scenario::new().settings(&format!("[[log]]\npaths = [\"/x/*.log\"]\n{line}\n"));
        let ran = scenario.run(&["config", "check"]).exits(2);
        assert!(ran.stderr.contains(hint) && !ran.stderr.contains("assume-closed-after"), "{line}: {}", ran.stderr);
    }
}

#[test]
fn a_typing_mistake_in_the_example_would_be_seen() {
    let scenario = Scenario::new().settings(&all_on().replace("close-wait", "close-wiat"));
    let ran: Ran = scenario.run(&["config", "check"]).exits(2);
    assert!(ran.stderr.contains("close-wait"), "{}", ran.stderr);
}

#[test]
fn every_setting_stands_in_the_example() {
    let schema: Json =
        serde_json::from_str(&Scenario::new().settings("").run(&["config", "schema"]).exits(0).stdout).expect("a schema is JSON");
    let mut known = BTreeSet::new();
    properties(&schema, &mut known);
    assert!(known.len() > 20, "the schema was not understood: {known:?}");
    let table: toml::Table = all_on().parse().expect("the binary accepts it");
    let mut shown = BTreeSet::new();
    keys(&toml::Value::Table(table), &mut shown);
    let missing: Vec<_> = known.difference(&shown).collect();
    assert!(missing.is_empty(), "config/logs.toml does not show {missing:?}");
}

/// The names of all properties of all tables in a schema.
fn properties(schema: &Json, found: &mut BTreeSet<String>) {
    match schema {
        Json::Object(object) => {
            if let Some(Json::Object(properties)) = object.get("properties") {
                found.extend(properties.keys().cloned());
            }
            object.values().for_each(|value| properties(value, found));
        }
        Json::Array(items) => items.iter().for_each(|item| properties(item, found)),
        _ => {}
    }
}

fn keys(value: &toml::Value, found: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => table.iter().for_each(|(key, value)| {
            found.insert(key.clone());
            keys(value, found);
        }),
        toml::Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

#[test]
fn what_the_example_calls_a_default_is_one() {
    const STANZA: &str = "[[log]]\nname = \"x\"\npaths = [\"/x/*.log\"]\n";
    let text = example();
    let (top, rest) = text.split_once("[defaults]").expect("the example has [defaults]");
    let defaults = |text: &str| {
        text.lines()
            .filter(|line| is_off(line) && line.ends_with("# default"))
            .map(|line| line[1..].to_owned())
            .collect::<Vec<_>>()
    };
    let (above, below) = (defaults(top), defaults(rest));
    assert!(!above.is_empty() && below.len() > 4, "few defaults are marked: {above:?} {below:?}");
    let said = format!("{}\n[defaults]\n{}\n{STANZA}", above.join("\n"), below.join("\n"));
    let (said, unsaid) = (settings(&said), settings(STANZA));
    assert_eq!(sets(&said), sets(&unsaid));
    assert_eq!(said.logrotate(), unsaid.logrotate());
}

#[test]
fn a_command_that_gives_no_time_gets_the_one_in_the_example() {
    let reopen = |text: &str| sets(&settings(text)).pop().and_then(|set| set.reopen).expect("it has one");
    let with = all_on();
    let line = with.lines().find(|line| line.contains("timeout = ")).expect("the example shows a command");
    let (without, _) = line.split_once(", timeout").expect("after the command");
    assert_eq!(
        reopen(&format!("[[log]]\npaths = [\"/x\"]\n{line}")),
        reopen(&format!("[[log]]\npaths = [\"/x\"]\n{without} }}"))
    );
}

fn settings(text: &str) -> Settings {
    toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn sets(settings: &Settings) -> Vec<LogSet> {
    settings.sets().expect("complete")
}
