//! Where settings are looked for, and in which order they are laid over each other.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use super::{environment, file::SettingsFile};
use crate::failure::{Exit, Failure, Result, plain};

/// Everything outside the program that settings may come from. Later wins: files of the machine, of the user, or only
/// the one that was named; then the environment.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The machine's folder: `/etc/opsbelt`.
    pub etc: PathBuf,
    /// The user's folder: `~/.config/opsbelt`.
    pub user: Option<PathBuf>,
    /// A file, or a folder of files, to read instead of all others.
    pub config: Option<PathBuf>,
    /// Environment variables; only those of the tool are looked at.
    pub env: Vec<(String, String)>,
}

/// Nobody has more drop-ins.
const MOST_FILES: usize = 1000;

impl Sources {
    /// The standard places, or what was named, and this process' environment.
    pub fn standard(subject: &str, config: Option<&Path>) -> Sources {
        let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
        let prefix = environment::prefix(subject);
        let lossy = env::vars_os().map(|(name, value)| (name.to_string_lossy().into(), value.to_string_lossy().into()));
        Sources {
            etc: PathBuf::from("/etc/opsbelt"),
            user: home.map(|home| home.join("opsbelt")),
            config: config.map(Path::to_owned),
            env: lossy.filter(|(name, _): &(String, _)| name.starts_with(&prefix)).collect(),
        }
    }

    /// The files that exist, lowest layer first.
    pub(super) fn files(&self, subject: &str) -> Result<Vec<SettingsFile>> {
        match &self.config {
            Some(config) => named(config),
            None => self.found(subject),
        }
    }

    /// Where files are looked for, as a person would name the places.
    pub(super) fn places(&self, subject: &str) -> Vec<PathBuf> {
        let name = format!("{subject}.toml");
        match &self.config {
            Some(config) => vec![config.clone()],
            None => [self.etc.join(&name), self.etc.join(format!("{subject}.d/*.toml"))]
                .into_iter()
                .chain(self.user.iter().map(|user| user.join(&name)))
                .collect(),
        }
    }

    fn found(&self, subject: &str) -> Result<Vec<SettingsFile>> {
        let name = format!("{subject}.toml");
        let mut files: Vec<SettingsFile> = SettingsFile::read(&self.etc.join(&name))?.into_iter().collect();
        files.extend(folder(&self.etc.join(format!("{subject}.d")))?.unwrap_or_default());
        if let Some(user) = &self.user {
            files.extend(SettingsFile::read(&user.join(&name))?);
        }
        Ok(files)
    }
}

/// What `--config` names must exist.
fn named(config: &Path) -> Result<Vec<SettingsFile>> {
    let wrong = |why: &str| Err(Failure::new("read", config.display()).because(why).exit(Exit::BadInput));
    if !config.is_dir() {
        return SettingsFile::read(config)?.map_or_else(|| wrong("no such file or directory"), |file| Ok(vec![file]));
    }
    match folder(config)? {
        Some(files) if !files.is_empty() => Ok(files),
        _ => wrong("the folder holds no *.toml file"),
    }
}

/// The settings files of a folder by name, or `None` when there is no such folder.
fn folder(path: &Path) -> Result<Option<Vec<SettingsFile>>> {
    let wrong = |why: String| Failure::new("read", path.display()).because(why).exit(Exit::BadInput);
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(plain(&error))),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| wrong(plain(&error)))?.path();
        if is_settings(&path) {
            paths.push(path);
        }
        if paths.len() > MOST_FILES {
            return Err(wrong(format!("more than {MOST_FILES} settings files")));
        }
    }
    paths.sort();
    // A file that went since the folder was listed is as good as never there.
    let files: Result<Vec<_>> = paths.iter().filter_map(|path| SettingsFile::read(path).transpose()).collect();
    files.map(Some)
}

/// Hidden files are an editor's, others are a package manager's leftovers (`nginx.toml.dpkg-old`).
fn is_settings(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden && path.extension().is_some_and(|extension| extension == "toml")
}
