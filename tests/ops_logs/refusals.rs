//! Logs that cannot be rotated in place: skipped with the reason and what to do instead, exit 3, and not a byte of them changes.

use std::{
    fs::{self, File},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    in_place::{IN_PLACE, assert_told, scene, write},
    support::{
        files,
        filesystem::{Kind, Recipe},
        needs::{self, MOUNTS, Need},
        process::{Process, try_run},
        scenario::{Ran, Scenario, text_of},
        sight,
        stories::{NOBODY, holder, own_name, tool},
    },
};

/// A log that is about to be refused, as it is.
struct Untouched {
    path: PathBuf,
    text: Vec<u8>,
    meta: (u64, u64, u64, i64),
    files: Vec<String>,
}

impl Untouched {
    fn of(scene: &Scenario, log: &str) -> Untouched {
        let path = scene.live(log);
        // So that its blocks have their place on the disk.
        File::open(&path).and_then(|file| file.sync_all()).unwrap();
        Untouched { text: fs::read(&path).unwrap(), meta: meta(&path), path, files: scene.names("") }
    }

    /// Panics unless it was skipped with this reason and this advice, exit 3, and nothing changed.
    #[track_caller]
    fn refused(&self, scene: &Scenario, ran: Ran, why: &str, hint: &str) {
        let log = self.path.file_name().unwrap().to_str().unwrap();
        let reason = ran.exits(3).reason("rotate", "skipped", log);
        let (told, advice) = reason.split_once(" (hint: ").unwrap_or_else(|| panic!("it does not say what to do: {reason}"));
        assert!(told.contains(why) && advice.contains(hint), "{reason}");
        assert!(fs::read(&self.path).unwrap() == self.text, "{log}: its bytes changed");
        assert_eq!(meta(&self.path), self.meta, "{log}: inode, length, blocks, last write");
        assert_eq!(scene.names(""), self.files, "beside {log}");
    }
}

/// Inode, length, blocks, last write. Attributes may change: `chattr` does that.
fn meta(path: &Path) -> (u64, u64, u64, i64) {
    let meta = fs::metadata(path).unwrap();
    (meta.ino(), meta.len(), meta.blocks(), meta.mtime_nsec())
}

#[test]
fn a_writer_that_does_not_append_is_named_and_nothing_is_touched() {
    let Some(scene) = scene() else { return };
    let mut told = Vec::new();
    write(&scene, &mut told, &text_of("app", 30_000));
    let writer = holder(&scene.live("app.log"), File::options().write(true));
    let log = Untouched::of(&scene, "app.log");
    for words in ["plan", "rotate"] {
        let ran = scene.run(&["--format", "json", words]).says(&format!("(pid {})", writer.id()));
        log.refused(&scene, ran, "without O_APPEND", "method = \"rename\"");
    }
    drop(writer);
    scene.rotate().exits(0);
    assert_told(&scene, &told);
}

#[test]
fn a_writer_that_has_it_mapped_is_named() {
    let Some(scene) = scene() else { return };
    if !needs::met(&[Need::Program("python3")]) {
        return;
    }
    let name = own_name("mapped");
    scene.append(&name, text_of("app", 30_000));
    let program = "import ctypes, os, sys, time\nmmap = ctypes.CDLL(None).mmap\nmmap.restype = ctypes.c_void_p\n\
                   mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]\n\
                   f = os.open(sys.argv[1], os.O_RDWR)\nm = mmap(None, 4096, 3, 1, f, 0)\nos.close(f)\n\
                   open(sys.argv[2], 'w').close()\ntime.sleep(600)";
    let ready = scene.root().join("ready");
    let mut command = Command::new("python3");
    let mapper = Process::start(command.args(["-c", program]).arg(scene.live(&name)).arg(&ready));
    crate::support::wait_until("the mapping", Duration::from_secs(20), || ready.exists());
    let log = Untouched::of(&scene, &name);
    for words in ["plan", "rotate"] {
        let ran = scene.run(&["--format", "json", words]);
        log.refused(&scene, ran, "mapped into memory", "method = \"rename\"");
    }
    drop(mapper);
    scene.rotate().exits(0);
}

