//! On which file system that lands what is written to an overlay, as far as the table of mounts tells. Tries nothing out and
//! opens no file; what cannot be seen from here (in a container, say) is not guessed.

use std::{fs, os::fd::AsFd};

use rustix::fs::{AtFlags, StatFs, StatxFlags, statfs, statx};

use crate::files::system;

/// The number of the file system beneath the overlay of this file, of which the kernel says `overlay`.
pub(super) fn number(file: impl AsFd, overlay: &StatFs) -> Option<u32> {
    let told = statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).ok()?;
    let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let found = statfs(upper(&table, told.stx_mnt_id)?).ok()?;
    // An overlay gives the numbers of what is beneath. That path may be another one where it was mounted.
    let same = (found.f_blocks, found.f_files, found.f_bsize) == (overlay.f_blocks, overlay.f_files, overlay.f_bsize);
    same.then(|| system::number(&found))
}

/// Where the mount with this number writes to.
fn upper(table: &str, mount: u64) -> Option<&str> {
    let number = mount.to_string();
    let line = table.lines().find(|line| line.split(' ').next() == Some(&number))?;
    let upper = line.rsplit(' ').next()?.split(',').find_map(|option| option.strip_prefix("upperdir="))?;
    // From wherever it was mounted, or with signs that are written otherwise.
    (upper.starts_with('/') && !upper.contains('\\')).then_some(upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_and_plain_path_is_believed() {
        let table = "21 1 0:5 / /proc rw - proc proc rw\n\
                     35 1 0:31 / /m rw,relatime - overlay overlay rw,lowerdir=/l,upperdir=/data/u,workdir=/data/w,xino=off\n\
                     36 1 0:32 / /n rw - overlay overlay rw,lowerdir=/l,upperdir=u,workdir=w\n\
                     37 1 0:33 / /o rw - overlay overlay rw,lowerdir=/l,upperdir=/a\\040b,workdir=w\n\
                     3 1 0:34 / /p ro - overlay overlay ro,lowerdir=/l:/k\n";
        assert_eq!(upper(table, 35), Some("/data/u"));
        assert!([21, 36, 37, 3, 4].into_iter().all(|mount| upper(table, mount).is_none()));
    }
}
