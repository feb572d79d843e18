//! Runs a command under strace: records its write-side system calls, and makes one of them fail.
//!
//! `when=N` counts per system call name and per thread, so a blow names a call and its rank; whoever
//! sweeps must check that one thread makes all the calls. No `--seccomp-bpf`: with it, signals are not injected.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process},
};

use super::{
    process::{Ended, Process},
    scenario::DEADLINE,
    sight,
    trace::Trace,
};

/// The calls that change something outside the process, and the opens (some of which create).
pub const WRITE_SIDE: &str = "open,openat,openat2,creat,write,pwrite64,writev,pwritev,pwritev2,rename,renameat,renameat2,\
link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,mknod,mknodat,fsync,fdatasync,syncfs,sync,sync_file_range,\
truncate,ftruncate,fallocate,copy_file_range,sendfile,splice,chmod,fchmod,fchmodat,?fchmodat2,chown,fchown,fchownat,\
setxattr,fsetxattr,lsetxattr,removexattr,fremovexattr,utimensat,kill,pidfd_send_signal,tgkill,msync";

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// The process dies before it.
    Kill,
    /// It fails with this error, nothing done.
    Error(&'static str),
    /// It claims success, nothing done.
    Lie,
}

/// Which call is struck, and how.
#[derive(Clone, Debug)]
pub struct Strike {
    pub call: String,
    pub rank: usize,
    pub blow: Blow,
}

/// What a traced run did and how it ended.
#[derive(Debug)]
pub struct Traced {
    pub ended: Ended,
    pub trace: Trace,
}

/// Runs `command` under strace to its end.
pub fn run(command: &Command, strike: Option<&Strike>) -> Traced {
    run_on(command, strike, &[])
}

/// The same, where only calls that are about one of these paths count, if there are any: what other threads do elsewhere is passed over.
pub fn run_on(command: &Command, strike: Option<&Strike>, paths: &[PathBuf]) -> Traced {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let mut traced = wrap(command, file.path(), strike, paths);
    let ended = Process::start(&mut traced).end(DEADLINE);
    let text = std::fs::read(file.path()).expect("strace wrote it");
    Traced { ended, trace: Trace::parse(&String::from_utf8_lossy(&text)) }
}

/// Runs `command` to its end; its calls of that kind, as strace shows them.
pub fn calls(command: &Command, kind: &str) -> Vec<String> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let mut words = ["strace", "-f", "-qqq", "-o"].map(OsString::from).to_vec();
    words.extend([file.path().into(), "-e".into(), format!("trace={kind}").into(), "--".into()]);
    Process::start(&mut sight::before_program(command, &words)).end(DEADLINE);
    std::fs::read_to_string(&file).expect("strace wrote it").lines().map(str::to_owned).collect()
}

/// Runs `command` to its end, where each such call in these folders fails with that error, nothing done.
pub fn refused(command: &Command, call: &str, errno: &str, folders: &[PathBuf]) -> Ended {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let mut words = ["strace", "-f", "-qqq", "-o"].map(OsString::from).to_vec();
    words.push(file.path().into());
    words.extend(folders.iter().flat_map(|folder| ["-P".into(), folder.into()]));
    words.extend(["-e".into(), format!("inject={call}:error={errno}").into(), "--".into()]);
    let ended = Process::start(&mut sight::before_program(command, &words)).end(DEADLINE);
    let text = std::fs::read_to_string(&file).expect("strace wrote it");
    assert!(text.contains("(INJECTED)"), "nothing was refused: {text}");
    ended
}

/// Holds `command` just after one call, lets `meanwhile` happen, and lets it run to its end.
pub fn held(command: &Command, call: &str, rank: usize, path: Option<&Path>, meanwhile: impl FnOnce()) -> Ended {
    let mut meanwhile = Some(meanwhile);
    held_each(command, call, &rank.to_string(), path, || {
        if let Some(act) = meanwhile.take() {
            act();
        }
    })
}

/// The same after each of the calls that `when` means, in strace's words.
pub fn held_each(command: &Command, call: &str, when: &str, path: Option<&Path>, mut meanwhile: impl FnMut()) -> Ended {
    let mut held = false;
    let ended = hold(command, call, when, path, || {
        held = true;
        meanwhile();
    });
    assert!(held, "it was not held");
    ended
}

/// The same, whether there are such calls or not.
pub fn hold(command: &Command, call: &str, when: &str, path: Option<&Path>, mut meanwhile: impl FnMut()) -> Ended {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let mut words = ["strace", "-f", "-qq", "-o"].map(OsString::from).to_vec();
    words.push(file.path().into());
    words.extend(path.into_iter().flat_map(|path| ["-P".into(), path.into()]));
    words.extend(["-e".into(), format!("inject={call}:signal=STOP:when={when}").into(), "--".into()]);
    let mut process = Process::start(&mut sight::before_program(command, &words));
    let end = Instant::now() + DEADLINE;
    let mut times = 0;
    while !process.ends_within(Duration::from_millis(2)) {
        assert!(Instant::now() < end, "it does not end");
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        if let Some(line) = text.lines().filter(|line| line.contains("stopped by SIGSTOP")).nth(times) {
            times += 1;
            meanwhile();
            let pid = line.split(' ').next().and_then(|pid| Pid::from_raw(pid.parse().ok()?)).expect("strace tells its pid");
            // Each of its threads tells that it is held; of those that told, one may have ended since.
            let goes_on = kill_process(pid, Signal::CONT);
            assert!(matches!(goes_on, Ok(()) | Err(Errno::SRCH)), "it is held: {goes_on:?}");
        }
    }
    process.end(DEADLINE)
}

fn wrap(command: &Command, output: &Path, strike: Option<&Strike>, paths: &[PathBuf]) -> Command {
    let mut words = ["strace", "-f", "-y", "-qqq", "-s", "65536", "-e", "signal=none", "-o"].map(OsString::from).to_vec();
    words.extend([output.as_os_str().to_owned(), "-e".into(), format!("trace={WRITE_SIDE}").into()]);
    words.extend(paths.iter().flat_map(|path| ["-P".into(), path.into()]));
    if let Some(Strike { call, rank, blow }) = strike {
        let how = match blow {
            Blow::Kill => "signal=KILL".to_owned(),
            Blow::Error(errno) => format!("error={errno}"),
            Blow::Lie => "retval=0".to_owned(),
        };
        words.extend(["-e".into(), format!("inject={call}:{how}:when={rank}").into()]);
    }
    words.push("--".into());
    sight::before_program(command, &words)
}