/// A file that the kernel swaps to, until it is dropped, also by a panic.
struct SwapSpace(PathBuf);

impl SwapSpace {
    fn on(path: PathBuf) -> SwapSpace {
        let space = SwapSpace(path);
        tool("swapon", &[], &space.0);
        space
    }
}

impl Drop for SwapSpace {
    fn drop(&mut self) {
        // When it never came to be on there is nothing to end.
        let _ = try_run("swapoff", &[self.0.as_os_str()]);
    }
}

#[test]
fn a_swap_file_is_no_log() {
    if !needs::met(MOUNTS) || !needs::met(&[Need::Program("mkswap"), Need::Program("swapon"), Need::Program("swapoff")]) {
        return;
    }
    for kind in [Kind::Ext4, Kind::Xfs] {
        let disk = Recipe::new(kind).mount();
        let scene = Scenario::new().seeing().logs_in(disk.path()).plain_set(IN_PLACE);
        // Behind its first page there are lines, so that something could go.
        scene.append("app.log", text_of("app", 1 << 20));
        fs::set_permissions(scene.live("app.log"), fs::Permissions::from_mode(0o600)).unwrap();
        tool("mkswap", &[], &scene.live("app.log"));
        let space = SwapSpace::on(scene.live("app.log"));
        let log = Untouched::of(&scene, "app.log");
        for words in ["plan", "rotate"] {
            let ran = scene.run(&["--format", "json", words]);
            log.refused(&scene, ran, "swap space", "exclude it: a swap file is no log");
        }
        drop(space);
        let swaps = fs::read_to_string("/proc/swaps").unwrap();
        assert!(!swaps.contains(scene.live("app.log").to_str().unwrap()), "{swaps}");
        scene.rotate().exits(0);
        assert_eq!(scene.archives("app.log").len(), 1, "nothing else was in the way");
    }
}

#[test]
fn a_locked_log_is_left_alone() {
    let Some(scene) = scene() else { return };
    for flag in ["i", "a"] {
        scene.append("app.log", text_of("app", 30_000));
        let log = Untouched::of(&scene, "app.log");
        tool("chattr", &[&format!("+{flag}")], &log.path);
        let runs = ["plan", "rotate"].map(|words| scene.run(&["--format", "json", words]));
        tool("chattr", &[&format!("-{flag}")], &log.path);
        for ran in runs {
            log.refused(&scene, ran, "immutable or append-only", "chattr -i -a");
        }
    }
}

