//! What stays at the beginning of a log that is rotated in place although it is archived: never forgotten without a word,
//! whatever the ledger lost and whatever the settings say by then.

use std::{
    fs::{self, File},
    path::Path,
};

use rustix::fs::{FallocateFlags, fallocate};

use crate::support::{
    files,
    filesystem::{Kind, Recipe},
    needs::{self, MOUNTS, TRACES},
    process::must,
    scenario::{Ran, Scenario, text_of},
    scene::all_alike,
    strace::{self, Blow, Strike},
    trace::{Act, Call},
};

const IN_PLACE: &str = "method = \"in-place\"\nkeep = { count = 100 }";

/// A log that was rotated in place once, of which something is left at its beginning.
fn rotated() -> Option<(Scenario, Vec<u8>)> {
    if !needs::met(MOUNTS) {
        return None;
    }
    let scene = Scenario::new().seeing().plain_set(IN_PLACE);
    let text = text_of("first", 30_000);
    scene.append("app.log", &text);
    scene.rotate().exits(0);
    assert!(fs::metadata(scene.live("app.log")).unwrap().len() > 0, "a part of a block is left");
    Some((scene, text))
}

/// Takes the last `lines` lines of the ledger away, as a power cut does with what was not synced.
fn forget(scene: &Scenario, lines: usize) -> Vec<String> {
    let text = fs::read_to_string(scene.ledger()).unwrap();
    let all: Vec<&str> = text.lines().collect();
    let (left, gone) = all.split_at(all.len() - lines);
    let length: usize = left.iter().map(|line| line.len() + 1).sum();
    files::with(File::options().write(true), scene.ledger(), |file| file.set_len(length as u64)).unwrap();
    gone.iter().map(|line| (*line).to_owned()).collect()
}

fn findings(ran: &Ran, id: &str) -> Vec<serde_json::Value> {
    ran.json()["findings"].as_array().into_iter().flatten().filter(|finding| finding["id"] == id).cloned().collect()
}

#[test]
fn a_ledger_that_lost_its_last_line_still_knows_what_is_archived() {
    let Some((scene, mut text)) = rotated() else { return };
    let gone = forget(&scene, 1);
    assert!(gone[0].contains("\"line\":\"reached\"") && gone[0].contains("stored"), "{gone:?}");
    assert_eq!(scene.run(&["--format", "json", "plan"]).exits(0).summary(), "1 rotation of earlier runs to finish");
    let more = text_of("second", 30_000);
    scene.append("app.log", &more);
    text.extend_from_slice(&more);
    for _ in 0..2 {
        scene.rotate().exits(0);
        assert!(scene.told_in_place("app.log", None) == text, "each line once");
    }
}

#[test]
fn one_rotation_that_comes_to_its_end_removes_nothing_while_another_of_its_log_waits_for_a_person() {
    if !needs::met(MOUNTS) {
        return;
    }
    let scene = Scenario::new().seeing().plain_set("keep = { count = 100 }").log_of("app.log", 3000);
    scene.rotate().exits(0);
    let first = scene.archives("app.log").remove(0);
    scene.append("app.log", text_of("second", 3000));
    let writer = scene.writer("app.log");
    scene.rotate();
    let second = scene.archives("app.log").into_iter().find(|name| !name.ends_with(".zst")).expect("it waits for its writer");
    let scene = scene.plain_set(IN_PLACE);
    scene.append("app.log", text_of("third", 30_000));
    scene.rotate();
    drop(writer);
    fs::rename(scene.live(&second), scene.live("aside")).unwrap();
    files::write(scene.live(&second), "not what was rotated").unwrap();
    let gone = forget(&scene, 1);
    assert!(gone[0].contains("\"line\":\"reached\"") && gone[0].contains("stored"), "{gone:?}");
    let scene = scene.plain_set("method = \"in-place\"\nkeep = { count = 1 }");
    scene.rotate().exits(3);
    assert!(scene.archives("app.log").contains(&first), "{:?}", scene.archives("app.log"));
}

#[test]
fn an_archive_that_is_gone_before_its_record_was_complete_is_told_by_its_own_name() {
    let Some((scene, _)) = rotated() else { return };
    forget(&scene, 1);
    let archive = scene.archives("app.log").remove(0);
    fs::remove_file(scene.live(&archive)).unwrap();
    let ran = scene.rotate().exits(1);
    let lost = findings(&ran, "logs.lost");
    assert_eq!(lost.len(), 1, "{ran:#?}");
    assert_eq!(lost[0]["subject"], scene.live(&archive).display().to_string());
    assert!(lost[0]["message"].as_str().unwrap().contains("the archive"), "{lost:?}");
    scene.rotate().exits(0);
}

