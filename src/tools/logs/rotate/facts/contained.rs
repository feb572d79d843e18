//! Which of the logs are a container's, and what is known of that.

use std::path::Path;

use super::{What, World};
use crate::{
    failure::Result,
    report::Incomplete,
    tools::logs::containers::{self, Pods},
};

/// Finds the containers that logs are of. The links of pods are read only where there is one.
pub(super) fn find(world: &mut World, links: &Path) {
    let mut pods: Option<Result<Pods>> = None;
    let mut of = |folder: usize, name: &str| {
        let mut container = containers::of_log(&world.folders[folder].path.join(name))?;
        match pods.get_or_insert_with(|| Pods::read(links)) {
            Ok(pods) => container.name_pod(pods),
            Err(failure) => container.unknown.push(Incomplete::new("its pod", failure.to_string())),
        }
        Some(container)
    };
    for log in world.logs.iter_mut().filter(|log| matches!(log.what, What::File(_))) {
        log.container = of(log.folder, &log.name);
    }
    for log in &mut world.collecting {
        log.container = of(log.folder, &log.log);
    }
}
