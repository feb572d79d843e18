//! Folders that come and go: a volume that is missing is waited for, a folder that was removed is forgotten.

use std::fs;

use crate::{
    keep::found,
    support::{
        files,
        filesystem::{FileSystem, Kind, Recipe},
        needs::{self, MOUNTS},
        process::must,
        scenario::{Ran, Scenario, files_under},
    },
};

fn set(folder: &std::path::Path, words: &str) -> String {
    format!("paths = [\"{}/*.log\"]\nwhen = \"1 KiB\"\noptional = true\n{words}", folder.display())
}

#[test]
fn a_volume_that_is_not_mounted_is_waited_for_and_nothing_is_forgotten() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).mount();
    let (folder, log) = (disk.path(), disk.path().join("app.log"));
    let scene = Scenario::new().set(&set(&folder, ""));
    for _ in 0..2 {
        files::write(&log, vec![b'x'; 2000]).unwrap();
        scene.rotate().exits(0);
    }
    files::write(&log, vec![b'y'; 2000]).unwrap();
    let writer = crate::support::stories::holder(&log, fs::File::options().append(true));
    scene.rotate().exits(0);
    drop(writer);
    let (there, ledger) = (files_under(&folder), fs::read(scene.ledger()).unwrap());
    disk.unmount();
    let scene = scene.set(&set(&folder, "keep = { count = 1 }"));
    let ran = scene.rotate().exits(3);
    let why = ran.reason("recover", "failed", "");
    assert!(why.contains("it was on the volume at") && why.contains("nothing is forgotten"), "{why}");
    let finding = &ran.json()["findings"][0];
    assert_eq!((finding["id"].as_str(), finding["severity"].as_str()), (Some("logs.folder-missing"), Some("note")));
    assert_eq!(scene.run(&["--format", "json", "plan"]).exits(3).reason("recover", "failed", ""), why);
    assert_eq!(fs::read(scene.ledger()).unwrap(), ledger);
    disk.mount_again();
    assert_eq!(files_under(&folder), there);
    let ran = scene.rotate().exits(0);
    assert_eq!((ran.steps("archive", "done").len(), ran.steps("remove", "done").len()), (1, 2));
    scene.run(&["verify"]).exits(0).says("1 of 1");
}

/// Three archives of `app/app.log`, and then somebody removes its folder.
fn purged(words: &str) -> Scenario {
    let scene = Scenario::new();
    for folder in ["archive", "logs/app"] {
        fs::create_dir(scene.root().join(folder)).unwrap();
    }
    let folder = scene.live("app");
    let scene = scene.set(&set(&folder, words));
    for turn in 0..3 {
        scene.append("app/app.log", format!("{turn} {}\n", "x".repeat(1500)));
        scene.rotate().exits(0);
    }
    fs::remove_dir_all(folder).unwrap();
    scene
}

#[test]
fn archives_of_a_folder_that_somebody_removed_are_told_once_and_forgotten() {
    let scene = purged("");
    let plan = scene.run(&["--format", "json", "plan"]).exits(1);
    let ran = scene.rotate().exits(1);
    let finding = &ran.json()["findings"][0];
    assert_eq!(finding["id"], "logs.folder-gone");
    assert!(finding["message"].as_str().unwrap().contains("3 archives"), "{finding}");
    assert_eq!(plan.json()["findings"][0], *finding);
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    scene.run(&["verify"]).exits(0);
}

#[test]
fn keep_rules_hold_for_archives_elsewhere_when_the_folder_of_the_log_is_gone() {
    for compress in ["zstd", "gzip"] {
        let words = format!("archive-dir = \"{{root}}/archive\"\ncompress = \"{compress}\"");
        let scene = purged(&words);
        let folder = scene.live("app");
        let scene = scene.set(&set(&folder, &format!("{words}\nkeep = {{ count = 1 }}")));
        assert_eq!(scene.rotate().exits(0).steps("remove", "done").len(), 2, "{compress}");
        assert_eq!(files_under(&scene.root().join("archive")).len(), 1);
        assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    }
}

