//! What `logs.toml` may say, and how a log's own words, its preset and the defaults become one complete
//! [`LogSet`]. Never looks at the machine.

mod check;
mod effective;
pub mod finished;
mod foreign;
mod method;
mod misfit;
mod notes;
mod places;
mod reopen;
mod store;
mod way;

use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    check::check,
    effective::effective,
    foreign::foreign,
    method::Method,
    misfit::misfit,
    notes::notes,
    reopen::{Reopen, Signal},
    store::{LockWords, StoreWords},
    way::Way,
};
use super::{presets, when::When};
use crate::{
    failure::Result,
    files::compress::Compression,
    retention::Keep,
    settings::units::{Span, Zone},
};

/// How long to wait for a writer, unless a set says.
const CLOSE_WAIT: Span = Span::seconds(5);
/// The zone of the calendar rules, unless a set says.
const ZONE: Tz = Tz::UTC;
/// Where logrotate's configuration is.
pub const LOGROTATE: &str = "/etc/logrotate.conf";

/// Everything `logs.toml` may say.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// What holds for every log unless it says otherwise.
    pub defaults: LogWords,
    /// The sets of logs that are rotated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<LogWords>,
    /// This machine's name in state and archives. The instance id or machine-id when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// logrotate's configuration, read to see which logs it rotates already. An empty string: do not look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logrotate: Option<PathBuf>,
    /// How many files to compress at the same time. One per processor, four at most, when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel: Option<u16>,
    /// Where archives go for good. Left out: they stay on this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreWords>,
}

/// What may be said of a set of logs. What is left out comes from the preset, then from `[defaults]`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LogWords {
    /// The set's name: in reports, and to rotate it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A stanza that comes with the tool (`ops-logs presets` shows them), to start from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Which files: absolute paths; `*`, `?` and `[..]` within a name, `**` for any folders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paths: Option<Vec<String>>,
    /// Which of them not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Vec<String>>,
    /// How a log's lines come into an archive. "rename" when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// With `method = "collect"`: which names are files that the writer is done with. `{name}` is the live log's name,
    /// `{stem}` the same without its last extension; `*`, `?` and `[..]` as in paths. `["{name}.*"]` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<Vec<String>>,
    /// With `method = "in-place"`: where the file system cannot take the head of a file away, make a hole of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub punch_hole: Option<bool>,
    /// When a log is rotated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
    /// How archives are compressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compress: Option<Compression>,
    /// Which archives are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<Keep>,
    /// How the writer is told to open its log anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reopen: Option<Reopen>,
    /// The zone of the calendar rules. UTC when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<Zone>,
    /// Where finished archives go. The log's own folder when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_dir: Option<PathBuf>,
    /// Rotate it also when logrotate's configuration names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub takeover: Option<bool>,
    /// That the log or its folder is missing is no trouble.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
    /// Where nobody can tell whether the old file is still written to: take it as closed after this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assume_closed_after: Option<Span>,
    /// How long to wait for the writer to let go of the old file before leaving it to the next run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close_wait: Option<Span>,
    /// With a `[store]`: whether archives go there. "direct": without an archive here; a rotated log waits as plain text until
    /// `ops-logs direct` has put it there. true when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ship: Option<Way>,
    /// With a `[store]`: which objects are kept there, as `keep` says it of archives here. All of them when left out; `prune` removes the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_keep: Option<Keep>,
    /// What the store calls the writer of these logs (`service=` in its keys). The set's name when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// A set of logs with nothing left open.
#[derive(Clone, Debug, PartialEq)]
pub struct LogSet {
    /// Its name.
    pub name: String,
    /// Which files.
    pub paths: Vec<String>,
    /// Which of them not.
    pub exclude: Vec<String>,
    /// How its lines come into an archive.
    pub method: Method,
    /// Which names are finished files of a log that is collected.
    pub finished: Vec<String>,
    /// Whether a hole will do where the head cannot be taken away.
    pub punch_hole: bool,
    /// When.
    pub when: When,
    /// How archives are compressed.
    pub compress: Compression,
    /// Which archives are kept.
    pub keep: Keep,
    /// How the writer is told.
    pub reopen: Option<Reopen>,
    /// The zone of the calendar rules.
    pub zone: Tz,
    /// Where archives go, when not beside the log.
    pub archive_dir: Option<PathBuf>,
    /// Whether logrotate's word does not count.
    pub takeover: bool,
    /// Whether absence is no trouble.
    pub optional: bool,
    /// When to take a file as closed that nobody can tell about.
    pub assume_closed_after: Option<Span>,
    /// How long to wait for the writer.
    pub close_wait: Span,
    /// Which of its objects a store keeps.
    pub store_keep: Keep,
    /// What the store calls its writer; None: its archives do not go there.
    pub service: Option<String>,
    /// How its logs are compressed on their way, when they go there without an archive here: `compress` is none then.
    pub direct: Option<Compression>,
}

