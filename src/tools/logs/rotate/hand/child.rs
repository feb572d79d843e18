//! A hand in a child process: the same binary under the folder owner's user and groups, with the open
//! folders as its standard output and error, and a socket as its standard input. The parent names what to
//! do; nothing that the child answers can lead the parent outside these folders, and what it says of them is
//! checked, so the child need not be trusted. One that talks nonsense or ends is replaced; one that is silent is not,
//! because its user may stop it as often as he likes. It has no other descriptor of ours or of our caller.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::Shutdown,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::{Act, Acted, Here, answers::Answers, rights, trust};
use crate::{
    failure::{Doing, Failure, Result},
    files::{compress::Progress, dir::Dir, kernel, standing::Owner, wait},
    report::Report,
    run::Run,
    tool::Query,
};

/// The hidden subcommand that the child is started with.
pub const SUBCOMMAND: &str = "hand-in-folder";
/// A child at work says so much more often; one that is silent for so long is given up.
const SILENCE: Duration = Duration::from_secs(30);
/// An answer longer than this is no answer of ours.
const LINE_LIMIT: usize = 1 << 20;

/// What the child says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Says {
    /// Still working; so many more bytes of the log are done.
    Working(u64),
    /// The act is over; the number of the operating system's error, when it was one that failed it.
    Over(std::result::Result<Acted, Failure>, Option<i32>),
}

impl Says {
    /// The act is over.
    pub(super) fn over(acted: Result<Acted>) -> Says {
        let errno = acted.as_ref().err().and_then(|failure| failure.errno);
        Says::Over(acted, errno.map(Errno::raw_os_error))
    }
}

/// A hand that is, whenever there is something to do, a child with this owner's rights.
pub(super) struct Remote {
    owner: Owner,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    child: Option<Child>,
    lost: u32,
    /// One was silent: no other one is started.
    silent: bool,
}

impl Remote {
    /// Nothing is started before the first act.
    pub(super) fn of(owner: Owner) -> Remote {
        Remote { owner, state: Mutex::default() }
    }

    /// Has a child perform one act in the folders of `here`, and checks what came of it.
    pub(super) fn act(&self, here: &Here, act: &Act, progress: Progress) -> Result<Acted> {
        /// An owner who ends our children wins no more than so many failed steps.
        const PATIENCE: u32 = 5;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { child, lost, silent } = &mut *state;
        let refuse = |why: String| Err(Failure::new("work in", here.folders().0.path().display()).because(why));
        if *silent {
            return refuse(format!("a child of ours fell silent there; did user {} stop it?", self.owner.uid));
        }
        if *lost >= PATIENCE {
            return refuse(format!("{lost} children of ours ended there"));
        }
        if child.is_none() {
            *child = Some(Child::start(here, self.owner)?);
        }
        let deadline = Instant::now() + act.longest();
        let asked = child.as_mut().expect("it was just started");
        let answer = asked.ask(act, deadline, progress);
        *silent = asked.silent;
        let (logs, archives) = here.folders();
        std::iter::once(logs).chain(archives).for_each(Dir::unsettle);
        let acted = answer.inspect_err(|_| {
            // An answer that comes late must not be taken for the one to the next act.
            *child = None;
            *lost += 1;
        })?;
        let acted = acted.map_err(|failure| trust::failure(&failure)).and_then(trust::acted)?;
        match (act, &acted) {
            (Act::Compress(job), Acted::Proven(proven)) => trust::proven(here, job, proven)?,
            (Act::Publish { archive, file, .. }, _) => here.holds(archive, *file)?,
            (Act::Pin { pin, file, .. }, _) => here.pinned(pin, file)?,
            _ => {}
        }
        Ok(acted)
    }
}

/// A child at work in one folder.
struct Child {
    process: std::process::Child,
    answers: BufReader<UnixStream>,
    shown: String,
    silent: bool,
}

