//! The swap itself: the fresh file stands exactly where the old one stood, and nothing is compressed while
//! anybody can still write to it.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    process::Command,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use crate::support::{
    files,
    filesystem::{Kind, Recipe},
    needs::{self, MOUNTS, Need, TRACES},
    process::Process,
    scenario::{DEADLINE, Ran, Scenario},
    stories::{DAEMON, NOBODY, holder, own_name, tool},
    strace::{self, Blow, Strike},
    wait_until,
};

#[test]
fn the_fresh_log_keeps_mode_owner_acl_and_attributes() {
    if !needs::met(&[Need::Root, Need::Program("setfacl"), Need::Program("setfattr")]) {
        return;
    }
    let scene =
        Scenario::new().plain_set("").log_of("app.log", 2000).owned("logs/app.log", NOBODY, DAEMON).mode("logs/app.log", 0o4642);
    let live = scene.live("app.log");
    tool("setfacl", &["-m", "u:1:rw,g:2:r"], &live);
    tool("setfattr", &["-n", "user.team", "-v", "payments"], &live);
    tool("setfattr", &["-n", "security.opsbelt", "-v", "system_u:object_r:var_log_t:s0"], &live);
    let shown = || (tool("getfacl", &["-pn"], &live), tool("getfattr", &["-d", "-m", "-"], &live));
    let (before, meta) = (shown(), fs::metadata(&live).unwrap());
    scene.rotate().exits(0);
    let after = fs::metadata(&live).unwrap();
    assert_eq!((after.mode(), after.uid(), after.gid()), (meta.mode(), NOBODY, DAEMON));
    assert_eq!(shown(), before);
    assert_ne!(after.ino(), meta.ino(), "it is a fresh file");
    assert_eq!(after.len(), 0);
}

#[test]
fn the_fresh_log_keeps_the_flags_that_somebody_set_and_gets_none_of_the_folders() {
    if !needs::met(MOUNTS) || !needs::met(&[Need::Program("chattr")]) {
        return;
    }
    for (kind, flags) in [(Kind::Ext4, "SAd"), (Kind::Xfs, "SA"), (Kind::Btrfs, "C"), (Kind::Btrfs, "cS")] {
        if !needs::met(&[Need::Kernel(kind)]) {
            continue;
        }
        let disk = Recipe::new(kind).mount();
        let scene = Scenario::new().logs_in(disk.path()).plain_set("").log("flags.log", "").log_of("none.log", 2000);
        tool("chattr", &[&format!("+{flags}")], &scene.live("flags.log"));
        scene.append("flags.log", "a line\n".repeat(500));
        let shown = |log: &str| tool("lsattr", &[], &scene.live(log)).split(' ').next().unwrap().to_owned();
        let before = [shown("flags.log"), shown("none.log")];
        assert!(flags.chars().all(|flag| before[0].contains(flag)), "{kind:?}: {before:?}");
        tool("chattr", &["+d"], scene.logs());
        scene.rotate().exits(0);
        assert_eq!([shown("flags.log"), shown("none.log")], before, "{kind:?}");
        let archive = shown(&scene.archives("flags.log")[0]);
        assert!(!archive.contains('S') && !archive.contains('A'), "{archive}: an archive is written once");
    }
}

#[test]
fn a_default_acl_of_the_folder_adds_nothing_to_the_fresh_log() {
    if !needs::met(&[Need::Program("setfacl")]) {
        return;
    }
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000).mode("logs/app.log", 0o600);
    tool("setfacl", &["-d", "-m", "u:1:rw"], scene.logs());
    scene.rotate().exits(0);
    let acl = tool("getfacl", &["-pn"], &scene.live("app.log"));
    assert!(!acl.contains("user:1"), "{acl}");
    assert_eq!(fs::metadata(scene.live("app.log")).unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn an_archive_is_readable_by_whoever_could_read_the_log_and_by_nobody_else() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000).mode("logs/app.log", 0o640);
    scene.rotate().exits(0);
    let archive = scene.live(&scene.archives("app.log")[0]);
    assert_eq!(fs::metadata(archive).unwrap().mode() & 0o7777, 0o640);
}

