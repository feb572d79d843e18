//! The few system and C library calls that rustix does not offer. The only module that may be unsafe: calls with plain
//! integers and, for the map and the generation of a file, plain integers of ours that the kernel fills.
#![expect(
    unsafe_code,
    reason = "leases, descriptors that nobody owns, ioprio_set, kcmp, FIEMAP and FS_IOC_GETVERSION have no safe wrapper"
)]

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
};

/// A read lease on an open file; while it is held nobody can begin to write to the file.
#[derive(Debug)]
pub struct Lease<'fd>(BorrowedFd<'fd>);

impl<'fd> Lease<'fd> {
    /// Takes a read lease. `EAGAIN` means that somebody has the file open for writing; `EACCES` that we
    /// may not ask (the file belongs to another user and we lack `CAP_LEASE`).
    pub fn take(file: BorrowedFd<'fd>) -> io::Result<Lease<'fd>> {
        // SAFETY: F_SETLEASE takes an integer argument and touches no memory of ours.
        let status = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_RDLCK) };
        if status == -1 { Err(io::Error::last_os_error()) } else { Ok(Lease(file)) }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        // SAFETY: as above. A lease that cannot be dropped goes with its descriptor.
        unsafe { libc::fcntl(self.0.as_raw_fd(), libc::F_SETLEASE, libc::F_UNLCK) };
    }
}

/// Where one stretch of a file lies on its disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Its place in the file.
    pub at: u64,
    /// Its place on the disk.
    pub disk: u64,
    /// How long it is.
    pub length: u64,
    /// Whether the kernel does not (yet) know its place on the disk for certain.
    pub vague: bool,
}

/// The stretches of the file from byte `from` on that have a place on the disk: so many as fit into one answer, in order.
/// What the file holds is written out before. None at all means that there are no more.
pub fn extents(file: BorrowedFd<'_>, from: u64) -> io::Result<Vec<Extent>> {
    const ROOM: u32 = 128;
    const FIEMAP: libc::Ioctl = 0xC020_660B;
    const SYNC: u32 = 1;
    /// Unknown, delayed, encoded, encrypted, not aligned, inline, or in a tail: no place that could be compared.
    const VAGUE: u32 = 0x2 | 0x4 | 0x8 | 0x80 | 0x100 | 0x200 | 0x400;
    #[repr(C)]
    #[derive(Clone, Copy, Default)]
    struct One {
        logical: u64,
        physical: u64,
        length: u64,
        reserved: [u64; 2],
        flags: u32,
        spare: [u32; 3],
    }
    #[repr(C)]
    struct Map {
        start: u64,
        length: u64,
        flags: u32,
        mapped: u32,
        count: u32,
        reserved: u32,
        extents: [One; ROOM as usize],
    }
    let length = u64::MAX - from;
    let mut map =
        Map { start: from, length, flags: SYNC, mapped: 0, count: ROOM, reserved: 0, extents: [One::default(); ROOM as usize] };
    // SAFETY: FIEMAP writes into `map` alone, no more than the `count` extents that it has room for.
    let status = unsafe { libc::ioctl(file.as_raw_fd(), FIEMAP, &raw mut map) };
    if status == -1 {
        return Err(io::Error::last_os_error());
    }
    let found = map.extents.iter().take(map.mapped as usize);
    let told = |one: &One| Extent { at: one.logical, disk: one.physical, length: one.length, vague: one.flags & VAGUE != 0 };
    Ok(found.map(told).collect())
}

/// Which file of its inode an open file is, where the file system counts them.
pub fn generation(file: BorrowedFd) -> Option<u32> {
    use rustix::ioctl::{Opcode, Updater, ioctl, opcode};
    const GET_VERSION: Opcode = opcode::read::<libc::c_long>(b'v', 1);
    // Kernels write an int, programs behind FUSE may write the long that the call's number speaks of.
    let mut told = [0 as libc::c_int; 2];
    // SAFETY: FS_IOC_GETVERSION writes a long at most, and there is room for it.
    unsafe { ioctl(file, Updater::<GET_VERSION, _>::new(&mut told)) }.ok()?;
    Some(told[0].cast_unsigned())
}

/// Whether two threads have one table of descriptors. Their numbers are those of our own PID namespace. Who may not look
/// into both is refused, and so is everybody where a kernel or a filter does not know the call.
pub fn share_descriptors(one: u32, other: u32) -> io::Result<bool> {
    const KCMP_FILES: libc::c_long = 2;
    // As wide as the kernel reads them: a variadic call widens nothing by itself.
    let (one, other) = (libc::c_long::from(one.cast_signed()), libc::c_long::from(other.cast_signed()));
    let (none, unused): (libc::c_long, libc::c_long) = (0, 0);
    // SAFETY: kcmp takes five integers and touches no memory of ours.
    let order = unsafe { libc::syscall(libc::SYS_kcmp, one, other, KCMP_FILES, none, unused) };
    if order == -1 { Err(io::Error::last_os_error()) } else { Ok(order == 0) }
}

/// Marks every descriptor above standard error to be closed in programs that we start. Ours are so from the beginning;
/// what our caller left open may lead anywhere.
pub fn keep_descriptors() -> io::Result<()> {
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let Some(descriptor) = entry?.file_name().to_str().and_then(|name| name.parse::<libc::c_int>().ok()) else { continue };
        if descriptor > libc::STDERR_FILENO {
            // SAFETY: F_SETFD takes integers and touches no memory; a descriptor that is gone by now is refused.
            unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
    Ok(())
}

/// Has large blocks of memory go back to the system as soon as they are free. By default glibc begins to
/// keep them after the first one, and aligned blocks (the gzip encoder's) then leave a hole for each file:
/// 900 files took 98 MB.
pub fn give_back_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt takes two integers and may be called at any time.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 128 << 10);
    }
}

/// Gives back what is free between blocks that are still in use: every gzip encoder leaves such a hole,
/// and 3000 files took 150 MB.
pub fn give_back_holes() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim takes an integer and may be called at any time, by any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Gives this thread the idle I/O class, so that rotation never slows what the machine is for.
pub fn idle_io() -> io::Result<()> {
    const WHO_PROCESS: libc::c_int = 1;
    const CLASS_IDLE: libc::c_int = 3 << 13;
    // SAFETY: ioprio_set takes three integers; 0 means the calling thread.
    let status = unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, CLASS_IDLE) };
    if status == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