#[test]
fn what_was_rotated_in_place_before_and_is_renamed_now_is_told_to_be_in_two_archives() {
    let Some((scene, _)) = rotated() else { return };
    let left = fs::metadata(scene.live("app.log")).unwrap().len();
    scene.append("app.log", text_of("second", 30_000));
    let scene = scene.plain_set("keep = { count = 100 }");
    for args in [&["--format", "json", "plan"][..], &["--format", "json", "rotate"]] {
        let ran = scene.run(args);
        let told = findings(&ran, "logs.archived-twice");
        assert_eq!(told.len(), 1, "{ran:#?}");
        assert!(told[0]["message"].as_str().unwrap().contains(&format!("{left} bytes")), "{told:?}");
    }
    scene.append("app.log", text_of("third", 30_000));
    assert_eq!(findings(&scene.rotate().exits(0), "logs.archived-twice"), Vec::<serde_json::Value>::new(), "another file");
}

#[test]
fn what_was_rotated_in_place_before_and_is_collected_now_is_told_to_be_in_two_archives() {
    let Some((scene, _)) = rotated() else { return };
    scene.append("app.log", text_of("second", 30_000));
    let scene = scene.plain_set("method = \"collect\"\nkeep = { count = 100 }");
    assert_eq!(findings(&scene.rotate().exits(0), "logs.archived-twice").len(), 0, "not yet");
    fs::rename(scene.live("app.log"), scene.live("app.log.1")).unwrap();
    scene.append("app.log", text_of("third", 3000));
    assert_eq!(findings(&scene.rotate().exits(0), "logs.archived-twice").len(), 1);
    assert_eq!(findings(&scene.rotate().exits(0), "logs.archived-twice").len(), 0, "once");
}

/// Copies the log as a backup does that shares blocks with it: the next line moves its last block elsewhere.
fn back_up(log: &Path, backup: &Path) {
    must("cp", &["--reflink=always".as_ref(), log.as_ref(), backup.as_ref()]);
}

/// A run that rotates `text` in place on xfs and is killed when it is about to take the head away.
fn killed_on_xfs(disk: &Path, text: &[u8]) -> Scenario {
    let scene = |name: &str| {
        let scene = Scenario::new().seeing().logs_in(disk.join(name)).plain_set(IN_PLACE);
        scene.append("app.log", text);
        scene
    };
    let (twin, scene) = (scene("twin"), scene("disk"));
    let whole = strace::run(&twin.command(&["rotate"]), None);
    let live = |call: &&Call| matches!(call.act(), Some(Act::Cut(path)) if *path == twin.live("app.log"));
    let cut = whole.trace.calls.iter().filter(live).rfind(|call| call.worked()).expect("a rotation in place cuts");
    let strike = Strike { call: cut.name.clone(), rank: cut.rank, blow: Blow::Kill };
    assert!(strace::run(&scene.command(&["rotate"]), Some(&strike)).ended.was_killed());
    assert_eq!(fs::metadata(scene.live("app.log")).unwrap().len(), text.len() as u64);
    fs::remove_dir_all(disk.join("twin")).unwrap();
    scene
}

#[test]
fn a_backup_that_shares_blocks_with_the_log_leaves_no_doubt_of_it() {
    if !needs::met(MOUNTS) || !needs::met(TRACES) {
        return;
    }
    let disk = Recipe::new(Kind::Xfs).mount();
    let path = disk.path();
    // All of it ends with a line; or whole blocks follow what goes.
    for (kind, text) in [("short", all_alike("app", 30_000)), ("long", [all_alike("app", 30_000), vec![b'x'; 9000]].concat())] {
        for gone in [false, true] {
            let scene = killed_on_xfs(&path, &text);
            let (log, backup) = (scene.live("app.log"), scene.live("backup"));
            if gone {
                // The run was killed behind that, not before it.
                let collapse = |file: &mut File| Ok(fallocate(file, FallocateFlags::COLLAPSE_RANGE, 0, removed(&scene))?);
                files::with(File::options().write(true), &log, collapse).unwrap();
            }
            back_up(&log, &backup);
            scene.append("app.log", "one more line\n");
            File::open(&log).unwrap().sync_all().unwrap();
            let ran = scene.rotate();
            let doubted = findings(&ran, "logs.in-doubt");
            // Where all that is left lies in one block, nothing but its place tells it from what somebody wrote anew.
            if gone && kind == "short" {
                assert!(doubted[0]["message"].as_str().unwrap().contains("was moved"), "{doubted:?}");
            } else {
                assert_eq!(doubted, Vec::<serde_json::Value>::new(), "{kind}, gone: {gone}");
                let all = [&text[..], b"one more line\n"].concat();
                assert!(scene.told_in_place("app.log", None) == all, "each line once: {kind}, gone: {gone}: {ran:#?}");
            }
            fs::remove_dir_all(scene.logs()).unwrap();
        }
    }
}

