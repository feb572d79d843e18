//! Where a tool keeps what it must remember, and where its locks live. Both are private to the user
//! that runs it.

use std::{
    env, fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use crate::failure::{Doing, Failure, Result};

/// The state and lock folders of one tool. What needs no state also runs where there is none.
#[derive(Clone, Debug)]
pub struct State {
    folder: Option<PathBuf>,
    locks: Option<PathBuf>,
}

impl State {
    /// `$STATE_DIRECTORY`, else `/var/lib/opsbelt/<subject>` for root, else the user's state folder;
    /// locks in `$RUNTIME_DIRECTORY`, else `/run/opsbelt` for root, else the user's runtime folder.
    pub fn of(subject: &str) -> State {
        let root = rustix::process::geteuid().is_root();
        let users = || {
            env_path("XDG_STATE_HOME")
                .or_else(|| env_path("HOME").map(|home| home.join(".local/state")))
                .map(|home| home.join("opsbelt").join(subject))
        };
        let folder = env_path("STATE_DIRECTORY")
            .or_else(|| if root { Some(Path::new("/var/lib/opsbelt").join(subject)) } else { users() });
        let runtime = || {
            if root {
                Some(PathBuf::from("/run/opsbelt"))
            } else {
                env_path("XDG_RUNTIME_DIR").map(|runtime| runtime.join("opsbelt"))
            }
        };
        let locks = env_path("RUNTIME_DIRECTORY").or_else(runtime).or_else(|| folder.clone());
        State { folder, locks }
    }

    /// State in `folder`, locks beside it.
    pub fn at(folder: impl Into<PathBuf>) -> State {
        let folder = folder.into();
        State { locks: Some(folder.clone()), folder: Some(folder) }
    }

    /// The state folder, which may not exist yet.
    pub fn folder(&self) -> Result<&Path> {
        self.folder.as_deref().ok_or_else(nowhere)
    }

    /// The state folder, made when it is missing, openable by nobody else.
    pub fn make(&self) -> Result<&Path> {
        let folder = self.folder()?;
        private(folder)?;
        Ok(folder)
    }

    /// The file whose lock stands for `job`; its folder is made when missing.
    pub fn lock_file(&self, job: &str) -> Result<PathBuf> {
        let locks = self.locks.as_deref().ok_or_else(nowhere)?;
        private(locks)?;
        Ok(locks.join(format!("{job}.lock")))
    }
}

fn nowhere() -> Failure {
    Failure::new("find", "a state folder").because("neither STATE_DIRECTORY, XDG_STATE_HOME nor HOME is set")
}

/// Makes the folder and lets its name survive a power cut: what lies in it is relied on at once.
fn private(folder: &Path) -> Result<()> {
    let missing = folder.ancestors().take_while(|above| !above.exists()).count();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).doing("make", folder.display())?;
    folder
        .ancestors()
        .skip(1)
        .take(missing)
        .try_for_each(|above| fs::File::open(above).and_then(|above| above.sync_all()).doing("sync the folder", above.display()))
}

/// systemd separates several folders by colons; the first one is ours.
fn env_path(name: &str) -> Option<PathBuf> {
    let value = env::var_os(name)?;
    let first = value.to_str().map_or_else(|| value.clone(), |text| text.split(':').next().unwrap_or_default().into());
    Path::new(&first).is_absolute().then(|| PathBuf::from(first))
}
