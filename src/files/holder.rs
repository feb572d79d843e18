//! A process that has a file open until it is dropped, for tests of who has. It opens the file itself: what a test opens, a
//! child that another test of the program is just starting has as well, and keeps for a moment after the test closed it.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// One process, and one file that nobody else has open for writing.
pub(super) struct Holder(Child);

impl Holder {
    /// Opens the file as a shell does with this sign.
    pub(super) fn of(sign: &str, path: &Path) -> Holder {
        let script = format!("exec 3{sign}\"$0\"; echo open; exec sleep 600");
        let mut child = Command::new("/bin/sh").args(["-c", &script]).arg(path).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "open\n");
        Holder(child)
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
