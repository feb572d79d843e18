//! `ops-logs survey`: something true about the logs of this machine, in seconds, for an ordinary user and
//! without settings. Gathers, decides, shows; alters nothing. What it may not see it names as unknown.

mod docker;
mod facts;
mod findings;
mod held;
mod mounts;
mod names;
mod rotation;
mod tables;
mod walk;

use std::path::PathBuf;

pub use self::{
    docker::Docker,
    facts::{ArchiveState, Disk, Facts, Leftover, gather},
    held::{Held, Holder},
    rotation::{Judged, Rotation, judge},
    walk::LogFile,
};
use crate::{
    failure::Result,
    report::{Incomplete, Report},
    run::Run,
    tool::Query,
};

/// The question, and where to look.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Folders to look through. In one called `log` or `logs` every file counts, elsewhere those whose name
    /// or folder says so.
    pub roots: Vec<PathBuf>,
    /// logrotate's configuration.
    pub logrotate: PathBuf,
    /// The folder with a folder for each of Docker's containers.
    pub docker: PathBuf,
    /// Docker's settings, for what new containers get.
    pub daemon: PathBuf,
    /// Where the kernel tells of processes and mounts.
    pub proc: PathBuf,
    /// How many rows a table has at most, and how many findings each kind.
    pub top: usize,
}

impl Survey {
    /// So many rows and findings of a kind, unless somebody wants more.
    pub const TOP: usize = 10;
}

impl Default for Survey {
    /// Where logs are on most machines: the system's own, what was installed by hand, what is served, and
    /// what people run from their homes. `/var/lib` and `/usr` are left out: large, and their logs are rare.
    fn default() -> Survey {
        Survey {
            roots: ["/var/log", "/opt", "/srv", "/home"].map(PathBuf::from).into(),
            logrotate: PathBuf::from("/etc/logrotate.conf"),
            docker: PathBuf::from("/var/lib/docker/containers"),
            daemon: PathBuf::from("/etc/docker/daemon.json"),
            proc: PathBuf::from("/proc"),
            top: Survey::TOP,
        }
    }
}

impl Query for Survey {
    fn schema(&self) -> Option<&'static str> {
        Some("opsbelt.logs.survey/1")
    }

    fn answer(&self, run: &Run) -> Result<Report> {
        Ok(report(&gather(self, run), self.top))
    }
}

/// Decides and shows; asks nobody.
pub fn report(facts: &Facts, top: usize) -> Report {
    let judged = judge(facts);
    Report {
        findings: findings::findings(facts, &judged, top),
        incomplete: facts.incomplete.clone(),
        tables: tables::tables(facts, &judged, top),
        summary: tables::summary(facts, &judged),
        ..Report::default()
    }
}

/// Says how to see more, to those who can.
fn more_as_root(entry: Incomplete) -> Incomplete {
    if rustix::process::geteuid().is_root() { entry } else { entry.hint("run it as root for the whole picture") }
}

#[cfg(test)]
mod tests;
