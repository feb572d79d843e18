//! What integrity alone costs: the sums that ops-logs takes of what it ships, with the same code, of bytes that are in memory.

use std::process::Command;

use crate::{
    Outcome,
    bench::{
        Bench,
        measure::{self, median},
    },
};

const BYTES: u64 = 2_000_000_000;

/// In words.
pub(super) fn sentence(bench: &Bench) -> Outcome<String> {
    let home = bench.fresh("ship-integrity")?;
    let bytes = bench.scaled(BYTES);
    let cpu = |kind: &str| -> Outcome<f64> {
        let mut command = Command::new(bench.example("hash-cost"));
        command.arg(kind).arg(bytes.to_string());
        let costs = (0..bench.rounds(5)).map(|_| measure::cost(&command, &home).map(|cost| cost.cpu));
        costs.collect::<Outcome<Vec<f64>>>().map(median)
    };
    let (sha, crc) = (cpu("sha256")?, cpu("crc64nvme")?);
    Ok(format!(
        "Of that, integrity: SHA-256 of {} MB takes {sha:.2} s of CPU, CRC-64/NVME {crc:.2} s; a signed payload takes SHA-256 once \
         more, unless its sum is known.",
        bytes / 1_000_000
    ))
}
