//! Disks that are full or nearly so: what a run needs for itself is there already, the smallest log makes room for the
//! next one, and what does not fit says how much would do.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::MetadataExt,
    path::PathBuf,
};

use crate::support::{
    Dice,
    aftermath::Before,
    files,
    filesystem::{FileSystem, Kind, Recipe},
    needs::{self, MOUNTS, Need},
    scenario::{Ran, Scenario, files_under, text_of},
    stories::NOBODY,
};

const MIB: usize = 1 << 20;

/// Text that becomes about a fifth of its size.
pub(crate) fn text(name: &str, bytes: usize) -> Vec<u8> {
    let mut dice = Dice::seeded(name.len() as u64 + bytes as u64);
    let mut text = Vec::with_capacity(bytes + 200);
    while text.len() < bytes {
        let (user, page, took, id) = (dice.below(5000), dice.below(700), dice.below(90_000), dice.below(u64::MAX));
        let line = format!(
            "2026-01-01T00:00:00Z INFO {name} [worker-{}] request of user {user} for /catalogue/items/{page} took {took} us, status {}, id {id:016x}{:012x}\n",
            dice.below(8),
            [200, 200, 200, 304, 404][usize::try_from(dice.below(5)).unwrap()],
            dice.below(1 << 48),
        );
        text.extend_from_slice(line.as_bytes());
    }
    text
}

/// Takes all that is left, to the last byte.
fn fill(disk: &FileSystem) -> PathBuf {
    let path = disk.fill_up_to(0);
    let mut filler = File::options().append(true).open(&path).unwrap();
    while filler.write_all(&[0x5a; 1024]).and_then(|()| filler.sync_data()).is_ok() {}
    assert_eq!(disk.free(), 0);
    path
}

/// Many logs on a disk that also has the state.
fn many(disk: &FileSystem, logs: usize) -> Scenario {
    let scene = Scenario::new().logs_in(disk.path()).state_in(disk.path()).plain_set("keep = { count = 100 }");
    for number in 0..logs {
        scene.append(&format!("{number:03}.log"), text_of("a line", 2000));
    }
    scene
}

fn room_behind(scene: &Scenario) -> u64 {
    let there = fs::metadata(scene.ledger()).unwrap();
    (there.blocks() * 512).saturating_sub(there.len())
}

#[test]
fn a_run_on_a_full_disk_records_and_removes_what_makes_room() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).exactly(16 << 20).mount();
    let scene = many(&disk, 150);
    scene.rotate().exits(0);
    for number in 0..150 {
        scene.append(&format!("{number:03}.log"), text_of("another line", 2000));
    }
    scene.rotate().exits(0);
    assert!(room_behind(&scene) >= 64 << 10);
    let scene = scene.plain_set("keep = { count = 1 }");
    let filler = fill(&disk);
    let ran = scene.rotate().exits(0);
    assert_eq!((ran.steps("remove", "done").len(), ran.json()["incomplete"].as_array().map_or(0, Vec::len)), (150, 0));
    fs::remove_file(filler).unwrap();
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    scene.run(&["verify"]).exits(0).says("150 of 150");
}

#[test]
fn a_run_on_a_full_disk_records_who_still_has_a_log_open() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).exactly(16 << 20).mount();
    let scene = many(&disk, 30);
    let writers: Vec<_> = (0..30).map(|number| scene.writer(&format!("{number:03}.log"))).collect();
    scene.rotate().exits(0);
    let filler = fill(&disk);
    let before = fs::metadata(scene.ledger()).unwrap().len();
    let ran = scene.rotate().exits(0);
    assert_eq!(ran.steps("archive", "waiting").len(), 30);
    let grown = fs::metadata(scene.ledger()).unwrap().len() - before;
    assert!(grown > 4096, "more than fits into a block that is begun: {grown}");
    drop(writers);
    fs::remove_file(filler).unwrap();
    assert_eq!(scene.rotate().exits(0).steps("archive", "done").len(), 30);
    scene.run(&["verify"]).exits(0).says("30 of 30");
}

#[test]
fn lock_and_history_leave_the_last_blocks_alone() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).exactly(16 << 20).mount();
    let scene = Scenario::new().logs_in(disk.path()).state_in(disk.path()).plain_set("");
    let (lock, history) = (scene.state().join("logs-rotate.lock"), scene.state().join("history.jsonl"));
    let taken = |path: &PathBuf| fs::metadata(path).map_or(0, |there| there.blocks());
    let filler = disk.fill_up_to(32 << 10);
    let ran = scene.rotate().exits(0).says("this run is not in the history");
    assert_eq!((taken(&lock), taken(&history)), (0, 0), "{ran:#?}");
    fs::remove_file(filler).unwrap();
    scene.rotate().exits(0);
    assert!(taken(&lock) > 0 && taken(&history) > 0);
    // What they have already costs nothing.
    fill(&disk);
    let ran = scene.rotate().exits(0);
    scene.run(&["--format", "json", "history"]).exits(0);
    let id = |run: serde_json::Value| run["run"]["id"].as_str().unwrap().rsplit('-').next().unwrap().to_owned();
    assert!(fs::read_to_string(lock).unwrap().contains(&format!("pid {}", id(ran.json()))));
}

/// Logs of 30, 4 and 1 MB on a disk that has so much left, and what is in them.
fn three(disk: &FileSystem, words: &str, left: u64) -> (Scenario, Before) {
    let scene = Scenario::new().logs_in(disk.path()).state_in(disk.path()).plain_set(words);
    let mut before = Before::nothing();
    for (name, size) in [("a.log", 30), ("b.log", 4), ("c.log", 1)] {
        let text = text(name, size * MIB);
        files::write(scene.live(name), &text).unwrap();
        before = before.log(scene.live(name), text);
    }
    disk.fill_up_to(left);
    (scene, before)
}

