//! `cargo xtask bench in-place`: what a writer that cannot reopen its file loses, and how long it is kept waiting.
//!
//! The tests' own writers append lines that prove themselves; meanwhile ops-logs cuts the log in place, or logrotate
//! does its copytruncate, at the same pace. Afterwards every line is looked for in archives and live file. Never
//! gives figures of a rotation that was refused.

mod lines;
#[expect(unreachable_pub, reason = "the tests use it too")]
#[path = "../../../tests/support/sight.rs"]
mod sight;
mod writers;

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use self::{lines::Lines, writers::Load};
use super::{
    Bench, Benchmark,
    disk::{Disk, Kind},
    page, peers,
};
use crate::{
    Outcome,
    child::{self, End},
    failed, place,
};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "in-place",
    help: "\
cargo xtask bench in-place [--quick] [--rounds N] [PART...]

Compares `method = \"in-place\"` with logrotate's copytruncate under writers that never reopen: lines lost, twice and
garbled, and the longest time that one write took. Parts, each with 1 and 4 writers, unthrottled and at a fixed rate:
  ext4     on a disk image of its own
  xfs      the same
  overlay  overlayfs, both layers on ext4

  --rounds N   rotations of each, instead of 20
  --quick      2 rotations, dev build: shows that the benchmark works, its figures mean nothing

Needs: root, logrotate mkfs.ext4 mkfs.xfs mount, and 8 GB of disk. A full run takes about 7 minutes and writes
docs/benchmarks.md.",
    parts: &["ext4", "xfs", "overlay"],
    programs: &["logrotate", "mkfs.ext4", "mkfs.xfs", "mount"],
    build: super::ALONE,
    examples: &["log-writer", "log-tally"],
    run,
};

const LOADS: &[Load] = &[
    Load { name: "1 writer, unthrottled", writers: 1, rate: 0 },
    Load { name: "4 writers, unthrottled", writers: 4, rate: 0 },
    Load { name: "1 writer, 10,000 lines/s", writers: 1, rate: 10_000 },
    Load { name: "1 writer, 1,000 lines/s", writers: 1, rate: 1_000 },
];
const ROTATIONS: usize = 20;
/// From the begin of one rotation to that of the next, unless the first takes longer.
const PACE: Duration = Duration::from_millis(500);
/// One rotation.
const DEADLINE: Duration = Duration::from_mins(3);
/// Sparse; what is written to it stays far below.
const DISK: u64 = 8 << 30;
const HOW: &str = "Rotations begin every 0.5 s, or when the one before has ended. Neither side compresses: unthrottled writers are \
    faster than a compressor, and each log would be larger than the last. The longest write is what the writer itself saw of \
    one call, waiting for a processor included.";

/// One side under one load, counted.
struct Row {
    what: String,
    side: &'static str,
    told: Told,
}

/// How it went.
enum Told {
    Figures(Lines),
    /// The tool would not; in its words.
    Refused(String),
}

fn run(bench: &Bench, chosen: &[&str]) -> Outcome<String> {
    if !place::is_root() {
        return Err(failed("file systems take root to mount"));
    }
    let mut rows = Vec::new();
    for name in chosen {
        println!("\n== {name}");
        let kind = match *name {
            "xfs" => Kind::Xfs,
            "overlay" => Kind::Overlay,
            _ => Kind::Ext4,
        };
        for load in LOADS {
            for side in ["ops-logs", "logrotate"] {
                let told = trial(bench, kind, load, side)?;
                let row = Row { what: format!("{name}, {}", load.name), side, told };
                print!("{}", line(&row));
                rows.push(row);
            }
        }
    }
    match rows.iter().find_map(|row| if let Told::Refused(why) = &row.told { Some(why) } else { None }) {
        None => text(bench, &rows),
        Some(why) => Err(failed(format!("the other half is missing, for ops-logs refused: {why}"))),
    }
}

