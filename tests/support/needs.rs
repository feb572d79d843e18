//! What a test needs from the machine: root, programs, kernel features.
//!
//! Without it a test says why it is skipped and returns; under `CI=true` it fails instead, because a
//! skipped test proves nothing. Only what the kernel was built without may be skipped there too.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::{filesystem::Kind, say};

/// One thing that must be there.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    /// The test mounts, or becomes another user.
    Root,
    /// On the `PATH` or in the system's `sbin` folders.
    Program(&'static str),
    /// Modules of Python that `cargo xtask test` unpacks.
    Modules(&'static str),
    /// The kernel can mount it; no package can change that.
    Kernel(Kind),
}

/// Whether all is there; says (or, under CI, panics with) what is not.
pub fn met(needs: &[Need]) -> bool {
    let Some((need, why)) = needs.iter().find_map(|need| lacking(*need).map(|why| (need, why))) else { return true };
    let ci = env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!ci || matches!(need, Need::Kernel(_)), "this test cannot be skipped under CI: {why}");
    say(&format!("skipped: {why}"));
    false
}

/// What file systems on loop devices need.
pub const MOUNTS: &[Need] =
    &[Need::Root, Need::Program("mount"), Need::Program("mkfs.ext4"), Need::Program("mkfs.xfs"), Need::Program("losetup")];

/// What traces and cuts need.
pub const TRACES: &[Need] = &[Need::Program("strace")];

fn lacking(need: Need) -> Option<String> {
    match need {
        Need::Root if rustix::process::geteuid().is_root() => None,
        Need::Root => Some("it needs root".to_owned()),
        Need::Program(name) if found(name) => None,
        Need::Program(name) => Some(format!("it needs the program {name}")),
        Need::Modules(name) if python_of(name).is_file() => None,
        Need::Modules(name) => Some(format!("it needs the Python package {name}, which `cargo xtask test` unpacks")),
        Need::Kernel(kind) if known(kind.name()) => None,
        Need::Kernel(kind) => Some(format!("this kernel has no {}", kind.name())),
    }
}

fn found(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let others = ["/usr/sbin", "/sbin"].map(PathBuf::from).into_iter().chain([unpacked(program).join("usr/sbin")]);
    env::split_paths(&path).chain(others).any(|folder| folder.join(program).is_file())
}

/// Where `cargo xtask test` unpacks a daemon that must not be installed.
pub fn unpacked(program: &str) -> PathBuf {
    let test = env::current_exe().expect("a test knows its own path");
    test.ancestors().nth(3).expect("tests live in target/<profile>/deps").join("unpacked").join(program)
}

/// The Python that has those modules.
pub fn python_of(modules: &str) -> PathBuf {
    unpacked(modules).join("venv/bin/python")
}

fn known(file_system: &str) -> bool {
    let listed = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    listed.split_whitespace().any(|name| name == file_system) || Path::new("/sys/fs").join(file_system).is_dir()
}
