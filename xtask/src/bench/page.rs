//! Turns figures into a Markdown table, and keeps the last full run of each benchmark in docs/benchmarks.md: a run
//! rewrites its own section and never another's.

use std::{fmt::Write as _, fs, process::Command, thread};

use super::Bench;
use crate::{Outcome, failed, place};

/// One figure of ours beside a peer's.
#[derive(Debug)]
pub(crate) struct Row {
    what: String,
    peer: String,
    figure: String,
    ours: f64,
    theirs: f64,
}

impl Row {
    /// `what` was done, `figure` was measured; less is better.
    pub(crate) fn against(what: &str, peer: &str, figure: &str, ours: f64, theirs: f64) -> Row {
        Row { what: what.to_owned(), peer: peer.to_owned(), figure: figure.to_owned(), ours, theirs }
    }

    /// Half a per cent is noise, and the same compressor gives the same size but for a header.
    fn is_ahead(&self) -> bool {
        self.ours <= self.theirs * 1.005
    }
}

const HEAD: &str = "\
# Benchmarks

Figures of the last full run. Repeat them with `cargo xtask bench NAME`; the ratios should hold on any machine, the
absolute numbers will not.

";

/// The table, what ran, and how to repeat it.
pub(crate) fn text(bench: &Bench, rows: &[Row]) -> Outcome<String> {
    let mut text = String::from("## `ops-logs rotate`\n\n");
    let _ = writeln!(
        text,
        "| what | figure, less is better | ops-logs | peer | the peer's | times less |\n|---|---|---:|---|---:|---:|"
    );
    for Row { what, peer, figure, ours, theirs } in rows {
        let ratio = if *ours > 0.0 { format!("{:.2}", theirs / ours) } else { "-".to_owned() };
        let _ = writeln!(text, "| {what} | {figure} | {} | {peer} | {} | {ratio} |", short(*ours), short(*theirs));
    }
    let behind: Vec<String> =
        rows.iter().filter(|row| !row.is_ahead()).map(|row| format!("{} ({})", row.what, row.figure)).collect();
    let verdict =
        if behind.is_empty() { "ahead or even in each".to_owned() } else { format!("behind in: {}", behind.join("; ")) };
    let _ = writeln!(text, "\nOf {} figures ops-logs is {verdict}.", rows.len());
    let how = "Medians of interleaved rounds; CPU is user and system time of the process and all it waited for; ops-logs' \
         figures include hashing, verification by decompression and every sync.";
    let _ = writeln!(text, "\n{}\n\nTo repeat: `cargo xtask bench rotate`.", surroundings(bench, how, &["zstd", "gzip"])?);
    Ok(text)
}

/// As many digits as mean something.
pub(crate) fn short(value: f64) -> String {
    let digits = match value {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{value:.digits$}")
}

/// When, with which build and on which machine it was measured, and `how`; the versions of both sides and of `others`.
pub(crate) fn surroundings(bench: &Bench, how: &str, others: &[&str]) -> Outcome<String> {
    let first = |program: &str, words: &[&str]| -> Outcome<String> {
        // logrotate tells its version on the other stream.
        let output =
            Command::new(program).args(words).output().map_err(|error| failed(format!("cannot run {program}: {error}")))?;
        let all = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Ok(all.lines().next().unwrap_or_default().trim_matches(['*', ' ']).to_owned())
    };
    let both = [bench.binary.clone(), place::program("logrotate").unwrap_or_default()].map(|path| path.display().to_string());
    let programs = both.iter().map(String::as_str).chain(others.iter().copied()).chain(["rustc"]);
    let programs: Vec<String> = programs.map(|program| first(program, &["--version"])).collect::<Outcome<_>>()?;
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown", |rest| rest.trim_start_matches(['\t', ' ', ':']));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let kernel = first("uname", &["-r"])?;
    let disk = place::said(Command::new("stat").args(["-f", "-c", "%T"]).arg(&bench.root))?;
    let date = place::said(Command::new("date").args(["-u", "+%F"]))?;
    let build = if bench.quick { "dev build, small sizes: these figures mean nothing" } else { "release build" };
    Ok(format!("{date}, {build}. {how} {}; Linux {kernel}, {cpu}, {cores} cores, {disk}.", programs.join("; ")))
}

/// Replaces the last run of the benchmark `name` on the page.
pub(crate) fn write(name: &str, text: &str) -> Outcome {
    let path = place::repository().join("docs/benchmarks.md");
    let old = fs::read_to_string(&path).unwrap_or_default();
    let cannot = |error| failed(format!("cannot write {}: {error}", path.display()));
    fs::create_dir_all(place::repository().join("docs")).map_err(cannot)?;
    fs::write(&path, placed(&old, name, text)).map_err(cannot)?;
    println!("written to docs/benchmarks.md");
    Ok(())
}

fn placed(old: &str, name: &str, text: &str) -> String {
    let begin = format!("<!-- bench {name}: begin; written by cargo xtask bench {name} -->");
    let end = format!("<!-- bench {name}: end -->");
    let block = format!("{begin}\n{text}{end}\n");
    match old.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1))) {
        Some((before, after)) => format!("{before}{block}{}", after.strip_prefix('\n').unwrap_or(after)),
        None if old.is_empty() => format!("{HEAD}{block}"),
        None => format!("{old}\n{block}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_run_replaces_the_old_one_and_nothing_else() {
        let first = placed("", "rotate", "one\n");
        assert!(first.starts_with(HEAD));
        let more = format!("{first}\n## by hand\n");
        let second = placed(&more, "rotate", "two\n");
        assert_eq!(second, more.replace("one\n", "two\n"));
        assert_eq!(placed(&second, "rotate", "two\n"), second);
    }

    #[test]
    fn each_benchmark_has_a_section_of_its_own() {
        let one = placed("", "rotate", "one\n");
        let both = placed(&one, "in-place", "two\n");
        assert!(both.starts_with(&one) && both.contains("-->\ntwo\n<!--"), "{both}");
        assert_eq!(placed(&both, "rotate", "three\n"), both.replace("one\n", "three\n"));
        assert_eq!(placed(&both, "in-place", "three\n"), both.replace("two\n", "three\n"));
    }
}
