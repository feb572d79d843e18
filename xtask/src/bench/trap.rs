//! The failed-compression trap: while a log is compressed its disk fills, or the run is killed. Then all is as usual again,
//! the log is due once more, and the next run ends with 0. How much of what was written can still be read?

use std::{
    fs::{self, File},
    io,
    path::Path,
    process::Command,
    time::Duration,
};

use super::{
    Bench,
    disk::{self, Disk},
    page::Row,
    peers::{self, AT_ONCE, Compress},
};
use crate::{
    Outcome,
    child::{self, End},
    corpus::{self, Kind},
    failed, place,
};

const LOG: u64 = 200_000_000;
/// What is written between the two runs.
const NEXT: u64 = 1_000_000;
/// The disk that fills holds the log three times.
const DISK: u64 = 3 * LOG;
/// Left free on it: less than the archive takes.
const ROOM: u64 = LOG / 50;
/// A run is killed after this: long enough to begin, and much too short to end.
const KILL: Duration = Duration::from_millis(600);
/// Longer than any run here takes.
const DEADLINE: Duration = Duration::from_mins(5);

/// Both tools in both traps, with the same compressor.
pub(crate) fn part(bench: &Bench) -> Outcome<Vec<Row>> {
    if !place::is_root() {
        println!("skipped: a disk that can be filled takes root to mount");
        return Ok(Vec::new());
    }
    let home = bench.fresh("trap")?;
    let pattern = home.join("disk/logs/*.log").display().to_string();
    let ours = peers::ours(bench, &home, &pattern, &AT_ONCE, Compress::Gzip6)?;
    let theirs = peers::logrotate(&home, &pattern, &AT_ONCE, Compress::Gzip6)?;
    let mut rows = Vec::new();
    for (how, trap) in [("disk full meanwhile", Trap::FullDisk), ("killed meanwhile", Trap::Kill)] {
        let mut lost = [0.0; 2];
        for (command, lost) in [&ours, &theirs].into_iter().zip(&mut lost) {
            *lost = spring(bench, &home, trap, command)?;
            println!("{how}: {} lost {lost:.1} MB", command.get_program().display());
        }
        let what = format!("a log of {} MB, gzip, {how}, then one more run", bench.scaled(LOG) / 1_000_000);
        rows.push(Row::against(&what, "logrotate", "lost for good, MB", lost[0], lost[1]));
    }
    fs::remove_dir_all(&home).map_err(failed)?;
    Ok(rows)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Trap {
    FullDisk,
    Kill,
}

/// Lays the log, springs the trap, lets one usual run follow, and counts the megabytes that nobody can read any more.
fn spring(bench: &Bench, home: &Path, trap: Trap, command: &Command) -> Outcome<f64> {
    for old in ["state", "logrotate.state"] {
        place::said(Command::new("rm").arg("-rf").arg(home.join(old)))?;
    }
    let disk = Disk::mount(home, disk::Kind::Ext4, bench.scaled(DISK))?;
    let logs = disk.place().join("logs");
    fs::create_dir(&logs).map_err(failed)?;
    let live = logs.join("one.log");
    corpus::write(&live, Kind::Access, bench.scaled(LOG), 1).map_err(failed)?;
    let mut written = fs::metadata(&live).map_err(failed)?.len();
    match trap {
        Trap::FullDisk => {
            let filler = disk.place().join("filler");
            disk.fill(&filler, bench.scaled(ROOM))?;
            let _ = run(command, DEADLINE)?;
            fs::remove_file(&filler).map_err(failed)?;
        }
        Trap::Kill => {
            let end = run(command, KILL)?;
            let begun = fs::read_dir(&logs).map_err(failed)?.count() > 1;
            if !bench.quick && (end != End::TooSlow || !begun) {
                return Err(failed(format!("{command:?} was to be killed at work, and ended with {end:?}")));
            }
        }
    }
    written += append(home, &live, bench.scaled(NEXT)).map_err(failed)?;
    let end = run(command, DEADLINE)?;
    if !end.is_good() {
        return Err(failed(format!("the usual run of {command:?} ended with {end:?}")));
    }
    let readable = readable(&logs)?;
    #[expect(clippy::cast_precision_loss, reason = "a size in MB needs no last digit")]
    let lost = written.abs_diff(readable) as f64 / 1e6;
    Ok(lost)
}

fn run(command: &Command, deadline: Duration) -> Outcome<End> {
    let mut again = Command::new(command.get_program());
    again.args(command.get_args());
    for (name, value) in command.get_envs() {
        again.env(name, value.unwrap_or_default());
    }
    child::stream(&mut again, deadline, &mut child::echo).map_err(failed)
}

fn append(home: &Path, live: &Path, bytes: u64) -> io::Result<u64> {
    let more = home.join("more.log");
    // `write` makes a new file.
    let _ = fs::remove_file(&more);
    corpus::write(&more, Kind::Access, bytes, 2)?;
    io::copy(&mut File::open(more)?, &mut File::options().append(true).create(true).open(live)?)
}

/// The bytes of all logs and archives; of a broken archive, as many as come out of it.
fn readable(logs: &Path) -> Outcome<u64> {
    let script = "for file in \"$1\"/*; do zcat -f -- \"$file\" 2>/dev/null; done | wc -c";
    let said = place::said(Command::new("sh").args(["-c", script, "sh"]).arg(logs))?;
    said.parse().map_err(|_| failed(format!("wc said {said:?}")))
}
