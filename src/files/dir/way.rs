//! The way to a directory, checked once, when it is opened: a link on it is followed only where nobody but root or
//! ourselves could have put it.

use std::{
    ffi::OsStr,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{self as sys, AtFlags, CWD, Mode, OFlags},
    io::Errno,
};

use super::{Kind, errno_failure, stat, wanted};
use crate::failure::{Failure, Result};

/// Walks to `path` component by component, following only links that root or we ourselves own, in
/// folders where nobody else may write.
pub(super) fn walk(path: &Path) -> Result<(OwnedFd, PathBuf)> {
    const LINKS: u32 = 40;
    let handle = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fail = |errno: Errno| errno_failure("open the folder", path, errno);
    let mut at = sys::openat(CWD, "/", handle, Mode::empty()).map_err(fail)?;
    let mut real = PathBuf::from("/");
    let mut left: Vec<Vec<u8>> = components(path);
    let mut links = 0;
    while let Some(component) = left.pop() {
        let name = OsStr::from_bytes(&component);
        if component == b".." {
            at = sys::openat(&at, "..", handle, Mode::empty()).map_err(fail)?;
            real.pop();
            continue;
        }
        match sys::openat(&at, name, handle, Mode::empty()) {
            Ok(next) => {
                at = next;
                real.push(name);
            }
            Err(Errno::NOTDIR | Errno::LOOP) => {
                links += 1;
                let target = trusted_link(&at, name, &real, path)?;
                if links > LINKS {
                    return Err(fail(Errno::LOOP));
                }
                if target.is_absolute() {
                    at = sys::openat(CWD, "/", handle, Mode::empty()).map_err(fail)?;
                    real = PathBuf::from("/");
                }
                left.extend(components(&target));
            }
            Err(errno) => return Err(fail(errno)),
        }
    }
    Ok((at, real))
}

/// The components of a path, last first, without `.` and `/`.
fn components(path: &Path) -> Vec<Vec<u8>> {
    let named = |component: Component| match component {
        Component::Normal(name) => Some(name.as_bytes().to_vec()),
        Component::ParentDir => Some(b"..".to_vec()),
        Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
    };
    path.components().rev().filter_map(named).collect()
}

fn trusted_link(at: &OwnedFd, name: &OsStr, parent: &Path, path: &Path) -> Result<PathBuf> {
    let fail = |errno: Errno| errno_failure("open the folder", path, errno);
    let link = stat(&sys::statx(at, name, AtFlags::SYMLINK_NOFOLLOW, wanted()).map_err(fail)?);
    if link.kind != Kind::Link {
        return Err(fail(Errno::NOTDIR));
    }
    let folder = stat(&sys::statx(at, "", AtFlags::EMPTY_PATH, wanted()).map_err(fail)?);
    let us = rustix::process::geteuid().as_raw();
    let ours = |uid: u32| uid == 0 || uid == us;
    let shared = folder.mode & 0o022 != 0 && folder.mode & 0o1000 == 0;
    if !ours(link.uid) || !ours(folder.uid) || shared {
        return Err(Failure::new("open the folder", path.display())
            .because(format!("{} is a link that another user could have put there", parent.join(name).display()))
            .hint("name the real folder in the settings"));
    }
    let target = sys::readlinkat(at, name, Vec::new()).map_err(fail)?;
    Ok(PathBuf::from(OsStr::from_bytes(target.as_bytes())))
}
