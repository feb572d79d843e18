//! Logs that are rotated in place on a disk with next to nothing free: what they free, what they need, and that nothing is lost.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::Write,
    path::PathBuf,
};

use crate::{
    full_disk::text,
    support::{
        Dice, files,
        filesystem::{FileSystem, Kind, Recipe},
        needs::{self, MOUNTS, Need, TRACES},
        scenario::{Ran, Scenario, text_of},
        sight,
        strace::{self, Blow, Strike},
        tally,
    },
};

const MIB: usize = 1 << 20;

#[test]
fn a_large_log_is_rotated_in_place_with_one_block_left() {
    in_pieces(None);
}

#[test]
fn a_large_log_is_rotated_in_place_with_one_block_left_for_state_too() {
    in_pieces(Some("state"));
}

fn in_pieces(state: Option<&str>) {
    if !needs::met(MOUNTS) {
        return;
    }
    // Large enough for blocks of 4 KiB.
    let disk = Recipe::new(Kind::Ext4).size(600 << 20).mount();
    let scene = Scenario::new().seeing().logs_in(disk.path());
    let scene = if state.is_some() { scene.state_in(disk.path()) } else { scene };
    let scene = scene.plain_set("method = \"in-place\"\nkeep = { count = 2 }");
    let mut told = text("before", 100_000);
    scene.append("app.log", &told);
    scene.rotate().exits(0);
    let large = text("large", 200 * MIB);
    scene.append("app.log", &large);
    told.extend_from_slice(&large);
    // To the last block that is not the filler's.
    disk.fill_up_to(0);
    let free = disk.free();
    assert!(free <= 4096, "{free}");
    let ran = Ran::of(&mut scene.command(&["--format", "json", "rotate"])).exits(0).says("logs.in-pieces");
    assert!(scene.told_in_place("app.log", None) == told, "archives and log are not what was told");
    assert!(disk.free() > 100 << 20, "only {} are free again", disk.free());
    let pieces = scene.archives("app.log").len() - 1;
    crate::support::say(&format!(
        "200 MB with {free} bytes free: {pieces} pieces in {:.1} s, {} MiB free",
        ran.took.as_secs_f64(),
        disk.free() >> 20
    ));
    scene.run(&["verify"]).exits(0);
    assert_eq!(scene.rotate().exits(0).steps("remove", "done").len(), 0, "pieces of one rotation count as one");
}

/// Logs on a disk with so little free that there is no room for the mark that tells whether one was emptied, and archives
/// elsewhere.
fn markless() -> (FileSystem, Scenario) {
    let disk = Recipe::new(Kind::Ext4).mount();
    let scene = Scenario::new().logs_in(disk.path()).seeing();
    fs::create_dir(scene.root().join("kept")).unwrap();
    let words = "method = \"in-place\"\npaths = [\"{logs}/app.log\"]\nwhen = \"1 KiB\"\narchive-dir = \"{root}/kept\"";
    let scene = scene.set(words);
    write_anew(&scene, "one");
    disk.fill_up_to(8 << 10);
    (disk, scene)
}

fn lines_of(what: &str) -> String {
    (0..20_000).map(|line| format!("{what} {line:07} {}\n", "x".repeat(30))).collect::<Vec<_>>().concat()
}

/// Empties the log and fills it again, in the same blocks, as on a disk where no others are free.
fn write_anew(scene: &Scenario, what: &str) {
    let anew = |log: &mut File| {
        log.sync_all()?;
        log.write_all(lines_of(what).as_bytes())?;
        log.sync_all()
    };
    files::with(File::options().write(true).create(true).truncate(true), scene.live("app.log"), anew).unwrap();
}

