//! One settings file: opened without trusting it, read within a limit, and kept for messages that quote it.
//!
//! Never follows what a file says before its owner and mode are found sound.

use std::{
    fmt,
    fs::{File, Metadata, OpenOptions},
    io::{self, Read},
    ops::Range,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use crate::failure::{Exit, Failure, Result, plain};

/// More is no settings file.
const LARGEST: u64 = 1 << 20;

/// A settings file that was read.
#[derive(PartialEq, Eq)]
pub(super) struct SettingsFile {
    pub path: PathBuf,
    pub text: String,
}

impl SettingsFile {
    /// The file at `path`, or `None` when there is none.
    pub(super) fn read(path: &Path) -> Result<Option<SettingsFile>> {
        let wrong = |why: &str| Failure::new("read", path.display()).because(why).exit(Exit::BadInput);
        let mut file = match open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(&plain(&error))),
        };
        let facts = file.metadata().map_err(|error| wrong(&plain(&error)))?;
        sound(&facts, path)?;
        let mut bytes = Vec::new();
        (&mut file).take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| wrong(&plain(&error)))?;
        if bytes.len() as u64 > LARGEST {
            return Err(wrong("larger than 1 MiB, which no settings file needs"));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..good].split(|byte| *byte == b'\n').count();
            wrong(&format!("line {line} is not UTF-8"))
        })?;
        Ok(Some(SettingsFile { path: path.to_owned(), text }))
    }

    /// Line and column of a byte, both from 1; columns count characters.
    pub(super) fn position(&self, byte: usize) -> (usize, usize) {
        let byte = self.text.floor_char_boundary(byte);
        let start = self.line_at(byte).start;
        let line = self.text[..start].matches('\n').count() + 1;
        (line, self.text[start..byte].chars().count() + 1)
    }

    /// The line that holds `byte`, without its end.
    pub(super) fn line_at(&self, byte: usize) -> Range<usize> {
        let byte = self.text.floor_char_boundary(byte);
        let start = self.text[..byte].rfind('\n').map_or(0, |end| end + 1);
        let end = self.text[byte..].find('\n').map_or(self.text.len(), |end| byte + end);
        start..end
    }
}

impl fmt::Debug for SettingsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

/// Without waiting: a FIFO in the place of a settings file must not hold us up.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

fn sound(facts: &Metadata, path: &Path) -> Result<()> {
    let running = rustix::process::geteuid().as_raw();
    let Some((cause, hint)) = distrust(facts.mode(), facts.uid(), running) else { return Ok(()) };
    let hint = hint.map(|command| format!("{command} {}", path.display()));
    Err(Failure::new("use", path.display()).because(cause).hint_if_any(hint).exit(Exit::BadInput))
}

/// Why settings in a file of this mode and owner are not for us, and the command that mends it.
fn distrust(mode: u32, owner: u32, running: u32) -> Option<(String, Option<&'static str>)> {
    if mode & 0o170_000 != 0o100_000 {
        return Some(("not a regular file".to_owned(), None));
    }
    if mode & 0o002 != 0 {
        return Some(("every user of this machine can write it".to_owned(), Some("chmod o-w")));
    }
    // Whoever writes our settings runs commands as us.
    if running == 0 && owner != 0 {
        return Some((format!("it belongs to user {owner}, and we run as root"), Some("chown root")));
    }
    None
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn only_files_that_nobody_else_can_write_are_trusted() {
        assert_eq!(distrust(0o100_644, 0, 0), None);
        assert_eq!(distrust(0o100_664, 1000, 1000), None);
        assert_eq!(distrust(0o100_644, 0, 1000), None);
        assert!(distrust(0o100_644, 1000, 0).unwrap().0.contains("belongs to user 1000"));
        assert!(distrust(0o100_646, 0, 0).unwrap().0.contains("every user"));
        assert!(distrust(0o010_644, 0, 0).unwrap().0.contains("not a regular file"));
    }

    fn refused(path: &Path) -> Failure {
        let failure = SettingsFile::read(path).unwrap_err();
        assert_eq!(failure.exit, Exit::BadInput);
        failure
    }

    #[test]
    fn a_missing_file_is_no_trouble() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(SettingsFile::read(&folder.path().join("x.toml")), Ok(None));
    }

    #[test]
    fn a_world_writable_file_is_refused_with_the_remedy() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o666)).unwrap();
        let failure = refused(file.path());
        assert_eq!(failure.hint, Some(format!("chmod o-w {}", file.path().display())));
    }

    #[test]
    fn a_fifo_does_not_hold_us_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0)
            .unwrap();
        assert!(refused(&path).to_string().ends_with("not a regular file"));
    }

    #[test]
    fn the_largest_file_is_read_and_one_byte_more_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        fs::write(&path, "#".repeat(1 << 20)).unwrap();
        assert!(SettingsFile::read(&path).unwrap().is_some());
        fs::write(&path, "#".repeat((1 << 20) + 1)).unwrap();
        assert!(refused(&path).to_string().contains("larger than 1 MiB"));
    }

    #[test]
    fn bytes_that_are_no_text_name_their_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), b"a = 1\nb = \"\xff\"\n").unwrap();
        assert!(refused(file.path()).to_string().ends_with("line 2 is not UTF-8"));
    }

    #[test]
    fn positions_count_lines_and_characters() {
        let file = SettingsFile { path: "x".into(), text: "a\nü = 1\n".to_owned() };
        assert_eq!(file.position(0), (1, 1));
        assert_eq!(file.position("a\nü ".len()), (2, 3));
        assert_eq!(file.position(file.text.len()), (3, 1));
        assert_eq!(&file.text[file.line_at(3)], "ü = 1");
    }
}
