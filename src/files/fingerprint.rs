//! SHA-256 of what passes by, told in lower-case hex as `sha256sum` prints it.

use std::{fmt::Write, fs::File, io::ErrorKind, os::unix::fs::FileExt};

use sha2::{Digest, Sha256};

use crate::failure::{Doing, Result};

/// Of all that was taken so far.
#[derive(Clone, Default)]
pub struct Fingerprint(Sha256);

impl Fingerprint {
    /// These bytes come next.
    pub fn take(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// All of it.
    pub fn hex(self) -> String {
        self.0.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

/// That of these bytes.
pub fn of(bytes: &[u8]) -> String {
    let mut hash = Fingerprint::default();
    hash.take(bytes);
    hash.hex()
}

/// That of an open file, from its start to its end; of no more than `most` bytes and one.
pub fn of_file(file: &File, most: u64) -> Result<String> {
    of_stretch(file, 0, most.saturating_add(1))
}

/// That of a stretch of an open file, or of what there is of it.
pub fn of_stretch(file: &File, from: u64, to: u64) -> Result<String> {
    let mut hash = Fingerprint::default();
    let mut buffer = vec![0; 256 << 10];
    let mut at = from;
    while at < to {
        let most = buffer.len().min(usize::try_from(to - at).unwrap_or(usize::MAX));
        match file.read_at(&mut buffer[..most], at) {
            Ok(0) => break,
            Ok(got) => {
                hash.take(&buffer[..got]);
                at += got as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error).doing("read", "an open file"),
        }
    }
    Ok(hash.hex())
}
