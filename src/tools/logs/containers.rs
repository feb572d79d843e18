//! What is true of a container's log: which container writes it, what limits it, and what people call it. Docker says so
//! in two files beside the log, Kubernetes in the names of links.
//!
//! Reads within bounds, follows no link, alters nothing. What these files say is a stranger's word: it is limited, and
//! what cannot be had is a reason, never a failure of the log.

pub mod labels;
mod pods;

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};

pub use self::{labels::Labels, pods::Pods};
use crate::{
    failure::{Doing, Failure, Result},
    files::dir::{Dir, Kind, stat_open},
    report::Incomplete,
};

/// One container, as far as its log is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// The container's id.
    pub id: String,
    /// Its live log, when it has the json-file driver.
    pub log: PathBuf,
    /// Driver and limits; nothing when they could not be read.
    pub options: Option<LogOptions>,
    /// What people call it, as far as that could be read: see [`labels`].
    pub labels: Labels,
    /// What is not known of it, and why.
    pub unknown: Vec<Incomplete>,
}

/// A logging driver with what limits it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// `json-file`, `local`, `journald` ...
    pub driver: String,
    /// `max-size`, as written.
    pub max_size: Option<String>,
    /// `max-file`, as written.
    pub max_file: Option<String>,
}

/// What dockerd does with a log that is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// It never is: it grows for ever.
    Never,
    /// It is deleted or emptied, and nobody has its lines any more.
    Discarded,
    /// It is renamed, and so many older parts stay.
    Parts(u32),
}

/// The container whose log lies at the real path `FOLDER/ID/ID-json.log`, live or rotated by Docker (`.N`, `.N.gz`).
pub fn of_log(path: &Path) -> Option<Container> {
    let folder = path.parent()?;
    let id = folder.file_name()?.to_str().filter(|name| is_id(name))?;
    let number = path.file_name()?.to_str()?.strip_prefix(id)?.strip_prefix("-json.log")?;
    is_dockers_number(number).then(|| in_folder(folder, id))
}

/// The container that has this folder.
pub fn in_folder(folder: &Path, id: &str) -> Container {
    let (options, state) = match Dir::open(folder) {
        Ok(dir) => (options(&dir), state(&dir)),
        Err(failure) => (Err(failure.clone()), Err(failure)),
    };
    let log = folder.join(format!("{id}-json.log"));
    let mut container = Container { id: id.to_owned(), log, options: None, labels: Labels::new(), unknown: Vec::new() };
    match options {
        Ok(options) => container.options = Some(options),
        Err(failure) => container.unknown.push(Incomplete::new("its logging options", failure.to_string())),
    }
    match state {
        Ok(state) => container.label(state.said()),
        Err(failure) => container.unknown.push(Incomplete::new("its labels", failure.to_string())),
    }
    container
}

/// Whether a folder of that name may be a container's.
pub fn is_id(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|c| c.is_ascii_hexdigit())
}

impl Container {
    /// The name if there is one, else the short id.
    pub fn shown(&self) -> &str {
        self.labels.get("container").map_or_else(|| self.id.get(..12).unwrap_or(&self.id), String::as_str)
    }

    /// Whether its log is known to grow for ever.
    pub fn is_unlimited(&self) -> bool {
        self.options.as_ref().is_some_and(LogOptions::is_unlimited)
    }

    /// Adds the pod that links name, when Docker does not say which one it is.
    pub fn name_pod(&mut self, pods: &Pods) {
        if !pods::LABELS.iter().any(|label| self.labels.contains_key(*label)) {
            self.label(pods.of(&self.id));
        }
    }

    fn label<'a>(&mut self, said: impl IntoIterator<Item = (&'a str, String)>) {
        for (label, value) in said {
            match labels::refusal(&value) {
                None => drop(self.labels.insert(label.to_owned(), value)),
                Some(why) => self.unknown.push(Incomplete::new(format!("its label {label}"), why)),
            }
        }
    }
}

impl LogOptions {
    /// Whether such a log grows for ever: json-file alone knows no limit of its own.
    pub fn is_unlimited(&self) -> bool {
        self.driver == "json-file" && !self.has_max_size()
    }

    /// Whether dockerd rotates it itself, and so keeps its size in memory.
    pub fn has_max_size(&self) -> bool {
        self.max_size.as_deref().is_some_and(|size| !size.is_empty() && size != "-1")
    }

