//! Cuts the power of a mounted file system: whatever was not synced is gone.
//!
//! Only ever for file systems that a test made itself.
#![expect(unsafe_code, reason = "the shutdown ioctl has no safe wrapper")]

use std::{fs::File, os::fd::AsRawFd};

use super::filesystem::FileSystem;

/// `EXT4_IOC_SHUTDOWN` and `XFS_IOC_GOINGDOWN` are one number.
const SHUTDOWN: libc::Ioctl = 0x8004_587d;
/// Neither data nor the journal's memory reaches the disk any more.
const NO_LOG_FLUSH: u32 = 2;

/// Stops all writing to the disk at once, as a power cut would.
pub fn cut(file_system: &FileSystem) {
    let root = File::open(file_system.disk()).expect("mounted");
    let how = NO_LOG_FLUSH;
    // SAFETY: the call reads four bytes from `how`, which outlives it; the descriptor is open.
    let done = unsafe { libc::ioctl(root.as_raw_fd(), SHUTDOWN, &raw const how) };
    assert_eq!(done, 0, "cannot cut the power: {}", std::io::Error::last_os_error());
}
