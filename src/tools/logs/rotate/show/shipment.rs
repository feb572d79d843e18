//! What passes between this machine and the store, in words.

use std::collections::{BTreeMap, HashSet};

use crate::{
    report::{Finding, Outcome, Report, Severity, Size, Step, count},
    tools::logs::{
        ledger::{Entry, EntryId, Ledger, Packed},
        rotate::{
            Begins, Rotate,
            plan::{
                Arrival, Bound, Plan,
                company::{Batch, Gathering},
                is_to_ship,
            },
        },
        spool::damage,
    },
};

/// Why an archive that is made now may not be handed over now.
const LATER: &str = "when it is archived, it is to go to the store, alone or with company that it waits for";

/// What a run would do.
pub(super) fn planned(report: &mut Report, rotate: &Rotate, ledger: &Ledger, plan: &Plan) {
    let planned = |action, subject: String, why: &str| Step::new(action, subject, Outcome::Planned, why);
    for signed in plan.shipment.arrivals.iter().flat_map(|arrival| &arrival.parcels) {
        report.steps.push(planned("settle", signed.parcel.key.clone(), "there is a receipt for it"));
    }
    for damaged in &plan.shipment.damaged {
        let why = "it is not what was handed over: it goes once its archive is on its way in another parcel";
        report.steps.push(planned("discard", damaged.waiting.parcel.key.clone(), why));
    }
    for Batch { entries, why } in &plan.shipment.due {
        for entry in entries.iter().filter_map(|id| ledger.content().entries.get(id)) {
            report.steps.push(planned("hand-over", entry.path(), &why.to_string()).with("bytes", entry.stored()));
        }
    }
    report.steps.extend(plan.shipment.gathering.iter().map(gathers));
    let collected = plan.collections.iter().map(|file| (&file.bound, file.taken.packed.map(Packed::how)));
    for (bound, packed) in plan.rotations.iter().map(|rotation| (&rotation.bound, None)).chain(collected) {
        let set = &rotate.sets[bound.set];
        if let (Some(shipping), Some(_), None) = (&rotate.shipping, &set.service, &set.direct) {
            let path = archive(bound, packed.unwrap_or(set.compress));
            let waits = shipping.company.is_some() && rotate.begins == Begins::Due;
            let why = if waits { LATER } else { "when it is archived, it is to go to the store" };
            report.steps.push(planned("hand-over", path, why));
        }
    }
}

/// Archives that wait for company: nothing is wrong with that.
pub(in crate::tools::logs::rotate) fn gathers(gathering: &Gathering) -> Step {
    let Gathering { log, archives, bytes, enough, until } = gathering;
    let verb = if *archives == 1 { "waits" } else { "wait" };
    let why = format!(
        "{} {verb} for company: {} of {}, at most until {}",
        count(*archives, "archive"),
        Size(*bytes),
        Size(*enough),
        until.format("%Y-%m-%d %H:%M:%S UTC")
    );
    Step::new("hand-over", log.clone(), Outcome::Waiting, why).with("bytes", *bytes).with("until", until.to_rfc3339())
}

/// Where the archive will be.
fn archive(bound: &Bound, how: crate::files::compress::Compression) -> String {
    let home = bound.archives.as_ref().unwrap_or(&bound.folder);
    home.join(bound.name.clone().with(how.extension()).to_string()).display().to_string()
}

/// Archives that wait for longer than anybody means them to: nothing is lost, but nothing of them may go either, and the disk fills.
fn overdue(rotate: &Rotate, plan: &Plan) -> Option<Finding> {
    let (shipping, since) = (rotate.shipping.as_ref()?, plan.shipment.since?);
    let message = format!(
        "{} ({}) wait for it in the spool, the oldest since {}: no rule removes them here meanwhile",
        count(plan.shipment.archives(), "archive"),
        Size(plan.shipment.waiting),
        since.format("%Y-%m-%d %H:%M:%S UTC")
    );
    let finding = Finding::new("logs.unshipped", Severity::Warning, shipping.store.clone(), message);
    plan.world
        .is_long_ago(since)
        .then(|| finding.hint("does `ops-logs ship` run, and what does it say? (its `history`, or journalctl -u ops-logs-ship)"))
}

/// Receipts that are not believed, and what waits too long.
pub(super) fn findings(rotate: &Rotate, ledger: &Ledger, plan: &Plan) -> Vec<Finding> {
    let told = |refused: &crate::tools::logs::rotate::plan::Refused| {
        let message = format!("its receipt is not believed: {}; nothing follows from it", refused.why);
        let finding = Finding::new("logs.receipt-refused", Severity::Warning, refused.parcel.key.clone(), message);
        finding.hint("`ops-logs ship` signs anew for what the store has; if this comes again, find out who writes to the folder of receipts")
    };
    let damaged = plan.shipment.damaged.iter().map(|damaged| damage::finding(&damaged.waiting, &damaged.why));
    plan.shipment
        .refused
        .iter()
        .map(told)
        .chain(damaged)
        .chain(overdue(rotate, plan))
        .chain(of_another(rotate, ledger, plan))
        .collect()
}

/// What another machine made, or this one under another name: nobody here ships it, and only a person knows which of both it is.
fn of_another(rotate: &Rotate, ledger: &Ledger, plan: &Plan) -> Vec<Finding> {
    let Some(shipping) = &rotate.shipping else { return Vec::new() };
    let arrived: HashSet<EntryId> = plan.shipment.arrivals.iter().flat_map(Arrival::entries).collect();
    let mut hosts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let is_away = |entry: &&Entry| entry.archive.is_some() && is_to_ship(rotate, entry) && !arrived.contains(&entry.id);
    for entry in ledger.content().entries.values().filter(is_away) {
        if let Some(host) = &entry.inherited {
            let (archives, bytes) = hosts.entry(host).or_default();
            (*archives, *bytes) = (*archives + 1, *bytes + entry.stored());
        }
    }
    let told = |(host, (archives, bytes)): (&str, (u64, u64))| {
        let (archives, bytes, ours) = (count(archives, "archive"), Size(bytes), &rotate.host);
        let message = format!(
            "nothing here says that it has {archives} ({bytes}) of `{host}`, and this machine is `{ours}`: it ships none of them"
        );
        let finding = Finding::new("logs.of-another", Severity::Note, shipping.store.clone(), message);
        finding.hint(format!(
            "if this machine was called `{host}`: OPSBELT_LOGS_HOST={host} ops-logs drain; if it is a copy of that one: that one ships them"
        ))
    };
    hosts.into_iter().map(told).collect()
}

/// What a plan's summary says of it.
pub(super) fn summary(plan: &Plan) -> Vec<String> {
    let arrived = plan.shipment.arrivals.iter().map(|arrival| arrival.archives.len() as u64).sum::<u64>();
    let due = plan.shipment.due.iter().map(|batch| batch.entries.len() as u64).sum::<u64>();
    let arrived = (arrived > 0).then(|| format!("{} in the store", count(arrived, "archive")));
    let due = (due > 0).then(|| format!("{} to hand over", count(due, "archive")));
    arrived.into_iter().chain(due).collect()
}