/// The log holds all of `two`, and the one archive all of `one`.
fn assert_both_stay(scene: &Scenario) {
    assert!(fs::read_to_string(scene.live("app.log")).unwrap() == lines_of("two"), "nothing of it was archived");
    let kept: Vec<PathBuf> = fs::read_dir(scene.root().join("kept")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(kept.len() == 1 && std::io::read_to_string(tally::plain(&kept[0])).unwrap() == lines_of("one"), "{kept:?}");
}

#[test]
fn a_log_that_is_emptied_and_filled_again_before_its_head_goes_loses_no_line() {
    if !needs::met(MOUNTS) || !needs::met(TRACES) {
        return;
    }
    let (_disk, scene) = markless();
    // The third time the ledger is made durable it says that there is an archive.
    let ended = strace::held(&scene.command(&["--format", "json", "rotate"]), "fdatasync", 3, None, || {
        assert!(fs::read_to_string(scene.ledger()).unwrap().contains("\"line\":\"archived\""));
        write_anew(&scene, "two");
    });
    assert!(ended.stdout.contains("logs.in-doubt"), "{ended:#?}");
    assert_both_stay(&scene);
}

#[test]
fn a_log_that_is_filled_again_after_a_run_was_killed_before_its_record_takes_no_archive_with_it() {
    if !needs::met(MOUNTS) || !needs::met(TRACES) {
        return;
    }
    let (_disk, scene) = markless();
    let strike = Strike { call: "fdatasync".to_owned(), rank: 3, blow: Blow::Kill };
    let killed = strace::run(&scene.command(&["--format", "json", "rotate"]), Some(&strike));
    assert!(Ran::from(killed.ended).killed);
    // What was not made durable is gone.
    let ledger = fs::read_to_string(scene.ledger()).unwrap();
    let durable: Vec<&str> = ledger.split_inclusive('\n').filter(|line| !line.contains("\"line\":\"archived\"")).collect();
    assert!(durable.concat().len() < ledger.len(), "{ledger}");
    files::write(scene.ledger(), durable.concat()).unwrap();
    write_anew(&scene, "two");
    let ran = scene.rotate().says("logs.in-doubt");
    let kept = scene.root().join("kept");
    assert!(scene.told_in_place("app.log", Some(&kept)) == (lines_of("one") + &lines_of("two")).into_bytes(), "{ran:#?}");
    scene.run(&["verify"]).exits(0);
}

/// Where nothing may be kept in memory nobody can try beforehand which pieces are worth it.
fn guessed(scene: &Scenario) -> Ran {
    let words = ["strace", "-f", "-qq", "-e", "trace=memfd_create", "-e", "inject=memfd_create:error=ENOSYS", "-o"];
    let mut words = words.map(OsString::from).to_vec();
    words.extend([scene.root().join("trace").into(), "--".into()]);
    Ran::of(&mut sight::before_program(&scene.command(&["--format", "json", "rotate"]), &words))
}

#[test]
fn pieces_that_find_no_room_are_halved_and_those_that_free_nothing_end_it_where_none_can_be_tried() {
    if !needs::met(MOUNTS) || !needs::met(TRACES) {
        return;
    }
    // Of the second the first piece finds no room, and half of it does.
    for (told, free, all) in
        [(poor(6 * MIB), 24 << 10, false), (text_of("app", 2 * MIB), 4096, true), (poor(6 * MIB), 40 << 10, true)]
    {
        let disk = Recipe::new(Kind::Ext4).size(600 << 20).mount();
        let scene = Scenario::new().seeing().logs_in(disk.path()).plain_set("method = \"in-place\"");
        scene.append("app.log", &told);
        disk.fill_up_to(free - 4096);
        assert_eq!(disk.free(), free);
        let ran = guessed(&scene).exits(if all { 0 } else { 3 });
        assert!(scene.told_in_place("app.log", None) == told, "{ran:#?}");
        let pieces = scene.archives("app.log").len();
        if all {
            assert!((4..50).contains(&pieces) && disk.free() > 1 << 19, "{pieces} pieces, {} free", disk.free());
        } else {
            assert!(ran.reason("archive", "failed", "app.log").contains("frees more than its archive takes"), "{ran:#?}");
            assert!(pieces <= 3, "{pieces} pieces that free nothing");
        }
        scene.run(&["verify"]).exits(0);
    }
}

#[test]
fn logs_rotated_in_place_make_room_for_those_that_are_renamed() {
    if !needs::met(MOUNTS) {
        return;
    }
    // Large enough for blocks of 4 KiB.
    let disk = Recipe::new(Kind::Ext4).size(600 << 20).mount();
    let set = |name: &str, method: &str| {
        format!("[[log]]\nname = \"{name}\"\npaths = [\"{{logs}}/{name}.log\"]\nwhen = \"1 KiB\"\nmethod = \"{method}\"\n")
    };
    let words = format!("host = \"test\"\nlogrotate = \"\"\n{}{}", set("ren", "rename"), set("ip", "in-place"));
    let scene = Scenario::new().seeing().logs_in(disk.path()).settings(&words);
    let (ren, ip) = (text("ren", 4 * MIB), text("ip", 20 * MIB));
    scene.append("ren.log", &ren);
    scene.append("ip.log", &ip);
    disk.fill_up_to(0);
    assert!(disk.free() <= 4096, "{}", disk.free());
    let ran = scene.rotate().exits(0);
    assert_eq!(ran.steps("archive", "failed").len(), 0, "{ran:#?}");
    assert!(scene.told_in_place("ip.log", None) == ip);
    assert!(crate::support::stories::told(&scene.live("ren.log"), None) == ren);
    scene.run(&["verify"]).exits(0);
}

/// Lines that become about three quarters of their size.
fn poor(bytes: usize) -> Vec<u8> {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut dice = Dice::seeded(64);
    let sign = |at: usize, dice: &mut Dice| if at % 77 == 76 { b'\n' } else { SIGNS[usize::try_from(dice.below(64)).unwrap()] };
    (0..bytes - bytes % 77).map(|at| sign(at, &mut dice)).collect()
}

#[test]
fn lines_that_hardly_get_smaller_say_what_they_need_and_with_that_they_finish() {
    if !needs::met(MOUNTS) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).size(600 << 20).mount();
    let scene = Scenario::new().seeing().logs_in(disk.path()).plain_set("method = \"in-place\"\nkeep = { count = 2 }");
    let told = poor(6 * MIB);
    scene.append("app.log", &told);
    disk.fill_up_to(0);
    assert_eq!(disk.free(), 4096);
    let ran = scene.rotate().exits(3);
    let why = ran.reason("archive", "failed", "app.log");
    let needs = why.split("takes needs ").nth(1).and_then(|rest| rest.split(".0 KiB, with 4.0 KiB free").next());
    let needs: u64 = needs.unwrap_or_else(|| panic!("{why}")).parse::<u64>().unwrap_or_else(|_| panic!("{why}")) << 10;
    assert!((16 << 10..=24 << 10).contains(&needs), "{why}");
    assert!(scene.files().len() == 1 && fs::read(scene.live("app.log")).unwrap() == told);
    assert_eq!(disk.free(), 4096);

    disk.fill_up_to(needs - 4096);
    assert_eq!(disk.free(), needs);
    let ran = scene.rotate().exits(0).says("logs.in-pieces");
    assert!(scene.told_in_place("app.log", None) == told);
    let pieces = scene.archives("app.log").len();
    let free = disk.free();
    crate::support::say(&format!(
        "6 MB that hardly get smaller, {needs} bytes free: {pieces} pieces, {free} free, {:?}",
        ran.took
    ));
    assert!(free > 1 << 20 && pieces < 100, "{pieces} pieces, {free} free");
    scene.run(&["verify"]).exits(0);
}

