//! Where a tool keeps what it must remember, and where its locks live. Both are private to the user
//! that runs it.

use std::{
    env, fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use crate::failure::{Doing, Failure, Result};

/// The state and lock folders of one tool.
#[derive(Clone, Debug)]
pub struct State {
    folder: PathBuf,
    locks: PathBuf,
}

impl State {
    /// `$STATE_DIRECTORY`, else `/var/lib/opsbelt/<subject>` for root, else the user's state folder;
    /// locks in `$RUNTIME_DIRECTORY`, else `/run/opsbelt` for root, else the user's runtime folder.
    pub fn of(subject: &str) -> Result<State> {
        let root = rustix::process::geteuid().is_root();
        let folder = match env_path("STATE_DIRECTORY") {
            Some(given) => given,
            None if root => Path::new("/var/lib/opsbelt").join(subject),
            None => match env_path("XDG_STATE_HOME").or_else(|| env_path("HOME").map(|home| home.join(".local/state"))) {
                Some(home) => home.join("opsbelt").join(subject),
                None => {
                    return Err(
                        Failure::new("find", "a state folder").because("neither STATE_DIRECTORY, XDG_STATE_HOME nor HOME is set")
                    );
                }
            },
        };
        let locks = match env_path("RUNTIME_DIRECTORY") {
            Some(given) => given,
            None if root => PathBuf::from("/run/opsbelt"),
            None => env_path("XDG_RUNTIME_DIR").map_or_else(|| folder.clone(), |runtime| runtime.join("opsbelt")),
        };
        Ok(State { folder, locks })
    }

    /// State in `folder`, locks beside it.
    pub fn at(folder: impl Into<PathBuf>) -> State {
        let folder = folder.into();
        State { locks: folder.clone(), folder }
    }

    /// The state folder, which may not exist yet.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The state folder, made when it is missing, openable by nobody else.
    pub fn make(&self) -> Result<&Path> {
        private(&self.folder)?;
        Ok(&self.folder)
    }

    /// The file whose lock stands for `job`; its folder is made when missing.
    pub fn lock_file(&self, job: &str) -> Result<PathBuf> {
        private(&self.locks)?;
        Ok(self.locks.join(format!("{job}.lock")))
    }
}

fn private(folder: &Path) -> Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).doing("make", folder.display())
}

/// systemd separates several folders by colons; the first one is ours.
fn env_path(name: &str) -> Option<PathBuf> {
    let value = env::var_os(name)?;
    let first = value.to_str().map_or_else(|| value.clone(), |text| text.split(':').next().unwrap_or_default().into());
    Path::new(&first).is_absolute().then(|| PathBuf::from(first))
}
