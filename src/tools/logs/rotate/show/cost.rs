//! What the store costs a month, beside what a run would do: from the archives that the ledger knows, else from this plan.

use crate::{
    report::Report,
    tools::logs::{
        cost::{Archive, Month},
        ledger::{Content, Entry},
        parcel::key,
        rotate::{
            Rotate,
            plan::{Plan, company::is_of_one_day, is_direct},
        },
    },
};

/// Adds it, where there is a store whose prices are known.
pub(super) fn planned(report: &mut Report, rotate: &Rotate, content: &Content, plan: &Plan) {
    let Some((shipping, tariff)) = rotate.shipping.as_ref().and_then(|shipping| Some((shipping, shipping.tariff.as_ref()?)))
    else {
        return;
    };
    let archives: Vec<Archive> = content.entries.values().filter(|entry| goes(rotate, entry)).map(archive).collect();
    let month = if archives.is_empty() {
        Month::of_a_day(due(rotate, plan), tariff)
    } else {
        Month::of(&archives, shipping.company, plan.world.now, tariff)
    };
    if month.archives > 0 {
        report.tables.push(month.table(&shipping.store, tariff));
        report.findings.extend(month.tiny(&shipping.store, tariff));
    }
}

/// Whether the store has it, or is to get it. Of what has no archive here nobody knows how small it will be.
fn goes(rotate: &Rotate, entry: &Entry) -> bool {
    let ships = rotate.sets.iter().any(|set| set.name == entry.set && set.service.is_some());
    ships && entry.inherited.is_none() && entry.archive.is_some() && !is_direct(rotate, entry)
}

fn archive(entry: &Entry) -> Archive {
    let facts = entry.archive.as_ref().map(|archive| &archive.facts).filter(|facts| is_of_one_day(facts));
    let day = facts.map(|facts| key::day(entry, facts));
    Archive { log: entry.log_path(), at: entry.at, bytes: entry.stored(), day }
}

/// What is rotated or collected now, and goes there; as long as it is before it is compressed.
fn due<'a>(rotate: &'a Rotate, plan: &'a Plan) -> impl Iterator<Item = u64> + 'a {
    let rotated = plan.rotations.iter().map(|rotation| (rotation.bound.set, rotation.size));
    let collected = plan.collections.iter().map(|file| (file.bound.set, file.taken.size));
    rotated.chain(collected).filter(|(set, _)| rotate.sets[*set].service.is_some()).map(|(_, size)| size)
}
