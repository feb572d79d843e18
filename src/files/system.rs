//! The file systems that differ in what their files can do, by the numbers of `statfs(2)`. Asks for a number and says what is known
//! of it; tries nothing out.

use std::{os::fd::AsFd, path::Path};

use rustix::{fs::StatFs, io};

pub(super) const BTRFS: u32 = 0x9123_683e;
/// ext2 and ext3 have it too.
pub(super) const EXT4: u32 = 0xef53;
pub(super) const OVERLAY: u32 = 0x794c_7630;
pub(super) const TMPFS: u32 = 0x0102_1994;
pub(super) const XFS: u32 = 0x5846_5342;

/// File systems whose files are also written to from elsewhere.
const SHARED: [(u32, &str); 14] = [
    (0x0000_6969, "NFS"),
    (0x0000_517b, "SMB"),
    (0xfe53_4d42, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9p"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x0bd0_0bd0, "Lustre"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
    (0x786f_4256, "vboxsf"),
];

/// The number of the file system that holds this open file.
pub(super) fn of(file: impl AsFd) -> io::Result<u32> {
    Ok(number(&rustix::fs::fstatfs(file)?))
}

/// `f_type` is as wide as the machine likes, and signed; the numbers have 32 bits.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the numbers have 32 bits")]
pub(super) fn number(found: &StatFs) -> u32 {
    found.f_type as u32
}

/// Its name, when another machine or a server in user space may write to its files and no lease tells.
pub(super) fn shared_between_machines(number: u32) -> Option<&'static str> {
    SHARED.iter().find(|(shared, _)| *shared == number).map(|(_, name)| *name)
}

/// Whether processes may be shown with another device and inode than the files of this folder have.
pub fn shows_others(folder: &Path) -> bool {
    rustix::fs::statfs(folder).map_or(true, |found| [OVERLAY, BTRFS].contains(&number(&found)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_machines_may_write_is_known_by_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let here = of(std::fs::File::open(folder.path()).unwrap()).unwrap();
        assert_eq!(shared_between_machines(here), None, "{here:x}");
        let mut numbers: Vec<u32> = SHARED.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), SHARED.len());
        let shared = [0x6969, 0x6573_5546, EXT4].map(shared_between_machines);
        assert_eq!(shared, [Some("NFS"), Some("FUSE"), None]);
    }
}
