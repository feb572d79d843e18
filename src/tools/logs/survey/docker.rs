//! Docker's json-file logs: how large each container's is, and whether anything limits it. A container
//! carries the options that it was made with, so its own file decides, not the daemon's present defaults.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};

use crate::{failure::plain, report::Incomplete};

/// What is known of Docker's logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Docker {
    /// The containers that we may look at.
    pub containers: Vec<Container>,
    /// What new containers get; nothing when the daemon's settings could not be read.
    pub defaults: Option<LogOptions>,
    /// Whether there is a Docker, and its containers are not for us to see.
    pub unseen: bool,
}

/// One container's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// The container's id.
    pub id: String,
    /// The name that a person gave it, when it can be read.
    pub name: Option<String>,
    /// Its log, when it has the json-file driver.
    pub log: PathBuf,
    /// Driver and limits; nothing when they could not be read.
    pub options: Option<LogOptions>,
}

/// A logging driver with what limits it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// `json-file`, `local`, `journald` ...
    pub driver: String,
    /// `max-size`, as written.
    pub max_size: Option<String>,
}

impl LogOptions {
    /// Whether such a log grows for ever: json-file alone knows no limit of its own.
    pub fn is_unlimited(&self) -> bool {
        self.driver == "json-file" && self.max_size.as_deref().is_none_or(|size| size.is_empty() || size == "-1")
    }
}

impl Container {
    /// The name if there is one, else the short id.
    pub fn shown(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| self.id.get(..12).unwrap_or(&self.id))
    }

    /// Whether its log is known to grow for ever.
    pub fn is_unlimited(&self) -> bool {
        self.options.as_ref().is_some_and(LogOptions::is_unlimited)
    }
}

/// Reads the folder of containers and the daemon's settings.
pub(super) fn read(containers: &Path, daemon: &Path, incomplete: &mut Vec<Incomplete>) -> Docker {
    const MOST: usize = 5_000;
    let mut docker = Docker::default();
    let entries = match fs::read_dir(containers) {
        Ok(entries) => entries,
        // An ordinary user may not even learn whether the folder is there: Docker's own folder tells.
        Err(error) => {
            docker.unseen = is_there(containers, &error);
            docker.defaults = defaults(daemon);
            if docker.unseen {
                let what = format!("Docker's containers in {}", containers.display());
                incomplete.push(super::more_as_root(Incomplete::new(what, plain(&error))));
            }
            return docker;
        }
    };
    docker.defaults = defaults(daemon);
    let mut denied: u64 = 0;
    for (count, entry) in entries.flatten().enumerate() {
        if count >= MOST {
            incomplete.push(Incomplete::new("Docker's other containers", "there are more than a survey looks at"));
            break;
        }
        let Ok(id) = entry.file_name().into_string() else { continue };
        if id.len() == 64 && id.bytes().all(|c| c.is_ascii_hexdigit()) {
            let container = container(&entry.path(), id);
            denied += u64::from(container.options.is_none());
            docker.containers.push(container);
        }
    }
    if denied > 0 {
        let what = format!("the logging options of {denied} of {} containers", docker.containers.len());
        incomplete.push(super::more_as_root(Incomplete::new(what, "their hostconfig.json could not be read")));
    }
    docker.containers.sort_by(|a, b| a.id.cmp(&b.id));
    docker
}

fn container(folder: &Path, id: String) -> Container {
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
        config: Option<std::collections::BTreeMap<String, String>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct State {
        name: String,
    }
    let host: Option<HostConfig> = json(&folder.join("hostconfig.json"));
    let state: Option<State> = json(&folder.join("config.v2.json"));
    let options = host.map(|host| LogOptions {
        driver: host.log_config.r#type,
        max_size: host.log_config.config.and_then(|config| config.get("max-size").cloned()),
    });
    let name = state.map(|state| state.name.trim_start_matches('/').to_owned()).filter(|name| !name.is_empty());
    Container { log: folder.join(format!("{id}-json.log")), name, options, id }
}

