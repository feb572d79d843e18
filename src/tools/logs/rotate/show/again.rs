//! What of a file will be in two archives, because its log was rotated in place before and is not any more. Told in the
//! plan and in the run that archives it.

use crate::{
    files::dir::FileId,
    report::{Finding, Severity},
    tools::logs::rotate::plan::Plan,
};

/// One for each file of which that is so.
pub(super) fn findings(plan: &Plan) -> impl Iterator<Item = Finding> {
    let told = |path: String, file: FileId| {
        let bytes = plan.world.again.get(&file)?;
        let message = format!(
            "its first {bytes} bytes are in an archive already, from when it was rotated in place; they will be in two archives"
        );
        let finding = Finding::new("logs.archived-twice", Severity::Note, path, message);
        Some(finding.hint("count them once; it does not happen again with this method"))
    };
    let renamed = plan.rotations.iter().filter_map(move |rotation| told(rotation.log_path(), rotation.file));
    renamed.chain(plan.collections.iter().filter_map(move |file| told(file.path(), file.file)))
}
