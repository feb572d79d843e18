//! What waits here as plain text for `ops-logs direct`, in words. Nothing of it is lost, but nothing of it may go, and the disk fills.

use std::{collections::BTreeMap, path::Path};

use crate::{
    files::space::Space,
    report::{Finding, Severity, Size, count},
    tools::logs::{
        ledger::{Entry, Ledger},
        rotate::{Rotate, plan::Plan},
    },
};

const HINT: &str = "does `ops-logs direct` run, and what does it say? (its `history`, or journalctl -u ops-logs-direct)";

/// What waits for longer than anybody means it to, and what takes more than is left.
pub(super) fn findings(rotate: &Rotate, ledger: &Ledger, plan: &Plan) -> Vec<Finding> {
    let Some(shipping) = &rotate.shipping else { return Vec::new() };
    let entries = &ledger.content().entries;
    let waits: Vec<&Entry> = plan.shipment.direct.iter().filter_map(|id| entries.get(id)).collect();
    let overdue = overdue(&waits, plan).map(|message| {
        let finding = Finding::new("logs.unshipped", Severity::Warning, shipping.store.clone(), message);
        finding.hint(HINT)
    });
    let over = plan.shipment.over.iter().filter_map(|id| entries.get(id)).collect::<Vec<_>>();
    let unremoved = unremoved(&over, plan).map(|message| {
        let finding = Finding::new("logs.unremoved", Severity::Warning, shipping.store.clone(), message);
        finding.hint(match over.iter().find_map(|entry| entry.inherited.as_deref()) {
            Some(host) => format!("if this machine was called `{host}`: OPSBELT_LOGS_HOST={host} ops-logs direct"),
            None => format!("restart whoever has them open; {HINT}"),
        })
    });
    overdue.into_iter().chain(full(&waits, plan)).chain(unremoved).collect()
}

/// What the store has for long, and is here yet: its set may ship otherwise by now, so that nobody runs what would remove it.
fn unremoved(over: &[&Entry], plan: &Plan) -> Option<String> {
    let since = over.iter().filter_map(|entry| entry.shipped.as_ref()).map(|shipped| shipped.at).min()?;
    let message = format!(
        "it has {} ({}) still here, the oldest since {}: only `ops-logs direct` removes them, once nobody has them open for writing",
        count(over.len() as u64, "log"),
        Size(over.iter().map(|entry| entry.stored()).sum()),
        since.format("%Y-%m-%d %H:%M:%S UTC")
    );
    plan.world.is_long_ago(since).then_some(message)
}

/// What waits, how much that is, and since when; None when nothing does.
pub(in crate::tools::logs) fn waiting(waits: &[&Entry]) -> Option<String> {
    let since = waits.iter().map(|entry| entry.at).min()?;
    Some(format!(
        "{} ({}) wait for it here as plain text, the oldest since {}: nothing removes them meanwhile",
        count(waits.len() as u64, "log"),
        Size(waits.iter().map(|entry| entry.stored()).sum()),
        since.format("%Y-%m-%d %H:%M:%S UTC")
    ))
}

fn overdue(waits: &[&Entry], plan: &Plan) -> Option<String> {
    let since = waits.iter().map(|entry| entry.at).min()?;
    waiting(waits).filter(|_| plan.world.is_long_ago(since))
}

/// Where as much as is left would fill the disk once more.
fn full(waits: &[&Entry], plan: &Plan) -> Vec<Finding> {
    let mut disks: BTreeMap<u64, (&str, u64, Space)> = BTreeMap::new();
    for entry in waits {
        let folder = plan.world.folder(Path::new(&entry.folder)).and_then(|fact| fact.state.as_ref().ok());
        let Some((stat, space)) = folder else { continue };
        disks.entry(stat.id.dev).or_insert((&entry.folder, 0, *space)).1 += entry.stored();
    }
    let fills = disks.into_values().filter(|(_, bytes, space)| *bytes > space.free);
    let told = |(folder, bytes, space): (&str, u64, Space)| {
        let message = format!(
            "{} of rotated logs wait there for the store, and {} are free: where the store stays away, the disk fills",
            Size(bytes),
            Size(space.free)
        );
        Finding::new("logs.waits-fill-disk", Severity::Warning, folder.to_owned(), message).hint(HINT)
    };
    fills.map(told).collect()
}