#[test]
fn a_rotation_under_way_in_a_folder_that_was_removed_is_told_once_as_lost() {
    let scene = Scenario::new();
    fs::create_dir(scene.live("app")).unwrap();
    let folder = scene.live("app");
    let scene = scene.set(&set(&folder, "")).log_of("app/app.log", 2000);
    let writer = scene.writer("app/app.log");
    scene.rotate().exits(0);
    drop(writer);
    fs::remove_dir_all(folder).unwrap();
    let ran = scene.rotate().exits(1);
    assert_eq!(ran.json()["findings"][0]["id"], "logs.lost");
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
}

#[test]
fn a_missing_folder_of_which_nobody_knows_the_volume_is_kept_in_the_books() {
    let scene = purged("");
    // As an older version wrote it.
    let text = fs::read_to_string(scene.ledger()).unwrap();
    let old_line = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        let fields = line.as_object_mut().unwrap();
        fields.retain(|name, _| !["volumes", "sum"].contains(&name.as_str()));
        line.to_string() + "\n"
    };
    let old: String = text.lines().map(old_line).collect();
    files::write(scene.ledger(), &old).unwrap();
    let ran = scene.rotate().exits(0);
    assert_eq!(ran.json()["findings"][0]["id"], "logs.folder-missing");
    assert_eq!(fs::read_to_string(scene.ledger()).unwrap(), old);
}

/// A log with two archives on that disk, and room in the rules for so many.
fn archived_twice_on(disk: &FileSystem, keep: u32) -> Scenario {
    let words = format!("archive-dir = \"{}\"\nkeep = {{ count = {keep} }}", disk.path().display());
    let scene = Scenario::new().plain_set(&words);
    turn(&scene, 0);
    turn(&scene, 1);
    scene
}

fn turn(scene: &Scenario, number: u32) -> Ran {
    scene.append("app.log", format!("{number} {}\n", "x".repeat(1500)));
    scene.rotate().exits(0)
}

#[test]
fn archives_out_of_sight_push_out_none_that_are_there() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).mount();
    let scene = archived_twice_on(&disk, 2);
    let turn = |number: u32| turn(&scene, number);
    let there = files_under(&disk.path());
    disk.unmount();
    turn(2);
    turn(3);
    disk.mount_again();
    let back = scene.rotate().exits(0);
    assert_eq!((back.steps("remove", "done").len(), files_under(&disk.path())), (0, there), "{back:#?}");
    let third = turn(4);
    assert_eq!(third.steps("remove", "done").len(), 1, "the rules hold among those that are there: {third:#?}");
}

#[test]
fn another_file_system_at_the_same_path_makes_nothing_vanish() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).mount();
    let scene = archived_twice_on(&disk, 3);
    let turn = |number: u32| turn(&scene, number);
    let there = files_under(&disk.path());
    let over = Over::mount(disk.path());
    for number in 2..4 {
        let ran = turn(number);
        assert_eq!((found(&ran, "logs.vanished"), found(&ran, "logs.folder-missing").len()), (vec![], 1), "{ran:#?}");
    }
    drop(over);
    assert_eq!(files_under(&disk.path()), there);
    let last = turn(4);
    assert_eq!((found(&last, "logs.vanished"), last.steps("remove", "done").len()), (vec![], 0), "{last:#?}");
}

/// A file system in memory over a folder, for as long as this lives.
struct Over(std::path::PathBuf);

impl Over {
    fn mount(path: std::path::PathBuf) -> Over {
        must("mount", &["-t".as_ref(), "tmpfs".as_ref(), "none".as_ref(), path.as_os_str()]);
        Over(path)
    }
}

impl Drop for Over {
    fn drop(&mut self) {
        crate::support::wait_until("the folder to be free", std::time::Duration::from_secs(10), || {
            crate::support::process::try_run("umount", &[self.0.as_os_str()]).is_ok()
        });
    }
}
