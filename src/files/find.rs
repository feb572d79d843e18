//! Which folders and names a path pattern means, found without following a link that a pattern met.
//!
//! `*`, `?` and `[..]` stand within one name, `**` for any number of folders. Each folder is listed once.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use glob::{MatchOptions, Pattern};

use super::dir::{Dir, Kind};
use crate::failure::Failure;

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
    /// Whether it is known not to be there: by name, or because no folder is as the pattern says.
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
        if text.contains('\0') {
            return Err(format!("`{text}` contains a NUL byte, which no path can"));
        }
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
        if text.contains("[^") {
            let negated = text.replace("[^", "[!");
            return Err(format!("`{text}` would mean the character `^` itself; for any other character write `{negated}`"));
        }
        // Paths are compared as the walk spells them: `//` and `/./` in a pattern would exclude nothing.
        let whole =
            Pattern::new(&format!("/{}", parts.join("/"))).map_err(|error| format!("`{text}` is no pattern: {}", error.msg))?;
        let literal = folders.iter().take_while(|part| !wild(part)).count();
        let root = folders[..literal].iter().fold(PathBuf::from("/"), |path, part| path.join(part));
        let folders = folders[literal..].iter().map(|part| Part::new(part)).collect::<std::result::Result<_, _>>()?;
        Ok(PathPattern { text: text.to_owned(), whole, root, folders, name: Part::new(name)? })
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The last component, when it is a plain name: a file ought to be there.
    pub fn literal_name(&self) -> Option<&str> {
        match &self.name {
            Part::Exactly(name) => Some(name),
            Part::Like(_) | Part::AnyDepth => None,
        }
    }

    /// Whether a wildcard stands on the way to the folder: then a name that is not in each of them is not missed.
    pub fn has_many_folders(&self) -> bool {
        !self.folders.is_empty()
    }

    /// Whether a name in one of the folders is meant.
    pub fn means(&self, name: &str) -> bool {
        self.name.means(name)
    }

    /// The same pattern from where its folder really is, when a link leads there.
    pub fn resolved(&self) -> Option<PathPattern> {
        let real = std::fs::canonicalize(&self.root).ok().filter(|real| *real != self.root)?;
        let rest = self.whole.as_str().strip_prefix(self.root.to_str()?)?;
        PathPattern::new(&format!("{}{rest}", Pattern::escape(real.to_str()?))).ok()
    }

    /// Whether a whole path is meant.
    pub fn matches(&self, path: &Path) -> bool {
        self.whole.matches_path_with(path, RULES)
    }

    /// The folders in which names may be meant, in order, and those that could not be looked into.
    pub fn folders(&self) -> (Vec<PathBuf>, Vec<Missed>) {
        let mut found = Found { root: &self.root, folders: Vec::new(), missed: Vec::new() };
        found.descend(&self.root, &self.folders, DEPTH);
        let named = self.folders.iter().chain([&self.name]).any(|part| matches!(part, Part::Exactly(_)));
        if named && found.folders.is_empty() && found.missed.is_empty() {
            found.missed.push(Missed { failure: self.unmet(), absent: true });
        }
        found.folders.sort_unstable();
        found.folders.dedup();
        (found.folders, found.missed)
    }

    /// What to say when a name that is spelled out is in none of the folders that the wildcards meet.
    pub fn unmet(&self) -> Failure {
        let nowhere = Failure::new("find", &self.text).because("no folder that the pattern meets has it");
        nowhere.hint("optional = true makes its absence no trouble")
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

struct Found<'a> {
    root: &'a Path,
    folders: Vec<PathBuf>,
    missed: Vec<Missed>,
}

impl Found<'_> {
    fn descend(&mut self, at: &Path, parts: &[Part], depth: usize) {
        let Some((part, rest)) = parts.split_first() else {
            self.folders.push(at.to_owned());
            return;
        };
        if let Part::AnyDepth = part {
            self.descend(at, rest, depth);
        }
        let inner = match part {
            Part::Exactly(name) => self.named_folder(at.join(name)).into_iter().collect(),
            Part::Like(_) | Part::AnyDepth => self.inner_folders(at, part),
        };
        for folder in inner {
            let deeper = if matches!(part, Part::AnyDepth) { parts } else { rest };
            if depth == 0 || self.folders.len() >= FOLDERS {
                let failure = Failure::new("look into", folder.display()).because("the pattern goes too deep or too wide");
                return self.miss(failure);
            }
            self.descend(&folder, deeper, depth - 1);
        }
    }

    /// A folder named behind a wildcard: not every folder that the wildcard meets need have it.
    fn named_folder(&mut self, path: PathBuf) -> Option<PathBuf> {
        match Dir::open(&path) {
            Ok(_) => Some(path),
            Err(failure) if failure.is_absence() => None,
            Err(failure) => {
                self.miss(failure);
                None
            }
        }
    }

    /// The folders in `at` that the part means; what could not be looked at is missed.
    fn inner_folders(&mut self, at: &Path, part: &Part) -> Vec<PathBuf> {
        let mut inner = Vec::new();
        let mut unsure = Vec::new();
        let mut unnamable = Vec::new();
        let looked = Dir::open(at).and_then(|dir| {
            dir.each(|name, kind| match (name, kind) {
                (Ok(name), Some(Kind::Folder)) if part.means(name) => inner.push(at.join(name)),
                (Ok(name), None) if part.means(name) => unsure.push(name.to_owned()),
                (Err(bytes), Some(Kind::Folder) | None) if part.means(&String::from_utf8_lossy(bytes)) => {
                    unnamable.push(at.join(OsStr::from_bytes(bytes)));
                }
                _ => {}
            })?;
            for name in unsure {
                if dir.stat(&name)?.is_some_and(|stat| stat.kind == Kind::Folder) {
                    inner.push(at.join(name));
                }
            }
            Ok(())
        });
        match looked {
            // Met a moment ago and gone since: not met.
            Err(failure) if failure.is_absence() && at != self.root => {}
            looked => looked.unwrap_or_else(|failure| self.miss(failure)),
        }
        for path in unnamable.iter().filter(|path| path.symlink_metadata().is_ok_and(|found| found.is_dir())) {
            let failure = Failure::new("look into", path.display()).because("its name is not UTF-8");
            self.miss(failure.hint("rename the folder, or name others than it"));
        }
        inner.sort_unstable();
        inner
    }

    fn miss(&mut self, failure: Failure) {
        self.missed.push(Missed { absent: failure.is_absence(), failure });
    }
}

#[cfg(test)]
mod tests;
