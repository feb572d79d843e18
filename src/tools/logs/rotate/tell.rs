//! Tells a writer to open its log anew. No shell, no wait without a deadline, and no signal to a process
//! that only a stranger's file names.

mod command;

use std::{
    fs::File,
    io::{ErrorKind, Read},
    path::Path,
    time::Duration,
};

use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

use self::command::run;
use crate::{
    failure::{Doing, Failure, Result},
    files::dir::{Dir, Kind, Stat, stat_open},
    tools::logs::settings::{Reopen, Signal},
};

/// systemctl answers within this time or is given up.
const SYSTEMCTL: Duration = Duration::from_secs(30);

/// Tells the writer.
pub(super) fn tell(reopen: &Reopen) -> Result<()> {
    match reopen {
        Reopen::Pidfile { path, signal } => signal_pidfile(path, *signal),
        Reopen::Unit { unit, signal } => {
            let signal = format!("--signal={signal}");
            run(&["systemctl", "kill", "--kill-who=main", &signal, "--", unit], SYSTEMCTL)
        }
        Reopen::Reload { unit } => run(&["systemctl", "reload", "--", unit], SYSTEMCTL),
        Reopen::Command { argv, timeout } => {
            let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
            run(&argv, timeout.duration())
        }
    }
}

/// Never says what the file holds: it may be anything that somebody made it stand for.
fn signal_pidfile(path: &Path, signal: Signal) -> Result<()> {
    let fail = |why: &str| Failure::new("tell the writer in", path.display()).because(why);
    let (place, file, text) = read_pidfile(path)?;
    let number = text.trim().parse().ok().filter(|number: &i32| *number > 1);
    let pid = number.and_then(Pid::from_raw).ok_or_else(|| fail("it holds no process id of a writer"))?;
    // From here on the process cannot be exchanged for another one with the same number.
    let process = pidfd_open(pid, PidfdFlags::empty()).map_err(|_| fail("the process that it names is not running"))?;
    let runs_as = users_of(pid).doing("look at the process in", path.display())?;
    if rustix::process::geteuid().is_root()
        && let Some(why) = distrust(&place, &file, runs_as)
    {
        return Err(fail(&why).hint("let the service write its pidfile as root in a folder of root's, or name its unit instead"));
    }
    pidfd_send_signal(&process, signal.number()).doing("signal the process in", path.display())
}

/// What the folder and the file are, and its text. A link is refused, nothing but an ordinary file is read, and the way
/// to the folder must be one that nobody else can bend.
fn read_pidfile(path: &Path) -> Result<(Stat, Stat, String)> {
    const LONGEST: u64 = 64;
    let odd = |why: &str| Failure::new("read the pidfile", path.display()).because(why);
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| odd("that is no name of a file"))?;
    let dir = Dir::open(path.parent().unwrap_or(Path::new("/")))?;
    let file = dir.read(name)?;
    let stat = stat_open(&file)?;
    if stat.kind != Kind::File {
        return Err(odd("it is no ordinary file"));
    }
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text).doing("read the pidfile", path.display())?;
    Ok((dir.stat_self()?, stat, String::from_utf8(text).unwrap_or_default()))
}

/// Whose a process is: not as whom it acts at the moment, but who may signal it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Users {
    real: u32,
    saved: u32,
}

impl Users {
    /// Nobody else than this user could have made it what it is.
    fn are(self, uid: u32) -> bool {
        (self.real, self.saved) == (uid, uid)
    }
}

/// Why root must not signal a process of these users because `file` in `folder` names it.
fn distrust(folder: &Stat, file: &Stat, runs_as: Users) -> Option<String> {
    let shared = |stat: &Stat| stat.mode & 0o002 != 0 || (stat.mode & 0o020 != 0 && stat.gid != 0);
    let sticky = folder.mode & 0o1000 != 0;
    // Who may rename in the folder can put any file of root's there under this name.
    let replaceable = folder.uid != 0 || (shared(folder) && !sticky);
    if shared(file) && (file.uid == 0 || file.mode & 0o002 != 0) {
        return Some("others than its owner may write to it: it could name any process".to_owned());
    }
    if replaceable && file.links > 1 {
        return Some("it has several names in a folder that others may change: it could be any file".to_owned());
    }
    // A user may signal his own processes anyway.
    let own = runs_as.are(file.uid) || (file.uid == 0 && (!replaceable || runs_as.are(folder.uid)));
    let who = match (file.uid, folder.uid) {
        (0, 0) => "others than root".to_owned(),
        (0, owner) | (owner, _) => format!("user {owner}"),
    };
    (!own).then(|| format!("{who} could have put it there to have another user's process signalled"))
}

/// Whose a process is.
fn users_of(pid: Pid) -> std::io::Result<Users> {
    const LARGEST: u64 = 1 << 16;
    let mut status = String::new();
    File::open(format!("/proc/{}/status", pid.as_raw_nonzero()))?.take(LARGEST).read_to_string(&mut status)?;
    let users = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    let user = |place| users.and_then(|users| users.split_whitespace().nth(place)?.parse().ok());
    let both = user(0).zip(user(2)).map(|(real, saved)| Users { real, saved });
    both.ok_or_else(|| ErrorKind::InvalidData.into())
}

