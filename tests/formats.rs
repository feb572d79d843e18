//! What an earlier version wrote is read by this one: a file of each version of each format of the state stays in
//! `tests/fixtures`. The archive's own format is tested beside its code.

mod support;

use std::fs;

use support::scenario::Scenario;

const SETTINGS: &str = "host = \"fixture\"\nlogrotate = \"\"\n[[log]]\nname = \"app\"\npaths = [\"{logs}/app.log\"]\n";

fn with(fixture: &str, name: &str) -> Scenario {
    let scenario = Scenario::new().settings(SETTINGS).log("app.log", "a line\n");
    let path = format!("{}/tests/fixtures/{fixture}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).expect("the fixture is committed");
    let text = text.replace("{logs}", &scenario.logs().display().to_string());
    fs::write(scenario.state().join(name), text).expect("a writable tree");
    scenario
}

#[test]
fn the_ledger_of_version_1_is_read_line_by_line() {
    let status = with("ledger-v1.jsonl", "ledger.jsonl").run(&["status"]);
    assert!(status.stdout.contains("1 log, 1 archive, 2.4 MiB saved"), "{status:#?}");
    assert!(status.stdout.contains("2026-11-21 04:21:22"), "{status:#?}");
    assert!(!status.stdout.contains("could not be read"), "{status:#?}");
}

#[test]
fn the_history_of_version_1_is_read() {
    let history = with("history-v1.jsonl", "history.jsonl").run(&["history"]).exits(0);
    assert!(history.stdout.contains("as the fixture says"), "{history:#?}");
}
