//! Small archives wait for company (`min-object`, `max-delay`): several of one log and one day become one object, come back as what they
//! were, and nothing here goes before the store has it.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::Value;

use crate::{
    collect::findings,
    support::{
        files,
        needs::{self, Need},
        scenario::{Ran, Scenario, files_under},
    },
};

const OTHER_DAYS: &[Need] = &[Need::Program("faketime")];
/// What four turns have only together, however they are compressed.
const BATCHES: &str = "min-object = \"3 KiB\"\nmax-delay = \"6h\"";

/// Lines of that hour of a day, hard to compress: 1300 bytes or so, and about as many in an archive.
fn lines(day: u32, hour: u32) -> Vec<u8> {
    let mut seed = u64::from(day * 100 + hour);
    let mut word = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(seed >> 36).unwrap()
    };
    let mut line = |minute: u32| {
        let noise = (0..20).map(|_| format!("{:07x}", word())).collect::<Vec<_>>().concat();
        format!("2026-10-{day:02}T{hour:02}:{minute:02}:00Z {noise}\n")
    };
    (0..8).map(&mut line).collect::<String>().into_bytes()
}

/// One more archive of `app.log`, of that hour; what the run that made it said.
fn turn(scene: &Scenario, day: u32, hour: u32) -> Ran {
    scene.append("app.log", lines(day, hour));
    scene.rotate()
}

fn scene(words: &str) -> Scenario {
    Scenario::new().shipping(BATCHES, words)
}

