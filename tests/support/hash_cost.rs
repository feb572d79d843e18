//! What a sum costs, for a benchmark that has no dependencies: `hash-cost sha256|crc64nvme BYTES` takes it of so many bytes in
//! memory, with the code that `ship` takes it with, and prints it.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use crc_fast::{CrcAlgorithm, Digest};
use sha2::{Digest as _, Sha256};

/// As much as the code that ships reads at a time.
const PIECE: usize = 256 << 10;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [kind, bytes] = &words[..] else { return usage() };
    let Ok(bytes) = bytes.parse::<usize>() else { return usage() };
    let piece: Vec<u8> = (0..PIECE).map(|at| u8::try_from(at % 251).unwrap_or_default()).collect();
    let pieces = bytes.div_ceil(PIECE);
    let sum = match kind.as_str() {
        "sha256" => {
            let mut hash = Sha256::new();
            (0..pieces).for_each(|_| hash.update(&piece));
            format!("{:?}", hash.finalize())
        }
        "crc64nvme" => {
            let mut crc = Digest::new(CrcAlgorithm::Crc64Nvme);
            (0..pieces).for_each(|_| crc.update(&piece));
            format!("{:x}", crc.finalize())
        }
        _ => return usage(),
    };
    let _ = writeln!(io::stdout(), "{sum}");
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    let _ = writeln!(io::stderr(), "hash-cost sha256|crc64nvme BYTES");
    ExitCode::from(2)
}
