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
    for log in world.logs.iter_mut().filter(|log| matches!(log.what, What::File(_))) {
        let path = world.folders[log.folder].path.join(&log.name);
        let Some(mut container) = containers::of_log(&path) else { continue };
        match pods.get_or_insert_with(|| Pods::read(links)) {
            Ok(pods) => container.name_pod(pods),
            Err(failure) => container.unknown.push(Incomplete::new("its pod", failure.to_string())),
        }
        log.container = Some(container);
    }
}
