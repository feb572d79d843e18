//! The answers of the `config` subcommand.

use super::*;
use crate::{
    report::Cell,
    settings::config::{check, schema, show, show_json},
};

const SOME: &str =
    "host = 'a'\n[defaults.keep]\ncount = 3\n[[log]]\nname = 'x'\npaths = ['/a', '/b']\nwhen = { any = ['1 MiB'] }\n";

#[test]
fn check_lists_the_files_in_their_order() {
    let scene = Scene::with(SOME).file("user/testing.toml", "limit = 2");
    let report = check::<Testing>(&scene.sources).unwrap();
    let path = |name| vec![Cell::Text(scene.path(name).display().to_string())];
    assert_eq!(report.tables[0].rows, [path("etc/testing.toml"), path("user/testing.toml")]);
    assert_eq!(report.summary, "the settings are sound: 2 files read, later ones win");
    assert_eq!(report.exit(), Exit::Done);
}

#[test]
fn check_fails_with_every_problem() {
    let failure = check::<Testing>(&Scene::with("limit = 'x'\nhots = 1").sources).unwrap_err();
    assert_eq!(failure.exit, Exit::BadInput);
    assert!(failure.cause.unwrap().starts_with("2 problems\n"));
}

#[test]
fn show_names_the_origin_of_each_value() {
    let scene = Scene::with(SOME).variable("OPSBELT_TESTING_LIMIT", "5").variable("OPSBELT_TESTING_EAGER", "true");
    let shown = show::<Testing>(&scene.sources).unwrap();
    assert_eq!(
        scene.short(&shown),
        "\
host = \"a\"   # etc/testing.toml:1
limit = 5   # environment OPSBELT_TESTING_LIMIT
eager = true   # environment OPSBELT_TESTING_EAGER
weight = 0.0   # default
colors = []   # default

[defaults]
compress = \"zstd\"   # default

[defaults.keep]
count = 3   # etc/testing.toml:3

[labels]   # default: nothing is labelled

[[log]]
name = \"x\"   # etc/testing.toml:5
paths = [\"/a\", \"/b\"]   # etc/testing.toml:6
mode = \"0640\"   # default

[log.when]
any = [\"1 MiB\"]   # etc/testing.toml:7

[log.keep]
count = 7   # default
"
    );
}

#[test]
fn what_show_says_is_read_back_as_the_same_settings() {
    let scene = Scene::with(SOME).file("user/testing.toml", "host = \"two\\nlines # no comment\"\nlabels.\"a.b\" = 'c'");
    let shown = show::<Testing>(&scene.sources).unwrap();
    assert_eq!(Scene::with(&shown).loaded().value, scene.loaded().value, "{shown}");
}

#[test]
fn show_for_machines_has_values_and_origins_apart() {
    let scene = Scene::with(SOME);
    let shown = show_json::<Testing>(&scene.sources).unwrap();
    assert_eq!(shown["value"]["log"][0]["when"]["any"][0], "1 MiB");
    let origin = |key: &str| scene.short(shown["origins"][key].as_str().unwrap());
    assert_eq!(origin("log[0].paths"), "etc/testing.toml:6");
    assert_eq!(origin("defaults.keep.count"), "etc/testing.toml:3");
    assert_eq!(origin("log[0].keep.count"), "default");
}

#[test]
fn the_schema_names_its_tool_and_knows_its_keys() {
    let schema: serde_json::Value = serde_json::from_str(&schema::<Testing>()).unwrap();
    assert_eq!(schema["$id"], "urn:opsbelt:testing:settings");
    assert_eq!(schema["title"], "Settings of ops-testing");
    assert_eq!(schema["properties"]["log"]["items"]["$ref"], "#/$defs/Log");
}