#[test]
fn who_cannot_see_every_process_refuses() {
    let Some(scene) = scene() else { return };
    scene.append("app.log", text_of("app", 30_000));
    let scene = scene.open_root().owned("logs", NOBODY, NOBODY).owned("logs/app.log", NOBODY, NOBODY);
    let log = Untouched::of(&scene, "app.log");
    let command = scene.command(&["--format", "json", "rotate"]);
    let words = |words: &[&str]| words.iter().map(std::ffi::OsString::from).collect::<Vec<_>>();
    let stranger = Process::start(Command::new("setpriv").args(["--reuid=12345", "--clear-groups", "sleep", "600"]));
    let without = words(&["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace", "--"]);
    let ran = Ran::of(&mut sight::before_program(&command, &without));
    log.refused(&scene, ran, "not every process may be looked into, such as ", "CAP_SYS_PTRACE");
    let hidden = words(&["unshare", "--pid", "--fork", "--mount-proc", "--"]);
    let ran = Ran::of(&mut sight::before_program(&command, &hidden));
    log.refused(&scene, ran, "PID namespace", "on the host itself");
    drop(stranger);
    for file in fs::read_dir(scene.state()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    let scene = scene.owned("settings.toml", NOBODY, NOBODY).owned("state", NOBODY, NOBODY);
    let ran = scene.run_as(NOBODY, &["--format", "json", "rotate"]);
    log.refused(&scene, ran, "not every process may be looked into, such as ", "CAP_SYS_PTRACE");
}

#[test]
fn a_file_system_that_cannot_do_it_is_refused_unless_a_hole_will_do() {
    if !needs::met(MOUNTS) || !needs::met(&[Need::Kernel(Kind::Btrfs), Need::Program("mkfs.btrfs")]) {
        return;
    }
    let disk = Recipe::new(Kind::Btrfs).mount();
    holes(&disk.path(), || drop(tool("sync", &["-f"], &disk.path())));
}

#[test]
fn on_tmpfs_it_is_refused_unless_a_hole_will_do() {
    if !needs::met(MOUNTS) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    tool("mount", &["-t", "tmpfs", "tmpfs"], home.path());
    let told = std::panic::catch_unwind(|| holes(home.path(), || ()));
    tool("umount", &["-l"], home.path());
    told.unwrap_or_else(|why| std::panic::resume_unwind(why));
}

#[test]
fn where_not_one_more_file_can_be_made_a_hole_does_as_ever() {
    if !needs::met(MOUNTS) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    tool("mount", &["-t", "tmpfs", "-o", "nr_inodes=20", "tmpfs"], home.path());
    let told = std::panic::catch_unwind(|| {
        let scene = Scenario::new().seeing().logs_in(home.path());
        fs::create_dir(scene.root().join("kept")).unwrap();
        let scene = scene.plain_set(&format!("{IN_PLACE}\npunch-hole = true\narchive-dir = \"{{root}}/kept\""));
        scene.append("app.log", text_of("first", 1 << 20));
        let more = (0..20).take_while(|number| files::write(home.path().join(number.to_string()), "").is_ok()).count();
        assert!(more < 20, "there is an inode left");
        scene.rotate().exits(0);
        assert!(fs::metadata(scene.live("app.log")).unwrap().blocks() * 512 < 32 << 10);
        scene.run(&["verify"]).exits(0).says("1 of 1");
    });
    tool("umount", &["-l"], home.path());
    told.unwrap_or_else(|why| std::panic::resume_unwind(why));
}

fn holes(disk: &Path, sync: impl Fn()) {
    let scene = Scenario::new().seeing().logs_in(disk).plain_set(IN_PLACE);
    let mut told = Vec::new();
    write(&scene, &mut told, &text_of("first", 1 << 20));
    let log = Untouched::of(&scene, "app.log");
    for words in ["plan", "rotate"] {
        log.refused(&scene, scene.run(&["--format", "json", words]), "cannot take the head of a file away", "punch-hole = true");
    }
    let scene = scene.plain_set(&format!("{IN_PLACE}\npunch-hole = true"));
    for turn in 1..4 {
        scene.rotate().exits(0);
        sync();
        assert_told(&scene, &told);
        let meta = fs::metadata(scene.live("app.log")).unwrap();
        assert_eq!(meta.len(), told.len() as u64);
        assert!(meta.blocks() * 512 < 32 << 10, "{} blocks are still taken", meta.blocks());
        assert_eq!(scene.archives("app.log").len(), turn);
        // What is archived is not counted: it is not due by its length.
        assert_eq!(scene.rotate().exits(0).steps("archive", "done").len(), 0);
        write(&scene, &mut told, &text_of(&format!("turn {turn}"), 200_000));
        assert_told(&scene, &told);
    }
    scene.run(&["verify"]).exits(0).says("3 of 3");
}

#[test]
fn a_log_that_is_mounted_by_itself_is_named() {
    let Some(scene) = scene() else { return };
    // Where another file system cuts other blocks.
    let disk = Recipe::new(Kind::Ext4).mount();
    let real = disk.path().join("real.log");
    files::write(&real, text_of("app", 30_000)).unwrap();
    scene.append("app.log", "");
    let live = scene.live("app.log");
    try_run("mount", &["--bind".as_ref(), real.as_os_str(), live.as_os_str()]).unwrap();
    let log = Untouched::of(&scene, "app.log");
    let runs = ["plan", "rotate"].map(|words| scene.run(&["--format", "json", words]));
    tool("umount", &["-l"], &log.path);
    assert!(fs::read(&real).unwrap() == log.text, "not touched");
    for ran in runs {
        let reason = ran.exits(3).reason("rotate", "skipped", "app.log");
        assert!(reason.contains("mounted there by itself") && reason.contains("(hint: name it where it really is)"), "{reason}");
    }
}
