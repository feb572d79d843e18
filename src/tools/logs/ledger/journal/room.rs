//! The room that a ledger needs to be written anew. Only counts.

use std::io::Write;

use super::Ledger;
use crate::{failure::Failure, files::space::Space, report::Size};

impl Ledger {
    /// Says how much room would have done for the first record of a run, with so many bytes of a copy.
    pub(super) fn short(&self, failure: Failure, copy: u64) -> Failure {
        const BLOCK: u64 = 4 << 10;
        let folder = self.path.parent().expect("the ledger lies in a folder");
        let mut counted = Counted(0);
        let (Ok(space), Ok(()), true) = (Space::around(folder), self.write_alive(&mut counted), failure.is_shortage()) else {
            return failure;
        };
        let (cause, folder) = (failure.cause.clone().unwrap_or_default(), folder.display());
        let needs = Size((counted.0 + 1).next_multiple_of(BLOCK) + copy.next_multiple_of(BLOCK));
        failure
            .because(format!("{cause}; it needs {needs} in {folder}, with {} free there", Size(space.free)))
            .hint("nothing was changed; free that much there, or keep the state on another disk (STATE_DIRECTORY)")
    }
}

/// Only counts what is written.
struct Counted(u64);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
