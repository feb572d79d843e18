//! A hand in a child process: the same binary under the folder owner's user and group, with the folder as
//! its standard input and a socket as its standard output. The parent names what to do; nothing that the
//! child answers can lead the parent outside that folder, so the child need not be trusted.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{net::UnixStream, process::CommandExt},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Act, Acted, Here};
use crate::{
    failure::{Doing, Failure, Result},
    files::dir::Dir,
};

/// The hidden subcommand that the child is started with.
pub const SUBCOMMAND: &str = "hand-in-folder";
/// An answer longer than this is no answer of ours.
const LINE_LIMIT: u64 = 1 << 20;
/// A child at work says so at least this often, or it is given up.
const SILENCE: Duration = Duration::from_mins(2);

/// A child at work in one folder.
pub struct Child {
    process: std::process::Child,
    answers: BufReader<UnixStream>,
    shown: String,
}

/// What the child says.
#[derive(Serialize, Deserialize)]
enum Says {
    /// Still working.
    Working,
    /// The act is over.
    Over(std::result::Result<Acted, Failure>),
}

impl Child {
    /// Starts a child for `logs` with the rights of `uid` and `gid`.
    pub fn start(logs: Dir, archives: Option<&Path>, uid: u32, gid: u32) -> Result<Child> {
        let shown = format!("a child as user {uid} in {}", logs.path().display());
        let path = logs.path().to_owned();
        let (ours, theirs) = UnixStream::pair().doing("start", &shown)?;
        ours.set_read_timeout(Some(SILENCE)).and_then(|()| ours.set_write_timeout(Some(SILENCE))).doing("start", &shown)?;
        let mut command = Command::new("/proc/self/exe");
        command.arg(SUBCOMMAND).arg(&path).args(archives).env_clear().current_dir("/");
        command.uid(uid).gid(gid).stdin(Stdio::from(logs.into_fd())).stdout(Stdio::from(OwnedFd::from(theirs)));
        let process = command.spawn().doing("start", &shown)?;
        Ok(Child { process, answers: BufReader::new(ours), shown })
    }

    /// Has the child perform one act.
    pub fn act(&mut self, act: &Act) -> Result<Acted> {
        self.ask(act).unwrap_or_else(|failure| {
            // An answer that comes late must not be taken for the one to the next act.
            let _ = self.answers.get_ref().shutdown(std::net::Shutdown::Both);
            Err(failure)
        })
    }

    /// The child's answer, or why there is none.
    fn ask(&mut self, act: &Act) -> Result<Result<Acted>> {
        let mut line = serde_json::to_vec(act).expect("an act has string keys only");
        line.push(b'\n');
        // A child that could not even begin has said why, and is gone: its word is worth more than the broken pipe.
        let told = self.answers.get_mut().write_all(&line).doing("talk to", &self.shown);
        loop {
            let mut line = Vec::new();
            let heard =
                Read::by_ref(&mut self.answers).take(LINE_LIMIT).read_until(b'\n', &mut line).doing("hear from", &self.shown);
            told.clone().or_else(|failure| if line.is_empty() { Err(failure) } else { Ok(()) })?;
            heard?;
            if line.is_empty() {
                return Err(Failure::new("hear from", &self.shown).because("it ended"));
            }
            match serde_json::from_slice(&line) {
                Ok(Says::Working) => {}
                Ok(Says::Over(result)) => return Ok(result),
                Err(error) => return Err(Failure::new("understand", &self.shown).because(error)),
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Closing the socket ends it; one that is stuck is ended.
        let _ = self.answers.get_ref().shutdown(std::net::Shutdown::Both);
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The child's side: performs what the parent names until the parent closes the socket.
pub fn serve(folder: PathBuf, archives: Option<&Path>) -> Result<()> {
    let own = |fd: &dyn AsFd, what: &str| fd.as_fd().try_clone_to_owned().doing("take over", what);
    let logs = Dir::from_fd(own(&io::stdin(), "the folder")?, folder);
    let stream = UnixStream::from(own(&io::stdout(), "the socket")?);
    let mut commands = BufReader::new(stream.try_clone().doing("take over", "the socket")?);
    let say = |says: &Says| {
        let mut line = serde_json::to_vec(says).expect("an answer has string keys only");
        line.push(b'\n');
        (&stream).write_all(&line)
    };
    let here = match Here::new(logs, archives) {
        Ok(here) => here,
        Err(failure) => return say(&Says::Over(Err(failure))).doing("answer", "the parent"),
    };
    loop {
        let mut line = Vec::new();
        Read::by_ref(&mut commands).take(LINE_LIMIT).read_until(b'\n', &mut line).doing("hear", "the parent")?;
        if line.is_empty() {
            return Ok(());
        }
        let act: Act = serde_json::from_slice(&line).map_err(|error| Failure::new("understand", "the parent").because(error))?;
        let working = |_: u64| {
            // A parent that does not listen any more is noticed at the end of the act.
            let _ = say(&Says::Working);
        };
        say(&Says::Over(here.act(act, &working))).doing("answer", "the parent")?;
    }
}
