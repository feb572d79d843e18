//! 1,000 logs of 1 MB that are all due: rotated and compressed, at equal settings and at each one's defaults.
//!
//! Ours includes hashing, verification by decompression and every sync.

use std::{fs, path::Path, process::Command};

use super::{
    Bench,
    measure::{self, Cost, median},
    page::Row,
    peers::{self, AT_ONCE, Census, Compress},
};
use crate::{
    Outcome,
    corpus::{self, Kind},
    failed, place,
};

const LOGS: u64 = 1_000;
const BYTES: u64 = 1_000_000;
const PAIRS: [(&str, Compress); 3] =
    [("zstd, level 6", Compress::Zstd6), ("gzip, level 6", Compress::Gzip6), ("each one's defaults", Compress::Default)];

/// The tree is made anew for every run: each run really rotates.
pub(crate) fn part(bench: &Bench) -> Outcome<Vec<Row>> {
    let logs = bench.scaled(LOGS);
    let home = bench.fresh("pile")?;
    let seed = home.join("seed");
    fs::create_dir(&seed).map_err(failed)?;
    for log in 0..logs {
        let kind = if log % 2 == 0 { Kind::Access } else { Kind::Json };
        corpus::write(&seed.join(format!("{log:04}.log")), kind, BYTES, log).map_err(failed)?;
    }
    let pattern = home.join("tree/*.log").display().to_string();

    let mut spent: [[Vec<(Cost, Census)>; 2]; 3] = Default::default();
    for round in 1..=bench.rounds(3) {
        for ((what, compress), spent) in PAIRS.iter().zip(&mut spent) {
            let ours = peers::ours(bench, &home, &pattern, &AT_ONCE, *compress)?;
            let theirs = peers::logrotate(&home, &pattern, &AT_ONCE, *compress)?;
            for (command, spent) in [ours, theirs].iter().zip(spent) {
                let (cost, left) = rotate(&home, logs, command)?;
                println!("round {round}, {what}: {} {cost:?}, {} bytes", command.get_program().display(), left.archive_bytes);
                spent.push((cost, left));
            }
        }
    }
    fs::remove_dir_all(&home).map_err(failed)?;
    Ok(PAIRS.iter().zip(&spent).flat_map(|((what, _), spent)| rows(&format!("{logs} logs of 1 MB, {what}"), spent)).collect())
}

fn rotate(home: &Path, logs: u64, command: &Command) -> Outcome<(Cost, Census)> {
    for old in ["tree", "state", "logrotate.state"] {
        place::said(Command::new("rm").arg("-rf").arg(home.join(old)))?;
    }
    place::said(Command::new("cp").args(["-a", "--reflink=auto"]).arg(home.join("seed")).arg(home.join("tree")))?;
    let cost = measure::cost(command, home)?;
    let left = peers::census(&home.join("tree"))?;
    if left.archives != logs || left.files != 2 * logs {
        return Err(failed(format!("{logs} logs were due, and after {command:?} there is {left:?}")));
    }
    Ok((cost, left))
}

fn rows(what: &str, spent: &[Vec<(Cost, Census)>; 2]) -> Vec<Row> {
    let middle = |figure: &dyn Fn(&(Cost, Census)) -> f64| [0, 1].map(|who: usize| median(spent[who].iter().map(figure)));
    let cpu = middle(&|(cost, _)| cost.cpu);
    let seconds = middle(&|(cost, _)| cost.seconds);
    #[expect(clippy::cast_precision_loss, reason = "a size in MB needs no last digit")]
    let size = middle(&|(_, left)| left.archive_bytes as f64 / 1e6);
    vec![
        Row::against(what, "logrotate", "CPU, s", cpu[0], cpu[1]),
        Row::against(what, "logrotate", "time, s", seconds[0], seconds[1]),
        Row::against(what, "logrotate", "archives, MB", size[0], size[1]),
    ]
}