/// The keys that hand-overs of a run made, each once, with how many archives went there.
fn handed(ran: &Ran) -> BTreeMap<String, usize> {
    let mut keys = BTreeMap::new();
    for step in ran.steps("hand-over", "done") {
        *keys.entry(step["details"]["key"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    keys
}

fn objects(scene: &Scenario) -> Vec<Value> {
    scene.segments().iter().flat_map(|segment| segment["objects"].as_array().unwrap().clone()).collect()
}

/// What comes back, by name.
fn restored(scene: &Scenario, more: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let to = tempfile::tempdir().unwrap();
    let args: Vec<&str> =
        ["--format", "json", "restore", "--to", to.path().to_str().unwrap()].iter().chain(more).copied().collect();
    scene.run(&args).exits(0);
    let read = |name: String| (name.rsplit('/').next().unwrap().to_owned(), fs::read(to.path().join(&name)).unwrap());
    files_under(to.path()).into_keys().map(read).collect()
}

/// Ships and takes back, until nothing is left on the way; these are the objects then.
fn ends_well(scene: &Scenario, texts: &[Vec<u8>]) {
    for _ in 0..2 {
        scene.ship().exits(0);
        scene.rotate().exits(0);
    }
    scene.ship().exits(0);
    scene.assert_shipped(texts, "in the end");
    let url = format!("file://{}", scene.store().display());
    scene.run(&["verify", &url]).exits(0).says(&format!("as named: {0} of {0} object", texts.len()));
}

/// The one parcel that waits: what it is.
fn data(scene: &Scenario) -> PathBuf {
    let tickets: Vec<_> = scene.parcels().into_keys().collect();
    assert_eq!(tickets.len(), 1, "{tickets:?}");
    tickets[0].with_extension("data")
}

#[test]
fn small_archives_wait_for_company_go_together_and_come_back_as_what_they_were() {
    for (words, end) in [("", ".zst"), ("compress = \"gzip\"", ".gz"), ("compress = \"none\"", ".log")] {
        let scene = scene(words);
        let mut whole = Vec::new();
        let mut parts = Vec::new();
        let mut ran = None;
        for hour in 1.. {
            whole.extend(lines(10, hour));
            parts.push(lines(10, hour));
            let turned = turn(&scene, 10, hour).exits(0);
            if !handed(&turned).is_empty() {
                ran = Some(turned);
                break;
            }
            let why = turned.reason("hand-over", "waiting", "app.log");
            assert!(why.contains("for company: ") && why.contains(" of 3.0 KiB, at most until 20"), "{why}");
            assert!(scene.parcels().is_empty() && hour < 6, "{turned:#?}");
        }
        let ran = ran.unwrap();
        let archives = parts.len();
        assert!(archives > 1 && handed(&ran).into_values().eq([archives]), "{words}: {ran:#?}");
        let shipped = scene.ship().exits(0);
        assert_eq!(shipped.steps("ship", "done").len(), 1, "{shipped:#?}");
        assert!(shipped.summary().starts_with(&format!("{archives} archives shipped in 1 object (")), "{shipped:#?}");
        let settled = scene.rotate().exits(0);
        assert!(settled.summary().starts_with(&format!("{archives} archives in the store")), "{settled:#?}");
        ends_well(&scene, &[whole.clone()]);
        assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
        let named = objects(&scene);
        let key = named[0]["key"].as_str().unwrap();
        assert!(key.contains("/dt=2026-10-10/hour=01/") && key.ends_with(end), "{key}");
        let bytes = fs::read(scene.store().join(key)).unwrap();
        assert_eq!(named[0]["stored"], bytes.len());
        let members: Vec<&str> =
            named[0]["several"].as_array().unwrap().iter().map(|member| member["name"].as_str().unwrap()).collect();
        let expected: BTreeMap<String, Vec<u8>> = members.iter().map(|name| (*name).to_owned()).zip(parts.clone()).collect();
        assert!(restored(&scene, &[]) == expected, "{words}: {members:?}");
        // Each is an archive of its own also when some of them are wanted.
        let one = restored(&scene, &["--since", "2026-10-10T02:00:00Z", "--until", "2026-10-10T02:30:00Z"]);
        assert!(one == BTreeMap::from([(members[1].to_owned(), parts[1].clone())]), "{words}: {:?}", one.keys());
        assert!(scene.run(&["restore", "--to", "-"]).exits(0).stdout.as_bytes() == whole);
    }
}

#[test]
fn none_waits_longer_than_it_may_whatever_else_happens() {
    if !needs::met(OTHER_DAYS) {
        return;
    }
    let scene = scene("");
    turn(&scene, 10, 1).exits(0);
    turn(&scene, 10, 2).exits(0);
    for (when, due) in [("+5h", 0), ("+7h", 2)] {
        let args = ["--format", "json", "plan"];
        assert_eq!(scene.run_at(when, &args).exits(0).steps("hand-over", "planned").len(), due, "{when}");
    }
    // Nothing is rotated; what waited too long goes.
    let ran = scene.run_at("+7h", &["--format", "json", "rotate"]).exits(0);
    assert!(handed(&ran).into_values().eq([2]), "{ran:#?}");
    ends_well(&scene, &[[lines(10, 1), lines(10, 2)].concat()]);
}

#[test]
fn a_clock_that_was_ahead_keeps_nothing_waiting() {
    if !needs::met(OTHER_DAYS) {
        return;
    }
    let scene = scene("");
    scene.append("app.log", lines(10, 1));
    let ran = scene.run_at("+40d", &["--format", "json", "rotate"]);
    assert!(handed(&ran).is_empty(), "{ran:#?}");
    let ran = scene.rotate();
    assert!(handed(&ran).into_values().eq([1]), "{ran:#?}");
}

#[test]
fn who_asks_for_all_of_it_waits_for_nobody() {
    for args in [["rotate", "--finish"], ["rotate", "--force"]] {
        let scene = scene("");
        turn(&scene, 10, 1).exits(0);
        turn(&scene, 10, 2).exits(0);
        let ran = scene.run(&[&["--format", "json"][..], &args].concat()).exits(0);
        assert!(handed(&ran).into_values().eq([2]), "{args:?}: {ran:#?}");
    }
    let scene = scene("");
    turn(&scene, 10, 1).exits(0);
    scene.append("app.log", lines(10, 2));
    let ran = scene.run(&["--format", "json", "drain"]).exits(0);
    assert_eq!(ran.summary(), "2 archives shipped: everything is in the store", "{ran:#?}");
    assert_eq!((scene.objects().len(), restored(&scene, &[]).len()), (1, 2));
}

#[test]
fn what_waits_is_told_by_status_and_plan_and_nothing_is_wrong_with_it() {
    let scene = scene("keep = { count = 1 }");
    turn(&scene, 10, 1).exits(0);
    turn(&scene, 10, 2).exits(0);
    let before = files_under(scene.root());
    for word in ["status", "plan"] {
        let ran = scene.run(&["--format", "json", word]).exits(0);
        let why = ran.reason("hand-over", "waiting", "app.log");
        assert!(why.starts_with("2 archives wait for company: ") && why.contains(" UTC"), "{word}: {why}");
        assert_eq!(findings(&ran, "logs.unshipped"), [""; 0]);
    }
    let dry = scene.run(&["--format", "json", "--dry-run", "rotate", "--finish"]).exits(0);
    let why = "it is to go to the store: this run lets nothing wait for company";
    assert!(dry.steps("hand-over", "planned").iter().all(|step| step["reason"] == why), "{dry:#?}");
    assert_eq!(files_under(scene.root()), before);
    assert_eq!(scene.archives("app.log").len(), 2, "none goes that the store does not have");
}

#[test]
fn only_what_is_of_one_log_one_day_and_one_form_goes_together() {
    let scene = scene("");
    for (day, hour) in [(10, 22), (10, 23), (11, 0)] {
        turn(&scene, day, hour).exits(0);
    }
    scene.append("other.log", lines(10, 23));
    scene.change_settings("when =", "compress = \"gzip\"\nwhen =");
    turn(&scene, 11, 1).exits(0);
    // Of two days: each becomes an object, and waits for nobody.
    scene.append("app.log", [lines(12, 23), lines(13, 0)].concat());
    let ran = scene.rotate().exits(0);
    assert_eq!(ran.steps("hand-over", "done").len(), 1, "{ran:#?}");
    assert_eq!(scene.parcels().len(), 2);
    scene.run(&["rotate", "--finish"]).exits(0);
    let texts = [[lines(10, 22), lines(10, 23)].concat(), lines(11, 0), lines(11, 1), lines(10, 23), lines(12, 23), lines(13, 0)];
    ends_well(&scene, &texts);
    assert_eq!(restored(&scene, &[]).len(), 6);
}

#[test]
fn nothing_is_written_behind_a_line_that_has_no_end() {
    let scene = scene("");
    let mut open = lines(10, 2);
    open.pop();
    turn(&scene, 10, 1).exits(0);
    scene.append("app.log", &open);
    scene.rotate().exits(0);
    turn(&scene, 10, 3).exits(0);
    scene.run(&["rotate", "--finish"]).exits(0);
    ends_well(&scene, &[[lines(10, 1), open].concat(), lines(10, 3)]);
}

#[test]
fn who_hands_over_again_makes_the_same_object_whatever_came_since() {
    let scene = scene("");
    turn(&scene, 10, 1).exits(0);
    turn(&scene, 10, 2).exits(0);
    scene.run(&["rotate", "--finish"]).exits(0);
    scene.ship().exits(0);
    let before = scene.objects();
    // The spool is lost before the receipts were looked at, and by now all three would go together.
    fs::remove_dir_all(scene.spool()).unwrap();
    let ran = turn(&scene, 10, 3).exits(0);
    assert!(handed(&ran).into_keys().eq(before.keys().cloned()), "{ran:#?}");
    let again = scene.ship().exits(0);
    assert!(again.reason("ship", "done", "").contains("had it already"), "{again:#?}");
    scene.run(&["rotate", "--finish"]).exits(0);
    ends_well(&scene, &[[lines(10, 1), lines(10, 2)].concat(), lines(10, 3)]);
}

#[test]
fn what_was_decided_holds_when_the_setting_is_gone() {
    let scene = scene("");
    turn(&scene, 10, 1).exits(0);
    turn(&scene, 10, 2).exits(0);
    scene.run(&["rotate", "--finish"]).exits(0);
    scene.ship().exits(0);
    fs::remove_dir_all(scene.spool()).unwrap();
    scene.change_settings(BATCHES, "");
    turn(&scene, 10, 3).exits(0);
    ends_well(&scene, &[[lines(10, 1), lines(10, 2)].concat(), lines(10, 3)]);
}

#[test]
fn a_parcel_of_several_that_is_damaged_is_made_anew() {
    let scene = scene("");
    turn(&scene, 10, 1).exits(0);
    turn(&scene, 10, 2).exits(0);
    scene.run(&["rotate", "--finish"]).exits(0);
    let path = data(&scene);
    let mut bytes = fs::read(&path).unwrap();
    bytes[50] ^= 1;
    files::write(&path, bytes).unwrap();
    scene.ship().exits(3);
    let healed = scene.rotate().exits(1);
    assert_eq!((healed.steps("hand-over", "done").len(), healed.steps("discard", "done").len()), (2, 1), "{healed:#?}");
    ends_well(&scene, &[[lines(10, 1), lines(10, 2)].concat()]);
}

#[test]
fn an_archive_that_is_gone_or_damaged_costs_the_others_nothing() {
    let scene = scene("");
    for hour in 1..=2 {
        turn(&scene, 10, hour).exits(0);
    }
    let archives: Vec<PathBuf> = scene.archives("app.log").into_iter().map(|name| scene.live(&name)).collect();
    let whole = fs::read(&archives[0]).unwrap();
    let mut spoiled = whole.clone();
    spoiled[40] ^= 1;
    files::write(&archives[0], &spoiled).unwrap();
    scene.append("other.log", lines(10, 7));
    let ran = scene.run(&["--format", "json", "rotate", "--finish"]).exits(3);
    assert_eq!((ran.steps("hand-over", "failed").len(), ran.steps("hand-over", "done").len()), (1, 1), "{ran:#?}");
    // What is whole again goes by itself.
    files::write(&archives[0], whole).unwrap();
    scene.run(&["--format", "json", "rotate", "--force"]).exits(0);
    ends_well(&scene, &[lines(10, 1), lines(10, 2), lines(10, 7)]);
}

#[test]
fn an_archive_that_somebody_removes_meanwhile_is_in_the_store_all_the_same() {
    let scene = scene("");
    turn(&scene, 10, 1).exits(0);
    turn(&scene, 10, 2).exits(0);
    scene.run(&["rotate", "--finish"]).exits(0);
    let first = scene.archives("app.log").remove(0);
    fs::remove_file(scene.live(&first)).unwrap();
    scene.ship().exits(0);
    scene.rotate().exits(1);
    ends_well(&scene, &[[lines(10, 1), lines(10, 2)].concat()]);
    assert_eq!(restored(&scene, &[]).len(), 2);
}

#[test]
fn one_that_is_altered_after_it_was_handed_over_stays_and_the_others_are_settled() {
    let scene = scene("keep = { count = 1 }");
    for hour in 1..=2 {
        turn(&scene, 10, hour).exits(0);
    }
    scene.run(&["rotate", "--finish"]).exits(0);
    scene.ship().exits(0);
    let archives = scene.archives("app.log");
    let mut bytes = fs::read(scene.live(&archives[0])).unwrap();
    bytes[40] ^= 1;
    files::write(scene.live(&archives[0]), bytes).unwrap();
    let ran = scene.rotate();
    assert_eq!(findings(&ran, "logs.archive-wrong").len(), 1, "{ran:#?}");
    assert_eq!(scene.archives("app.log"), archives, "nothing goes");
    let shipped = fs::read_to_string(scene.ledger()).unwrap().matches("\"line\":\"shipped\"").count();
    assert_eq!(shipped, 1, "the store has the other one");
}

#[test]
fn an_object_of_several_goes_as_one_by_its_newest() {
    let scene = scene("store-keep = { count = 1 }");
    for hour in 1..=2 {
        turn(&scene, 10, hour).exits(0);
    }
    scene.run(&["rotate", "--finish"]).exits(0);
    scene.ship().exits(0);
    turn(&scene, 11, 1).exits(0);
    scene.run(&["rotate", "--finish"]).exits(0);
    scene.ship().exits(0);
    assert_eq!(objects(&scene)[0]["name"], objects(&scene)[0]["several"][1]["name"]);
    scene.run(&["prune", "--apply"]).exits(0);
    assert!(scene.objects().into_values().eq([lines(11, 1)]));
    assert_eq!(restored(&scene, &[]).len(), 1);
    let url = format!("file://{}", scene.store().display());
    scene.run(&["verify", &url]).exits(0).says("1 pruned");
}

#[test]
fn what_waits_for_the_store_too_long_is_told_by_the_number_of_archives() {
    if !needs::met(OTHER_DAYS) {
        return;
    }
    let scene = scene("");
    turn(&scene, 10, 1).exits(0);
    turn(&scene, 10, 2).exits(0);
    scene.run(&["rotate", "--finish"]).exits(0);
    let planned = scene.run(&["--format", "json", "--dry-run", "ship"]).exits(0);
    assert!(planned.summary().starts_with("2 archives to ship in 1 object ("), "{planned:#?}");
    let ran = scene.run_at("+2d", &["--format", "json", "status"]).exits(1);
    assert!(findings(&ran, "logs.unshipped")[0].starts_with("2 archives ("), "{ran:#?}");
}

#[test]
fn however_many_objects_hold_what_is_wanted_few_are_open_at_a_time() {
    const LOGS: usize = 60;
    let scene = scene("");
    scene.change_settings("3 KiB", "8 MiB");
    for hour in 1..=2 {
        for log in 0..LOGS {
            scene.append(&format!("{log}.log"), lines(10, hour));
        }
        scene.rotate().exits(0);
    }
    scene.run(&["rotate", "--finish"]).exits(0);
    scene.ship().exits(0);
    assert_eq!(scene.objects().len(), LOGS);
    let few = "ulimit -n 48; exec \"$@\"";
    let to = tempfile::tempdir().unwrap();
    let ran = scene.run_in_shell(few, &["--format", "json", "restore", "--to", to.path().to_str().unwrap()]).exits(0);
    assert_eq!(ran.steps("restore", "done").len(), 2 * LOGS);
    let printed = scene.run_in_shell(few, &["restore", "--to", "-"]).exits(0);
    let expected = [lines(10, 1).repeat(LOGS), lines(10, 2).repeat(LOGS)].concat();
    assert!(printed.stdout.as_bytes() == expected, "in the order of the first lines");
}

#[test]
fn half_of_the_setting_is_refused() {
    for (words, key) in [("min-object = \"8 MiB\"", "min-object"), ("max-delay = \"1h\"", "max-delay")] {
        let scene = Scenario::new().shipping(words, "");
        scene.run(&["config", "check"]).exits(2).says(key);
    }
}
