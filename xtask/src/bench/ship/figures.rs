//! The figures as a page shows them: ours beside each peer's, and what the store saw of everybody.

use std::fmt::Write as _;

use super::sink::Seen;
use crate::bench::{
    measure::{Cost, median},
    page::short,
};

/// One figure, less is better.
pub(super) struct Line {
    what: String,
    figure: &'static str,
    ours: f64,
    theirs: Vec<(String, f64)>,
}

/// What is taken from a cost.
type Figure = fn(&Cost) -> f64;

/// What the store saw of one client.
pub(super) struct Told {
    pub(super) what: String,
    pub(super) who: &'static str,
    pub(super) seen: Seen,
}

impl Line {
    /// CPU, time and memory, the middle of all rounds.
    pub(super) fn all(what: &str, ours: &[Cost], theirs: &[(&str, &[Cost])]) -> Vec<Line> {
        let figures: [(&str, Figure); 3] =
            [("CPU, s", |cost| cost.cpu), ("time, s", |cost| cost.seconds), ("peak memory, MiB", |cost| cost.peak_mib)];
        let line = |(figure, of): (&'static str, Figure)| {
            let middle = |costs: &[Cost]| median(costs.iter().map(of));
            let theirs = theirs.iter().map(|(name, costs)| ((*name).to_owned(), middle(costs))).collect();
            Line { what: what.to_owned(), figure, ours: middle(ours), theirs }
        };
        figures.into_iter().map(line).collect()
    }

    /// The peer that is hardest to beat.
    fn best(&self) -> f64 {
        self.theirs.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min)
    }

    /// Half a per cent is noise.
    fn is_ahead(&self) -> bool {
        self.ours <= self.best() * 1.005
    }
}

/// Both tables, and where ours is behind.
pub(super) fn tables(lines: &[Line], told: &[Told]) -> String {
    let mut text =
        String::from("| what | figure, less is better | ops-logs | peers | the best of them is so many times ours |\n");
    text.push_str("|---|---|---:|---|---:|\n");
    for line in lines {
        let theirs: Vec<String> = line.theirs.iter().map(|(name, value)| format!("{name} {}", short(*value))).collect();
        let ratio = line.best() / line.ours;
        let ratio = if ratio.is_finite() { format!("{ratio:.2}") } else { "-".to_owned() };
        let _ = writeln!(text, "| {} | {} | {} | {} | {ratio} |", line.what, line.figure, short(line.ours), theirs.join("; "));
    }
    let behind: Vec<String> =
        lines.iter().filter(|line| !line.is_ahead()).map(|line| format!("{} ({})", line.what, line.figure)).collect();
    let verdict =
        if behind.is_empty() { "ahead or even in each".to_owned() } else { format!("behind in: {}", behind.join("; ")) };
    let _ = writeln!(text, "\nOf {} figures ops-logs is {verdict}.", lines.len());
    if !told.is_empty() {
        text.push_str("\nWhat the draining store saw of each client:\n\n| what | who | calls | bodies at once | how bodies were signed and summed |\n");
        text.push_str("|---|---|---:|---:|---|\n");
    }
    for Told { what, who, seen } in told {
        let words: Vec<String> = seen.told.iter().map(|(word, times)| format!("{word} {times}")).collect();
        let _ = writeln!(text, "| {what} | {who} | {} | {} | {} |", seen.calls, seen.at_once, words.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_that_is_hardest_to_beat_counts_and_what_is_behind_is_said() {
        let cost = |cpu| Cost { seconds: 2.0, cpu, peak_mib: 10.0 };
        let (ours, slow, fast) = ([cost(1.0), cost(9.0), cost(2.0)], [cost(8.0)], [cost(1.0)]);
        let text = tables(&Line::all("a load", &ours, &[("slow", &slow), ("fast", &fast)]), &[]);
        assert!(text.contains("| a load | CPU, s | 2.00 | slow 8.00; fast 1.00 | 0.50 |"), "{text}");
        assert!(text.contains("Of 3 figures ops-logs is behind in: a load (CPU, s)."), "{text}");
        let alone = tables(&Line::all("a load", &ours, &[]), &[]);
        assert!(alone.contains("| a load | CPU, s | 2.00 |  | - |"), "{alone}");
    }
}
