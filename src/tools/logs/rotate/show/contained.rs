//! What a person should know of containers' logs: what their archives lack, and which of them never finish a file.

use std::collections::HashSet;

use crate::{
    report::{Finding, Severity},
    tools::logs::{
        containers::{Container, WhenFull},
        rotate::{
            Rotate,
            facts::{Collecting, LogFact},
            plan::{Plan, first_ways},
        },
        settings::Method,
    },
};

/// All of it.
pub(super) fn findings<'a>(rotate: &'a Rotate, plan: &'a Plan) -> impl Iterator<Item = Finding> + 'a {
    let collected = |log: &&LogFact| rotate.sets[log.set].method == Method::Collect;
    let unfinished = plan.world.logs.iter().filter(collected).filter_map(|log| unfinished(log.container.as_ref()?));
    let rotated = plan.rotations.iter().map(|rotation| (rotation.container.as_ref(), rotation.bound.log_path()));
    let archived = rotated.chain(collecting(plan));
    archived.filter_map(|(container, path)| unlabelled(container?, path)).chain(unfinished)
}

/// Each log of which a file is collected, once, however many there are.
fn collecting(plan: &Plan) -> impl Iterator<Item = (Option<&Container>, String)> {
    let bound: HashSet<String> = plan.collections.iter().map(|file| file.bound.log_path()).collect();
    let path = |log: &Collecting| plan.world.folders[log.folder].path.join(&log.log).display().to_string();
    let logs = first_ways(&plan.world).map(move |log| (log.container.as_ref(), path(log)));
    logs.filter(move |(_, path)| bound.contains(path))
}

/// Its archive lacks what could not be had; that is no reason to leave the log.
fn unlabelled(container: &Container, path: String) -> Option<Finding> {
    let told: Vec<String> = container.unknown.iter().map(|unknown| format!("{} ({})", unknown.what, unknown.why)).collect();
    let message = format!("of its container is not known: {}", told.join(", "));
    (!told.is_empty()).then(|| Finding::new("logs.container-unknown", Severity::Note, path, message))
}

/// There is nothing to collect, and by the container's options there never will be.
fn unfinished(container: &Container) -> Option<Finding> {
    let what = match container.options.as_ref()?.when_full()? {
        WhenFull::Never => "has no max-size: its log grows for ever, and there is never a finished file to collect",
        WhenFull::Discarded => "has max-size and one file: dockerd deletes its log when it is full, and nothing can be collected",
        WhenFull::Parts(_) => return None,
    };
    let hint = "set log-opts max-size and max-file in /etc/docker/daemon.json; a container has to be made anew to get them";
    let message = format!("container {} {what}", container.shown());
    Some(Finding::new("logs.docker-unfinished", Severity::Note, container.log.display().to_string(), message).hint(hint))
}
