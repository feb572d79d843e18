//! The unit that ships what is left when the machine stops: nothing rotates and nothing ships before, and everything is in the store after.

use super::{Need, log, machine, needs, ship::laid_out, support};
use crate::support::scenario::files_under;

#[test]
fn what_is_left_when_the_machine_stops_is_shipped_before_the_network_goes() {
    if !needs::met(machine::NEEDS) || !needs::met(&[Need::Program("zstd")]) {
        return;
    }
    let mut machine = laid_out();
    machine.write("/etc/systemd/system/ops-logs-drain.service.d/store.conf", "[Service]\nReadWritePaths=/srv/store\n", 0o644);
    machine.boot();
    machine.must(&["systemd-sysusers"]);
    machine.must(&["systemd-tmpfiles", "--create", "/etc/tmpfiles.d/opsbelt.conf"]);
    machine.must(&["install", "-d", "-m", "0750", "-o", "opsbelt", "-g", "opsbelt", "/srv/store"]);
    machine.must(&["systemctl", "start", "ops-logs-drain.service"]);
    log(&machine, "/var/log/closed/later.log", 0);
    let order = machine.must(&["systemctl", "show", "--property=After", "ops-logs-drain.service"]);
    for before in ["network-online.target", "network.target", "nss-lookup.target", "remote-fs.target"] {
        assert!(order.contains(before), "{order}");
    }
    let objects = || -> Vec<String> {
        files_under(&machine.path("/srv/store")).into_keys().filter(|name| name.starts_with("logs/")).collect()
    };
    assert_eq!(objects(), [""; 0], "nothing is done before it ends");
    machine.must(&["systemctl", "stop", "ops-logs-drain.service"]);
    let state = machine.must(&["systemctl", "show", "--property=Result", "ops-logs-drain.service"]);
    assert_eq!(state.trim(), "Result=success", "{}", machine.journal());
    assert_eq!(objects().len(), 2, "{}", machine.journal());
    for object in objects() {
        let path = machine.path("/srv/store").join(&object);
        let text = support::process::must("zstd", &["-dc".as_ref(), path.as_os_str()]);
        let name = if object.contains("later.log") { "later" } else { "app" };
        assert_eq!(text, format!("/var/log/closed/{name}.log\n").repeat(1000));
    }
    let waits = files_under(&machine.path("/var/spool/opsbelt/logs/ready"));
    assert!(waits.is_empty(), "{waits:?}");
}