    /// What becomes of a json-file log that is full; nothing for another driver, or words that Docker would refuse.
    pub fn when_full(&self) -> Option<WhenFull> {
        if self.driver != "json-file" {
            return None;
        }
        if !self.has_max_size() {
            return Some(WhenFull::Never);
        }
        // The live log counts as one, and one is what there is when nothing is said.
        let files: u32 = self.max_file.as_deref().filter(|files| !files.is_empty()).map_or(Ok(1), str::parse).ok()?;
        Some(if files > 1 { WhenFull::Parts(files - 1) } else { WhenFull::Discarded })
    }
}

/// `.1` or `.2.gz`, as Docker numbers the older parts; nothing for the live log.
fn is_dockers_number(rest: &str) -> bool {
    let number = |rest: &str| rest.len() < 12 && rest.bytes().all(|c| c.is_ascii_digit()) && !rest.starts_with('0');
    let numbered = rest.strip_prefix('.').map(|rest| rest.strip_suffix(".gz").unwrap_or(rest));
    rest.is_empty() || numbered.is_some_and(|rest| !rest.is_empty() && number(rest))
}

fn options(dir: &Dir) -> Result<LogOptions> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct HostConfig {
        log_config: LogConfig,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct LogConfig {
        r#type: String,
        #[serde(default)]
        config: Option<BTreeMap<String, String>>,
    }
    let host: HostConfig = json(dir, "hostconfig.json")?;
    let mut config = host.log_config.config.unwrap_or_default();
    let (max_size, max_file) = (config.remove("max-size"), config.remove("max-file"));
    Ok(LogOptions { driver: host.log_config.r#type, max_size, max_file })
}

/// What of `config.v2.json` makes labels.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    config: Option<Config>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    #[serde(default)]
    image: Option<String>,
    #[serde(default)]
    labels: Option<Marks>,
}

/// Of a container's own labels, those that we understand; the others are passed over unread.
#[derive(Default, Deserialize)]
struct Marks {
    #[serde(default, rename = "com.docker.compose.service")]
    service: Option<String>,
    #[serde(default, rename = "com.docker.compose.project")]
    project: Option<String>,
    #[serde(default, rename = "io.kubernetes.pod.name")]
    pod: Option<String>,
    #[serde(default, rename = "io.kubernetes.pod.namespace")]
    namespace: Option<String>,
    #[serde(default, rename = "io.kubernetes.container.name")]
    pod_container: Option<String>,
}

fn state(dir: &Dir) -> Result<State> {
    json(dir, "config.v2.json")
}

impl State {
    fn said(self) -> impl Iterator<Item = (&'static str, String)> {
        let (image, marks) = self.config.map(|config| (config.image, config.labels.unwrap_or_default())).unwrap_or_default();
        let name = self.name.map(|name| name.strip_prefix('/').map(str::to_owned).unwrap_or(name));
        let [pod, namespace, pod_container] = pods::LABELS;
        let said = [
            ("container", name),
            ("image", image),
            ("compose-service", marks.service),
            ("compose-project", marks.project),
            (pod, marks.pod),
            (namespace, marks.namespace),
            (pod_container, marks.pod_container),
        ];
        said.into_iter().filter_map(|(label, value)| Some((label, value.filter(|value| !value.is_empty())?)))
    }
}

/// A small file of this folder. One with a second name may be somebody else's, put here to be read with our rights.
fn json<T: DeserializeOwned>(dir: &Dir, name: &str) -> Result<T> {
    const LARGEST: u64 = 1 << 20;
    let refuse = |why: String| Failure::new("read", dir.shown(name)).because(why);
    let file = dir.read(name)?;
    let stat = stat_open(&file)?;
    if stat.kind != Kind::File || stat.links != 1 {
        return Err(refuse("it is no ordinary file with one name".to_owned()));
    }
    let mut text = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut text).doing("read", dir.shown(name))?;
    if text.len() as u64 > LARGEST {
        return Err(refuse(format!("it has more than {LARGEST} bytes")));
    }
    serde_json::from_slice(&text).map_err(|error| refuse(format!("it is not what Docker writes: line {}", error.line())))
}

#[cfg(test)]
mod tests;