#[test]
fn an_archive_that_cannot_keep_an_attribute_keeps_the_mode_and_without_its_acl_it_is_ours_alone() {
    if !needs::met(MOUNTS) || !needs::met(&[Need::Program("setfattr"), Need::Program("setfacl")]) {
        return;
    }
    // So small that its blocks have 1 KiB, and no attribute takes more than a block.
    let disk = Recipe::new(Kind::Ext4).mount();
    let words = format!("archive-dir = \"{}\"", disk.path().display());
    let scene = Scenario::new().plain_set(&words).log_of("attribute.log", 2000).log_of("acl.log", 2000);
    let scene = scene.mode("logs/attribute.log", 0o640).mode("logs/acl.log", 0o640);
    tool("setfattr", &["-n", "user.big", "-v", &"x".repeat(2000)], &scene.live("attribute.log"));
    let acl: Vec<String> = (1000..1200).map(|user| format!("u:{user}:r")).collect();
    tool("setfacl", &["-m", &acl.join(",")], &scene.live("acl.log"));
    scene.rotate().exits(0);
    let mode = |log: &str| {
        let mut archives = fs::read_dir(disk.path()).unwrap().map(|entry| entry.unwrap());
        let archive = archives.find(|entry| entry.file_name().to_string_lossy().starts_with(log)).unwrap();
        archive.metadata().unwrap().mode() & 0o7777
    };
    assert_eq!((mode("attribute.log"), mode("acl.log")), (0o640, 0o600), "with an ACL the group's bits are its mask");
}

#[test]
fn the_live_path_never_vanishes_in_fifty_rotations() {
    let scene = Scenario::new().plain_set("compress = \"none\"");
    scene.append("app.log", "first\n");
    let (looks, missing, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                looks.fetch_add(1, Ordering::Relaxed);
                missing.fetch_add(u64::from(fs::symlink_metadata(scene.live("app.log")).is_err()), Ordering::Relaxed);
            }
        });
        for turn in 0..50 {
            scene.append("app.log", format!("{turn}\n"));
            let ran = scene.run(&["--format", "json", "rotate", "--force"]);
            if ran.steps("rotate", "done").len() != 1 {
                done.store(true, Ordering::Relaxed);
                panic!("turn {turn}: {ran:#?}");
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(looks.into_inner() > 1000);
    assert_eq!(missing.into_inner(), 0, "looks that found no live file");
    assert_eq!(scene.archives("app.log").len(), 50);
}

#[test]
fn nothing_is_compressed_while_a_writer_has_it_open_and_the_next_run_does_it() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    let writer = scene.writer("app.log");
    let first = scene.rotate().exits(0);
    assert_eq!(first.acts(), ["rotate done", "archive waiting"]);
    let why = first.reason("archive", "waiting", "-0001");
    assert!(why.contains(&format!("sleep (pid {})", writer.id())), "it names the writer: {why}");
    let rotated = scene.archives("app.log");
    assert_eq!(rotated.len(), 1);
    assert!(rotated[0].ends_with("-0001"), "{rotated:?}");
    scene.append(&rotated[0], "late line\n");
    assert_eq!(scene.rotate().exits(0).acts(), ["archive waiting"], "still open");
    drop(writer);
    assert_eq!(scene.rotate().exits(0).acts(), ["archive done"]);
    assert_eq!(scene.archives("app.log"), [format!("{}.zst", rotated[0])]);
    assert!(scene.told("app.log").ends_with(b"late line\n"));
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
}

/// A run that cannot remove the uncompressed file leaves it to the next one; and meanwhile somebody writes to it.
#[test]
fn what_grew_after_it_was_archived_is_archived_anew() {
    if !needs::met(TRACES) {
        return;
    }
    for compress in ["zstd", "gzip"] {
        let scene = Scenario::new().plain_set(&format!("compress = \"{compress}\"")).log_of("app.log", 2000);
        let strike = Strike { call: "unlinkat".to_owned(), rank: 1, blow: Blow::Error("EIO") };
        let broken: Ran = strace::run(&scene.command(&["--format", "json", "rotate"]), Some(&strike)).ended.into();
        assert_eq!(broken.exits(3).acts(), ["rotate done", "release failed"]);
        let rotated = scene.archives("app.log")[0].clone();
        scene.append(&rotated, b"a late line\n");
        let all = fs::read(scene.live(&rotated)).unwrap();
        let ran = scene.rotate().exits(0);
        assert!(ran.reason("release", "waiting", &rotated).contains("the next run archives it anew"), "{ran:#?}");
        assert_eq!(scene.rotate().exits(0).acts(), ["archive done"], "{compress}");
        assert_eq!(scene.told("app.log"), all, "{compress}");
        scene.run(&["verify"]).exits(0);
        assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    }
}