impl Child {
    fn start(here: &Here, owner: Owner) -> Result<Child> {
        let (logs, archives) = here.folders();
        let shown = format!("a child as user {} in {}", owner.uid, logs.path().display());
        let (ours, theirs) = UnixStream::pair().doing("start", &shown)?;
        ours.set_read_timeout(Some(SILENCE)).and_then(|()| ours.set_write_timeout(Some(SILENCE))).doing("start", &shown)?;
        let mut command = Command::new("/proc/self/exe");
        command.arg(SUBCOMMAND).arg(logs.path()).arg(owner.uid.to_string()).arg(owner.gid.to_string());
        command.args(owner.also.map(|also| format!("--also={also}"))).env_clear().current_dir("/");
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::from(logs.handle()?)).stderr(Stdio::null());
        if let Some(archives) = archives {
            command.arg("--archives").arg(archives.path()).stderr(Stdio::from(archives.handle()?));
        }
        kernel::keep_descriptors().doing("start", &shown)?;
        let process = command.spawn().doing("start", &shown)?;
        Ok(Child { process, answers: BufReader::new(ours), shown, silent: false })
    }

    /// The child's answer, or why there is none.
    fn ask(&mut self, act: &Act, deadline: Instant, progress: Progress) -> Result<Result<Acted>> {
        let mut line = serde_json::to_vec(act).expect("an act has string keys only");
        line.push(b'\n');
        // A child that could not even begin has said why, and is gone: its word is worth more than the broken pipe.
        let told = self.answers.get_mut().write_all(&line).doing("talk to", &self.shown);
        loop {
            let Some(line) = self.hear(deadline)? else {
                return Err(told.err().unwrap_or_else(|| Failure::new("hear from", &self.shown).because("it ended")));
            };
            match serde_json::from_slice(&line) {
                // Whoever is at work says so without end, also where one call to a dying disk never returns.
                Ok(Says::Working(_)) if Instant::now() > deadline => {
                    return Err(Failure::new("wait for", &self.shown).because("it has been at one act for far too long"));
                }
                Ok(Says::Working(bytes)) => progress(bytes),
                Ok(Says::Over(result, errno)) => {
                    return Ok(result.map_err(|failure| Failure { errno: trust::errno(errno), ..failure }));
                }
                Err(error) => return Err(Failure::new("understand", &self.shown).because(error)),
            }
        }
    }

    /// One line; None when the child is gone.
    fn hear(&mut self, deadline: Instant) -> Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let shown = self.shown.clone();
        let failed = |why: &str| Err(Failure::new("hear from", &shown).because(why));
        loop {
            let piece = match self.answers.fill_buf() {
                Ok(piece) => piece,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.silent = true;
                    return failed(&format!("it has been silent for {} s", SILENCE.as_secs()));
                }
                Err(error) => return Err(error).doing("hear from", &self.shown),
            };
            if piece.is_empty() {
                return Ok(None);
            }
            let end = piece.iter().position(|byte| *byte == b'\n');
            line.extend_from_slice(&piece[..end.unwrap_or(piece.len())]);
            let taken = end.map_or(piece.len(), |end| end + 1);
            self.answers.consume(taken);
            if end.is_some() {
                return Ok(Some(line));
            }
            if line.len() > LINE_LIMIT || Instant::now() > deadline {
                return failed("its answer has no end");
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Closing the socket ends it; one that is stuck is killed.
        let _ = self.answers.get_ref().shutdown(Shutdown::Both);
        let _ = self.process.kill();
        wait::reap(&mut self.process);
    }
}

/// The child's side: gives up its parent's rights, then performs what the parent names until that closes the socket.
#[derive(clap::Args)]
pub struct HandInFolder {
    /// The folder that standard output is
    folder: PathBuf,
    /// The user to become
    uid: u32,
    /// The group to become
    gid: u32,
    /// One more group
    #[arg(long, value_name = "GID")]
    also: Option<u32>,
    /// The folder for archives, which is standard error then
    #[arg(long, value_name = "FOLDER")]
    archives: Option<PathBuf>,
}

impl Query for HandInFolder {
    fn schema(&self) -> Option<&'static str> {
        None
    }

    fn answer(&self, _run: &Run) -> Result<Report> {
        let answers = Answers::to(UnixStream::from(own(&io::stdin(), "the socket")?));
        // Nobody else hears it: standard error leads nowhere.
        self.begin().and_then(|here| answers.give(&here)).or_else(|failure| answers.say(&Says::over(Err(failure))))?;
        Ok(Report::default())
    }
}

impl HandInFolder {
    fn begin(&self) -> Result<Here> {
        rights::become_owner(Owner { uid: self.uid, gid: self.gid, also: self.also })?;
        let logs = Dir::from_fd(own(&io::stdout(), "the folder")?, self.folder.clone());
        let archives = |path: &PathBuf| Ok(Dir::from_fd(own(&io::stderr(), "the folder of archives")?, path.clone()));
        Ok(Here::new(logs, self.archives.as_ref().map(archives).transpose()?))
    }
}

fn own(fd: &dyn AsFd, what: &str) -> Result<OwnedFd> {
    fd.as_fd().try_clone_to_owned().doing("take over", what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_that_says_for_ever_that_it_is_at_work_is_given_up() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let process = Command::new("/bin/true").spawn().unwrap();
        let mut child = Child { process, answers: BufReader::new(ours), shown: "a child".to_owned(), silent: false };
        for says in [Says::Working(1), Says::Working(2), Says::over(Ok(Acted::Done))] {
            writeln!(&theirs, "{}", serde_json::to_string(&says).unwrap()).unwrap();
        }
        let act = Act::Settle { parts: Vec::new() };
        let failure = child.ask(&act, Instant::now(), &|_| ()).unwrap_err();
        assert_eq!(failure.to_string(), "cannot wait for a child: it has been at one act for far too long");
        let answer = child.ask(&act, Instant::now() + Duration::from_hours(1), &|bytes| assert_eq!(bytes, 2));
        assert_eq!(answer, Ok(Ok(Acted::Done)));
    }

    #[test]
    fn a_child_that_falls_silent_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, _theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let process = Command::new("/bin/true").spawn().unwrap();
        let child = Child { process, answers: BufReader::new(ours), shown: "a child".to_owned(), silent: false };
        let remote = Remote::of(Owner { uid: 65_534, gid: 65_534, also: None });
        remote.state.lock().unwrap().child = Some(child);
        let here = Here::new(Dir::open(folder.path()).unwrap(), None);
        let act = || remote.act(&here, &Act::Settle { parts: Vec::new() }, &|_| ()).unwrap_err().to_string();
        assert_eq!(act(), "cannot hear from a child: it has been silent for 30 s");
        assert!(act().ends_with("a child of ours fell silent there; did user 65534 stop it?"), "{}", act());
        assert!(remote.state.lock().unwrap().child.is_none());
    }
}
