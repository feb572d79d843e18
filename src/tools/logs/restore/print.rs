//! `restore --to -`: logs of a store to standard output, in the order of their lines. Nothing goes out that was not proven; what cannot be
//! proven ends it, and what else is known to be missing is told at the end.

use std::path::Path;

use super::{chosen::Chosen, texts::Texts};
use crate::{
    failure::{Exit, Failure, Result},
    report::{Report, Severity},
    run::Run,
};

/// In the order in which they would come; by the place that each would have below a folder.
pub(super) fn show(chosen: &Chosen) -> Report {
    let mut report = chosen.troubles.clone();
    match chosen.all_ready() {
        Ok(()) => chosen.show_ready(Path::to_owned, &mut report),
        Err(failure) => {
            report.incomplete.push((&failure).into());
            "nothing would be written".clone_into(&mut report.summary);
        }
    }
    report
}

/// One object after the other, each proven before its first byte goes out; what fails ends it.
pub(super) fn print(run: &Run, chosen: &Chosen) -> Result<Report> {
    chosen.all_ready()?;
    let bar = run.progress.bytes("restoring", chosen.stored());
    let moved = |bytes: u64| bar.advance(bytes);
    let texts = Texts::of(&*chosen.store, &moved);
    for object in chosen.archives.ready.iter().flat_map(|placed| &placed.archived.objects) {
        if run.shutdown.asked() || run.out.is_closed() {
            break;
        }
        // Whatever keeps it from being had, it is missing from what comes out.
        let proven = texts.proven(object).map_err(|failure| failure.exit(Exit::Partial))?;
        proven.read(&mut |piece| run.out.bytes(piece))?;
    }
    // What is only worth knowing is told where there is a report.
    let mut findings = chosen.troubles.findings.iter().filter(|finding| finding.severity != Severity::Note);
    let broken = findings.next().map(|finding| format!("{}: {}", finding.subject, finding.message));
    let broken = broken.or_else(|| chosen.troubles.incomplete.first().map(|part| format!("{}: {}", part.what, part.why)));
    match broken {
        None => Ok(Report::default()),
        Some(why) => Err(Failure::new("say", "that this is all").because(why).exit(Exit::Partial)),
    }
}
