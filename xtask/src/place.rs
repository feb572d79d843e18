//! Where things are: the repository, its target folder, and programs on this machine.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Outcome, failed};

/// The repository's root folder.
pub(crate) fn repository() -> PathBuf {
    let own = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    own.parent().map_or_else(|| own.clone(), Path::to_path_buf)
}

/// Where cargo puts what it builds: `$CARGO_TARGET_DIR`, else `target/` in the repository.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR").filter(|given| !given.is_empty()) {
        // A relative one counts from where cargo was called, which is where we still are.
        Some(given) => env::current_dir().unwrap_or_default().join(given),
        None => repository().join("target"),
    }
}

/// The cargo that started this chore, in the repository's root, with one target folder for all.
pub(crate) fn cargo<I, S>(words: I) -> Command
where
    I: IntoIterator<Item = S>,
    S: Into<OsString>,
{
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words.into_iter().map(Into::into)).current_dir(repository()).env("CARGO_TARGET_DIR", target());
    command
}

/// The full path of `program`. The system folders count too: an ordinary user's PATH often lacks them.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    env::split_paths(&path).chain(system).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Whether this process may install packages.
pub(crate) fn is_root() -> bool {
    said(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

/// What a command printed, trimmed; a failure when it did not succeed.
pub(crate) fn said(command: &mut Command) -> Outcome<String> {
    let output = command.output().map_err(|error| failed(format!("cannot run {command:?}: {error}")))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(failed(format!("{command:?} ended with {}: {}", output.status, complaint.trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
