//! One log of 50 MB: the whole `rotate` process, hash, verification and syncs included, against bare `gzip -6`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    Bench,
    measure::{self, Cost, median},
    page::Row,
    peers::{self, AT_ONCE, Compress},
};
use crate::{
    Outcome,
    corpus::{self, Kind},
    failed, place,
};

const BYTES: u64 = 50_000_000;

/// Both start from the same file each time and leave only the compressed one.
pub(crate) fn part(bench: &Bench) -> Outcome<Vec<Row>> {
    let home = bench.fresh("single")?;
    let mut rows = Vec::new();
    for (what, kind) in [("access log", Kind::Access), ("JSON log", Kind::Json)] {
        let seed = home.join("seed.log");
        corpus::write(&seed, kind, bench.scaled(BYTES), 1).map_err(failed)?;
        let live = home.join("tree/one.log");
        let ours = peers::ours(bench, &home, &live.display().to_string(), &AT_ONCE, Compress::Default)?;
        let mut gzip = Command::new("gzip");
        gzip.arg("-6").arg(&live);

        let mut spent = [Vec::new(), Vec::new()];
        for round in 1..=bench.rounds(5) {
            for (command, spent) in [&ours, &gzip].into_iter().zip(&mut spent) {
                let (cost, bytes) = compress(&home, &seed, &live, command)?;
                println!("round {round}, {what}: {} {cost:?}, {bytes} bytes", command.get_program().display());
                spent.push((cost, bytes));
            }
        }
        let cpu = [0, 1].map(|who: usize| median(spent[who].iter().map(|(cost, _)| cost.cpu)));
        #[expect(clippy::cast_precision_loss, reason = "a size in MB needs no last digit")]
        let size = [0, 1].map(|who: usize| median(spent[who].iter().map(|(_, bytes)| *bytes as f64 / 1e6)));
        let what = format!("{what} of {} MB", bench.scaled(BYTES) / 1_000_000);
        rows.push(Row::against(&what, "gzip -6", "CPU, s", cpu[0], cpu[1]));
        rows.push(Row::against(&what, "gzip -6", "archive, MB", size[0], size[1]));
    }
    fs::remove_dir_all(&home).map_err(failed)?;
    Ok(rows)
}

fn compress(home: &Path, seed: &Path, live: &PathBuf, command: &Command) -> Outcome<(Cost, u64)> {
    for old in ["tree", "state"] {
        place::said(Command::new("rm").arg("-rf").arg(home.join(old)))?;
    }
    fs::create_dir(home.join("tree")).map_err(failed)?;
    place::said(Command::new("cp").args(["-a", "--reflink=auto"]).arg(seed).arg(live))?;
    let cost = measure::cost(command, home)?;
    let left = peers::census(&home.join("tree"))?;
    if left.archives != 1 {
        return Err(failed(format!("{command:?} left {left:?}")));
    }
    Ok((cost, left.archive_bytes))
}
