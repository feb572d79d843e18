//! Peak memory of a rotation does not depend on the size of the log.

use std::{
    fs::{self, File},
    io,
    path::Path,
    process::Command,
};

use super::{
    Bench,
    measure::{self, median},
    page::Row,
    peers::{self, AT_ONCE, Compress},
};
use crate::{
    Outcome,
    corpus::{self, Kind},
    failed, place,
};

const PIECE: u64 = 64 << 20;
const LIMIT_MIB: f64 = 64.0;

/// The same binary on 64 MiB and on 32 times as much, with both compressors.
pub(crate) fn part(bench: &Bench) -> Outcome<Vec<Row>> {
    let home = bench.fresh("memory")?;
    let piece = home.join("piece.log");
    corpus::write(&piece, Kind::Json, bench.scaled(PIECE), 1).map_err(failed)?;
    let live = home.join("tree/one.log");
    let mut rows = Vec::new();
    for (what, compress) in [("zstd", Compress::Default), ("gzip", Compress::Gzip6)] {
        let command = peers::ours(bench, &home, &live.display().to_string(), &AT_ONCE, compress)?;
        for pieces in [1, 32] {
            let mut peaks = Vec::new();
            for _ in 0..bench.rounds(1) {
                lay(&home, &piece, &live, pieces).map_err(failed)?;
                let cost = measure::cost(&command, &home)?;
                println!("{what}, {pieces} x 64 MiB: {cost:?}");
                if peers::census(&home.join("tree"))?.archives != 1 {
                    return Err(failed(format!("{command:?} left no archive")));
                }
                peaks.push(cost.peak_mib);
            }
            let what = format!("one log of {} MiB, {what}", (bench.scaled(PIECE) >> 20) * pieces);
            rows.push(Row::against(&what, "limit", "peak memory, MiB", median(peaks), LIMIT_MIB));
        }
    }
    fs::remove_dir_all(&home).map_err(failed)?;
    Ok(rows)
}

fn lay(home: &Path, piece: &Path, live: &Path, pieces: u64) -> io::Result<()> {
    for old in ["tree", "state"] {
        place::said(Command::new("rm").arg("-rf").arg(home.join(old))).map_err(|stop| io::Error::other(format!("{stop:?}")))?;
    }
    fs::create_dir(home.join("tree"))?;
    let mut out = File::create(live)?;
    for _ in 0..pieces {
        io::copy(&mut File::open(piece)?, &mut out)?;
    }
    Ok(())
}
