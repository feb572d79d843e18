//! Stories about open files, on the real /proc and on fabricated ones.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::{MetadataExt, symlink},
};

use super::*;

struct Holder {
    pid: u32,
    command: String,
    target: Option<Target>,
    access: Option<Access>,
    allocated: u64,
}

/// Who has `file` open.
fn find(proc: &Path, file: &File) -> Vec<Holder> {
    let wanted = file.metadata().unwrap();
    let mut found = Vec::new();
    each(proc, &mut |open| {
        if open.id == (FileId { dev: wanted.dev(), ino: wanted.ino() }) {
            let (target, access) = (open.target(), open.access());
            found.push(Holder { pid: open.pid, command: open.command.to_owned(), target, access, allocated: open.allocated });
        }
    });
    found
}

/// A /proc with one process of our choice, which holds what this test process holds.
fn fabricated(pid: u32, comm: &str) -> tempfile::TempDir {
    let proc = tempfile::tempdir().unwrap();
    let process = proc.path().join(pid.to_string());
    fs::create_dir_all(process.join("task").join(pid.to_string())).unwrap();
    fs::write(process.join("comm"), format!("{comm}\n")).unwrap();
    symlink("/proc/self/fd", process.join("fd")).unwrap();
    symlink("/proc/self/fdinfo", process.join("fdinfo")).unwrap();
    proc
}

/// A process whose descriptors nobody may list, not even root.
fn refused(proc: &Path, pid: &str, stat: &str) {
    fs::create_dir_all(proc.join(pid).join("task").join(pid)).unwrap();
    fs::write(proc.join(pid).join("fd"), "").unwrap();
    fs::write(proc.join(pid).join("stat"), stat).unwrap();
}

#[test]
fn a_writer_is_found_with_its_mode_and_the_name() {
    let tree = tempfile::tempdir().unwrap();
    let path = tree.path().join("a.log");
    let file = OpenOptions::new().append(true).create(true).open(&path).unwrap();
    // A child that another test is just starting has it too.
    let mut found = find(Path::new("/proc"), &file);
    found.retain(|holder| holder.pid == std::process::id());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].target, Some(Target::Named(path)));
    assert_eq!(found[0].access, Some(Access::Append));
}

