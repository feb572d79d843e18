//! The unit that rotates and the unit that ships, two users, in a booted systemd: what the one hands over the other one puts into the
//! store, and neither has a right that it does not need for that.

use std::{fs, path::Path};

use super::{Machine, Need, install_units, log, machine, needs, ops_logs, support};
use crate::support::scenario::files_under;

const SETTINGS: &str = "[store]\nurl = \"file:///srv/store\"\n[[log]]\nname = \"closed\"\nwhen = \"1 B\"\n\
                        paths = [\"/var/log/closed/*.log\"]\nkeep = { count = 1 }\n";

fn config(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)).expect("it is committed")
}

pub(super) fn laid_out() -> Machine {
    let machine = Machine::lay_out();
    machine.write("/usr/local/bin/ops-logs", fs::read(ops_logs()).expect("it is built"), 0o755);
    install_units(&machine);
    machine.write("/etc/sysusers.d/opsbelt.conf", config("sysusers.conf"), 0o644);
    machine.write("/etc/tmpfiles.d/opsbelt.conf", config("tmpfiles.conf"), 0o644);
    machine.write("/etc/opsbelt/logs.toml", SETTINGS, 0o644);
    let outside = "[Service]\nReadWritePaths=/srv/store\n";
    machine.write("/etc/systemd/system/ops-logs-ship.service.d/store.conf", outside, 0o644);
    log(&machine, "/var/log/closed/app.log", 0);
    machine
}

#[test]
fn what_one_unit_hands_over_the_other_one_ships_and_the_first_takes_back() {
    if !needs::met(machine::NEEDS) || !needs::met(&[Need::Program("zstd")]) {
        return;
    }
    let mut machine = laid_out();
    machine.boot();
    machine.must(&["systemd-sysusers"]);
    machine.must(&["systemd-tmpfiles", "--create", "/etc/tmpfiles.d/opsbelt.conf"]);
    machine.must(&["install", "-d", "-m", "0750", "-o", "opsbelt", "-g", "opsbelt", "/srv/store"]);
    machine.must(&["systemctl", "start", "ops-logs-rotate.service"]);
    let spool = machine.path("/var/spool/opsbelt/logs");
    let waits = || files_under(&spool).into_keys().filter(|name| name.rsplit('.').next() == Some("data")).count();
    assert_eq!(waits(), 1, "{}", machine.journal());
    machine.must(&["systemctl", "start", "ops-logs-ship.timer", "ops-logs-ship.service"]);
    let store = machine.path("/srv/store");
    let objects: Vec<_> = files_under(&store).into_keys().filter(|name| name.starts_with("logs/")).collect();
    assert_eq!(objects.len(), 1, "{}", machine.journal());
    let text = support::process::must("zstd", &["-dc".as_ref(), store.join(&objects[0]).as_os_str()]);
    assert_eq!(text, "/var/log/closed/app.log\n".repeat(1000));
    machine.must(&["systemctl", "start", "ops-logs-rotate.service"]);
    machine.must(&["systemctl", "start", "ops-logs-ship.service"]);
    // What is remembered of the manifest stays.
    let left: Vec<_> = files_under(&spool).into_keys().filter(|name| !name.starts_with("receipts/chain-")).collect();
    assert!(left.is_empty(), "{left:?}: {}", machine.journal());
}