fn archived(ran: &Ran) -> Vec<String> {
    let name = |step: &serde_json::Value| step["subject"].as_str().unwrap().rsplit('/').next().unwrap()[..5].to_owned();
    ran.steps("archive", "done").iter().map(name).collect()
}

#[test]
fn the_smallest_log_makes_room_for_the_next_one() {
    if !needs::met(MOUNTS) {
        return;
    }
    for compress in ["zstd", "gzip"] {
        let disk = Recipe::new(Kind::Ext4).mount();
        let (scene, before) = three(&disk, &format!("compress = \"{compress}\""), 4 << 20);
        let ran = scene.rotate().exits(0);
        assert_eq!(archived(&ran), ["c.log", "b.log", "a.log"], "{compress}");
        let stored = scene.archives("a.log").iter().map(|name| fs::metadata(scene.live(name)).unwrap().len()).sum::<u64>();
        assert!(stored > 5 << 20, "with {stored} bytes it would have fitted without the others");
        before.assert_mended(&scene, compress);
    }
}

#[test]
fn a_log_that_does_not_fit_says_what_it_needs_and_the_others_are_done() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).mount();
    let (scene, before) = three(&disk, "", 512 << 10);
    let ran = scene.rotate().exits(3);
    assert_eq!(archived(&ran), ["c.log", "b.log"]);
    let rotated = scene.archives("a.log").remove(0);
    let why = ran.reason("archive", "failed", &rotated);
    assert!(
        why.contains("no space left on device; it needs up to 30.2 MiB, with ") && why.contains("free on that file system"),
        "{why}"
    );
    assert!(why.contains("method = \"in-place\"") && why.contains("archive-dir"), "{why}");
    before.assert_live_paths("too large");
    before.assert_nothing_lost("too large");
    fs::remove_file(disk.path().join("filler")).unwrap();
    before.assert_mended(&scene, "too large");
}

#[test]
fn another_users_log_that_does_not_fit_says_the_same() {
    if !needs::met(MOUNTS) || !needs::met(&[Need::Root]) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).mount();
    let (scene, _) = three(&disk, "", 512 << 10);
    for path in [scene.logs().to_path_buf(), scene.live("a.log"), scene.live("b.log"), scene.live("c.log")] {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let ran = scene.open_root().rotate().exits(3);
    let failed = ran.steps("archive", "failed");
    let why = failed[0]["reason"].as_str().unwrap();
    assert!(failed.len() == 1 && why.contains("it needs up to 30.2 MiB, with "), "{failed:#?}");
}

#[test]
fn with_room_enough_the_order_is_that_of_the_plan() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).size(128 << 20).mount();
    let (scene, _) = three(&disk, "", 40 << 20);
    assert_eq!(archived(&scene.rotate().exits(0)), ["a.log", "b.log", "c.log"]);
}

#[test]
fn the_first_run_ever_needs_one_block_for_its_record() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).size(600 << 20).mount();
    let scene = Scenario::new().state_in(disk.path()).plain_set("").log_of("app.log", 100_000);
    fs::set_permissions(disk.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let filler = fill(&disk);
    let ran = scene.rotate().exits(3);
    let why = ran.json()["incomplete"].to_string();
    let told = format!("no space left on device; it needs 4.0 KiB in {}, with 0 B free there", scene.state().display());
    assert!(why.contains(&told) && why.contains("nothing was changed"), "{why}");
    assert_eq!((scene.files().len(), scene.ledger().exists()), (1, false));
    fs::remove_file(filler).unwrap();
    disk.fill_up_to(0);
    assert_eq!(disk.free(), 4096);
    assert_eq!(scene.rotate().exits(0).steps("archive", "done").len(), 1);
    scene.run(&["verify"]).exits(0).says("1 of 1");
}

#[test]
fn the_first_run_ever_leaves_the_archive_a_block_on_a_full_disk() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).size(600 << 20).mount();
    let scene = Scenario::new().seeing().logs_in(disk.path()).state_in(disk.path()).plain_set("method = \"in-place\"");
    let told = text("app", 2 * MIB);
    scene.append("app.log", &told);
    disk.fill_up_to(4096);
    assert_eq!(disk.free(), 8192);
    scene.rotate().exits(0);
    assert!(scene.told_in_place("app.log", None) == told);
    assert!(room_behind(&scene) >= 64 << 10, "there is room for it now");
}

#[test]
fn an_older_ledger_on_a_full_disk_says_what_it_needs_and_stays() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).exactly(16 << 20).mount();
    let scene = many(&disk, 30);
    scene.rotate().exits(0);
    let old = scene.without_sums().replace("\"version\":2", "\"version\":1");
    files::write(scene.ledger(), &old).unwrap();
    for number in 0..30 {
        scene.append(&format!("{number:03}.log"), text_of("another line", 2000));
    }
    let filler = fill(&disk);
    let files = (scene.files(), files_under(scene.state()).into_keys().collect::<Vec<_>>());
    let ran = scene.rotate().exits(3);
    let why = ran.json()["incomplete"].to_string();
    assert!(why.contains("KiB in ") && why.contains("with 0 B free there") && why.contains("nothing was changed"), "{why}");
    assert_eq!(ran.json()["incomplete"].as_array().unwrap().len(), 1, "{ran:#?}");
    let left = (scene.files(), files_under(scene.state()).into_keys().collect());
    assert_eq!(left, files, "no debris: it may be the last block");
    assert!(fs::read_to_string(scene.ledger()).unwrap() == old);
    fs::remove_file(filler).unwrap();
    assert_eq!(scene.rotate().exits(0).steps("archive", "done").len(), 30);
}
