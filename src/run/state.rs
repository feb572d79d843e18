//! Where a tool keeps what it must remember, and its locks. The folder is private to the user that runs it: what stands
//! there decides what is removed, so a folder that somebody else may write to is refused.

use std::{
    env, fs,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use crate::failure::{Doing, Exit, Failure, Result};

/// The state folder of one tool. What needs no state also runs where there is none.
#[derive(Clone, Debug)]
pub struct State {
    folder: Option<PathBuf>,
}

impl State {
    /// `$STATE_DIRECTORY`, else `/var/lib/opsbelt/<subject>` for root, else the user's state folder. XDG's variables mean
    /// nothing when they are relative, as their specification says; a state folder that somebody named is never guessed.
    pub fn of(subject: &str) -> State {
        let root = rustix::process::geteuid().is_root();
        let users = || {
            env_path("XDG_STATE_HOME")
                .or_else(|| env_path("HOME").map(|home| home.join(".local/state")))
                .map(|home| home.join("opsbelt").join(subject))
        };
        let named = env::var_os("STATE_DIRECTORY").filter(|folders| !folders.is_empty());
        let folder = named
            .map(|folders| first_of(Path::new(&folders)))
            .or_else(|| if root { Some(Path::new("/var/lib/opsbelt").join(subject)) } else { users() });
        State { folder }
    }

    /// State in `folder`.
    pub fn at(folder: impl Into<PathBuf>) -> State {
        State { folder: Some(folder.into()) }
    }

    /// The state folder, which may not exist yet.
    pub fn folder(&self) -> Result<&Path> {
        let folder = self.named()?;
        // What cannot be looked at says so itself when it is opened.
        if let Ok(meta) = fs::metadata(folder)
            && let Some(why) = distrust(meta.uid(), meta.mode(), rustix::process::geteuid().as_raw())
        {
            return Err(Failure::new("keep state in", folder.display())
                .because(format!("{why}, and what stands there decides what is removed"))
                .hint("look through it, then give it to the user that runs this (chown, chmod 700); or set STATE_DIRECTORY"));
        }
        Ok(folder)
    }

    /// The state folder, made when it is missing, openable by nobody else.
    pub fn make(&self) -> Result<&Path> {
        private(self.named()?)?;
        self.folder()
    }

    fn named(&self) -> Result<&Path> {
        match &self.folder {
            Some(folder) if folder.is_relative() => Err(Failure::new("keep state in", folder.display())
                .because("STATE_DIRECTORY is not an absolute path")
                .hint("name the folder from `/` on, or leave the variable unset")
                .exit(Exit::BadInput)),
            Some(folder) => Ok(folder),
            None => {
                Err(Failure::new("find", "a state folder").because("neither STATE_DIRECTORY, XDG_STATE_HOME nor HOME is set"))
            }
        }
    }
}

/// Why a folder of `owner` is no place for the state of user `us`.
fn distrust(owner: u32, mode: u32, us: u32) -> Option<String> {
    if owner != us && owner != 0 {
        return Some(format!("it belongs to user {owner}"));
    }
    (mode & 0o022 != 0).then(|| format!("others than its owner may write to it (mode {:o})", mode & 0o7777))
}

/// Makes the folder and lets its name survive a power cut: what lies in it is relied on at once. Those above it are anybody's to pass:
/// beside it another user keeps what that one remembers, as who ships does.
fn private(folder: &Path) -> Result<()> {
    let missing = folder.ancestors().take_while(|above| !above.exists()).count();
    let make = |mode: u32, folder: &Path| {
        fs::DirBuilder::new().recursive(true).mode(mode).create(folder).doing("make", folder.display())
    };
    folder.parent().map_or(Ok(()), |above| make(0o755, above)).and_then(|()| make(0o700, folder))?;
    folder
        .ancestors()
        .skip(1)
        .take(missing)
        .try_for_each(|above| fs::File::open(above).and_then(|above| above.sync_all()).doing("sync the folder", above.display()))
}

/// A folder that a variable names.
fn env_path(name: &str) -> Option<PathBuf> {
    env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// systemd separates several folders by colons; the first one is ours.
fn first_of(folders: &Path) -> PathBuf {
    folders.to_str().and_then(|text| text.split(':').next()).map_or_else(|| folders.to_owned(), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_folders_the_first_is_ours() {
        assert_eq!(first_of(Path::new("/var/lib/a:/var/lib/b")), Path::new("/var/lib/a"));
        assert_eq!(first_of(Path::new("/var/lib/a")), Path::new("/var/lib/a"));
    }

    #[test]
    fn state_is_kept_where_only_root_and_ourselves_may_write() {
        for (owner, mode, us) in [(0, 0o700, 0), (0, 0o755, 0), (1000, 0o700, 1000), (0, 0o755, 1000)] {
            assert_eq!(distrust(owner, mode, us), None, "{owner} {mode:o} {us}");
        }
        for (owner, mode, us) in [(1000, 0o700, 0), (1001, 0o755, 1000), (0, 0o770, 0), (0, 0o1777, 0), (1000, 0o702, 1000)] {
            assert!(distrust(owner, mode, us).is_some(), "{owner} {mode:o} {us}");
        }
    }
}