impl Signal {
    fn number(self) -> rustix::process::Signal {
        match self {
            Signal::Hup => rustix::process::Signal::HUP,
            Signal::Usr1 => rustix::process::Signal::USR1,
            Signal::Usr2 => rustix::process::Signal::USR2,
            Signal::Alrm => rustix::process::Signal::ALARM,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::settings::units::Span;

    fn command(argv: &[&str], seconds: u32) -> Result<()> {
        tell(&Reopen::Command { argv: argv.iter().map(|&word| word.to_owned()).collect(), timeout: Span::seconds(seconds) })
    }

    #[test]
    fn a_command_is_judged_by_its_status_and_its_first_words() {
        assert_eq!(command(&["/bin/true"], 10), Ok(()));
        let failure = command(&["/bin/sh", "-c", "echo no such unit >&2; exit 3"], 10).unwrap_err();
        assert!(failure.to_string().ends_with("exit status: 3: no such unit"), "{failure}");
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_its_children() {
        let failure = command(&["/bin/sh", "-c", "sleep 600 & wait"], 1).unwrap_err();
        assert!(failure.to_string().contains("longer than 1 s"), "{failure}");
    }

    fn pidfile(path: PathBuf) -> Result<()> {
        tell(&Reopen::Pidfile { path, signal: Signal::Hup })
    }

    #[test]
    fn a_pidfile_with_nonsense_signals_nobody_and_is_never_quoted() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "0", "1", "-1", "secret", "\u{1b}[2J", "99999999999999999999", "4194305"] {
            let path = folder.path().join("pid");
            std::fs::write(&path, text).unwrap();
            let failure = pidfile(path.clone()).unwrap_err();
            let told = format!("{failure:?}").replace(path.to_str().unwrap(), "");
            assert!(text.len() < 2 || !told.contains(text), "{told}");
        }
    }

    #[test]
    fn what_is_no_ordinary_file_names_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0)
            .unwrap();
        std::fs::write(folder.path().join("file"), "4194305").unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("file", &link).unwrap();
        for (path, said) in [
            (fifo, "it is no ordinary file"),
            (link, "it is a symbolic link"),
            (folder.path().to_owned(), "it is no ordinary file"),
            (folder.path().join("none"), "no such file or directory"),
        ] {
            assert_eq!(pidfile(path).unwrap_err().cause.as_deref(), Some(said));
        }
    }

    fn stat(mode: u32, uid: u32, gid: u32, links: u32) -> Stat {
        let folder = tempfile::tempdir().unwrap();
        Stat { mode, uid, gid, links, ..Dir::open(folder.path()).unwrap().stat_self().unwrap() }
    }

    #[test]
    fn root_signals_only_whom_root_or_the_process_own_user_named() {
        const SERVICE: u32 = 33;
        let roots = stat(0o755, 0, 0, 2);
        let (tmp, open) = (stat(0o1777, 0, 0, 2), stat(0o777, 0, 0, 2));
        let (services, group) = (stat(0o750, SERVICE, SERVICE, 2), stat(0o2775, 0, SERVICE, 2));
        let file = |mode, uid| stat(mode, uid, 0, 1);
        let trusted = |folder: &Stat, file: &Stat, uid| distrust(folder, file, Users { real: uid, saved: uid }).is_none();
        for folder in [&roots, &tmp] {
            assert!(trusted(folder, &file(0o644, 0), SERVICE) && trusted(folder, &file(0o644, 0), 0));
        }
        for folder in [&roots, &tmp, &open, &services, &group] {
            assert!(trusted(folder, &file(0o644, SERVICE), SERVICE), "his own");
            assert!(!trusted(folder, &file(0o644, SERVICE), 0) && !trusted(folder, &file(0o644, SERVICE), 34));
            assert!(
                !trusted(folder, &file(0o666, 0), 0) && !trusted(folder, &file(0o666, SERVICE), SERVICE),
                "anybody may write"
            );
            assert!(!trusted(folder, &stat(0o664, 0, SERVICE, 1), 0), "a group may write");
        }
        assert!(trusted(&services, &file(0o644, 0), SERVICE), "written by root before it became the service");
        for folder in [&open, &group, &services] {
            assert!(!trusted(folder, &file(0o644, 0), 34), "any file of root's could have been renamed to it");
            assert!(!trusted(folder, &stat(0o644, 0, 0, 2), 0), "or linked to it");
        }
        for (real, saved) in [(0, SERVICE), (SERVICE, 0)] {
            assert!(distrust(&services, &file(0o644, SERVICE), Users { real, saved }).is_some(), "root's, for the moment");
        }
    }

    #[test]
    fn a_process_is_its_real_and_saved_users() {
        assert!(users_of(rustix::process::getpid()).unwrap().are(rustix::process::getuid().as_raw()));
    }
}
