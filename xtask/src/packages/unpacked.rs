//! Programs that are only unpacked, below the target folder, and never installed: two syslog daemons exclude each other,
//! and either would take the place of the machine's own. Takes no root, only a list of packages that is not too old.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use super::PATIENCE;
use crate::{Outcome, Stop, child, failed, place};

/// A program in `/usr/sbin`, and the packages that bring it and what a bare Debian 12 lacks of its libraries.
pub(super) struct Unpacked {
    pub(super) program: &'static str,
    packages: &'static [&'static str],
    reason: &'static str,
}

pub(super) const UNPACKED: &[Unpacked] = &[
    Unpacked {
        program: "rsyslogd",
        packages: &["rsyslog", "libestr0", "libfastjson4"],
        reason: "follows a log while it is rotated",
    },
    Unpacked {
        program: "syslog-ng",
        packages: &["syslog-ng-core", "libglib2.0-0", "libivykis0", "libjson-c5", "libnet1", "libpcre3", "libssl3", "libwrap0"],
        reason: "does the same, as a log shipper",
    },
];

/// Unpacks what is neither on this machine nor unpacked yet, or says why not. Never fails, like [`super::provide`].
pub(super) fn provide() {
    for wanted in UNPACKED {
        let home = place::target().join("unpacked").join(wanted.program);
        if home.is_dir() || place::program(wanted.program).is_some() {
            continue;
        }
        println!("missing: {}, which {}", wanted.program, wanted.reason);
        match unpack(wanted, &home) {
            Ok(()) => println!("unpacked into {}", home.display()),
            Err(Stop::Failed(why) | Stop::Usage(why)) => {
                eprintln!("cannot unpack {}: {why}; some tests may be skipped", wanted.program);
            }
        }
    }
}

fn unpack(wanted: &Unpacked, home: &Path) -> Outcome {
    let fresh = home.with_extension("fresh");
    match fs::remove_dir_all(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => fs::create_dir_all(&fresh).map_err(failed)?,
    }
    let download = || run(Command::new("apt-get").arg("download").args(wanted.packages).current_dir(&fresh));
    if let Err(why) = download() {
        if !place::is_root() {
            return Err(why);
        }
        // An old list names packages that are no longer there.
        run(Command::new("apt-get").arg("update"))?;
        download()?;
    }
    for package in debs(&fresh).map_err(failed)? {
        run(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(&fresh))?;
        fs::remove_file(&package).map_err(failed)?;
    }
    // Under its name only when it is whole.
    fs::rename(&fresh, home).map_err(failed)
}

fn debs(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let all: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    Ok(all.into_iter().filter(|path| path.extension() == Some(OsStr::new("deb"))).collect())
}

fn run(command: &mut Command) -> Outcome {
    println!("$ {command:?}");
    match child::stream(command, PATIENCE, &mut child::echo).map_err(failed)? {
        end if end.is_good() => Ok(()),
        end => Err(failed(format!("{command:?} did not succeed ({end:?})"))),
    }
}