fn defaults(daemon: &Path) -> Option<LogOptions> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Daemon {
        #[serde(default)]
        log_driver: Option<String>,
        #[serde(default)]
        log_opts: Option<std::collections::BTreeMap<String, serde_json::Value>>,
    }
    let absent = || fs::symlink_metadata(daemon).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
    let daemon: Daemon = match json(daemon) {
        Some(daemon) => daemon,
        None if absent() => Daemon { log_driver: None, log_opts: None },
        None => return None,
    };
    let max_size = daemon.log_opts.and_then(|options| Some(options.get("max-size")?.as_str()?.to_owned()));
    Some(LogOptions { driver: daemon.log_driver.unwrap_or_else(|| "json-file".to_owned()), max_size })
}

fn is_there(containers: &Path, error: &std::io::Error) -> bool {
    let parent = containers.parent().unwrap_or(containers);
    error.kind() != std::io::ErrorKind::NotFound && fs::symlink_metadata(parent).is_ok()
}

fn json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    const LARGEST: u64 = 1 << 20;
    let mut text = Vec::new();
    File::open(path).ok()?.take(LARGEST).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_with(log_config: &str) -> Docker {
        let tree = tempfile::tempdir().unwrap();
        let folder = tree.path().join("containers").join("a".repeat(64));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("hostconfig.json"), format!(r#"{{"Binds":null,"LogConfig":{log_config},"Memory":0}}"#)).unwrap();
        fs::write(folder.join("config.v2.json"), r#"{"Name":"/web","ID":"a"}"#).unwrap();
        let mut incomplete = Vec::new();
        let docker = read(&tree.path().join("containers"), &tree.path().join("daemon.json"), &mut incomplete);
        assert_eq!(incomplete, []);
        docker
    }

    fn unlimited(log_config: &str) -> bool {
        made_with(log_config).containers[0].options.as_ref().unwrap().is_unlimited()
    }

    #[test]
    fn only_json_file_without_max_size_is_unlimited() {
        assert!(unlimited(r#"{"Type":"json-file","Config":{}}"#));
        assert!(unlimited(r#"{"Type":"json-file","Config":null}"#));
        assert!(unlimited(r#"{"Type":"json-file","Config":{"max-size":"-1"}}"#));
        assert!(!unlimited(r#"{"Type":"json-file","Config":{"max-size":"10m"}}"#));
        assert!(!unlimited(r#"{"Type":"local","Config":{}}"#));
        assert!(!unlimited(r#"{"Type":"journald"}"#));
    }

    #[test]
    fn a_container_has_its_name() {
        assert_eq!(made_with(r#"{"Type":"local"}"#).containers[0].shown(), "web");
    }

    #[test]
    fn without_settings_new_containers_are_unlimited_and_broken_settings_are_unknown() {
        let tree = tempfile::tempdir().unwrap();
        let daemon = tree.path().join("daemon.json");
        assert!(defaults(&daemon).unwrap().is_unlimited());
        fs::write(&daemon, r#"{"log-opts":{"max-size":"10m","max-file":"3"}}"#).unwrap();
        assert!(!defaults(&daemon).unwrap().is_unlimited());
        fs::write(&daemon, "{").unwrap();
        assert_eq!(defaults(&daemon), None);
    }

    #[test]
    fn a_machine_without_docker_has_nothing_to_say() {
        let mut incomplete = Vec::new();
        let docker = read(Path::new("/nonexistent/containers"), Path::new("/nonexistent/daemon.json"), &mut incomplete);
        assert!(!docker.unseen && incomplete.is_empty() && docker.containers.is_empty());
    }

    #[test]
    fn options_that_cannot_be_read_are_unknown_and_said() {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir_all(tree.path().join("containers").join("b".repeat(64))).unwrap();
        let mut incomplete = Vec::new();
        let docker = read(&tree.path().join("containers"), &tree.path().join("daemon.json"), &mut incomplete);
        assert_eq!(docker.containers[0].options, None);
        assert_eq!(incomplete.len(), 1);
    }
}
