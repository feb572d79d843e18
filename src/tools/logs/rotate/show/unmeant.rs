//! Logs of which nothing was ever collected, beside files that look finished: the templates of `finished` are wrong, mostly.

use crate::{
    report::{Finding, Severity, count},
    tools::logs::{
        ledger::Content,
        rotate::{
            facts::Collecting,
            plan::{Plan, first_ways},
        },
    },
};

/// All of them.
pub(super) fn findings<'a>(content: &'a Content, plan: &'a Plan) -> impl Iterator<Item = Finding> + 'a {
    let path = |log: &Collecting| plan.world.folders[log.folder].path.join(&log.log).display().to_string();
    // What just got such a name is told as that.
    let live = |log: &&Collecting| log.live.is_some() && log.strayed.is_none();
    let logs = first_ways(&plan.world).filter(live);
    logs.filter_map(move |log| finding(log, path(log))).filter(|finding| !was_collected(content, &finding.subject))
}

fn was_collected(content: &Content, log: &str) -> bool {
    content.collected.contains_key(log) || content.entries.values().any(|entry| entry.taken.is_some() && entry.log_path() == log)
}

fn finding(log: &Collecting, path: String) -> Option<Finding> {
    let (first, number) = log.unmeant.as_ref()?;
    let message = format!(
        "nothing was ever collected of it, and {} beside it with names like {first} that `finished` does not mean",
        if *number == 1 { "there is one file".to_owned() } else { format!("there are {}", count(*number, "file")) }
    );
    let finding = Finding::new("logs.nothing-finished", Severity::Note, path, message);
    Some(finding.hint("say in `finished` how finished files are named, or exclude those"))
}
