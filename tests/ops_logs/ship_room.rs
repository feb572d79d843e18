//! How much room the way into a store takes: what should be free stays free, tickets and receipts count, and what is there already needs none.

use std::{collections::BTreeSet, fs};

use super::ship_trouble::{ends_well, handed_over};
use crate::support::{
    needs::{self, Need, TRACES},
    process,
    scenario::{Scenario, text_of},
    strace,
};

const ROOT: &[Need] = &[Need::Root];

#[test]
fn what_should_be_free_stays_free_but_for_one_archive_at_a_time() {
    let scene = Scenario::new().shipping("", "keep = { min-free = \"99%\" }");
    let written: Vec<_> = (0..3).map(|number| text_of(&format!("turn-{number}"), 3000)).collect();
    for (number, text) in written.iter().enumerate() {
        scene.append("app.log", text);
        let ran = scene.rotate().exits(if number == 0 { 0 } else { 3 });
        assert!(number == 0 || ran.stdout.contains("are to stay free (min-free)"), "{ran:#?}");
        assert!(number < 2 || ran.stdout.contains("1 more archive waits with it"), "{ran:#?}");
        assert_eq!(scene.parcels().len(), 1);
    }
    for _ in 0..3 {
        scene.ship().exits(0);
        scene.rotate();
    }
    assert_eq!(scene.objects().into_values().collect::<BTreeSet<_>>(), written.into_iter().collect());
}

#[test]
fn very_many_small_archives_fill_the_spool_by_their_tickets() {
    let scene = Scenario::new().shipping("spool-max = \"5 KiB\"", "");
    for number in 0..9 {
        scene.append(&format!("{number}.log"), format!("{number} is a short log\n"));
    }
    let ran = scene.run(&["--format", "json", "rotate", "--force"]).exits(0);
    assert_eq!(ran.steps("hand-over", "waiting").len(), 1, "{ran:#?}");
    assert!((1..5).contains(&scene.parcels().len()), "{:?}", scene.parcels().keys());
}

#[test]
fn a_spool_that_is_nearly_full_keeps_room_for_receipts() {
    if !needs::met(ROOT) {
        return;
    }
    let disk = Mounted::of(1 << 21);
    let scene = Scenario::new().shipping("", "compress = \"none\"\nkeep = { count = 1 }");
    scene.change_settings(&scene.spool().display().to_string(), &disk.0.path().join("spool").display().to_string());
    let texts: Vec<_> = (0..4).map(|number| text_of(&format!("turn-{number}"), 600_000)).collect();
    for (number, text) in texts.iter().enumerate() {
        scene.append("app.log", text);
        scene.rotate().exits(if number == 0 { 0 } else { 3 });
    }
    for left in [3, 2, 1] {
        scene.ship().exits(0);
        assert_eq!(scene.rotate().exits(if left == 1 { 0 } else { 3 }).steps("settle", "done").len(), 1);
    }
    scene.ship().exits(0);
    assert_eq!(scene.objects().into_values().map(|text| text.len()).sum::<usize>(), texts.iter().map(Vec::len).sum::<usize>());
}

/// A small disk in memory.
struct Mounted(tempfile::TempDir);

impl Mounted {
    fn of(bytes: u64) -> Mounted {
        let home = tempfile::tempdir().unwrap();
        let size = format!("size={bytes},mode=755");
        process::must("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", home.path().to_str().unwrap()].map(AsRef::as_ref));
        Mounted(home)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        process::must("umount", &[self.0.path().as_os_str()]);
    }
}

#[test]
fn an_object_that_is_the_same_byte_for_byte_needs_no_room_to_be_compared() {
    if !needs::met(TRACES) {
        return;
    }
    let scene = handed_over(1, "");
    let part = scene.store().join("_opsbelt/manifests/test/0000000001.json");
    fs::create_dir_all(&part).unwrap();
    scene.ship().exits(3);
    fs::remove_dir(part).unwrap();
    scene.forget();
    let opened = strace::calls(&scene.command(&["ship"]), "openat");
    assert!(scene.segments().len() == 1 && !opened.iter().any(|call| call.contains("O_TMPFILE")), "{opened:#?}");
    ends_well(&scene, 1);
}
