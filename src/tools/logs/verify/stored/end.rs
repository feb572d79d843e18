//! Whether a manifest ends where it should, as far as the machine remembers that made it: only this one's own. It may go on with it while it is
//! proven.

use crate::{
    failure::Result,
    report::{Finding, Report, Severity},
    tools::logs::manifest::{
        chain::{Chain, Head},
        links::{Links, danger},
    },
};

/// What this machine remembers of its own manifest.
pub(super) struct Own {
    /// Before it was listed: all of that must be there.
    pub(super) before: Chain,
    /// After that: there can be no more.
    pub(super) after: Chain,
}

/// Whether the chain ends where it should; `own` is None of another machine's.
pub(super) fn tell(own: Option<&Result<Own>>, chain: &Links, subject: &str, signed: bool, report: &mut Report) {
    let own = match own {
        Some(Err(failure)) => return report.incomplete.push(failure.into()),
        Some(Ok(own)) => Some(own),
        None => None,
    };
    let last = chain.last;
    let Some((own, Head { number, sha256, .. })) = own.and_then(|own| Some((own, own.before.head.as_ref()?))) else {
        // Heads tell more.
        if !signed {
            let message =
                format!("nothing here says that segment {last} is its last one: whether its end is missing is unproven");
            let finding = Finding::new("logs.tail-unproven", Severity::Note, subject, message);
            report.findings.push(finding.hint("verify it on that machine, as the user that ships, who remembers; or name the key that signs there: --public-key"));
        }
        return;
    };
    if *number > last {
        let message = format!("its manifest ends with segment {last}, and this machine made {number}");
        report.findings.push(danger("logs.tail-missing", subject, message));
    } else if chain.hashes.get(number).is_some_and(|hash| hash != sha256) {
        let message = format!("segment {number} is not the one that this machine made");
        report.findings.push(danger("logs.segment-differs", subject, message));
    } else if let Some(message) = own.after.goes_beyond(last) {
        report.findings.push(danger("logs.segment-differs", subject, message));
    }
}
