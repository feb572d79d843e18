//! A booted systemd of its own, for units: an overlay over this machine's files with private processes and network.
//!
//! Whatever happens inside stays in the overlay. Never sets a clock: wall time has no namespace.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use super::{
    files,
    needs::Need,
    process::{Process, must, try_run},
    wait_until,
};

/// What a booted machine needs.
pub const NEEDS: &[Need] = &[
    Need::Root,
    Need::Program("systemd-nspawn"),
    Need::Program("nsenter"),
    Need::Program("mount"),
    Need::Kernel(super::filesystem::Kind::Overlay),
];

const BOOT: Duration = Duration::from_mins(2);

/// Puts itself into the groups that are named before `--`, and becomes the rest.
const GROUPED: &str = r#"while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit; shift; done; shift; exec "$@""#;

/// A machine: laid out first, then booted.
pub struct Machine {
    home: TempDir,
    container: Option<Process>,
    init: String,
    /// Two machines in one group would remove the groups of each other's units.
    groups: Vec<PathBuf>,
}

impl Machine {
    /// This machine's files, changes to which nobody else sees.
    pub fn lay_out() -> Machine {
        let home = tempfile::Builder::new().prefix("opsbelt-machine-").tempdir().expect("a temporary folder");
        let machine = Machine { home, container: None, init: String::new(), groups: Vec::new() };
        must("mount", &args(&["-t", "tmpfs", "tmpfs"], &[machine.home.path()]));
        for folder in ["upper", "work", "root"] {
            fs::create_dir(machine.home.path().join(folder)).expect("a writable tree");
        }
        let at = |folder: &str| machine.home.path().join(folder).display().to_string();
        let layers = format!("lowerdir=/,upperdir={},workdir={}", at("upper"), at("work"));
        must("mount", &args(&["-t", "overlay", "overlay", "-o", &layers], &[&machine.root()]));
        machine.write("/etc/machine-id", "", 0o444);
        machine
    }

    /// Where its files are, seen from here.
    pub fn root(&self) -> PathBuf {
        self.home.path().join("root")
    }

    /// A path of it, seen from here.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    /// Writes a file into it, with the folders above.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>, mode: u32) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("inside the machine")).expect("a writable tree");
        files::write(&path, content).expect("a writable tree");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("our own file");
    }

    /// Boots it, and returns when systemd has started what belongs to `multi-user.target`.
    pub fn boot(&mut self) {
        self.groups = groups(self.home.path().file_name().expect("a folder has a name"));
        let mut nspawn = Command::new("sh");
        nspawn.args(["-c", GROUPED, "sh"]).args(&self.groups).args(["--", "systemd-nspawn"]);
        nspawn.arg("-D").arg(self.root()).args(["--register=no", "--keep-unit", "--private-network", "--console=pipe", "--boot"]);
        let container = Process::start(nspawn.arg("systemd.unit=multi-user.target"));
        let children = format!("/proc/{0}/task/{0}/children", container.id());
        self.container = Some(container);
        wait_until("the machine to boot", BOOT, || {
            // Its first children only prepare the way.
            let children = fs::read_to_string(&children).unwrap_or_default();
            children.split_whitespace().last().unwrap_or_default().clone_into(&mut self.init);
            self.run(&["systemctl", "is-active", "multi-user.target"]).is_ok()
        });
    }

    /// Runs a command inside; what it printed, and whether it succeeded.
    pub fn run(&self, words: &[&str]) -> Result<String, String> {
        let enter = ["-t", &self.init, "-m", "-u", "-i", "-n", "-p", "-C", "--"];
        let all: Vec<&OsStr> = enter.iter().chain(words).map(OsStr::new).collect();
        try_run("nsenter", &all)
    }

    /// Runs a command inside that must succeed.
    #[track_caller]
    pub fn must(&self, words: &[&str]) -> String {
        self.run(words).unwrap_or_else(|said| panic!("{said}{}", self.journal()))
    }

    /// What systemd and its units have said, newest last.
    pub fn journal(&self) -> String {
        self.run(&["journalctl", "--no-pager", "--lines=200"]).unwrap_or_else(|said| said)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(mut container) = self.container.take() {
            container.signal(rustix::process::Signal::TERM);
            container.ends_within(Duration::from_secs(20));
        }
        self.groups.iter().for_each(|group| remove(group));
        for mounted in [&self.root(), self.home.path()] {
            // It may not have come so far; and a panic must not hide the one that brought us here.
            let _ = try_run("umount", &args(&["--recursive"], &[mounted]));
        }
    }
}

/// A group of that name in each hierarchy that systemd keeps.
fn groups(name: &OsStr) -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").expect("Linux has it");
    let kept = |line: &str| {
        let fields: Vec<&str> = line.split(' ').collect();
        let of_systemd =
            fields[2] == "cgroup2" || fields[2] == "cgroup" && fields[3].split(',').any(|word| word == "name=systemd");
        of_systemd.then(|| Path::new(fields[1]).join(name))
    };
    let groups: Vec<PathBuf> = mounts.lines().filter_map(kept).collect();
    for group in &groups {
        fs::create_dir(group).expect("root may make a group");
    }
    groups
}

/// Removes a group that nobody is in any more, with those inside.
fn remove(group: &Path) {
    let inside = fs::read_dir(group).into_iter().flatten().flatten();
    inside.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).for_each(|entry| remove(&entry.path()));
    // Whoever did not end in time is still in it.
    let _ = fs::remove_dir(group);
}

fn args<'a>(words: &[&'a str], paths: &[&'a Path]) -> Vec<&'a OsStr> {
    words.iter().map(|&word| OsStr::new(word)).chain(paths.iter().map(|path| path.as_os_str())).collect()
}