#[test]
fn each_mode_is_told_apart() {
    let tree = tempfile::tempdir().unwrap();
    let path = tree.path().join("a.log");
    let proc = fabricated(7, "writer");
    let access = |file: File| find(proc.path(), &file)[0].access;
    assert_eq!(access(File::create(&path).unwrap()), Some(Access::Write));
    assert_eq!(access(OpenOptions::new().read(true).write(true).open(&path).unwrap()), Some(Access::Write));
    assert_eq!(access(OpenOptions::new().read(true).append(true).open(&path).unwrap()), Some(Access::Append));
    assert_eq!(access(File::open(&path).unwrap()), Some(Access::Read));
    let only_named = rustix::fs::open(&path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
    assert_eq!(access(File::from(only_named)), Some(Access::Read));
}

#[test]
fn a_deleted_file_keeps_its_name_and_its_space() {
    let tree = tempfile::tempdir().unwrap();
    let path = tree.path().join("gone.log");
    fs::write(&path, [1; 8192]).unwrap();
    let file = File::open(&path).unwrap();
    file.sync_all().unwrap();
    fs::remove_file(&path).unwrap();
    let proc = fabricated(7, "java");
    let found = find(proc.path(), &file);
    assert_eq!((found[0].pid, found[0].command.as_str()), (7, "java"));
    assert_eq!(found[0].target, Some(Target::Deleted(path)));
    assert_eq!(found[0].access, Some(Access::Read));
    assert!(found[0].allocated >= 8192);
}

#[test]
fn a_file_that_is_called_deleted_is_not() {
    let tree = tempfile::tempdir().unwrap();
    let path = tree.path().join("sly.log (deleted)");
    let file = File::create(&path).unwrap();
    let proc = fabricated(7, "sly");
    assert_eq!(find(proc.path(), &file)[0].target, Some(Target::Named(path)));
}

#[test]
fn a_process_that_we_may_not_see_is_counted_and_nobody_is_not_believed() {
    let proc = fabricated(1, "ours");
    pid_namespace(proc.path(), "pid:[4026531836]");
    assert!(each(proc.path(), &mut |_| {}).is_whole());
    refused(proc.path(), "8", "8 (a) Z (b) S 1 1 1 0 -1 4194560 0");
    let coverage = each(proc.path(), &mut |_| {});
    assert_eq!((coverage.processes, coverage.unreadable), (1, 1));
    assert!(!coverage.is_whole());
    assert_eq!(coverage.first_unreadable.as_deref(), Some("pid 8"), "it does not tell its name");
    refused(proc.path(), "9", "9 (b) S 1 1 1 0 -1 0 0");
    fs::write(proc.path().join("8/comm"), "sly daemon\n").unwrap();
    fs::write(proc.path().join("9/comm"), "sly daemon\n").unwrap();
    let named = each(proc.path(), &mut |_| {}).first_unreadable.unwrap();
    assert!(["sly daemon (pid 8)", "sly daemon (pid 9)"].contains(&named.as_str()), "{named}");
}

#[test]
fn kernel_threads_and_zombies_hold_nothing() {
    let proc = fabricated(7, "ours");
    refused(proc.path(), "8", "8 (kworker/0:1) I 2 0 0 0 -1 69238880 0");
    refused(proc.path(), "9", "9 (dead) Z 1 9 9 0 -1 4227084 0");
    assert_eq!(each(proc.path(), &mut |_| {}).unreadable, 0);
}

/// Numbers that no thread of the machine has: the kernel cannot say that they share anything.
const NOBODYS: [u32; 2] = [5_000_001, 5_000_002];

/// Lets a thread of process 7 hold what this test process holds.
fn threaded(proc: &Path, thread: u32) -> std::path::PathBuf {
    let folder = proc.join("7/task").join(thread.to_string());
    fs::create_dir_all(&folder).unwrap();
    symlink("/proc/self/fd", folder.join("fd")).unwrap();
    symlink("/proc/self/fdinfo", folder.join("fdinfo")).unwrap();
    folder
}

#[test]
fn what_only_a_thread_has_open_is_its_process() {
    let file = tempfile::tempfile().unwrap();
    let proc = fabricated(7, "java");
    fs::remove_file(proc.path().join("7/fd")).unwrap();
    fs::create_dir(proc.path().join("7/fd")).unwrap();
    assert!(find(proc.path(), &file).is_empty());
    threaded(proc.path(), NOBODYS[0]);
    let found = find(proc.path(), &file);
    assert_eq!((found.len(), found[0].pid, found[0].command.as_str()), (1, 7, "java"));
    assert_eq!(found[0].access, Some(Access::Write));
    // Its first thread ended alone: an ordinary user is refused there.
    fs::remove_dir(proc.path().join("7/fd")).unwrap();
    fs::write(proc.path().join("7/fd"), "").unwrap();
    fs::write(proc.path().join("7/stat"), "7 (java) Z 1 9 9 0 -1 4227084 0").unwrap();
    assert_eq!(find(proc.path(), &file).len(), 1);
}

#[test]
fn threads_that_share_their_descriptors_are_looked_at_once() {
    let file = tempfile::tempfile().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let other = std::thread::spawn(move || {
        tell.send(rustix::thread::gettid().as_raw_nonzero().get()).unwrap();
        ended.recv()
    });
    let thread = told.recv().unwrap();
    assert!(Path::new("/proc/self/task").join(thread.to_string()).exists());
    let ours = find(Path::new("/proc"), &file).iter().filter(|holder| holder.pid == std::process::id()).count();
    assert_eq!(ours, 1);
    drop(end);
    let _ = other.join().unwrap();
}

#[test]
fn a_thread_that_may_not_be_looked_into_leaves_it_open_and_one_that_ended_does_not() {
    let proc = fabricated(7, "java");
    let seen = || each(proc.path(), &mut |_| {});
    fs::create_dir(proc.path().join("7/task").join(NOBODYS[0].to_string())).unwrap();
    assert_eq!((seen().unreadable, seen().threads), (0, 1), "nothing is there of it any more");
    let folder = threaded(proc.path(), NOBODYS[1]);
    fs::remove_file(folder.join("fd")).unwrap();
    fs::write(folder.join("fd"), "").unwrap();
    assert_eq!((seen().unreadable, seen().first_unreadable.as_deref()), (1, Some("java (pid 7)")));
    fs::write(folder.join("stat"), "7 (java) Z 1 9 9 0 -1 4227084 0").unwrap();
    assert_eq!(seen().unreadable, 0, "a zombie holds nothing");
}

#[test]
fn a_process_that_does_not_tell_its_threads_may_not_be_looked_into() {
    let proc = fabricated(7, "java");
    fs::write(proc.path().join("7/stat"), "7 (java) S 1 9 9 0 -1 4227084 0").unwrap();
    let unreadable = || each(proc.path(), &mut |_| {}).unreadable;
    assert_eq!(unreadable(), 0);
    fs::remove_dir(proc.path().join("7/task/7")).unwrap();
    assert_eq!(unreadable(), 1, "not even its first");
    fs::remove_dir(proc.path().join("7/task")).unwrap();
    assert_eq!(unreadable(), 1);
}

#[test]
fn another_namespace_is_not_the_whole_machine() {
    let proc = fabricated(1, "init");
    pid_namespace(proc.path(), "pid:[4026532123]");
    assert!(!each(proc.path(), &mut |_| {}).is_whole());
}

#[test]
fn hidden_processes_are_not_the_whole_machine() {
    let proc = fabricated(77, "ours");
    pid_namespace(proc.path(), "pid:[4026531836]");
    assert!(!each(proc.path(), &mut |_| {}).is_whole());
}

#[test]
fn bounds_end_the_walk_and_say_so() {
    let proc = fabricated(7, "ours");
    fs::create_dir(proc.path().join("7/task/8")).unwrap();
    symlink(proc.path().join("7"), proc.path().join("8")).unwrap();
    let few = each_within(proc.path(), Bounds { processes: 1, ..Bounds::default() }, &mut |_| {});
    assert_eq!((few.processes, few.stopped_early), (1, true));
    refused(proc.path(), "9", "9 (a) S 1 1 1 0 -1 0 0");
    refused(proc.path(), "10", "10 (b) S 1 1 1 0 -1 0 0");
    let denied = each_within(proc.path(), Bounds { processes: 3, ..Bounds::default() }, &mut |_| {});
    assert_eq!((denied.processes + denied.unreadable, denied.stopped_early), (3, true));
    let one = each_within(proc.path(), Bounds { descriptors: 1, ..Bounds::default() }, &mut |_| {});
    assert_eq!((one.descriptors, one.stopped_early), (1, true));
    let first = each_within(proc.path(), Bounds { threads: 1, ..Bounds::default() }, &mut |_| {});
    assert_eq!((first.threads, first.stopped_early), (1, true));
}

#[test]
fn no_proc_is_no_answer() {
    assert!(!each(Path::new("/nonexistent"), &mut |_| {}).is_whole());
}

fn pid_namespace(proc: &Path, name: &str) {
    fs::create_dir_all(proc.join("self/ns")).unwrap();
    symlink(name, proc.join("self/ns/pid")).unwrap();
}
