//! What is worth knowing of logs whose beginning is, or was, in an archive already. Told in the plan and in the run.

use crate::{
    files::dir::FileId,
    report::{Finding, Severity},
    tools::logs::rotate::plan::Plan,
};

/// Every such finding.
pub(super) fn findings(plan: &Plan) -> impl Iterator<Item = Finding> {
    let world = &plan.world;
    let lost = world.logs.iter().filter_map(|log| Some((world.path(log).display().to_string(), log.live.as_ref()?.lost?)));
    again(plan).chain(lost.map(|(path, why)| emptied(path, why)))
}

/// What of a file will be in two archives, because its log was rotated in place before and is not any more.
fn again(plan: &Plan) -> impl Iterator<Item = Finding> {
    let told = |path: String, file: FileId| {
        let bytes = plan.world.again.get(&file)?;
        let message = format!(
            "its first {bytes} bytes are in an archive already, from when it was rotated in place; they will be in two archives"
        );
        let finding = Finding::new("logs.archived-twice", Severity::Note, path, message);
        Some(finding.hint("count them once; it does not happen again with this method"))
    };
    let renamed = plan.rotations.iter().filter_map(move |rotation| told(rotation.bound.log_path(), rotation.bound.file));
    renamed.chain(plan.collections.iter().filter_map(move |file| told(file.path(), file.bound.file)))
}

/// Told until it is rotated the next time.
fn emptied(path: String, why: &str) -> Finding {
    let message = format!(
        "since it was rotated in place the last time {why}, and not by ops-logs; what was not archived by then is in no archive"
    );
    let finding = Finding::new("logs.emptied", Severity::Note, path, message);
    finding.hint("find out who else rotates or empties it (logrotate with copytruncate? a script?)")
}