/// A fresh disk, the writers, the rotations; then the counting.
fn trial(bench: &Bench, kind: Kind, load: &Load, side: &str) -> Outcome<Told> {
    let home = bench.fresh("in-place")?;
    let disk = Disk::mount(&home, kind, DISK)?;
    let logs = disk.place().join("logs");
    fs::create_dir(&logs).map_err(failed)?;
    let log = logs.join("app.log");
    let command = command(bench, &home, &log, side)?;
    let times = if bench.quick { bench.rounds.unwrap_or(2) } else { bench.rounds(ROTATIONS) };
    let inode = || fs::metadata(&log).map(|log| log.ino()).map_err(failed);
    let ((first, refusal), accounts) = load.during(bench, &home, &log, || Ok((inode()?, rotate(&command, times)?)))?;
    let told = match refusal {
        Some(why) if side == "ops-logs" => {
            println!("ops-logs refused: {why}");
            Told::Refused(why)
        }
        Some(why) => return Err(failed(format!("{command:?} failed: {why}"))),
        None => Told::Figures(lines::count(bench, &home, &log, &accounts)?),
    };
    // No loss is no feat where nothing was rotated, or where the writer kept its file and the log is another one.
    match &told {
        Told::Figures(lines) if lines.rotations < times || inode()? != first => {
            return Err(failed(format!("{command:?} did not rotate {times} times in place: {lines:?}")));
        }
        _ => {}
    }
    drop(disk);
    fs::remove_dir_all(&home).map_err(failed)?;
    Ok(told)
}

fn command(bench: &Bench, home: &Path, log: &Path, side: &str) -> Outcome<Command> {
    let log = log.display();
    if side == "ops-logs" {
        let settings = format!(
            "[[log]]\nname = \"bench\"\npaths = [\"{log}\"]\nmethod = \"in-place\"\nwhen = {{ any = [\"900 GiB\"] }}\n\
             keep = {{ count = 1000 }}\ncompress = \"none\"\n"
        );
        let mut command = peers::ours_with(bench, home, &settings)?;
        command.arg("--force").env("RUNTIME_DIRECTORY", home.join("run"));
        return Ok(match sight::prepare(home) {
            Some(blank) => sight::lend(&command, &blank),
            None => command,
        });
    }
    let settings = format!("\"{log}\" {{\n  rotate 1000\n  size 1k\n  copytruncate\n}}\n");
    let mut command = peers::logrotate_with(home, &settings)?;
    command.arg("-f");
    Ok(command)
}

/// Rotates so often at our pace; what the tool said when it would not.
fn rotate(command: &Command, times: usize) -> Outcome<Option<String>> {
    for _ in 0..times {
        // First of all lines: a log with less than a block of them is not rotated in place.
        let next = Instant::now() + PACE;
        while let Some(left) = next.checked_duration_since(Instant::now()) {
            thread::park_timeout(left);
        }
        let mut again = Command::new(command.get_program());
        again.args(command.get_args()).envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut said = Vec::new();
        let end = child::stream(&mut again, DEADLINE, &mut |_, line| said.push(line.trim().to_owned())).map_err(failed)?;
        if !end.is_good() {
            let how = if let End::Exited(status) = end { status.to_string() } else { format!("{end:?}") };
            return Ok(Some(format!("{how}: {}", said.join("; "))));
        }
    }
    Ok(None)
}

/// The table, what ran, and how to repeat it.
fn text(bench: &Bench, rows: &[Row]) -> Outcome<String> {
    let mut text = String::from("## `method = \"in-place\"`\n\n");
    text.push_str("| where, who | rotated by | rotations | lines written | lost | twice | garbled | longest write, ms |\n");
    text.push_str("|---|---|---:|---:|---:|---:|---:|---:|\n");
    for row in rows {
        text.push_str(&line(row));
    }
    let surroundings = page::surroundings(bench, HOW, &[])?;
    let _ = writeln!(text, "\n{surroundings}\n\nTo repeat: `cargo xtask bench in-place`, as root.");
    Ok(text)
}

fn line(Row { what, side, told }: &Row) -> String {
    let side = if *side == "ops-logs" { "ops-logs, in-place" } else { "logrotate, copytruncate" };
    match told {
        Told::Refused(_) => format!("| {what} | {side} | refused | - | - | - | - | - |\n"),
        Told::Figures(Lines { rotations, written, lost, twice, garbled, longest }) => format!(
            "| {what} | {side} | {rotations} | {written} | {lost} | {twice} | {garbled} | {:.1} |\n",
            longest.as_secs_f64() * 1e3
        ),
    }
}
