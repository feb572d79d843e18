//! Names and folders that are spelled out and are not there. Behind a wildcard a name need be in one folder only.

use std::{collections::BTreeMap, path::Path};

use super::{Listing, Missing, World};
use crate::failure::Failure;

/// Patterns by set and position that spell a name out behind a wildcard, and whether it was in none of the folders so far.
pub(super) type Unmet = BTreeMap<(usize, usize), bool>;

impl Listing<'_> {
    /// A plain path that names a file which is not there is trouble, unless the set says otherwise. Behind a wildcard
    /// the name need be in one of the folders only: `unmet` says of each such pattern whether it was in none.
    pub(super) fn report_absence(&self, world: &mut World, index: usize, path: &Path, unmet: &mut Unmet) {
        let hint = "optional = true makes its absence no trouble";
        let mut missing = Vec::new();
        let folder = &world.folders[index];
        for (set, position) in &folder.wanted.patterns {
            let pattern = &self.sets[*set].0[*position];
            if let Err(failure) = &folder.state {
                let absent = failure.is_absence();
                // Met by a wildcard a moment ago and gone since: not met.
                if !(absent && pattern.has_many_folders()) {
                    let why = if absent { failure.clone().hint(hint) } else { failure.clone() };
                    missing.push(Missing { set: *set, path: path.display().to_string(), why, absent });
                }
                continue;
            }
            let Some(name) = pattern.literal_name() else { continue };
            let met = || world.logs.iter().rev().take_while(|log| log.folder == index).any(|log| log.name == name);
            // Its writer may be between renaming it and making the next.
            let between =
                || world.collecting.iter().any(|log| log.folder == index && log.log == name && !log.finished.is_empty());
            let there = met() || self.excluded(*set, &path.join(name)) || between();
            if pattern.has_many_folders() {
                *unmet.entry((*set, *position)).or_insert(true) &= !there;
            } else if !there {
                missing.push(no_file(*set, &path.join(name), hint));
            }
        }
        world.missing.extend(missing);
    }

    /// What was in none of the folders.
    pub(super) fn report_unmet(&self, world: &mut World, unmet: Unmet) {
        for ((set, position), _) in unmet.into_iter().filter(|(_, unmet)| *unmet) {
            let why = self.sets[set].0[position].unmet();
            world.missing.push(Missing { set, path: why.what.clone(), why, absent: true });
        }
    }
}

/// What to say of a path at which no file is.
fn no_file(set: usize, path: &Path, hint: &str) -> Missing {
    let shown = path.display().to_string();
    let failure = Failure::new("find", &shown);
    // Only for the words: nothing is done with what was not listed as a file.
    let folder = path.symlink_metadata().is_ok_and(|found| found.is_dir());
    let why = if folder {
        failure.because("it is a folder").hint(format_args!("name the files in it: {shown}/*.log"))
    } else {
        failure.because("there is no such file").hint(hint)
    };
    Missing { set, path: shown, why, absent: !folder }
}