/// Its folder cannot be made durable, so no record of that run may speak of it; the other log's pieces go on.
#[test]
fn what_is_left_after_each_piece_is_recorded_whatever_becomes_of_another_logs_folder() {
    if !needs::met(MOUNTS) || !needs::met(TRACES) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).size(600 << 20).mount();
    let words = "method = \"in-place\"\npaths = [\"{logs}/*/*.log\"]\nwhen = \"1 KiB\"";
    let scene = Scenario::new().seeing().logs_in(disk.path()).set(words);
    let logs = [("broken/small.log", text("small", 12_000)), ("large/large.log", text("large", 6 * MIB))];
    for (name, told) in &logs {
        fs::create_dir(scene.live(name).parent().unwrap()).unwrap();
        scene.append(name, told);
    }
    disk.fill_up_to(20 << 10);
    let (real, note) = (scene.command(&["--format", "json", "rotate"]), scene.root().join("trace"));
    let broken = scene.live("broken");
    let mut words = ["strace", "-f", "-qq", "-o"].map(OsString::from).to_vec();
    words.extend([note.as_os_str().into(), "-P".into(), broken.as_os_str().into()]);
    words.extend(["-e", "inject=fsync:error=EIO", "--"].map(OsString::from));
    let ran = Ran::of(&mut sight::before_program(&real, &words)).exits(3).says("logs.in-pieces");
    let refused = fs::read_to_string(note).unwrap().matches("(INJECTED)").count();
    assert!(refused > 0, "{ran:#?}");
    assert!(ran.reason("archive", "failed", "small.log").contains("input/output error"), "{ran:#?}");
    for turn in 0..2 {
        for (name, told) in &logs {
            assert!(turn == 0 && name.starts_with("broken") || scene.told_in_place(name, None) == *told, "{name} {turn}");
        }
        scene.rotate().exits(0);
    }
    scene.run(&["verify"]).exits(0);
}

