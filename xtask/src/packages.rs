//! The system packages that the tests need, and how a machine gets them.
//!
//! A package counts as present when its program is, wherever that came from. As root the missing ones are
//! installed with one `apt-get`; anybody else is told the command, and the tests that miss something say
//! `skipped: why`.

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
    need("mkfs.xfs", &["xfsprogs"], "does the same for xfs"),
    need("mount", &["mount"], "mounts them"),
    need("setpriv", &["util-linux"], "runs a command as another user"),
    need("setquota", &["quota"], "lets a user run out of quota"),
    need("setfacl", &["acl"], "gives a log an ACL"),
    need("setfattr", &["attr"], "gives a log extended attributes"),
    need("zstd", &["zstd"], "judges our zstd archives"),
    need("gzip", &["gzip"], "judges our gzip archives"),
    need("logrotate", &["logrotate"], "shows what the peer does with the same tree"),
    need("systemd-analyze", &["systemd"], "judges the units"),
    need("systemd-nspawn", &["systemd-container", "systemd-sysv", "dbus"], "boots a systemd that rotates under the units"),
    need("faketime", &["faketime"], "makes it tomorrow for one process, the clock untouched"),
];

const PATIENCE: Duration = Duration::from_mins(10);

/// Installs what is missing, or says what to install. Never fails: the tests decide what they can do without.
pub(crate) fn provide() {
    let missing = missing(place::program);
    if missing.is_empty() {
        return;
    }
    for need in &missing {
        println!("missing: {}, which {}", need.program, need.reason);
    }
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages).copied().collect();
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

fn missing(find: impl Fn(&str) -> Option<PathBuf>) -> Vec<&'static Need> {
    NEEDS.iter().filter(|need| find(need.program).is_none()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
