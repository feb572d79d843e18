//! Lets a run look into every process, as root may on an ordinary machine: on some, process 1 is closed to root too.
//!
//! There the run gets a mount namespace of its own, in which that process holds no file. Elsewhere it runs as it is.

use std::{
    ffi::{OsStr, OsString},
    fs,
    iter::once,
    path::{Path, PathBuf},
    process::Command,
};

/// The words before the folder that stands for process 1.
const WRAPPER: [&str; 5] = ["unshare", "--mount", "sh", "-c", "mount --bind \"$0\" /proc/1 && exec \"$@\""];

/// A process that holds nothing, in a folder below `root`; none where it is not needed.
pub fn prepare(root: &Path) -> Option<PathBuf> {
    if fs::read("/proc/1/maps").is_ok() {
        return None;
    }
    let blank = root.join("blank-process");
    for folder in ["fd", "task/1"] {
        fs::create_dir_all(blank.join(folder)).expect("a writable tree");
    }
    for (name, text) in [("maps", ""), ("comm", "init\n"), ("stat", "1 (init) S 0 0 0 0 -1 4194560 0\n")] {
        fs::write(blank.join(name), text).expect("a writable tree");
    }
    Some(blank)
}

/// `command` where `blank` stands for process 1. Its environment is what was set for it and nothing else.
pub fn lend(command: &Command, blank: &Path) -> Command {
    let wrapper: Vec<OsString> = WRAPPER.iter().map(OsString::from).chain([blank.as_os_str().to_owned()]).collect();
    before_program(command, &wrapper)
}

/// `command` with more words before its program, but behind what [`lend`] put there: what they start looks alike.
pub fn before_program(command: &Command, words: &[OsString]) -> Command {
    let all: Vec<&OsStr> = once(command.get_program()).chain(command.get_args()).collect();
    let wrapped = if all[0] == WRAPPER[0] { WRAPPER.len() + 1 } else { 0 };
    let (outer, inner) = all.split_at(wrapped);
    let mut words = outer.iter().copied().chain(words.iter().map(OsString::as_os_str)).chain(inner.iter().copied());
    let mut made = Command::new(words.next().expect("a command has a program"));
    made.env_clear().args(words);
    for (name, value) in command.get_envs() {
        made.env(name, value.unwrap_or(OsStr::new("")));
    }
    made
}