/// As on a disk that an ordinary user filled: what ext4 keeps for root is free, and root is who rotates.
#[test]
fn what_a_disk_keeps_for_root_is_room_for_an_archive_that_root_makes() {
    if !needs::met(MOUNTS) || !needs::met(&[Need::Root]) {
        return;
    }
    let disk = Recipe::new(Kind::Ext4).size(600 << 20).reserved(5).mount();
    let scene = Scenario::new().seeing().logs_in(disk.path()).plain_set("method = \"in-place\"");
    let told = text("app", 20 * MIB);
    scene.append("app.log", &told);
    let filler = disk.fill_up_to(0);
    let last = |filler: &mut File| filler.write_all(&[0x5a; 4096]).and_then(|()| filler.sync_data());
    files::with(File::options().append(true), filler, last).unwrap();
    assert_eq!(disk.free(), 0);
    let ran = scene.rotate().exits(0);
    assert!(!ran.stdout.contains("logs.in-pieces"), "{ran:#?}");
    assert!(scene.told_in_place("app.log", None) == told);
    assert!(disk.free() > 10 << 20, "{}", disk.free());
    scene.run(&["verify"]).exits(0).says("1 of 1");
}

/// What goes from the log makes no room there.
#[test]
fn where_archives_are_on_another_disk_that_is_full_the_log_stays_whole_and_says_what_it_needs() {
    if !needs::met(MOUNTS) {
        return;
    }
    let [logs, kept] = [(); 2].map(|()| Recipe::new(Kind::Ext4).mount());
    let words = format!("method = \"in-place\"\narchive-dir = \"{}\"", kept.path().display());
    let scene = Scenario::new().seeing().logs_in(logs.path()).plain_set(&words);
    let told = text("app", 4 * MIB);
    scene.append("app.log", &told);
    let filler = kept.fill_up_to(256 << 10);
    let free = kept.free();
    let ran = scene.rotate().exits(3);
    let why = ran.reason("archive", "failed", "app.log");
    let needs =
        format!("it needs up to 4.1 MiB, with {}.0 KiB free at first (hint: free that much where its archives go)", free >> 10);
    assert!(why.contains(&needs), "{why}");
    assert!(fs::read(scene.live("app.log")).unwrap() == told && kept.free() == free, "{ran:#?}");
    let intents = fs::read_to_string(scene.ledger()).unwrap().matches("\"line\":\"entry\"").count();
    assert_eq!(intents, 1, "tried once");
    fs::remove_file(filler).unwrap();
    scene.rotate().exits(0);
    scene.run(&["verify"]).exits(0).says("1 of 1");
}
