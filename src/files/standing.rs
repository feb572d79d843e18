//! As whom to act in a folder. Pure: takes what the kernel said of folder and file, returns who may
//! touch them without being led elsewhere by somebody who also may write there.

use serde::{Deserialize, Serialize};

use super::dir::Stat;

/// Who does the work in one folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Actor {
    /// This process.
    Ourselves,
    /// A child of ours with this owner's rights and no more.
    As {
        /// User.
        uid: u32,
        /// Group.
        gid: u32,
    },
}

/// Decides who acts on `file` in `folder`, or why nobody may. `us` is our effective user id.
pub fn actor(folder: &Stat, file: &Stat, us: u32) -> Result<Actor, &'static str> {
    const STICKY: u32 = 0o1000;
    if folder.mode & 0o002 != 0 && folder.mode & STICKY == 0 {
        return Err("its folder is writable by everybody and not sticky: anybody can replace the log");
    }
    if us != 0 {
        return Ok(Actor::Ourselves);
    }
    if folder.uid != 0 {
        return Ok(Actor::As { uid: folder.uid, gid: folder.gid });
    }
    let shared = folder.mode & 0o022 != 0;
    if shared && file.uid != 0 {
        // A group of root's own that may write is an ACL in disguise; then the file's group must do.
        let gid = if folder.gid == 0 || folder.mode & 0o020 == 0 { file.gid } else { folder.gid };
        return Ok(Actor::As { uid: file.uid, gid });
    }
    Ok(Actor::Ourselves)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::dir::{FileId, Kind};

    fn stat(uid: u32, gid: u32, mode: u32) -> Stat {
        let modified = chrono::DateTime::UNIX_EPOCH;
        let id = FileId { dev: 1, ino: 1 };
        Stat { id, kind: Kind::File, size: 0, allocated: 0, mode, uid, gid, links: 1, modified, born: None, locked: false }
    }

    #[test]
    fn root_never_acts_as_root_where_another_user_may_write() {
        let file = stat(105, 4, 0o640);
        assert_eq!(actor(&stat(0, 0, 0o755), &file, 0), Ok(Actor::Ourselves));
        assert_eq!(actor(&stat(105, 4, 0o750), &file, 0), Ok(Actor::As { uid: 105, gid: 4 }));
        assert_eq!(actor(&stat(0, 110, 0o775), &file, 0), Ok(Actor::As { uid: 105, gid: 110 }));
        assert_eq!(actor(&stat(0, 0, 0o1777), &file, 0), Ok(Actor::As { uid: 105, gid: 4 }));
        assert_eq!(actor(&stat(0, 110, 0o775), &stat(0, 0, 0o644), 0), Ok(Actor::Ourselves));
        assert!(actor(&stat(0, 0, 0o777), &file, 0).is_err());
    }

    #[test]
    fn an_ordinary_user_acts_as_itself_but_not_where_everybody_writes() {
        assert_eq!(actor(&stat(1000, 1000, 0o755), &stat(1000, 1000, 0o644), 1000), Ok(Actor::Ourselves));
        assert!(actor(&stat(0, 0, 0o777), &stat(1000, 1000, 0o644), 1000).is_err());
    }
}
