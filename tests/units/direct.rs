//! The unit that ships without an archive here, in a booted systemd after the unit that rotates: it has enough rights, and none that is not
//! needed. Whatever is missing, nothing is lost.

use std::fs;

use super::{Machine, Need, SOMEBODY, install_units, log, machine, needs, ops_logs, support};
use crate::support::scenario::files_under;

const SETTINGS: &str = "[store]\nurl = \"file:///srv/store\"\n[[log]]\nname = \"direct\"\nwhen = \"1 B\"\n\
                        paths = [\"/var/log/closed/*.log\", \"/var/log/own/*.log\"]\nship = \"direct\"\n";
const UNIT: &str = "ops-logs-direct.service";
/// What each right is for: whose log stays without it, and what a run says of that.
const MISSED: [(&str, &[&str], &str); 4] = [
    ("DAC_OVERRIDE", &["closed", "own"], "permission denied"),
    ("LEASE", &["closed"], "nobody can tell whether it is still written to"),
    ("SETUID", &["own"], "cannot become user 12345 and group 12345"),
    ("SETGID", &["own"], "cannot become user 12345 and group 12345"),
];

fn laid_out() -> Machine {
    let machine = Machine::lay_out();
    machine.write("/usr/local/bin/ops-logs", fs::read(ops_logs()).expect("it is built"), 0o755);
    install_units(&machine);
    machine.write("/etc/opsbelt/logs.toml", SETTINGS, 0o644);
    machine.write(&format!("/etc/systemd/system/{UNIT}.d/store.conf"), "[Service]\nReadWritePaths=/srv/store\n", 0o644);
    machine
}

/// A log of somebody in a folder of root's, and one in a folder of that user's, each with its turn's text, rotated.
fn rotated(machine: &Machine, turn: usize) {
    for (folder, owner) in [("closed", 0), ("own", SOMEBODY)] {
        log(machine, &format!("/var/log/{folder}/turn-{turn}.log"), owner);
    }
    machine.must(&["systemctl", "start", "ops-logs-rotate.service"]);
}

/// The rotated logs that are here, by folder.
fn here(machine: &Machine, turn: usize) -> Vec<String> {
    let waits = |folder: &&str| {
        let names = files_under(&machine.path(&format!("/var/log/{folder}"))).into_keys();
        names.filter(|name| name.starts_with(&format!("turn-{turn}.log."))).count() > 0
    };
    ["closed", "own"].iter().filter(|folder| waits(folder)).map(|folder| (*folder).to_owned()).collect()
}

fn bound(machine: &Machine, rights: &[&str]) {
    let all: Vec<String> = rights.iter().map(|right| format!("CAP_{right}")).collect();
    let text = format!("[Service]\nCapabilityBoundingSet=\nCapabilityBoundingSet={}\n", all.join(" "));
    machine.write(&format!("/etc/systemd/system/{UNIT}.d/rights.conf"), text, 0o644);
    machine.must(&["systemctl", "daemon-reload"]);
}

#[test]
fn each_right_of_the_unit_that_ships_directly_is_needed_and_with_all_of_them_everything_gets_there() {
    if !needs::met(machine::NEEDS) || !needs::met(&[Need::Program("zstd")]) {
        return;
    }
    let mut machine = laid_out();
    machine.boot();
    machine.must(&["install", "-d", "-m", "0750", "/srv/store"]);
    machine.must(&["install", "-d", "/var/spool/opsbelt"]);
    let rights = MISSED.map(|(right, ..)| right);
    for (turn, (missed, stays, says)) in MISSED.into_iter().enumerate() {
        rotated(&machine, turn);
        assert_eq!(here(&machine, turn), ["closed", "own"], "{}", machine.journal());
        bound(&machine, &rights.into_iter().filter(|right| *right != missed).collect::<Vec<_>>());
        // With what is said of a log that stays it ends as partly done, or as done where that only waits.
        let _ = machine.run(&["systemctl", "start", UNIT]);
        assert_eq!(here(&machine, turn), stays, "without {missed}: {}", machine.journal());
        assert!(machine.journal().contains(says), "without {missed}: {}", machine.journal());
        let _ = machine.run(&["systemctl", "reset-failed", UNIT]);
        // What stayed is not in the way of the next turn.
        bound(&machine, &rights);
        machine.must(&["systemctl", "start", UNIT]);
        assert_eq!(here(&machine, turn), [""; 0], "{}", machine.journal());
    }
    let store = machine.path("/srv/store");
    let mut texts: Vec<String> = files_under(&store)
        .into_keys()
        .filter(|name| name.starts_with("logs/"))
        .map(|name| support::process::must("zstd", &["-dc".as_ref(), store.join(name).as_os_str()]))
        .collect();
    texts.sort();
    let path = |folder: &str, turn: usize| format!("/var/log/{folder}/turn-{turn}.log\n").repeat(1000);
    let meant: Vec<String> =
        ["closed", "own"].iter().flat_map(|folder| (0..MISSED.len()).map(move |turn| path(folder, turn))).collect();
    assert_eq!(texts, meant);
    machine.must(&["systemctl", "start", "ops-logs-direct.timer"]);
    let mut spool = files_under(&machine.path("/var/spool/opsbelt/logs"));
    spool.retain(|name, _| !name.starts_with("receipts/chain-"));
    assert!(spool.is_empty(), "no copy waits, only the manifest is remembered: {spool:?}");
}
