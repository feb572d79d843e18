//! How a log's lines come into an archive: what is done to the live file, and what is never done to it.

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a log's lines come into an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The log is exchanged with an empty file; its writer opens it anew
    #[default]
    Rename,
    /// The file stays, and its head is taken away once it is archived: for writers that cannot open it anew
    InPlace,
    /// The writer rotates by itself; what it is done with is archived before it is deleted
    Collect,
}
