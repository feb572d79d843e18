//! Who rotates a log, as far as names and configurations tell. Pure.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use chrono::TimeDelta;

use super::{facts::Facts, names, walk::LogFile};
use crate::tools::logs::{containers::Container, logrotate::Stanza};

/// Who rotates a log.
#[derive(Clone, Copy, Debug)]
pub enum Rotation<'f> {
    /// This stanza of logrotate's.
    Logrotate(&'f Stanza),
    /// Docker, within the container's limits, if it has any.
    Docker(&'f Container),
    /// The journal keeps its own limits.
    Journal,
    /// It is an older part itself: its name has a number or a date.
    Part,
    /// Something: older parts lie beside it, and logrotate does not name it.
    Something,
    /// Nobody that we know of.
    Nobody,
}

/// A log with what was decided about it.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'f> {
    /// The log.
    pub log: &'f LogFile,
    /// Who rotates it.
    pub rotation: Rotation<'f>,
}

/// Decides for every log, in the order of the facts.
pub fn judge(facts: &Facts) -> Vec<Judged<'_>> {
    let known = Known {
        beside: facts.logs.iter().filter_map(|log| live_name(&log.path)).collect(),
        containers: facts.docker.containers.iter().map(|container| (container.log.as_path(), container)).collect(),
    };
    let rotation = |log| Judged { log, rotation: rotation(facts, log, &known) };
    facts.logs.iter().map(rotation).collect()
}

impl Rotation<'_> {
    /// In a few words, for a table.
    pub fn shown(&self) -> String {
        match self {
            Rotation::Logrotate(stanza) => format!("logrotate ({})", stanza.place()),
            Rotation::Docker(container) if container.is_unlimited() => {
                format!("nobody: container {} has no max-size", container.shown())
            }
            Rotation::Docker(container) => {
                let limits = if container.options.is_some() { "" } else { ", limits unknown" };
                format!("Docker (container {}){limits}", container.shown())
            }
            Rotation::Journal => "the journal".to_owned(),
            Rotation::Part => "an older part, by its name".to_owned(),
            Rotation::Something => "something: older parts are beside it".to_owned(),
            Rotation::Nobody => "nobody".to_owned(),
        }
    }

    /// Whether it is Docker's, and nothing keeps it from growing for ever.
    pub(super) fn is_unlimited(&self) -> bool {
        matches!(self, Rotation::Docker(container) if container.is_unlimited())
    }
}

impl Judged<'_> {
    /// More than this is neglected when nobody rotates it.
    pub const LARGE: u64 = 50 << 20;
    /// More than this is, too, when it is older than a month.
    pub const NOT_SMALL: u64 = 10 << 20;

    /// Large, or old and not small, and nobody rotates it.
    pub fn is_neglected(&self, facts: &Facts) -> bool {
        let age = facts.now - self.log.born.unwrap_or(self.log.written).min(self.log.written);
        let old = age > TimeDelta::days(30);
        matches!(self.rotation, Rotation::Nobody)
            && (self.log.allocated > Self::LARGE || (self.log.allocated > Self::NOT_SMALL && old))
    }

    /// An older part that nobody compressed, and that nothing was written to for a day.
    pub fn is_plain_part(&self, facts: &Facts) -> bool {
        let name = self.log.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        matches!(self.rotation, Rotation::Part)
            && names::packing(&name).is_none()
            && facts.now - self.log.written > TimeDelta::days(1)
    }
}

/// Looked up once for each log.
struct Known<'f> {
    /// Live logs that have older parts.
    beside: HashSet<PathBuf>,
    containers: HashMap<&'f Path, &'f Container>,
}

fn rotation<'f>(facts: &'f Facts, log: &LogFile, known: &Known<'f>) -> Rotation<'f> {
    let is_journal = log.path.extension().is_some_and(|extension| extension == "journal" || extension == "journal~");
    if is_journal {
        return Rotation::Journal;
    }
    if let Some(container) = known.containers.get(log.path.as_path()) {
        return Rotation::Docker(container);
    }
    if live_name(&log.path).is_some() {
        return Rotation::Part;
    }
    match facts.logrotate.owner_of(&log.path) {
        Some(stanza) => Rotation::Logrotate(stanza),
        None if known.beside.contains(&log.path) => Rotation::Something,
        None => Rotation::Nobody,
    }
}

/// The live log that an older part belongs to; nothing for a live log itself.
fn live_name(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let base = names::base(name);
    (base != name).then(|| path.with_file_name(base))
}
