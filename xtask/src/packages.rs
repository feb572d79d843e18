//! The system packages that the tests need, and how a machine gets them.
//!
//! A package counts as present when its program is, wherever that came from. As root the missing ones are
//! installed with one `apt-get`; anybody else is told the command, and the tests that miss something say
//! `skipped: why`.

pub(crate) mod pypi;
pub(crate) mod stand_in;
mod unpacked;

use std::{path::PathBuf, process::Command, time::Duration};

use crate::{child, place};

struct Need {
    program: &'static str,
    packages: &'static [&'static str],
    reason: &'static str,
}

const fn need(program: &'static str, packages: &'static [&'static str], reason: &'static str) -> Need {
    Need { program, packages, reason }
}

const NEEDS: &[Need] = &[
    need("cc", &["gcc", "libc6-dev"], "links Rust and compiles libzstd"),
    need("git", &["git"], "tells which files are committed"),
    need("strace", &["strace"], "kills and fails a run at any chosen system call"),
    need("mkfs.ext4", &["e2fsprogs"], "makes file systems to cut the power of, and to fill"),
    need("mkfs.ext3", &["e2fsprogs"], "makes one that cannot take the head of a file away"),
    need("mkfs.xfs", &["xfsprogs"], "does the same for xfs"),
    need("mkfs.btrfs", &["btrfs-progs"], "does the same for btrfs, which has quotas on every kernel"),
    need("btrfs", &["btrfs-progs"], "limits how much may be written"),
    need("mount", &["mount"], "mounts them"),
    need("umount", &["mount"], "takes them away again"),
    need("losetup", &["mount"], "puts a file behind a loop device"),
    need("mkswap", &["util-linux"], "makes a log that is swap space"),
    need("swapon", &["mount"], "uses it as that"),
    need("swapoff", &["mount"], "ends that"),
    need("setpriv", &["util-linux"], "runs a command as another user"),
    need("unshare", &["util-linux"], "shows a run a machine without settings"),
    need("nsenter", &["util-linux"], "runs a command inside the booted systemd"),
    need("prlimit", &["util-linux"], "limits what a run may write"),
    need("fallocate", &["util-linux"], "fills a disk in an instant"),
    need("script", &["bsdutils"], "gives a run a terminal"),
    need("chattr", &["e2fsprogs"], "makes a file immutable"),
    need("setfacl", &["acl"], "gives a log an ACL"),
    need("setfattr", &["attr"], "gives a log extended attributes"),
    need("zstd", &["zstd"], "judges our zstd archives"),
    need("gzip", &["gzip"], "judges our gzip archives"),
    need("logrotate", &["logrotate"], "shows what the peer does with the same tree"),
    need("systemd-analyze", &["systemd"], "judges the units"),
    need("systemd-nspawn", &["systemd-container", "systemd-sysv", "dbus"], "boots a systemd that rotates under the units"),
    need("python3", &["python3"], "writes logs and rotates them by itself, as programs do"),
    need("openssl", &["openssl"], "makes the certificates of a private authority"),
    need("curl", &["curl"], "asks S3 for what the tool never does, such as to remove an object"),
    need("faketime", &["faketime"], "makes it tomorrow for one process, the clock untouched"),
];

const PATIENCE: Duration = Duration::from_mins(10);

/// Installs what is missing, or says what to install. Never fails: the tests decide what they can do without.
pub(crate) fn provide() {
    install();
    unpacked::provide();
    stand_in::provide();
}

fn install() {
    let missing = missing(place::program);
    if missing.is_empty() {
        return;
    }
    for need in &missing {
        println!("missing: {}, which {}", need.program, need.reason);
    }
    let mut packages: Vec<&str> = missing.iter().flat_map(|need| need.packages).copied().collect();
    packages.sort_unstable();
    packages.dedup();
    let install = format!("apt-get install -y --no-install-recommends {}", packages.join(" "));
    if place::program("apt-get").is_none() || !place::is_root() {
        eprintln!("some tests will be skipped; as root, first: apt-get update && {install}");
        return;
    }
    for command in ["apt-get update", &install] {
        println!("$ {command}");
        let mut words = command.split(' ');
        let mut apt = Command::new(words.next().unwrap_or_default());
        apt.args(words).env("DEBIAN_FRONTEND", "noninteractive");
        match child::stream(&mut apt, PATIENCE, &mut child::echo) {
            Ok(end) if end.is_good() => {}
            // An outdated list may still hold what we need, so the second command is worth a try.
            Ok(end) => eprintln!("`{command}` did not succeed ({end:?}); some tests may be skipped"),
            Err(error) => eprintln!("cannot run `{command}`: {error}; some tests may be skipped"),
        }
    }
}

/// The packages that bring these programs; a program that no test needs is its own package.
pub(crate) fn of<'a>(programs: &[&'a str]) -> Vec<&'a str> {
    let of_one = |program: &'a str| match NEEDS.iter().find(|need| need.program == program) {
        Some(need) => need.packages.to_vec(),
        None => vec![program],
    };
    let mut packages: Vec<&str> = programs.iter().copied().flat_map(of_one).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn missing(find: impl Fn(&str) -> Option<PathBuf>) -> Vec<&'static Need> {
    NEEDS.iter().filter(|need| find(need.program).is_none()).collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// In every Debian and Ubuntu, however small.
    const ESSENTIAL: &[&str] = &[
        "apt-get",
        "bash",
        "chmod",
        "cp",
        "date",
        "dpkg-deb",
        "env",
        "flock",
        "id",
        "mkfifo",
        "mknod",
        "rm",
        "seq",
        "sh",
        "sha256sum",
        "sleep",
        "stat",
        "sync",
        "tail",
    ];
    /// How tests name a program that they start or ask for.
    const NAMED_BY: &[&str] = &["Program(\"", "Command::new(\"", "must(\"", "try_run(\""];

    #[test]
    fn every_program_that_a_test_or_chore_starts_gets_installed() {
        let mut named = BTreeSet::new();
        for folder in ["tests", "xtask/src"] {
            read(&place::repository().join(folder), &mut named);
        }
        for known in ["mkfs.btrfs", "strace", "zstd", "sh", "rsyslogd"] {
            assert!(named.contains(known), "{known} was not found: look for other ways to name a program");
        }
        let unpacked = |name: &str| {
            stand_in::STAND_INS.iter().any(|there| there.name == name)
                || unpacked::UNPACKED.iter().any(|there| there.program == name)
        };
        let listed = |name: &str| ESSENTIAL.contains(&name) || unpacked(name) || NEEDS.iter().any(|need| need.program == name);
        let unlisted: Vec<&String> = named.iter().filter(|name| !listed(name)).collect();
        assert!(unlisted.is_empty(), "add these to NEEDS: {unlisted:?}");
    }

    fn read(folder: &Path, named: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).expect("a folder of the repository") {
            let path = entry.expect("a listed entry").path();
            if path.is_dir() {
                read(&path, named);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("sources are text");
                for way in NAMED_BY {
                    let words = text.split(way).skip(1).filter_map(|rest| rest.split('"').next());
                    let programs = words.filter(|name| {
                        !name.starts_with("/proc/") && name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
                    });
                    named.extend(programs.filter_map(|name| name.rsplit('/').next()).map(str::to_owned));
                }
            }
        }
    }

    #[test]
    fn only_what_is_missing_is_installed() {
        let missing_without = |absent: &[&str]| -> Vec<&str> {
            let found = missing(|program| (!absent.contains(&program)).then(PathBuf::new));
            found.iter().map(|need| need.program).collect()
        };
        assert_eq!(missing_without(&[]), Vec::<&str>::new());
        assert_eq!(missing_without(&["zstd", "cc"]), ["cc", "zstd"]);
    }
}
