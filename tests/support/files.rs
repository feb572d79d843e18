//! Files that a test writes itself, closed for good when the call returns.
//!
//! A child that is just being started has every descriptor of ours, of all tests of the program, and gives them up only some
//! time after it has become its program. What it has open for writing then seems to have a writer, and a program of ours
//! cannot be started. So nobody starts while something is written here, and nothing is written here while somebody starts.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::Path,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

static SPAWNING: RwLock<()> = RwLock::new(());

/// Nobody starts until this is dropped. Who holds it must neither start anybody nor take it again.
fn nobody_starts() -> RwLockReadGuard<'static, ()> {
    SPAWNING.read().unwrap_or_else(PoisonError::into_inner)
}

/// Nothing is written here until this is dropped.
pub fn nobody_writes() -> RwLockWriteGuard<'static, ()> {
    SPAWNING.write().unwrap_or_else(PoisonError::into_inner)
}

/// As `fs::write`.
pub fn write(path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> io::Result<()> {
    let _nobody_starts = nobody_starts();
    fs::write(path, content)
}

/// As `fs::copy`.
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<u64> {
    let _nobody_starts = nobody_starts();
    fs::copy(from, to)
}

/// What `act` does to the file, opened with these options.
pub fn with<T>(options: &OpenOptions, path: impl AsRef<Path>, act: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
    let _nobody_starts = nobody_starts();
    act(&mut options.open(path)?)
}
