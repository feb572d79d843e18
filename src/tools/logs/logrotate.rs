//! What logrotate's configuration says: which paths it rotates, and how. Read-only, and of other
//! people's making: every size, count and depth has a limit, and trouble becomes a problem in the
//! answer, never an end of the reading.
//!
//! In doubt a path counts as logrotate's: two rotators on one log lose lines.

mod directives;
mod pattern;
mod sources;
mod statements;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

pub use directives::{Directives, Method};
use pattern::Pattern;

use crate::report::Incomplete;

/// Reads `main` and everything that it includes.
pub fn read(main: &Path) -> Read {
    let mut read = sources::read(main);
    read.index = Index::of(&read.stanzas);
    read
}

/// All that logrotate would do.
#[derive(Debug, Default)]
pub struct Read {
    /// In the order of reading; where two name the same path, logrotate follows the first.
    pub stanzas: Vec<Stanza>,
    /// What could not be read, or what logrotate itself refuses.
    pub problems: Vec<Incomplete>,
    /// Words that logrotate does not know: it ignores the line and still ends well.
    pub unknown: Vec<Unknown>,
    index: Index,
}

/// One set of paths with its directives, globals applied.
#[derive(Clone, Debug)]
pub struct Stanza {
    /// The paths as written, one pattern each.
    pub patterns: Vec<String>,
    /// The file that says so.
    pub file: PathBuf,
    /// The line where the stanza opens.
    pub line: u32,
    /// How its logs are rotated.
    pub directives: Directives,
    compiled: Vec<Pattern>,
}

/// A directive that logrotate does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The word.
    pub word: String,
    /// The file that says it.
    pub file: PathBuf,
    /// Its line.
    pub line: u32,
}

impl Read {
    /// The stanza that rotates `path`.
    pub fn owner_of(&self, path: &Path) -> Option<&Stanza> {
        let text = path.to_string_lossy();
        let exact = self.index.exact.get(text.as_ref()).copied();
        let first = self
            .index
            .globs
            .iter()
            .take_while(|(stanza, _)| exact.is_none_or(|exact| *stanza < exact))
            .find(|(_, pattern)| pattern.names(&text))
            .map(|(stanza, _)| *stanza);
        self.stanzas.get(first.or(exact)?)
    }
}

impl Stanza {
    /// `file:line`, as a person looks it up.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }
}

/// Paths written in full are looked up; only patterns are tried one by one.
#[derive(Debug, Default)]
struct Index {
    exact: HashMap<String, usize>,
    globs: Vec<(usize, Pattern)>,
}

impl Index {
    fn of(stanzas: &[Stanza]) -> Index {
        let mut index = Index::default();
        for (place, stanza) in stanzas.iter().enumerate() {
            for pattern in &stanza.compiled {
                match pattern.literal() {
                    Some(path) => {
                        index.exact.entry(path.to_owned()).or_insert(place);
                    }
                    None => index.globs.push((place, pattern.clone())),
                }
            }
        }
        index
    }
}

#[cfg(test)]
mod tests;
