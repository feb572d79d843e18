//! Opens a file of our own by its path: lock, ledger, history. Never waits for a FIFO, never follows a link, and
//! takes nothing but an ordinary file, whatever somebody put in its place.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::{fs::OFlags, io::Errno};

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
}
