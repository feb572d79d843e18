//! Logs that somebody removed: those that were live at the last look and whose folder is gone, as `docker rm` does with a
//! container's, and all others of which the ledger remembers something. What may be on a missing volume is none.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

use super::volumes::{Volumes, absent};
use crate::{
    files::find::PathPattern,
    tools::logs::{
        ledger::{Content, Gone, Live},
        rotate::Rotate,
        settings::{LogSet, Method},
    },
};

/// The paths of logs that were live, as far as a chosen set means them.
pub(super) fn look(rotate: &Rotate, content: &Content, volumes: &mut Volumes) -> Vec<String> {
    if content.live.is_empty() {
        return Vec::new();
    }
    let patterns = patterns(rotate, |set| set.method == Method::Collect);
    let meant = |path: &Path| patterns.iter().any(|pattern| pattern.matches(path));
    let mut removed = |path: &Path, live: &Live| path.parent().is_some_and(|folder| is_removed(folder, live, volumes));
    let all = content.live.iter().filter(|(path, live)| meant(Path::new(path)) && removed(Path::new(path), live));
    all.map(|(path, _)| path.clone()).collect()
}

/// All logs that are gone and of which the ledger remembers something, as far as a chosen set means them: what another one
/// may see, this run may not.
pub(super) fn gone(rotate: &Rotate, content: &Content, volumes: &mut Volumes) -> BTreeMap<String, Gone> {
    let (patterns, roots) = (patterns(rotate, |_| true), content.roots());
    let remembered = content.remembered().into_iter().map(Path::new);
    let mut gone = BTreeMap::new();
    for log in remembered.filter(|log| is_absent(log) && patterns.iter().any(|pattern| pattern.matches(log))) {
        let (Some(path), Some(folder)) = (log.to_str(), log.parent()) else { continue };
        let known = folder.to_str().and_then(|folder| roots.get(folder));
        let Some(above) = folder.ancestors().find(|above| !is_absent(above)) else { continue };
        let now = volumes.of(above).and_then(|volume: PathBuf| volumes.root(&volume));
        if let Some(how) = judge(known, now.as_deref(), above == folder) {
            gone.insert(path.to_owned(), how);
        }
    }
    gone
}

/// How a log is gone that is not there, by the file systems on which its folder was, the one on which its folder is or would
/// be, and whether its folder is there. None: its volume may be missing.
fn judge(known: Option<&HashSet<&str>>, now: Option<&str>, there: bool) -> Option<Gone> {
    let now = now?;
    let same = known.is_some_and(|known| !known.is_empty() && known.iter().all(|known| *known == now));
    same.then_some(if there { Gone::Alone } else { Gone::WithFolder })
}

fn patterns(rotate: &Rotate, chosen: impl Fn(&LogSet) -> bool) -> Vec<PathPattern> {
    let paths = rotate.sets.iter().filter(|set| chosen(set)).flat_map(|set| &set.paths);
    let patterns = paths.filter_map(|text| PathPattern::new(text).ok());
    patterns.flat_map(|pattern| [pattern.resolved(), Some(pattern)]).flatten().collect()
}

/// Whether the folder is not there, and what is above it is on the file system where the log was.
fn is_removed(folder: &Path, live: &Live, volumes: &mut Volumes) -> bool {
    let Some(above) = folder.ancestors().find(|above| !absent(above)).filter(|above| *above != folder) else { return false };
    let now = volumes.of(above).and_then(|volume: PathBuf| volumes.root(&volume));
    now.is_some() && now == live.root
}

/// A link that leads nowhere is there: what it leads to may be on a missing volume.
fn is_absent(path: &Path) -> bool {
    absent(path) && !path.is_symlink()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_where_its_volume_is_known_to_be_there_a_log_is_gone() {
        let known = HashSet::from(["2-1-1"]);
        assert_eq!(judge(Some(&known), Some("2-1-1"), true), Some(Gone::Alone));
        assert_eq!(judge(Some(&known), Some("2-1-1"), false), Some(Gone::WithFolder));
        let several = HashSet::from(["2-1-1", "64-2-0"]);
        for (known, now) in [
            (Some(&known), Some("64-2-0")),
            (Some(&known), None),
            (Some(&several), Some("2-1-1")),
            (Some(&HashSet::new()), Some("2-1-1")),
            (None, Some("2-1-1")),
            (None, None),
        ] {
            assert_eq!(judge(known, now, true), None, "{known:?}, {now:?}");
            assert_eq!(judge(known, now, false), None, "{known:?}, {now:?}");
        }
    }
}
