//! Where a setting came from, and the key paths (`log[2].paths[0]`) that name settings.

use std::{fmt, ops::Range, sync::Arc};

use super::{file::SettingsFile, tree::Node};

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: built in.
    Default,
    /// In a file, at a place.
    File(Spot),
    /// In this environment variable.
    Environment(String),
}

/// A place in a settings file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    pub(super) file: Arc<SettingsFile>,
    pub(super) bytes: Range<usize>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(spot) => {
                write!(f, "{}:{}", spot.file.path.display(), spot.file.position(spot.bytes.start).0)
            }
            Origin::Environment(name) => write!(f, "environment {name}"),
        }
    }
}

/// The origin of every value of some settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Origins(pub(super) Node);

impl Origins {
    /// Where the value at `key` comes from, itself or as part of a list or a text: the default, unless somebody wrote it.
    pub fn source(&self, key: &str) -> &Origin {
        let (node, rest) = self.0.walk(&steps(key));
        if rest == 0 || !node.is_table() { &node.origin } else { &Origin::Default }
    }

    /// Where the value at `key` was written, or else the nearest thing around it, and whether it is `key` itself; `None`
    /// when all of that is built in.
    pub(super) fn nearest(&self, key: &str) -> Option<(&Origin, bool)> {
        let (node, rest) = self.0.walk(&steps(key));
        (node.origin != Origin::Default).then_some((&node.origin, rest == 0))
    }
}

/// One step from a value into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// The key path as people write it.
pub(super) struct Path<'a>(pub &'a [Step]);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    f.write_str(if place > 0 { "." } else { "" })?;
                    if is_bare(key) {
                        f.write_str(key)?;
                    } else {
                        write!(f, "\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""))?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// Reads a key path. What cannot be read ends it, which leaves the part around it.
pub(super) fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = path;
    while let Some((step, after)) = step(rest.strip_prefix('.').unwrap_or(rest)) {
        steps.push(step);
        rest = after;
    }
    steps
}

fn step(rest: &str) -> Option<(Step, &str)> {
    if let Some(rest) = rest.strip_prefix('[') {
        let (index, after) = rest.split_once(']')?;
        return Some((Step::Index(index.parse().ok()?), after));
    }
    if let Some(rest) = rest.strip_prefix('"') {
        return quoted(rest);
    }
    let (key, after) = rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()));
    (!key.is_empty()).then(|| (Step::Key(key.to_owned()), after))
}

fn quoted(rest: &str) -> Option<(Step, &str)> {
    let mut key = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((Step::Key(key), &rest[at + 1..])),
            '\\' => key.push(chars.next()?.1),
            _ => key.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_is_read_as_it_is_written() {
        let path = "log[2].labels.\"a.b\\\"[0]\".paths[0][1]";
        let steps = steps(path);
        assert_eq!(steps.len(), 7);
        assert_eq!(steps[3], Step::Key("a.b\"[0]".to_owned()));
        assert_eq!(Path(&steps).to_string(), path);
    }

    #[test]
    fn a_broken_path_keeps_its_sound_beginning() {
        assert_eq!(Path(&steps("log[2].paths[x]")).to_string(), "log[2].paths");
        assert_eq!(Path(&steps("log.\"open")).to_string(), "log");
        assert!(steps("").is_empty());
    }

    proptest! {
        #[test]
        fn any_keys_survive_the_way_through_text(keys in prop::collection::vec("\\PC{0,6}", 1..4)) {
            let path: Vec<Step> = keys.into_iter().flat_map(|key| [Step::Key(key), Step::Index(3)]).collect();
            prop_assert_eq!(steps(&Path(&path).to_string()), path);
        }
    }
}
