//! Logs that were live at the last look and whose folder somebody removed since then, as `docker rm` does with a container's.
//! A folder whose volume may be missing is none.

use std::path::{Path, PathBuf};

use super::volumes::{Volumes, absent};
use crate::{
    files::find::PathPattern,
    tools::logs::{
        ledger::{Content, Live},
        rotate::Rotate,
        settings::Method,
    },
};

/// The paths of such logs, as far as a chosen set means them.
pub(super) fn look(rotate: &Rotate, content: &Content, volumes: &mut Volumes) -> Vec<String> {
    if content.live.is_empty() {
        return Vec::new();
    }
    let collecting = rotate.sets.iter().filter(|set| set.method == Method::Collect);
    let patterns: Vec<PathPattern> = collecting
        .flat_map(|set| &set.paths)
        .filter_map(|text| PathPattern::new(text).ok())
        .flat_map(|pattern| [pattern.resolved(), Some(pattern)])
        .flatten()
        .collect();
    let meant = |path: &Path| patterns.iter().any(|pattern| pattern.matches(path));
    let mut removed = |path: &Path, live: &Live| path.parent().is_some_and(|folder| is_removed(folder, live, volumes));
    let all = content.live.iter().filter(|(path, live)| meant(Path::new(path)) && removed(Path::new(path), live));
    all.map(|(path, _)| path.clone()).collect()
}

/// Whether the folder is not there, and what is above it is on the file system where the log was.
fn is_removed(folder: &Path, live: &Live, volumes: &mut Volumes) -> bool {
    let Some(above) = folder.ancestors().find(|above| !absent(above)).filter(|above| *above != folder) else { return false };
    let now = volumes.of(above).and_then(|volume: PathBuf| volumes.root(&volume));
    now.is_some() && now == live.root
}
