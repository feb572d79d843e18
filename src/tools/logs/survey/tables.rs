//! The tables of the answer, and its last line. Pure. What is an estimate says so, and from what ratio.

use std::{collections::HashMap, path::Path};

use super::{
    facts::Facts,
    findings::{holders, shown},
    rotation::Judged,
};
use crate::report::{Cell, Size, Table, count};

/// What compression leaves of a log: a fifth. Of two measured kinds of logs gzip -6 left a fourteenth and
/// 1/5.1, and zstd 6 leaves a little less; the worse one is taken.
const COMPRESSED_TO: u64 = 5;

/// The tables, with at most `top` rows each.
pub(super) fn tables(facts: &Facts, judged: &[Judged<'_>], top: usize) -> Vec<Table> {
    let tables = [largest(facts, judged, top), folders(judged, top), space(facts, judged), disks(facts)];
    tables.into_iter().filter(|table| !table.rows.is_empty()).collect()
}

/// The line that sums it up.
pub(super) fn summary(facts: &Facts, judged: &[Judged<'_>]) -> String {
    let total: u64 = judged.iter().map(|judged| judged.log.allocated).sum();
    let neglected = judged.iter().filter(|judged| judged.is_neglected(facts)).count();
    let freed: u64 = stakes(facts, judged).iter().map(|stake| stake.freed).sum();
    let neglected = match neglected {
        0 => "no large one is without rotation".to_owned(),
        1 => "nobody rotates 1 of the large ones".to_owned(),
        more => format!("nobody rotates {more} of the large ones"),
    };
    let freed = if freed == 0 { String::new() } else { format!("; about {} could be free", Size(freed)) };
    format!("{} in {}; {neglected}{freed}", Size(total), count(judged.len() as u64, "log"))
}

fn largest(facts: &Facts, judged: &[Judged<'_>], top: usize) -> Table {
    let row = |judged: &Judged<'_>| {
        let log = judged.log;
        let writer = match facts.writers.get(&log.id) {
            Some(writers) => text(holders(writers)),
            None if facts.writers_are_known => Cell::None,
            None => text("unknown"),
        };
        vec![
            text(shown(&log.path)),
            Cell::Bytes(Size(log.allocated)),
            log.born.map_or(Cell::None, Cell::Time),
            Cell::Time(log.written),
            writer,
            text(judged.rotation.shown()),
        ]
    };
    Table {
        name: "logs",
        title: "Largest logs".to_owned(),
        columns: vec!["path", "size", "since", "written", "writer", "rotated-by"],
        rows: judged.iter().filter(|judged| judged.log.allocated > 0).take(top).map(row).collect(),
    }
}

fn folders(judged: &[Judged<'_>], top: usize) -> Table {
    let mut sums: HashMap<&Path, (u64, u64)> = HashMap::new();
    for judged in judged {
        let sum = sums.entry(judged.log.path.parent().unwrap_or(Path::new("/"))).or_default();
        *sum = (sum.0 + 1, sum.1 + judged.log.allocated);
    }
    let mut sums: Vec<_> = sums.into_iter().filter(|(_, (_, bytes))| *bytes > 0).collect();
    sums.sort_by(|(a, (_, left)), (b, (_, right))| right.cmp(left).then_with(|| a.cmp(b)));
    let row =
        |(folder, (count, bytes)): (&Path, (u64, u64))| vec![text(shown(folder)), Cell::Count(count), Cell::Bytes(Size(bytes))];
    let rows = sums.into_iter().take(top).map(row).collect();
    Table { name: "folders", title: "Space by folder".to_owned(), columns: vec!["folder", "logs", "size"], rows }
}

/// Space that is taken and need not be.
struct Stake {
    what: &'static str,
    taken: u64,
    freed: u64,
    how: &'static str,
}

fn space(facts: &Facts, judged: &[Judged<'_>]) -> Table {
    let row =
        |stake: &Stake| vec![text(stake.what), Cell::Bytes(Size(stake.taken)), Cell::Bytes(Size(stake.freed)), text(stake.how)];
    Table {
        name: "space",
        title: "Space at stake".to_owned(),
        columns: vec!["what", "taken", "could-be-free", "how"],
        rows: stakes(facts, judged).iter().filter(|stake| stake.taken > 0).map(row).collect(),
    }
}

fn stakes(facts: &Facts, judged: &[Judged<'_>]) -> [Stake; 4] {
    const ESTIMATE: &str = "estimate: compressed to a fifth (measured: a fourteenth for an access log, a fifth for JSON)";
    let sum = |wanted: &dyn Fn(&Judged<'_>) -> bool| -> u64 {
        judged.iter().filter(|judged| wanted(judged)).map(|judged| judged.log.allocated).sum()
    };
    let compressed = |taken: u64| taken - taken / COMPRESSED_TO;
    let neglected = sum(&|judged| judged.is_neglected(facts));
    let plain = sum(&|judged| judged.is_plain_part(facts));
    let unlimited = sum(&|judged| judged.rotation.is_unlimited());
    let held = facts.held.iter().map(|held| held.allocated).sum();
    [
        Stake { what: "large logs that nobody rotates", taken: neglected, freed: compressed(neglected), how: ESTIMATE },
        Stake { what: "older parts that are not compressed", taken: plain, freed: compressed(plain), how: ESTIMATE },
        Stake { what: "deleted files that are still open", taken: held, freed: held, how: "free as soon as they are closed" },
        Stake {
            what: "Docker logs without max-size",
            taken: unlimited,
            freed: 0,
            how: "not estimated: Docker alone can rotate them",
        },
    ]
}

fn disks(facts: &Facts) -> Table {
    let row = |disk: &super::facts::Disk| {
        vec![text(shown(&disk.path)), Cell::Bytes(Size(disk.space.total)), Cell::Bytes(Size(disk.space.free))]
    };
    let rows = facts.disks.iter().map(row).collect();
    Table { name: "disks", title: "Disks".to_owned(), columns: vec!["holds", "size", "available"], rows }
}

fn text(text: impl Into<String>) -> Cell {
    Cell::Text(text.into())
}
