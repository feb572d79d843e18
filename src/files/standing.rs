//! As whom to act in a folder. Pure: takes what the kernel said of folder and file, returns who may
//! touch them without being led elsewhere by somebody who also may write there.

use std::fmt;

use super::dir::Stat;
use crate::failure::Failure;

/// Who does the work in one folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// This process.
    Ourselves,
    /// A child of ours with this owner's rights and no more.
    As(Owner),
}

/// As whom this process acts, and whom it can make the owner of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Us {
    /// The effective user id.
    pub uid: u32,
    /// Whether we may give a file to anybody.
    pub gives_away: bool,
}

/// Whose rights a child gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// User; never root.
    pub uid: u32,
    /// Group; never root's.
    pub gid: u32,
    /// The group of the owner's file, when it is another and not root's: without it the fresh file could not be given
    /// to it.
    pub also: Option<u32>,
}

/// What may not be touched, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub why: &'static str,
    /// What a person can do.
    pub hint: &'static str,
}

impl Refusal {
    /// The refusal as what kept us from `doing` something to `what`.
    pub fn into_failure(self, doing: &str, what: impl fmt::Display) -> Failure {
        Failure::new(doing, what).because(self.why).hint(self.hint)
    }
}

/// Decides who acts on `file` in `folder`, or why nobody may. `us` is our effective user id.
pub fn actor(folder: &Stat, file: &Stat, us: u32) -> Result<Actor, Refusal> {
    if everybody_writes(folder) {
        let why = "its folder is writable by everybody and not sticky: anybody can replace the log";
        return Err(Refusal { why, hint: "chmod o-w the folder" });
    }
    if us != 0 {
        return Ok(Actor::Ourselves);
    }
    if folder.uid != 0 {
        return Ok(as_owner(folder.uid, folder.gid, file));
    }
    let shared = folder.mode & 0o022 != 0;
    if shared && file.uid != 0 {
        // A group of root's own that may write is an ACL in disguise; then the file's group must do.
        let gid = if folder.gid == 0 || folder.mode & 0o020 == 0 { file.gid } else { folder.gid };
        return Ok(as_owner(file.uid, gid, file));
    }
    Ok(Actor::Ourselves)
}

/// Whether a name that is made in `folder` can be changed again.
pub fn may_rename(folder: &Stat) -> Result<(), Refusal> {
    if folder.locked {
        let why = "its folder is immutable or append-only (chattr +i, +a): no name there can become another file's";
        return Err(Refusal { why, hint: "chattr -i -a the folder, or exclude the log" });
    }
    Ok(())
}

/// Whether the fresh file could get the owner of the old one, when `us` makes it in `folder`. On some file systems all
/// files have the owner of their folder by themselves; there it is tried.
pub fn may_give(us: &Us, folder: &Stat, file: &Stat) -> Result<(), Refusal> {
    if us.gives_away || file.uid == us.uid || file.uid == folder.uid {
        return Ok(());
    }
    let why = "it belongs to another user, and the fresh file could not be given to that user";
    Err(Refusal { why, hint: "run as root, or as the user that owns it" })
}

/// Whether a file can get one more name: the kernel lets only its owner do that (`fs.protected_hardlinks`).
pub fn may_link(us: &Us, file: &Stat) -> Result<(), Refusal> {
    if us.uid == 0 || us.uid == file.uid {
        return Ok(());
    }
    let why = "it belongs to another user, and only that user or root can give it one more name";
    Err(Refusal { why, hint: "run as root, or as the user that owns it" })
}

/// Whether `actor` may put finished archives into `folder`: somebody else who owns it could replace them
/// at any time, and lead a process with other rights astray.
pub fn may_archive(folder: &Stat, actor: Actor, us: u32) -> Result<(), Refusal> {
    if folder.locked {
        let why = "its archive-dir is immutable or append-only (chattr +i, +a): no archive there could get its final name";
        return Err(Refusal { why, hint: "chattr -i -a the archive-dir, or archive beside the log" });
    }
    if everybody_writes(folder) {
        let why = "its archive-dir is writable by everybody and not sticky: anybody can replace an archive";
        return Err(Refusal { why, hint: "chmod o-w the archive-dir" });
    }
    let (acting, hint) = match actor {
        Actor::Ourselves => (us, "chown the archive-dir to root, or archive beside the log"),
        Actor::As(owner) => (owner.uid, "chown the archive-dir to the owner of the log, or archive beside the log"),
    };
    if us == 0 && actor == Actor::Ourselves && folder.gid != 0 && folder.mode & 0o020 != 0 && folder.mode & STICKY == 0 {
        let why = "its archive-dir is writable by a group and not sticky: a member could replace an archive of root's";
        return Err(Refusal { why, hint: "chmod +t or g-w the archive-dir, or archive beside the log" });
    }
    if us == 0 && folder.uid != 0 && folder.uid != acting {
        let why = "its archive-dir belongs to another user than the one who works on the log, who could replace an archive";
        return Err(Refusal { why, hint });
    }
    Ok(())
}

/// In such a folder only the owner of a file may rename or remove it.
const STICKY: u32 = 0o1000;

fn everybody_writes(folder: &Stat) -> bool {
    folder.mode & 0o002 != 0 && folder.mode & STICKY == 0
}

