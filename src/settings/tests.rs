//! Scenarios of settings from all sources, through a small tool made for them.

mod answers;
mod layers;
mod mistakes;

use std::{collections::BTreeMap, fs, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use tempfile::TempDir;

use super::{
    Loaded, Sources, load,
    units::{Bytes, Room, Span},
};
use crate::{
    failure::{Exit, Failure, Result},
    tool::{Contradiction, Effective, Task, Tool},
};

#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    host: Option<String>,
    limit: u32,
    max_age: Option<Span>,
    eager: bool,
    weight: f64,
    defaults: Defaults,
    labels: BTreeMap<String, String>,
    colors: Vec<String>,
    log: Vec<Log>,
}

/// Does not deny unknown keys by itself: the settings do that for every type.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
struct Defaults {
    compress: Compress,
    keep: Keep,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Compress {
    #[default]
    Zstd,
    Gzip,
    None,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Keep {
    count: u8,
    max_total: Option<Bytes>,
    min_free: Option<Room>,
}

impl Default for Keep {
    fn default() -> Keep {
        Keep { count: 7, max_total: None, min_free: None }
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Log {
    name: String,
    #[serde(default)]
    paths: Vec<String>,
    when: Option<When>,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    keep: Keep,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum When {
    Never,
    Any(Vec<Bytes>),
    All(Vec<Bytes>),
}

/// A type whose own code refuses values.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
struct Mode(String);

impl Default for Mode {
    fn default() -> Mode {
        Mode("0640".to_owned())
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Mode, D::Error> {
        let text = String::deserialize(deserializer)?;
        let octal = text.len() == 4 && text.chars().all(|c| matches!(c, '0'..='7'));
        if octal { Ok(Mode(text)) } else { Err(D::Error::custom(format_args!("`{text}` is no mode such as \"0640\""))) }
    }
}

struct Testing;

#[derive(clap::Subcommand)]
enum NoCommand {}

impl Tool for Testing {
    const NAME: &'static str = "ops-testing";
    const SUBJECT: &'static str = "testing";
    const ABOUT: &'static str = "";
    const EXAMPLES: &'static str = "";
    type Command = NoCommand;
    type Settings = Settings;

    fn check(settings: &Settings) -> Vec<Contradiction> {
        let mut found = Vec::new();
        let mut seen = Vec::new();
        for (index, log) in settings.log.iter().enumerate() {
            for (place, path) in log.paths.iter().enumerate() {
                if seen.contains(&path) {
                    let key = format!("log[{index}].paths[{place}]");
                    found.push(Contradiction { key, problem: format!("`{path}` is written twice"), hint: None });
                }
                seen.push(path);
            }
            if log.keep.count == 0 {
                let key = format!("log[{index}].keep.count");
                let hint = Some("keep at least one".to_owned());
                found.push(Contradiction { key, problem: "keeps nothing".to_owned(), hint });
            }
            if log.paths.is_empty() {
                let key = format!("log[{index}].paths");
                found.push(Contradiction { key, problem: "names no file".to_owned(), hint: None });
            }
        }
        found
    }

    fn foreign(key: &str, value: &str) -> Option<String> {
        (key == "rotate").then(|| format!("write keep = {{ count = {value} }}"))
    }

    fn misfit(key: &str, value: &str) -> Option<String> {
        (key == "eager").then(|| format!("{value} is no way to be eager"))
    }

    fn effective(settings: &Settings) -> Effective<Settings> {
        let settings = serde_json::from_value(serde_json::to_value(settings).unwrap()).unwrap();
        Effective { settings, lenders: BTreeMap::new(), meanings: BTreeMap::from([("labels".to_owned(), "nothing is labelled")]) }
    }

    fn task(command: NoCommand, _: &dyn Fn() -> Result<Loaded<Settings>>) -> Result<Task> {
        match command {}
    }
}

/// A machine with settings in its usual places.
struct Scene {
    folder: TempDir,
    sources: Sources,
}

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let sources = Sources { etc: folder.path().join("etc"), user: Some(folder.path().join("user")), ..Sources::default() };
        Scene { folder, sources }
    }

    /// A machine whose `testing.toml` says `text`.
    fn with(text: &str) -> Scene {
        Scene::new().file("etc/testing.toml", text)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(self, name: &str, text: &str) -> Scene {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn config(mut self, name: &str) -> Scene {
        self.sources.config = Some(self.path(name));
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Scene {
        self.sources.env.push((name.to_owned(), value.to_owned()));
        self
    }

    fn load(&self) -> Result<Loaded<Settings>> {
        load::<Testing>(&self.sources)
    }

    fn loaded(&self) -> Loaded<Settings> {
        self.load().unwrap_or_else(|failure| panic!("{failure}"))
    }

    fn failure(&self) -> Failure {
        let failure = self.load().map(|loaded| loaded.value).expect_err("these settings are wrong");
        assert_eq!(failure.exit, Exit::BadInput);
        failure
    }

    /// The failure as people see it, with the scene's folder left out.
    fn complaint(&self) -> String {
        let failure = self.failure();
        let hint = failure.hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        self.short(&format!("{failure}{hint}"))
    }

    fn short(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.folder.path().display()), "")
    }
}
