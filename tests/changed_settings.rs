//! Settings may change while a rotation is under way: what was begun under the old ones still ends with every byte kept.

mod support;

use std::fs::{self, File};

use support::scenario::Scenario;

const ELSEWHERE: &str = "[[log]]\nname = \"app\"\npaths = [\"{logs}/app.log\"]\narchive-dir = \"{root}/archive\"\n";
const UNCOMPRESSED: &str = "[[log]]\nname = \"app\"\npaths = [\"{logs}/app.log\"]\ncompress = \"none\"\n";

#[test]
fn a_log_on_its_way_elsewhere_arrives_although_compression_was_switched_off_meanwhile() {
    let scenario = Scenario::new().settings(ELSEWHERE).log("app.log", "kept\n");
    fs::create_dir(scenario.root().join("archive")).expect("a writable tree");
    let writer = File::options().append(true).open(scenario.live("app.log")).expect("our own log");
    scenario.run(&["rotate", "--force"]);
    drop(writer);
    let scenario = scenario.settings(UNCOMPRESSED);
    scenario.run(&["rotate"]).exits(0);
    let archives: Vec<_> = fs::read_dir(scenario.root().join("archive")).expect("our own folder").collect();
    assert_eq!(archives.len(), 1, "the log is gone: {:?}", scenario.files());
    scenario.run(&["verify"]).exits(0);
}