/// Only a file of the owner's own lends its group: a file like it is all that the group is good for. Root's group is
/// nobody's to lend: where it stands on a user's folder, the user need not be in it.
fn as_owner(uid: u32, gid: u32, file: &Stat) -> Actor {
    const NOGROUP: u32 = 65_534;
    let lent = (file.uid == uid && file.gid != 0).then_some(file.gid);
    let gid = if gid == 0 { lent.unwrap_or(NOGROUP) } else { gid };
    let also = lent.filter(|group| *group != gid);
    Actor::As(Owner { uid, gid, also })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::dir::{FileId, Kind};

    fn stat(uid: u32, gid: u32, mode: u32) -> Stat {
        let modified = chrono::DateTime::UNIX_EPOCH;
        let id = FileId { dev: 1, ino: 1 };
        let (changed, born) = (modified, None);
        Stat { id, kind: Kind::File, size: 0, allocated: 0, mode, uid, gid, links: 1, modified, changed, born, locked: false }
    }

    fn child(uid: u32, gid: u32, also: Option<u32>) -> Actor {
        Actor::As(Owner { uid, gid, also })
    }

    #[test]
    fn root_never_acts_as_root_in_anothers_folder_or_on_anothers_log_in_a_shared_one() {
        let file = stat(105, 4, 0o640);
        assert_eq!(actor(&stat(0, 0, 0o755), &file, 0), Ok(Actor::Ourselves));
        assert_eq!(actor(&stat(105, 4, 0o750), &file, 0), Ok(child(105, 4, None)));
        assert_eq!(actor(&stat(0, 110, 0o775), &file, 0), Ok(child(105, 110, Some(4))));
        assert_eq!(actor(&stat(0, 0, 0o1777), &file, 0), Ok(child(105, 4, None)));
        assert_eq!(actor(&stat(0, 110, 0o775), &stat(0, 0, 0o644), 0), Ok(Actor::Ourselves));
        assert!(actor(&stat(0, 0, 0o777), &file, 0).is_err());
    }

    #[test]
    fn a_child_gets_the_group_of_a_file_of_its_own_and_of_no_other() {
        assert_eq!(actor(&stat(105, 105, 0o755), &stat(105, 4, 0o640), 0), Ok(child(105, 105, Some(4))));
        assert_eq!(actor(&stat(105, 105, 0o755), &stat(106, 4, 0o640), 0), Ok(child(105, 105, None)));
        assert_eq!(actor(&stat(105, 105, 0o755), &stat(0, 0, 0o640), 0), Ok(child(105, 105, None)));
    }

    #[test]
    fn no_child_gets_roots_group() {
        for folder in [stat(105, 0, 0o755), stat(105, 0, 0o775)] {
            assert_eq!(actor(&folder, &stat(105, 4, 0o640), 0), Ok(child(105, 4, None)));
            assert_eq!(actor(&folder, &stat(105, 0, 0o640), 0), Ok(child(105, 65_534, None)));
            assert_eq!(actor(&folder, &stat(0, 4, 0o640), 0), Ok(child(105, 65_534, None)));
        }
        assert_eq!(actor(&stat(105, 105, 0o755), &stat(105, 0, 0o640), 0), Ok(child(105, 105, None)));
        assert_eq!(actor(&stat(0, 0, 0o1777), &stat(105, 0, 0o640), 0), Ok(child(105, 65_534, None)));
    }

    #[test]
    fn an_ordinary_user_acts_as_itself_but_not_where_everybody_writes() {
        assert_eq!(actor(&stat(1000, 1000, 0o755), &stat(1000, 1000, 0o644), 1000), Ok(Actor::Ourselves));
        assert!(actor(&stat(0, 0, 0o777), &stat(1000, 1000, 0o644), 1000).is_err());
    }

    #[test]
    fn a_log_that_the_fresh_file_could_not_be_given_to_is_left_alone() {
        let us = Us { uid: 1000, gives_away: false };
        let (own, other) = (stat(1000, 4, 0o644), stat(1001, 1001, 0o644));
        assert_eq!(may_give(&us, &stat(0, 1000, 0o775), &own), Ok(()));
        assert!(may_give(&us, &stat(1000, 1000, 0o755), &other).is_err());
        assert_eq!(may_give(&us, &stat(1001, 1000, 0o775), &other), Ok(()), "it may come by itself");
        assert_eq!(may_give(&Us { gives_away: true, ..us }, &stat(1000, 1000, 0o755), &other), Ok(()));
    }

    #[test]
    fn archives_go_only_where_nobody_else_could_replace_them() {
        let owner = Actor::As(Owner { uid: 105, gid: 4, also: None });
        let allowed = |folder: Stat, actor, us| may_archive(&folder, actor, us).is_ok();
        for actor in [owner, Actor::Ourselves] {
            assert!(allowed(stat(0, 0, 0o755), actor, 0));
            assert!(allowed(stat(0, 4, 0o1777), actor, 0));
            assert!(!allowed(stat(0, 0, 0o777), actor, 0));
            assert!(!allowed(stat(106, 106, 0o755), actor, 0));
        }
        assert!(allowed(stat(0, 4, 0o775), owner, 0), "through its group");
        assert!(!allowed(stat(0, 4, 0o775), Actor::Ourselves, 0));
        assert!(allowed(stat(0, 4, 0o1775), Actor::Ourselves, 0) && allowed(stat(0, 4, 0o775), Actor::Ourselves, 1000));
        assert!(allowed(stat(105, 105, 0o755), owner, 0));
        assert!(!allowed(stat(105, 105, 0o755), Actor::Ourselves, 0));
        assert!(allowed(stat(0, 0, 0o755), Actor::Ourselves, 1000));
        assert!(!allowed(stat(1000, 0, 0o777), Actor::Ourselves, 1000));
    }
}
