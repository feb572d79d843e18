//! Which folders and names a path pattern means, found without following a link that a pattern met.
//!
//! `*`, `?` and `[..]` stand within one name, `**` for any number of folders. Each folder is listed once.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use super::dir::{Dir, Kind};
use crate::failure::{Failure, Result};

/// A path pattern: where to look, and which names count.
#[derive(Clone, Debug)]
pub struct PathPattern {
    text: String,
    whole: Pattern,
    /// The folders up to the first wildcard.
    root: PathBuf,
    /// What remains of the way to the folder.
    folders: Vec<Part>,
    /// The last component.
    name: Part,
}

#[derive(Clone, Debug)]
enum Part {
    Exactly(String),
    Like(Pattern),
    AnyDepth,
}

/// A folder on the way or at the end that could not be looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Why, naming the folder.
    pub failure: Failure,
    /// Whether the pattern named this folder literally, and it is not there.
    pub absent: bool,
}

const RULES: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
/// `**` goes no deeper, and no pattern meets more folders.
const DEPTH: usize = 16;
const FOLDERS: usize = 200_000;

impl PathPattern {
    /// Reads a pattern; says what is wrong with it.
    pub fn new(text: &str) -> std::result::Result<PathPattern, String> {
        if !text.starts_with('/') {
            return Err(format!("`{text}` is not an absolute path"));
        }
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.contains(&"..") {
            return Err(format!("`{text}` goes back with `..`"));
        }
        let Some((name, folders)) = parts.split_last() else { return Err("`/` names no file".to_owned()) };
        if text.ends_with('/') || *name == "**" {
            return Err(format!(
                "`{text}` names a folder; name the files in it, for example `{}/*.log`",
                text.trim_end_matches(['/', '*'])
            ));
        }
        let whole = Pattern::new(text).map_err(|error| format!("`{text}` is no pattern: {}", error.msg))?;
        let literal = folders.iter().take_while(|part| !wild(part)).count();
        let root = folders[..literal].iter().fold(PathBuf::from("/"), |path, part| path.join(part));
        let folders = folders[literal..].iter().map(|part| Part::new(part)).collect::<std::result::Result<_, _>>()?;
        Ok(PathPattern { text: text.to_owned(), whole, root, folders, name: Part::new(name)? })
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the last component is a plain name: the file ought to be there.
    pub fn literal_name(&self) -> Option<&str> {
        match &self.name {
            Part::Exactly(name) => Some(name),
            Part::Like(_) | Part::AnyDepth => None,
        }
    }

    /// Whether a name in one of the folders is meant.
    pub fn means(&self, name: &str) -> bool {
        self.name.means(name)
    }

    /// Whether a whole path is meant.
    pub fn matches(&self, path: &Path) -> bool {
        self.whole.matches_path_with(path, RULES)
    }

    /// The folders in which names may be meant, in order, and those that could not be looked into.
    pub fn folders(&self) -> (Vec<PathBuf>, Vec<Missed>) {
        let mut found = Found { folders: Vec::new(), missed: Vec::new() };
        found.descend(&self.root, &self.folders, DEPTH);
        found.folders.sort_unstable();
        found.folders.dedup();
        (found.folders, found.missed)
    }
}

impl Part {
    fn new(text: &str) -> std::result::Result<Part, String> {
        match text {
            "**" => Ok(Part::AnyDepth),
            _ if !wild(text) => Ok(Part::Exactly(text.to_owned())),
            _ => Pattern::new(text).map(Part::Like).map_err(|error| format!("`{text}` is no pattern: {}", error.msg)),
        }
    }

    fn means(&self, name: &str) -> bool {
        match self {
            Part::Exactly(exact) => exact == name,
            Part::Like(pattern) => pattern.matches_with(name, RULES),
            Part::AnyDepth => !name.starts_with('.'),
        }
    }
}

fn wild(part: &str) -> bool {
    part.contains(['*', '?', '['])
}

struct Found {
    folders: Vec<PathBuf>,
    missed: Vec<Missed>,
}

impl Found {
    fn descend(&mut self, at: &Path, parts: &[Part], depth: usize) {
        let Some((part, rest)) = parts.split_first() else {
            self.folders.push(at.to_owned());
            return;
        };
        if let Part::AnyDepth = part {
            self.descend(at, rest, depth);
        }
        let inner = match part {
            Part::Exactly(name) => vec![at.join(name)],
            Part::Like(_) | Part::AnyDepth => match inner_folders(at, part) {
                Ok(inner) => inner,
                Err(failure) => return self.missed.push(Missed { absent: !at.exists(), failure }),
            },
        };
        for folder in inner {
            let deeper = if matches!(part, Part::AnyDepth) { parts } else { rest };
            if depth == 0 || self.folders.len() >= FOLDERS {
                let failure = Failure::new("look into", folder.display()).because("the pattern goes too deep or too wide");
                return self.missed.push(Missed { failure, absent: false });
            }
            self.descend(&folder, deeper, depth - 1);
        }
    }
}

fn inner_folders(at: &Path, part: &Part) -> Result<Vec<PathBuf>> {
    let dir = Dir::open(at)?;
    let mut inner = Vec::new();
    let mut unsure = Vec::new();
    dir.each(|name, kind| match (name, kind) {
        (Ok(name), Some(Kind::Folder)) if part.means(name) => inner.push(at.join(name)),
        (Ok(name), None) if part.means(name) => unsure.push(name.to_owned()),
        _ => {}
    })?;
    for name in unsure {
        if dir.stat(&name)?.is_some_and(|stat| stat.kind == Kind::Folder) {
            inner.push(at.join(name));
        }
    }
    inner.sort_unstable();
    Ok(inner)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folders(root: &Path, pattern: &str) -> Vec<String> {
        let pattern = PathPattern::new(&format!("{}/{pattern}", root.display())).unwrap();
        let (folders, _) = pattern.folders();
        folders.iter().map(|path| path.strip_prefix(root).unwrap().display().to_string()).collect()
    }

    #[test]
    fn wildcards_meet_folders_but_never_links_or_hidden_ones() {
        let tree = tempfile::tempdir().unwrap();
        let root = tree.path().canonicalize().unwrap();
        for folder in ["a/x", "a/y/z", "b/x", ".hidden/x"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::os::unix::fs::symlink(root.join("b"), root.join("link")).unwrap();
        assert_eq!(folders(&root, "*/x/*.log"), ["a/x", "b/x"]);
        assert_eq!(folders(&root, "a/**/*.log"), ["a", "a/x", "a/y", "a/y/z"]);
        assert_eq!(folders(&root, "b/one.log"), ["b"]);
    }

    #[test]
    fn what_is_no_file_pattern_is_refused() {
        for text in ["var/log/*.log", "/", "/var/log/", "/var/log/**", "/var/../etc/*.log", "/var/log/[a"] {
            assert!(PathPattern::new(text).is_err(), "{text}");
        }
    }
}