/// How much the last entry of the ledger takes away.
fn removed(scene: &Scenario) -> u64 {
    let text = fs::read_to_string(scene.ledger()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.filter_map(|line| line["cut"]["remove"].as_u64()).next_back().expect("a log that is rotated in place")
}

#[test]
fn what_somebody_emptied_and_wrote_anew_is_told_also_where_less_than_a_block_was_left() {
    if !needs::met(MOUNTS) || !needs::met(TRACES) {
        return;
    }
    let disk = Recipe::new(Kind::Xfs).mount();
    // Lines of 32 bytes: what a block begins with, every block begins with.
    let text = b"one line like another: 31 bytes\n".repeat(1000);
    let scene = killed_on_xfs(&disk.path(), &text);
    let log = scene.live("app.log");
    files::with(File::options().write(true), &log, |file| file.set_len(0)).unwrap();
    scene.append("app.log", &text[..3520]);
    File::open(&log).unwrap().sync_all().unwrap();
    let ran = scene.rotate().exits(1);
    assert_eq!(findings(&ran, "logs.in-doubt").len(), 1, "{ran:#?}");
    assert_eq!(scene.rest("app.log").len(), 3520, "none of these lines is in an archive");
}

#[test]
fn volumes_that_take_turns_under_one_path_each_keep_what_is_known_of_their_log() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disks = [(); 2].map(|()| Recipe::new(Kind::Ext4).mount());
    let folder = disks[0].path();
    let scene = Scenario::new().seeing().logs_in(&folder).plain_set(IN_PLACE);
    fs::create_dir(disks[1].path().join(scene.logs().file_name().unwrap())).unwrap();
    let mut told = [Vec::new(), Vec::new()];
    for turn in 0..3 {
        for (number, told) in told.iter_mut().enumerate() {
            if number == 1 {
                must("mount", &["--bind".as_ref(), disks[1].path().as_ref(), folder.as_ref()]);
            }
            let text = text_of(&format!("turn {turn} on disk {number}"), 30_000);
            scene.append("app.log", &text);
            told.extend_from_slice(&text);
            let ran = scene.rotate().exits(0);
            let kept = scene.told_in_place("app.log", None);
            if number == 1 {
                must("umount", &[folder.as_ref()]);
            }
            assert_eq!(findings(&ran, "logs.emptied"), Vec::<serde_json::Value>::new(), "nobody else did anything to it");
            assert!(kept == *told, "each line once: turn {turn}, disk {number}: {ran:#?}");
        }
    }
}

#[test]
fn a_log_that_xfs_moved_up_and_did_not_shorten_any_more_is_told_with_its_zeros() {
    if !needs::met(MOUNTS) || !needs::met(TRACES) {
        return;
    }
    let disk = Recipe::new(Kind::Xfs).mount();
    let whole_blocks = b"one line like another: 31 bytes\n".repeat(7 * 128);
    for (text, more) in [(text_of("app", 30_000), ""), (text_of("app", 30_000), "one more line\n"), (whole_blocks, "")] {
        let scene = killed_on_xfs(&disk.path(), &text);
        // As a power cut leaves it that comes just before xfs would have shortened it.
        let moved = |file: &mut File| {
            fallocate(&*file, FallocateFlags::COLLAPSE_RANGE, 0, removed(&scene))?;
            file.set_len(text.len() as u64)
        };
        files::with(File::options().write(true), scene.live("app.log"), moved).unwrap();
        scene.append("app.log", more);
        let doubted = findings(&scene.rotate().exits(1), "logs.in-doubt");
        assert_eq!(doubted.len(), 1);
        assert!(doubted[0]["message"].as_str().unwrap().contains("left zeros in it, from byte"), "{doubted:?}");
        fs::remove_dir_all(scene.logs()).unwrap();
    }
}

#[test]
fn status_says_what_is_archived_of_a_log_also_when_it_goes_another_way_now() {
    let Some((mut scene, _)) = rotated() else { return };
    let left = fs::metadata(scene.live("app.log")).unwrap().len();
    let archived = |scene: &Scenario| {
        let table = scene.run(&["--format", "json", "status"]).json()["tables"][0].clone();
        let column = table["columns"].as_array().unwrap().iter().position(|name| name == "archived-head").unwrap();
        table["rows"][0][column].clone()
    };
    for words in [IN_PLACE, "method = \"rename\"", "method = \"collect\""] {
        scene = scene.plain_set(words);
        assert_eq!(archived(&scene), left, "{words}");
        scene.append("app.log", "one more line\n");
    }
    files::write(scene.live("app.log"), text_of("anew", 30_000)).unwrap();
    assert_eq!(archived(&scene), serde_json::Value::Null, "somebody emptied it");
}
