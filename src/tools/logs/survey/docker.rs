//! Docker's json-file logs: how large each container's is, and whether anything limits it. A container
//! carries the options that it was made with, so its own file decides, not the daemon's present defaults.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    failure::plain,
    report::Incomplete,
    tools::logs::containers::{self, Container, LogOptions},
};

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

/// Reads the folder of containers and the daemon's settings.
pub(super) fn read(folder: &Path, daemon: &Path, incomplete: &mut Vec<Incomplete>) -> Docker {
    const MOST: usize = 5_000;
    let mut docker = Docker::default();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        // An ordinary user may not even learn whether the folder is there: Docker's own folder tells.
        Err(error) => {
            docker.unseen = is_there(folder, &error);
            docker.defaults = defaults(daemon);
            if docker.unseen {
                let what = format!("Docker's containers in {}", folder.display());
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
        if containers::is_id(&id) {
            let container = containers::in_folder(&entry.path(), &id);
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
    let options = daemon.log_opts.unwrap_or_default();
    let option = |name: &str| Some(options.get(name)?.as_str()?.to_owned());
    let driver = daemon.log_driver.unwrap_or_else(|| "json-file".to_owned());
    Some(LogOptions { driver, max_size: option("max-size"), max_file: option("max-file") })
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