impl Settings {
    /// The complete sets, in the order of the settings. What `check` accepts never fails here.
    pub fn sets(&self) -> Result<Vec<LogSet>> {
        self.log.iter().map(|words| words.complete(&self.defaults)).collect()
    }

    /// Where logrotate's configuration is, unless nobody wants to know.
    pub fn logrotate(&self) -> Option<&Path> {
        let path = self.logrotate.as_deref().unwrap_or(Path::new(LOGROTATE));
        (!path.as_os_str().is_empty()).then_some(path)
    }

    /// How many files to compress at once.
    pub fn parallel(&self) -> usize {
        const MOST: usize = 4;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        self.parallel.map_or(processors.min(MOST), usize::from).max(1)
    }
}

impl LogWords {
    /// The words of a preset, by its name.
    pub(super) fn of_preset(name: &str) -> Result<LogWords> {
        #[derive(Deserialize)]
        struct Stanza {
            log: Vec<LogWords>,
        }
        let text = presets::find(name).ok_or_else(|| presets::unknown(name))?;
        let stanza: Stanza = toml::from_str(text).expect("a test reads every preset");
        Ok(stanza.log.into_iter().next().expect("a test reads every preset"))
    }

    fn complete(&self, defaults: &LogWords) -> Result<LogSet> {
        let preset = self.preset.as_deref().map(LogWords::of_preset).transpose()?.unwrap_or_default();
        let layers = [self, &preset, defaults];
        let compress = first(layers, |words| words.compress).unwrap_or_default();
        let way = first(layers, |words| words.ship).unwrap_or_default();
        Ok(LogSet {
            name: self.shown_name().to_owned(),
            paths: first(layers, |words| words.paths.clone()).unwrap_or_default(),
            exclude: first(layers, |words| words.exclude.clone()).unwrap_or_default(),
            method: first(layers, |words| words.method).unwrap_or_default(),
            finished: first(layers, |words| words.finished.clone()).unwrap_or_else(|| vec![finished::USUAL.to_owned()]),
            punch_hole: first(layers, |words| words.punch_hole).unwrap_or(false),
            when: first(layers, |words| words.when.clone()).unwrap_or_default(),
            compress: if way == Way::Direct { Compression::None } else { compress },
            keep: first(layers, |words| words.keep).unwrap_or_default(),
            reopen: first(layers, |words| words.reopen.clone()),
            zone: first(layers, |words| words.zone).map_or(ZONE, |zone| zone.0),
            archive_dir: first(layers, |words| words.archive_dir.clone()),
            takeover: first(layers, |words| words.takeover).unwrap_or(false),
            optional: first(layers, |words| words.optional).unwrap_or(false),
            assume_closed_after: first(layers, |words| words.assume_closed_after),
            close_wait: first(layers, |words| words.close_wait).unwrap_or(CLOSE_WAIT),
            store_keep: first(layers, |words| words.store_keep).unwrap_or_default(),
            service: (way != Way::Stays)
                .then(|| first(layers, |words| words.service.clone()).unwrap_or_else(|| self.shown_name().to_owned())),
            direct: (way == Way::Direct).then_some(compress),
        })
    }

    /// The set's name: its own, its preset's, or its first path.
    pub(super) fn shown_name(&self) -> &str {
        let path = || self.paths.as_ref().and_then(|paths| paths.first()).map(String::as_str);
        self.name.as_deref().or(self.preset.as_deref()).or_else(path).unwrap_or("unnamed")
    }
}

fn first<T>(layers: [&LogWords; 3], word: impl Fn(&LogWords) -> Option<T>) -> Option<T> {
    layers.into_iter().find_map(word)
}
