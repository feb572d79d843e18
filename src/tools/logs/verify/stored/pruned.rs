//! What is worth knowing of tombstones.

use std::collections::BTreeMap;

use crate::{
    report::{Finding, Report, Severity, count},
    tools::logs::manifest::tombs::Tomb,
};

/// Who took objects of another machine out of the store.
pub(super) fn tell(pruned: &[Tomb], report: &mut Report) {
    let mut by: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for Tomb { removed, by: who } in pruned.iter().filter(|tomb| tomb.by != tomb.removed.host) {
        *by.entry((&removed.host, who)).or_default() += 1;
    }
    for ((host, who), objects) in by {
        let message = format!("{} of it were pruned by machine {who}, whose manifest says why", count(objects, "object"));
        let finding = Finding::new("logs.pruned-by-another", Severity::Note, format!("machine {host}"), message);
        report.findings.push(finding.hint("if that machine is not one that prunes for others, find out who may write there"));
    }
}

/// It is still there.
pub(super) fn unfinished(tomb: &Tomb) -> Finding {
    let message = format!("machine {} was about to remove it ({}), and it is still there", tomb.by, tomb.removed.why);
    let finding = Finding::new("logs.prune-unfinished", Severity::Note, tomb.removed.key.clone(), message);
    finding.hint(format!("run `ops-logs prune --apply` on machine {} again", tomb.by))
}