#[test]
fn a_descriptor_inherited_by_a_child_counts_as_a_writer() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    let child = holder(&scene.live("app.log"), fs::File::options().read(true).write(true));
    let first = scene.rotate().exits(0);
    assert!(first.reason("archive", "waiting", "-0001").contains("sleep (pid"), "{first:#?}");
    drop(child);
    assert_eq!(scene.rotate().exits(0).acts(), ["archive done"]);
}

/// Maps a file, closes it, and says so by standing in /proc until it is ended.
const MAPPER: &str = "#include <fcntl.h>\n#include <sys/mman.h>\n#include <unistd.h>\nint main(int c, char **v) { int f = open(v[1], O_RDWR); \
    mmap(0, 1, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0); close(f); sleep(600); return c; }\n";

/// On an overlay the mapping holds the file below, which no lease on the one above sees.
#[test]
fn a_writer_that_has_it_only_mapped_counts() {
    if !needs::met(MOUNTS) || !needs::met(&[Need::Program("cc"), Need::Kernel(Kind::Overlay)]) {
        return;
    }
    let tools = tempfile::tempdir().unwrap();
    files::write(tools.path().join("mapper.c"), MAPPER).unwrap();
    let program = tools.path().join("mapper");
    tool("cc", &["-o", program.to_str().unwrap()], &tools.path().join("mapper.c"));
    let log = own_name("only-mapped");
    for (kind, owner) in [(Kind::Ext4, 0), (Kind::Overlay, 0), (Kind::Overlay, NOBODY)] {
        let disk = Recipe::new(kind).mount();
        let scene = Scenario::new().logs_in(disk.path()).plain_set("").log_of(&log, 2000);
        for path in [scene.logs(), &scene.live(&log)] {
            std::os::unix::fs::chown(path, Some(owner), Some(owner)).unwrap();
        }
        let mapper = Process::start(Command::new(&program).arg(scene.live(&log)));
        let fds = format!("/proc/{}/fd", mapper.id());
        let holds = |fd: std::io::Result<fs::DirEntry>| fs::read_link(fd.unwrap().path()).is_ok_and(|to| to == scene.live(&log));
        let maps = || fs::read_to_string(format!("/proc/{}/maps", mapper.id())).unwrap();
        wait_until("the mapping", DEADLINE, || maps().contains("rw-s"));
        wait_until("the closing", DEADLINE, || !fs::read_dir(&fds).unwrap().any(holds));
        let first = scene.rotate().exits(0);
        assert_eq!(first.acts(), ["rotate done", "archive waiting"], "{kind:?} of {owner}: {first:#?}");
        let why = first.reason("archive", "waiting", "-0001");
        assert!(kind == Kind::Ext4 || why.starts_with(&format!("mapper (pid {})", mapper.id())), "{why}");
        drop(mapper);
        let second = scene.rotate().exits(0);
        assert_eq!(second.acts(), ["archive done"], "{kind:?} of {owner}: {second:#?}");
    }
}

#[test]
fn a_reader_holds_nothing_up() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000);
    let _reader = fs::File::open(scene.live("app.log")).unwrap();
    assert_eq!(scene.rotate().exits(0).acts(), ["rotate done", "archive done"]);
}

#[test]
fn older_archives_stay_while_the_rotation_of_their_log_is_not_finished() {
    let scene = Scenario::new().plain_set("keep = { count = 1 }").log_of("app.log", 2000);
    scene.rotate().exits(0);
    scene.append("app.log", vec![b'x'; 2000]);
    let writer = scene.writer("app.log");
    let ran = scene.rotate().exits(0);
    assert_eq!(ran.acts(), ["rotate done", "archive waiting"]);
    assert_eq!(scene.archives("app.log").len(), 2, "the old archive is still there");
    drop(writer);
    assert_eq!(scene.rotate().exits(0).acts(), ["archive done", "remove done"]);
    assert_eq!(scene.archives("app.log").len(), 1);
}
