//! `cargo xtask bench rotate`: what a rotation costs, beside logrotate and gzip.
//!
//! Every figure is a median of interleaved rounds and comes with a ratio.

use super::{
    Bench, Benchmark, idle, memory,
    page::{self, Row},
    pile, single, trap,
};
use crate::Outcome;

pub(super) const BENCHMARK: Benchmark = Benchmark {
    name: "rotate",
    help: "\
cargo xtask bench rotate [--quick] [--rounds N] [PART...]

Compares ops-logs with logrotate and gzip. Parts:
  idle     100,000 logs with nothing to do: CPU and system calls for each
  pile     1,000 logs of 1 MB with compression: equal settings, and each one's defaults
  single   one log of 50 MB against `gzip -6`: access log, JSON
  memory   peak memory for 64 MiB and for 2 GiB
  trap     what is lost when the disk fills, or the run is killed, while a log of 200 MB is compressed (needs root)

  --rounds N   instead of 5 (pile: 3)
  --quick      small, one round, dev build: shows that the benchmark works, its figures mean nothing

Needs: time strace logrotate zstd gzip, and 8 GB of disk. A full run takes about 15 minutes and writes docs/benchmarks.md.",
    parts: &["idle", "pile", "single", "memory", "trap"],
    programs: &["time", "strace", "logrotate", "zstd", "gzip"],
    build: super::ALONE,
    examples: &[],
    run,
};

/// One part of it.
type Part = fn(&Bench) -> Outcome<Vec<Row>>;

const PARTS: &[(&str, Part)] =
    &[("idle", idle::part), ("pile", pile::part), ("single", single::part), ("memory", memory::part), ("trap", trap::part)];

fn run(bench: &Bench, chosen: &[&str]) -> Outcome<String> {
    let mut rows = Vec::new();
    for name in chosen {
        println!("\n== {name}");
        let (_, part) = PARTS.iter().find(|(known, _)| known == name).expect("both lists hold the same names");
        rows.extend(part(bench)?);
    }
    page::text(bench, &rows)
}
