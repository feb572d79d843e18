//! Opens a file of our own by its path: lock, ledger, history. Never waits for a FIFO, never follows a link, and
//! takes nothing but an ordinary file, whatever somebody put in its place. Knows who comes first on a disk that is
//! nearly full: what a run relies on has its room ahead of time, and what only tells leaves the last blocks alone.

use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use rustix::{
    fs::{FallocateFlags, OFlags, fallocate, fstatvfs},
    io::Errno,
};

use super::space::Space;

/// So many bytes are there ahead of time for what a run relies on, and are left alone by what only tells.
const ROOM: u64 = 64 << 10;

/// Opens `path` as `options` say. A file that is made is for its owner alone.
pub fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = options.mode(0o600).custom_flags(flags.bits().cast_signed()).open(path);
    let file = opened.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::LOOP) => io::Error::other("it is a symbolic link"),
        Some(Errno::NXIO) => no_ordinary_file(),
        _ => error,
    })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(no_ordinary_file()) }
}

/// Sees to it that [`ROOM`] can be appended to `file` when nothing is free any more. Its length stays. Where the file
/// system has no room, or cannot, it is as it was: the next write may still find a place. Where little is free it does with
/// less: what is recorded needs some of it too.
pub fn keep_room(file: &File) {
    let (Ok(there), Ok(space)) = (file.metadata(), Space::of_file(file)) else { return };
    let wanted = ROOM.min(space.free / 4);
    if allocated(&there).saturating_sub(there.len()) < wanted {
        // Somewhat more, so that not every line asks for it.
        let _ = fallocate(file, FallocateFlags::KEEP_SIZE, there.len(), wanted + wanted / 2);
    }
}

/// Whether `file` can become `length` bytes long and leave the last [`ROOM`] of its file system alone.
pub fn leaves_room(file: &File, length: u64) -> io::Result<bool> {
    Ok(allocated(&file.metadata()?) >= length || Space::of(&fstatvfs(file)?).free >= ROOM)
}

fn allocated(there: &Metadata) -> u64 {
    there.blocks().saturating_mul(512)
}

fn no_ordinary_file() -> io::Error {
    io::Error::other("it is no ordinary file")
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn only_an_ordinary_file_is_opened_and_nothing_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        mknodat(CWD, at("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        std::fs::write(at("file"), "text").unwrap();
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        let reading = |name: &str| open(&at(name), OpenOptions::new().read(true)).map_err(|error| error.to_string());
        let appending = |name: &str| open(&at(name), OpenOptions::new().append(true)).map_err(|error| error.to_string());
        assert!(reading("file").is_ok() && appending("file").is_ok());
        for refused in [reading("fifo"), appending("fifo"), reading(".")] {
            assert_eq!(refused.unwrap_err(), "it is no ordinary file");
        }
        assert_eq!(reading("link").unwrap_err(), "it is a symbolic link");
    }

    #[test]
    fn room_is_kept_behind_the_end_without_making_the_file_longer() {
        let mut file = tempfile::tempfile().unwrap();
        if fallocate(&file, FallocateFlags::KEEP_SIZE, 0, 1).is_err() {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "skipped: this file system cannot allocate ahead");
            return;
        }
        for bytes in [1, 5000, 40_000, 100_000] {
            io::Write::write_all(&mut file, &vec![b'x'; bytes]).unwrap();
            let length = file.metadata().unwrap().len();
            keep_room(&file);
            let there = file.metadata().unwrap();
            assert_eq!(there.len(), length);
            assert!(allocated(&there) >= length + ROOM, "{} of {length}", allocated(&there));
            keep_room(&file);
            assert_eq!(allocated(&file.metadata().unwrap()), allocated(&there), "once is enough");
        }
    }
}
