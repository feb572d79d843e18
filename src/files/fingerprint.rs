//! SHA-256 of what passes by, told in lower-case hex as `sha256sum` prints it.

use std::fmt::Write;

use sha2::{Digest, Sha256};

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
