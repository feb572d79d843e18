//! The hostile owner of a folder: swaps his logs, archives and folders for links to what is not his, as
//! fast as he can, while root rotates there.
//!
//! Runs as an ordinary user. Every trick may fail; what counts is what root does with the ones that work.
//! Arguments: `files|folders HOME CANARY SECONDS`.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Write},
    os::unix::fs::{MetadataExt, symlink},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use rustix::fs::{CWD, FileType, Mode, RenameFlags, mknodat, renameat_with};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [mode, home, canary, seconds] = args.as_slice() else { return ExitCode::from(2) };
    let end = Instant::now() + Duration::from_secs(seconds.parse().unwrap_or(1));
    let (home, canary) = (Path::new(home), Path::new(canary));
    let mut turns = 0_u64;
    while Instant::now() < end {
        // He may only do what the file system lets him; a refused trick is tried again later.
        let _ = if mode == "files" { swap_files(home, canary, turns) } else { swap_folders(home, canary, turns) };
        turns += 1;
    }
    let told = writeln!(io::stdout(), "{turns}");
    if told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A log and whatever stands for it, each in turn.
fn swap_files(home: &Path, canary: &Path, turn: u64) -> io::Result<()> {
    let (log, secret) = (home.join("app.log"), canary.join("secret"));
    let trick = home.join("trick");
    clear(&trick);
    match turn % 8 {
        0 | 4 => symlink(&secret, &trick)?,
        1 => symlink(canary.join("made-by-root"), &trick)?,
        2 => fs::hard_link(&secret, &trick).or_else(|_| fs::write(&trick, "a line of mine\n"))?,
        3 => mknodat(CWD, &trick, FileType::Fifo, Mode::from_raw_mode(0o644), 0)?,
        5 => fs::create_dir(&trick)?,
        6 => symlink(canary, &trick)?,
        _ => fs::write(&trick, "a line of mine\n".repeat(100))?,
    }
    // A trick that was refused half way leaves another one in the log's place; it would stay there for good.
    if !fs::symlink_metadata(&log).is_ok_and(|meta| meta.is_file()) {
        clear(&log);
        fs::write(&log, "a line of mine\n".repeat(100))?;
    }
    exchange(&trick, &log)?;
    plant(home, canary, turn)?;
    // And back: a real log stands there for a moment that is never the same.
    exchange(&trick, &log)?;
    if fs::symlink_metadata(&log).is_ok_and(|meta| meta.is_file() && meta.size() == 0) {
        fs::write(&log, "a line of mine\n".repeat(100))?;
    }
    for _ in 0..(turn * 7919 % 400) {
        fs::symlink_metadata(&log)?;
    }
    Ok(())
}

/// Whatever root just made here becomes a link, and names that root will want are links already.
fn plant(home: &Path, canary: &Path, turn: u64) -> io::Result<()> {
    let target = if turn.is_multiple_of(2) { canary.join("secret") } else { canary.join("made-by-root") };
    for entry in fs::read_dir(home)? {
        let path = entry?.path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or("");
        // Not each time: some rotations must come to their end, or their later steps would never be tried.
        if turn.is_multiple_of(5) && (name.starts_with("app.log.") || name.starts_with(".app.log.")) {
            swap_for_link(home, &path, &target)?;
        }
    }
    let names = [".app.log.tmp", "app.log.1", "app.log.zst", "app.log.gz"];
    let name = home.join(names[usize::try_from(turn % 4).unwrap_or(0)]);
    clear(&name);
    symlink(&target, &name)
}

fn swap_for_link(home: &Path, path: &Path, target: &Path) -> io::Result<()> {
    let link = home.join("link");
    clear(&link);
    symlink(target, &link)?;
    exchange(&link, path)?;
    clear(&link);
    Ok(())
}

/// The folders of logs and of archives change places with links to the canary, which has an `app.log` of its own.
fn swap_folders(home: &Path, canary: &Path, turn: u64) -> io::Result<()> {
    for (folder, target) in
        [("logs", canary.join("folder")), ("archives", canary.join("folder")), ("deep/er", canary.join("folder"))]
    {
        let (folder, link) = (home.join(folder), home.join(format!("link-{}", folder.len())));
        clear(&link);
        symlink(&target, &link)?;
        exchange(&link, &folder)?;
        if turn.is_multiple_of(3) {
            std::thread::yield_now();
        }
        exchange(&link, &folder)?;
    }
    // Real folders as well, which no check for links can tell: his own, and the one that root made in his home.
    for (one, other) in [("archives", "spare"), ("logs", "roots"), ("archives", "roots"), ("logs", "archives"), ("deep", "spare")]
    {
        let (one, other) = (home.join(one), home.join(other));
        exchange(&one, &other)?;
        for _ in 0..(turn * 7919 % 200) {
            fs::symlink_metadata(&one)?;
        }
        exchange(&one, &other)?;
    }
    // The folder above, too: a path may be swapped at any depth.
    let (deep, aside) = (home.join("deep"), home.join("aside"));
    fs::rename(&deep, &aside)?;
    symlink(canary, &deep)?;
    fs::remove_file(&deep)?;
    fs::rename(&aside, &deep)?;
    refill(&[home.join("logs/app.log"), home.join("deep/er/app.log")])
}

fn refill(logs: &[PathBuf]) -> io::Result<()> {
    for log in logs {
        if fs::symlink_metadata(log).is_ok_and(|meta| meta.is_file() && meta.size() == 0) {
            fs::write(log, "a line of mine\n".repeat(100))?;
        }
    }
    Ok(())
}

fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

/// Whatever it is, it goes, if he may.
fn clear(path: &Path) {
    let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
}
