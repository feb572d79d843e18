//! What is not there because somebody pruned it: which missing objects have a tombstone in any manifest, and what is worth knowing of them.

use std::collections::BTreeMap;

use super::Expected;
use crate::{
    report::{Finding, Incomplete, Report, Severity, count},
    tools::logs::manifest::{
        links::{Links, danger},
        stored::{Folders, Reading},
        tombs::{Tomb, Tombs},
    },
};

/// The tombstones of missing objects in manifests that nobody asked for; what has none is told.
pub(super) fn among(reading: &Reading, others: Folders, missing: &[&Expected], report: &mut Report) -> Vec<Tomb> {
    let mut tombs = Tombs::default();
    let mut unread = Vec::new();
    for segments in others.into_values() {
        let mut troubles = Report::default();
        let Some(links) = Links::read(reading, segments, &mut troubles) else {
            unread.push(Incomplete::new("the manifests", "stopped before all were read"));
            break;
        };
        tombs.add(links.host.as_deref().unwrap_or_default(), &links.removed);
        unread.extend(troubles.incomplete);
    }
    let mut pruned = Vec::new();
    for Expected { host, segment, object } in missing {
        match tombs.of(host, &object.key, *segment) {
            Some(tomb) => pruned.push(tomb.clone()),
            // What could not be read may say that it was pruned.
            None if !unread.is_empty() => {
                let why = "it is not there, and not every manifest could be read that may say why";
                report.incomplete.push(Incomplete::new(object.key.clone(), why));
            }
            None => {
                let message = "it is named in the manifest and not there".to_owned();
                report.findings.push(danger("logs.object-missing", &object.key, message));
            }
        }
    }
    pruned
}

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
