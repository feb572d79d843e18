//! How ops-logs and logrotate are called on the same tree with the same wishes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::Bench;
use crate::{Outcome, failed};

/// When a log is due, in both languages.
pub(crate) struct When {
    pub(crate) ours: &'static str,
    pub(crate) theirs: &'static str,
}

/// Every log of the tree, at once.
pub(crate) const AT_ONCE: When = When { ours: "\"1 KiB\"", theirs: "size 1k" };
/// No log of a tree that was just made.
pub(crate) const LATER: When = When { ours: "\"weekly\", \"100 MiB\"", theirs: "weekly\n  maxsize 100M" };

/// Compression as one of the two is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compress {
    /// Whatever the tool does when nothing is said.
    Default,
    /// zstd at level 6.
    Zstd6,
    /// gzip at level 6.
    Gzip6,
}

/// ops-logs over every `*.log` that `pattern` finds below `tree`; settings and state in `home`.
pub(crate) fn ours(bench: &Bench, home: &Path, pattern: &str, when: &When, compress: Compress) -> Outcome<Command> {
    let compress = match compress {
        Compress::Default => "",
        Compress::Zstd6 => "compress = \"zstd:6\"",
        Compress::Gzip6 => "compress = \"gzip:6\"",
    };
    let settings = format!(
        "[defaults]\n{compress}\nkeep = {{ count = 14 }}\n\n[[log]]\nname = \"bench\"\npaths = [\"{pattern}\"]\nwhen = {{ any = [{}] }}\n",
        when.ours
    );
    ours_with(bench, home, &settings)
}

/// ops-logs with these settings; state in `home`.
pub(crate) fn ours_with(bench: &Bench, home: &Path, settings: &str) -> Outcome<Command> {
    let file = written(home.join("logs.toml"), settings)?;
    let mut command = Command::new(&bench.binary);
    command.arg("--config").arg(file).arg("rotate");
    command.env("STATE_DIRECTORY", home.join("state"));
    Ok(command)
}

/// logrotate over the same.
pub(crate) fn logrotate(home: &Path, pattern: &str, when: &When, compress: Compress) -> Outcome<Command> {
    let compress = match compress {
        Compress::Default => "compress",
        Compress::Zstd6 => {
            "compress\n  compresscmd /usr/bin/zstd\n  uncompresscmd /usr/bin/unzstd\n  compressext .zst\n  compressoptions -6 -q"
        }
        Compress::Gzip6 => "compress\n  compressoptions -6",
    };
    let settings = format!("\"{pattern}\" {{\n  rotate 14\n  {}\n  create\n  {compress}\n}}\n", when.theirs);
    logrotate_with(home, &settings)
}

/// logrotate with these settings; state in `home`.
pub(crate) fn logrotate_with(home: &Path, settings: &str) -> Outcome<Command> {
    let file = written(home.join("logrotate.conf"), settings)?;
    let mut command = Command::new(crate::place::program("logrotate").unwrap_or_else(|| "logrotate".into()));
    command.arg("-s").arg(home.join("logrotate.state")).arg(file);
    Ok(command)
}

fn written(path: PathBuf, text: &str) -> Outcome<PathBuf> {
    fs::write(&path, text).map_err(|error| failed(format!("cannot write {}: {error}", path.display())))?;
    Ok(path)
}

/// What lies below a folder: how many files, how many of them compressed, and the bytes of those.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) files: u64,
    pub(crate) archives: u64,
    pub(crate) archive_bytes: u64,
}

/// Counts, to know that a run did what it was measured for.
pub(crate) fn census(folder: &Path) -> Outcome<Census> {
    let mut census = Census::default();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| failed(format!("cannot list {}: {error}", folder.display())))?;
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let data = entry.metadata().map_err(failed)?;
            if data.is_dir() {
                folders.push(entry.path());
                continue;
            }
            census.files += 1;
            if entry.path().extension().is_some_and(|ending| ending == "zst" || ending == "gz") {
                census.archives += 1;
                census.archive_bytes += data.len();
            }
        }
    }
    Ok(census)
}
