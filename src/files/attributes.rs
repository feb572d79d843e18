//! Makes a new file stand exactly where an old one stood: owner, group, mode, ACL, every extended attribute,
//! `security.selinux` included, and the flags of `chattr`. Either all of it, or a failure that names what could not be kept.

use std::{collections::BTreeMap, fs::File};

use rustix::{
    fs::{
        Gid, IFlags, Mode, Uid, XattrFlags, fchmod, fchown, fgetxattr, flistxattr, fremovexattr, fsetxattr, ioctl_getflags,
        ioctl_setflags,
    },
    io::Errno,
};

use super::dir::stat_open;
use crate::failure::{Failure, Result};

/// Copies the attributes of `old` onto `new`, and reads them back. Where an attribute cannot be kept, owner and mode are
/// given all the same; not so without an ACL: the group's bits of the mode are its mask then, and would give more.
pub fn copy(old: &File, new: &File, shown: &str) -> Result<()> {
    let cannot = |what: &str| Failure::new("keep", format!("{what} of {shown}"));
    let wanted = stat_open(old)?;
    let made = stat_open(new)?;
    if (made.uid, made.gid) != (wanted.uid, wanted.gid) {
        let (owner, group) = (Uid::from_raw(wanted.uid), Gid::from_raw(wanted.gid));
        fchown(new, Some(owner), Some(group)).map_err(|errno| refused(cannot("owner and group"), errno))?;
    }
    let (given, found) = (xattrs(old, shown)?, xattrs(new, shown)?);
    let mut first = None;
    let mut lost = |name: &str, failure: Failure| {
        if is_acl(name) {
            return Err(failure);
        }
        first.get_or_insert(failure);
        Ok(())
    };
    for (name, value) in given.iter().filter(|(name, value)| found.get(*name) != Some(*value)) {
        fsetxattr(new, name.as_str(), value, XattrFlags::empty()).or_else(|errno| lost(name, refused(cannot(name), errno)))?;
    }
    for name in found.keys().filter(|name| !given.contains_key(*name)) {
        fremovexattr(new, name.as_str())
            .or_else(|errno| lost(name, refused(cannot(&format!("the absence of {name}")), errno)))?;
    }
    // Last, because a change of owner or ACL changes the mode.
    fchmod(new, Mode::from_raw_mode(wanted.mode)).map_err(|errno| refused(cannot("the mode"), errno))?;
    if let Some(failure) = first {
        return Err(failure);
    }
    let made = stat_open(new)?;
    if (made.uid, made.gid, made.mode) != (wanted.uid, wanted.gid, wanted.mode) || xattrs(new, shown)? != given {
        return Err(cannot("owner, mode and attributes").because("they read back different"));
    }
    Ok(())
}

/// Gives `new` those flags of `old` that somebody sets on purpose, and takes from it those that only its folder gave it.
pub fn copy_flags(old: &File, new: &File, shown: &str) -> Result<()> {
    // Not what the kernel sets by itself (NOCOMPRESS where btrfs saw that it does not pay), nor what a log with it would
    // not come this far (IMMUTABLE, APPEND), nor what no file system heeds, nor JOURNALING, which takes a right that the
    // unit does not have and guards no line.
    let kept = IFlags::SYNC | IFlags::NOATIME | IFlags::NODUMP | IFlags::COMPRESSED | IFlags::NOCOW;
    let cannot = |errno| refused(Failure::new("keep", format!("the flags (chattr) of {shown}")), errno);
    let (given, found) = (flags(old).map_err(cannot)?, flags(new).map_err(cannot)?);
    let wanted = given.intersection(kept) | found.difference(kept);
    if found == wanted {
        return Ok(());
    }
    ioctl_setflags(new, wanted).map_err(cannot)?;
    match flags(new).map_err(cannot)? {
        made if made.intersection(kept) == given.intersection(kept) => Ok(()),
        _ => Err(Failure::new("keep", format!("the flags (chattr) of {shown}")).because("they read back different")),
    }
}

/// Not every file system has flags.
fn flags(file: &File) -> std::result::Result<IFlags, Errno> {
    match ioctl_getflags(file) {
        Err(Errno::NOTTY | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(IFlags::empty()),
        flags => flags,
    }
}

/// Whatever kind the file system has: what else the kernel keeps under that prefix says who may do what, too.
fn is_acl(name: &str) -> bool {
    name.starts_with("system.")
}

fn refused(failure: Failure, errno: Errno) -> Failure {
    failure
        .because(crate::failure::plain(&errno.into()))
        .hint("the log is left as it is; run as root, or rotate as the user that owns it")
}

/// All extended attributes that we are shown, ACLs among them.
fn xattrs(file: &File, shown: &str) -> Result<BTreeMap<String, Vec<u8>>> {
    let cannot = |errno: Errno| Failure::new("read the attributes of", shown).because(crate::failure::plain(&errno.into()));
    // 64 KiB is the kernel's own limit for the list and for each value.
    let mut names = vec![0; 64 << 10];
    let length = match flistxattr(file, &mut names) {
        Ok(length) => length,
        Err(Errno::NOTSUP) => 0,
        Err(errno) => return Err(cannot(errno)),
    };
    let mut all = BTreeMap::new();
    let mut value = Vec::new();
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let name = String::from_utf8_lossy(name).into_owned();
        value.resize(64 << 10, 0);
        match fgetxattr(file, name.as_str(), &mut value) {
            Ok(length) => drop(all.insert(name, value[..length].to_vec())),
            Err(Errno::NODATA) => {}
            Err(errno) => return Err(cannot(errno)),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_that_cannot_be_kept_are_a_failure() {
        let (old, new) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        let set = |file: &File| ioctl_getflags(file).and_then(|flags| ioctl_setflags(file, flags | IFlags::NOATIME));
        if !rustix::process::geteuid().is_root() || set(&old).is_err() {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "skipped: no root, or no flags on this file system");
            return;
        }
        let failed = std::thread::scope(|scope| {
            let as_another = || {
                let nobody = Uid::from_raw(65_534);
                rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
                copy_flags(&old, &new, "app.log").unwrap_err()
            };
            scope.spawn(as_another).join().unwrap()
        });
        assert_eq!(failed.to_string(), "cannot keep the flags (chattr) of app.log: operation not permitted");
        copy_flags(&old, &new, "app.log").unwrap();
        assert!(ioctl_getflags(&new).unwrap().contains(IFlags::NOATIME));
    }
}
