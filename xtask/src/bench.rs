//! `cargo xtask bench NAME`: how a tool compares with the one it replaces, in the same run on the same machine.
//!
//! A benchmark is no test: it never decides whether a change may land. Every figure is a median of interleaved
//! rounds and comes with a ratio, because absolute numbers mean little on another machine. What it makes lies
//! under the target folder; the full run is written to docs/benchmarks.md.

mod idle;
mod measure;
mod memory;
mod page;
mod peers;
mod pile;
mod single;
mod trap;

use std::{fs, path::PathBuf};

use self::page::Row;
use crate::{Outcome, Stop, failed, place};

const HELP: &str = "\
cargo xtask bench rotate [--quick] [--rounds N] [PART...]

Compares ops-logs with logrotate and gzip. Parts:
  idle     100,000 logs with nothing to do: CPU and system calls for each
  pile     1,000 logs of 1 MB with compression: equal settings, and each one's defaults
  single   one log of 50 MB against `gzip -6`: access log, JSON
  memory   peak memory for 64 MiB and for 2 GiB
  trap     what is lost when the disk fills, or the run is killed, while a log of 200 MB is compressed (needs root)

  --rounds N   instead of 5 (pile: 3)
  --quick      small, one round, dev build: shows that the benchmark works, its figures mean nothing

Needs: time strace logrotate zstd gzip, and 8 GB of disk. A full run takes about 15 minutes and writes docs/benchmarks.md.";

/// How large this run is, and where it happens.
pub(crate) struct Bench {
    /// Everything that is made lies here.
    root: PathBuf,
    /// Our binary.
    binary: PathBuf,
    quick: bool,
    rounds: Option<usize>,
}

impl Bench {
    /// A number of items or bytes, or a small part of it when only the benchmark itself is tried.
    fn scaled(&self, full: u64) -> u64 {
        if self.quick { full / 100 } else { full }
    }

    fn rounds(&self, usual: usize) -> usize {
        self.rounds.unwrap_or(if self.quick { 1 } else { usual })
    }

    /// A folder under our own root, empty.
    fn fresh(&self, name: &str) -> Outcome<PathBuf> {
        let folder = self.root.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| failed(format!("cannot empty {}: {error}", folder.display())))?;
        }
        fs::create_dir_all(&folder).map_err(|error| failed(format!("cannot make {}: {error}", folder.display())))?;
        Ok(folder)
    }
}

/// One part of a benchmark.
struct Part {
    name: &'static str,
    run: fn(&Bench) -> Outcome<Vec<Row>>,
}

const PARTS: &[Part] = &[
    Part { name: "idle", run: idle::part },
    Part { name: "pile", run: pile::part },
    Part { name: "single", run: single::part },
    Part { name: "memory", run: memory::part },
    Part { name: "trap", run: trap::part },
];

/// The chore.
pub(crate) fn chore(words: &[String]) -> Outcome {
    let Some((name, rest)) = words.split_first() else {
        println!("{HELP}");
        return Ok(());
    };
    match name.as_str() {
        "--help" | "-h" => {
            println!("{HELP}");
            Ok(())
        }
        "rotate" => rotate(rest),
        other => Err(Stop::Usage(format!("no benchmark is called {other:?}: there is rotate"))),
    }
}

fn rotate(words: &[String]) -> Outcome {
    let (mut quick, mut rounds, mut parts) = (false, None, Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--quick" => quick = true,
            "--rounds" => match words.next().and_then(|given| given.parse().ok()) {
                Some(given @ 1..) => rounds = Some(given),
                _ => return Err(Stop::Usage("--rounds needs a whole number above 0".into())),
            },
            name => match PARTS.iter().find(|part| part.name == name) {
                Some(part) => parts.push(part),
                None => return Err(Stop::Usage(HELP.into())),
            },
        }
    }
    let whole = parts.is_empty();
    if whole {
        parts.extend(PARTS);
    }
    insist_on_programs()?;
    let bench = Bench { root: place::target().join("bench"), binary: build(quick)?, quick, rounds };
    let mut rows = Vec::new();
    for part in parts {
        println!("\n== {}", part.name);
        rows.extend((part.run)(&bench)?);
    }
    let text = page::text(&bench, &rows)?;
    println!("\n{text}");
    if whole && !quick { page::write(&text) } else { Ok(()) }
}

fn insist_on_programs() -> Outcome {
    let missing: Vec<&str> =
        ["time", "strace", "logrotate", "zstd", "gzip"].into_iter().filter(|name| place::program(name).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(failed(format!("first: apt-get install -y --no-install-recommends {}", missing.join(" "))))
}

fn build(quick: bool) -> Outcome<PathBuf> {
    let (profile, folder) = if quick { ("dev", "debug") } else { ("release", "release") };
    let words = ["build", "--profile", profile, "--no-default-features", "--features", "logs", "--bin", "ops-logs"];
    println!("$ cargo {}", words.join(" "));
    if !place::cargo(words).status().is_ok_and(|status| status.success()) {
        return Err(failed("ops-logs does not build"));
    }
    Ok(place::target().join(folder).join("ops-logs"))
}
