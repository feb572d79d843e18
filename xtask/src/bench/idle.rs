//! 100,000 logs of which none is due: what a timer costs that has nothing to do.

use std::{fs, process::Command};

use super::{
    Bench,
    measure::{self, median},
    page::Row,
    peers::{self, Compress},
};
use crate::{
    Outcome,
    corpus::{self, Kind},
    failed,
};

const LOGS: u64 = 100_000;
const FOLDERS: u64 = 100;
const BYTES: u64 = 300;

/// Both have run once before and remember every log.
pub(crate) fn part(bench: &Bench) -> Outcome<Vec<Row>> {
    let logs = bench.scaled(LOGS);
    let home = bench.fresh("idle")?;
    for folder in 0..FOLDERS {
        let folder = home.join(format!("tree/{folder:03}"));
        fs::create_dir_all(&folder).map_err(failed)?;
        for log in 0..logs / FOLDERS {
            corpus::write(&folder.join(format!("{log:04}.log")), Kind::Access, BYTES, log).map_err(failed)?;
        }
    }
    let pattern = home.join("tree/*/*.log").display().to_string();
    let contestants = [
        peers::ours(bench, &home, &pattern, &peers::LATER, Compress::Default)?,
        peers::logrotate(&home, &pattern, &peers::LATER, Compress::Default)?,
    ];
    let run = |command: &Command| measure::cost(command, &home);
    contestants.iter().try_for_each(|first| run(first).map(drop))?;

    let mut cpu = [Vec::new(), Vec::new()];
    for round in 1..=bench.rounds(5) {
        for (command, spent) in contestants.iter().zip(&mut cpu) {
            let cost = run(command)?;
            println!("round {round}: {} {cost:?}", command.get_program().display());
            spent.push(cost.cpu);
        }
    }
    let calls = [measure::system_calls(&contestants[0], &home)?, measure::system_calls(&contestants[1], &home)?];
    let left = peers::census(&home.join("tree"))?;
    if left.files != logs || left.archives > 0 {
        return Err(failed(format!("nothing was due, yet of {logs} logs there is now {left:?}")));
    }
    fs::remove_dir_all(home.join("tree")).map_err(failed)?;

    #[expect(clippy::cast_precision_loss, reason = "a hundred thousand fits")]
    let each = logs as f64;
    let cpu = cpu.map(|spent| median(spent) * 1e6 / each);
    let what = format!("{logs} logs, nothing to do");
    Ok(vec![
        Row::against(&what, "logrotate", "CPU for each log, µs", cpu[0], cpu[1]),
        Row::against(&what, "logrotate", "system calls for each log", calls[0] / each, calls[1] / each),
    ])
}
