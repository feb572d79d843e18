//! Readers that follow a log: `tail -F`, rsyslog's imfile and syslog-ng's file source, each with all its files in the
//! story's folder. What they deliver goes to a file, one line for each line.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::{
    account::Account,
    support::{self, files, needs, process::Process},
};

/// A reader has nothing more to say when it has said nothing for so long.
const QUIET: Duration = Duration::from_millis(1500);
const PATIENCE: Duration = Duration::from_mins(3);

/// One reader at work.
pub(crate) struct Follower {
    pub(crate) name: &'static str,
    pub(crate) process: Process,
    output: PathBuf,
}

impl Follower {
    /// `tail -F` from the first line on.
    pub(crate) fn tail(name: &'static str, log: &Path, home: &Path) -> Follower {
        let output = place(name, home).join("out");
        let mut command = Command::new("tail");
        command.args(["-n", "+1", "-F"]).arg(log);
        let to = Stdio::from(File::create_new(&output).expect("a writable tree"));
        Follower { name, process: Process::start_to(&mut command, to), output }
    }

    /// rsyslog with imfile, with these words more for the module and for the input.
    pub(crate) fn rsyslog(name: &'static str, log: &Path, home: &Path, module: &str, words: &str) -> Follower {
        let place = place(name, home);
        let output = place.join("out");
        let text = format!(
            "module(load=\"imfile\" {module})\n\
             global(workDirectory=\"{}\")\n\
             template(name=\"line\" type=\"string\" string=\"%msg%\\n\")\n\
             input(type=\"imfile\" file=\"{}\" tag=\"app\" ruleset=\"out\" {words})\n\
             ruleset(name=\"out\") {{ action(type=\"omfile\" file=\"{}\" template=\"line\") }}\n",
            place.display(),
            log.display(),
            output.display(),
        );
        files::write(place.join("conf"), text).expect("a writable tree");
        let mut command = daemon("rsyslogd", "-M", "rsyslog/imfile.so");
        command.arg("-n").arg("-f").arg(place.join("conf")).arg("-i").arg(place.join("pid"));
        Follower { name, process: Process::start(&mut command), output }
    }

    /// syslog-ng with a file source, and these words more.
    pub(crate) fn syslog_ng(name: &'static str, log: &Path, home: &Path, words: &str) -> Follower {
        let place = place(name, home);
        let output = place.join("out");
        let text = format!(
            "@version: 3.38\n\
             source in {{ file(\"{}\" flags(no-parse) {words}); }};\n\
             destination out {{ file(\"{}\" template(\"${{MSG}}\\n\")); }};\n\
             log {{ source(in); destination(out); flags(flow-control); }};\n",
            log.display(),
            output.display(),
        );
        files::write(place.join("conf"), text).expect("a writable tree");
        let mut command = daemon("syslog-ng", "--module-path", "syslog-ng/3.38/libaffile.so");
        command.args(["-F", "--no-caps"]);
        for (flag, file) in [("-f", "conf"), ("-R", "persist"), ("-c", "ctl"), ("-p", "pid")] {
            command.arg(flag).arg(place.join(file));
        }
        Follower { name, process: Process::start(&mut command), output }
    }

    /// Whether it has begun; it must not have ended.
    pub(crate) fn has_begun(&mut self) -> bool {
        assert!(self.process.runs(), "{} has ended", self.name);
        self.delivered() > 0
    }

    /// Bytes so far.
    pub(crate) fn delivered(&self) -> u64 {
        fs::metadata(&self.output).map_or(0, |meta| meta.len())
    }

    /// Ends it, and counts.
    pub(crate) fn end(self, written: u64) -> Account {
        self.process.signal(Signal::TERM);
        self.process.end(PATIENCE);
        Account::of(&self.output, written)
    }
}

/// Waits until none of them has anything more to say.
pub(crate) fn all_quiet(followers: &[Follower]) {
    let sizes = || followers.iter().map(Follower::delivered).collect::<Vec<_>>();
    let (mut last, mut since) = (sizes(), Instant::now());
    support::wait_until("the readers to be quiet", PATIENCE, || {
        let now = sizes();
        if now != last {
            (last, since) = (now, Instant::now());
        }
        since.elapsed() >= QUIET
    });
}

fn place(name: &str, home: &Path) -> PathBuf {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let place = home.join("readers").join(plain);
    fs::create_dir_all(&place).expect("a writable tree");
    place
}

/// A daemon of this machine, or the one that was unpacked beside the build; that one must be told where its parts are.
fn daemon(program: &str, flag: &str, part: &str) -> Command {
    let root = needs::unpacked(program);
    let ours = root.join("usr/sbin").join(program);
    if !ours.is_file() {
        let mut command = Command::new(program);
        command.env("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin");
        return command;
    }
    let mut libraries = vec![root.join("usr/lib"), root.join("usr/lib/syslog-ng")];
    for folder in [root.join("usr/lib"), root.join("lib")] {
        let inside = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("a listed entry").path());
        libraries.extend(inside.filter(|path| path.to_string_lossy().ends_with("-linux-gnu")));
    }
    let part = libraries.iter().map(|folder| folder.join(part)).find(|part| part.is_file()).expect("unpacked with it");
    let mut command = Command::new(ours);
    command.env("LD_LIBRARY_PATH", std::env::join_paths(&libraries).expect("plain paths"));
    command.arg(flag).arg(part.parent().expect("it lies in a folder"));
    command
}
