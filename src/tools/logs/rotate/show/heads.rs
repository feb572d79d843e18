//! What is worth knowing of logs whose beginning is, or was, in an archive already.

use crate::{
    report::{Finding, Severity},
    tools::logs::{
        ledger::Ledger,
        rotate::plan::{Plan, Rotation},
        settings::Method,
    },
};

/// Every such finding.
pub(super) fn findings(ledger: &Ledger, plan: &Plan) -> Vec<Finding> {
    let again = plan.rotations.iter().filter_map(|rotation| again(ledger, rotation));
    let world = &plan.world;
    let lost = world.logs.iter().filter_map(|log| Some((world.path(log).display().to_string(), log.live.as_ref()?.lost?)));
    again.chain(lost.map(|(path, why)| emptied(path, why))).collect()
}

/// Rotated in place until now: the file that is renamed still begins with lines that are archived.
fn again(ledger: &Ledger, rotation: &Rotation) -> Option<Finding> {
    let path = rotation.log_path();
    let head = ledger.content().heads.get(&path).filter(|_| rotation.method == Method::Rename)?;
    if head.inode != rotation.file.ino || head.archived == head.hole {
        return None;
    }
    let message = format!(
        "it was rotated in place until now: its first {} bytes are in the archive before this one and in this one",
        head.archived - head.hole
    );
    Some(Finding::new("logs.head-again", Severity::Note, path, message))
}

/// Told until it is rotated the next time.
fn emptied(path: String, why: &str) -> Finding {
    let message = format!(
        "since it was rotated in place the last time {why}, and not by ops-logs; what was not archived by then is in no archive"
    );
    let finding = Finding::new("logs.emptied", Severity::Note, path, message);
    finding.hint("find out who else rotates or empties it (logrotate with copytruncate? a script?)")
}
