//! `cargo xtask test`: installs what the tests need, runs the groups in order, and tells seconds and counts.
//!
//! Counts them by kind as well. A failed group does not stop the later ones; a failed build does. The last line is always
//! `N passed, N failed, N skipped`. Cargo's own output passes through as it comes.

mod groups;
mod tally;

use std::{
    collections::BTreeMap,
    env,
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use self::{
    groups::{Group, Kind},
    tally::{Reader, Tally},
};
use crate::{
    Outcome, Stop,
    child::{self, End, Stream},
    failed, packages, place,
};

const HELP: &str = "\
cargo xtask test [--full] [--minutes N] [--list] [GROUP...]

Installs the system packages that the tests need (as root; otherwise names them), then runs every group, or only
the named ones. Ends with the seconds of each group, the number of tests of each kind, and the line `N passed, N failed, N skipped`.

  --full        the long sweeps too (sets OPSBELT_FULL=1; each group may take four times as long)
  --minutes N   how long one group may take before it is killed (default 20)
  --list        name the groups and do nothing

With CI=true a test that was skipped is a failure, and Cargo.lock must not change.";

const MINUTES: u64 = 20;

/// The chore.
pub(crate) fn chore(words: &[String]) -> Outcome {
    let Some(wish) = Wish::read(words)? else {
        println!("{HELP}");
        return Ok(());
    };
    let chosen = groups::choose(groups::all()?, &wish.names)?;
    if wish.list {
        for group in &chosen {
            println!("{}", group.name);
        }
        return Ok(());
    }
    packages::provide();
    let rules = Rules { full: wish.full, deadline: wish.deadline(), ci: env::var("CI").is_ok_and(|ci| ci == "true") };
    let ended = run_all(&chosen, &rules);
    tell(&ended, &rules)
}

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wish {
    full: bool,
    list: bool,
    minutes: Option<u64>,
    names: Vec<String>,
}

impl Wish {
    /// `None` when help was asked for.
    fn read(words: &[String]) -> Outcome<Option<Wish>> {
        let mut wish = Wish::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--help" | "-h" => return Ok(None),
                "--full" => wish.full = true,
                "--list" => wish.list = true,
                "--minutes" => match words.next().map(|given| given.parse()) {
                    Some(Ok(minutes @ 1..)) => wish.minutes = Some(minutes),
                    _ => return Err(Stop::Usage("--minutes needs a whole number above 0".into())),
                },
                flag if flag.starts_with('-') => return Err(Stop::Usage(format!("no flag is called {flag}\n\n{HELP}"))),
                name => wish.names.push(name.to_owned()),
            }
        }
        Ok(Some(wish))
    }

    fn deadline(&self) -> Duration {
        let ordinary = if self.full { 4 * MINUTES } else { MINUTES };
        Duration::from_mins(self.minutes.unwrap_or(ordinary))
    }
}

struct Rules {
    full: bool,
    deadline: Duration,
    ci: bool,
}

/// One group, after it ran.
struct Ended<'a> {
    name: &'a str,
    tally: Tally,
    took: Duration,
    /// Why the group failed, if it did.
    trouble: Option<String>,
}

fn run_all<'a>(groups: &'a [Group], rules: &Rules) -> Vec<Ended<'a>> {
    let mut all = Vec::new();
    for group in groups {
        println!("\n== {}", group.name);
        let ended = run(group, rules);
        let stop = ended.trouble.is_some() && group.kind == Kind::Build;
        all.push(ended);
        if stop {
            eprintln!("nothing else can run before this builds");
            break;
        }
    }
    all
}

fn run<'a>(group: &'a Group, rules: &Rules) -> Ended<'a> {
    let began = Instant::now();
    let mut reader = Reader::default();
    let mut trouble = None;
    for step in &group.steps {
        let mut command = place::cargo(step.words(rules.ci));
        if io::stderr().is_terminal() {
            command.env("CARGO_TERM_COLOR", "always");
        }
        if rules.full {
            command.env("OPSBELT_FULL", "1");
        }
        let left = rules.deadline.saturating_sub(began.elapsed());
        let mut printed = Vec::new();
        let end = child::stream(&mut command, left, &mut |stream, line| {
            child::echo(stream, line);
            reader.line(stream, line);
            if step.is_judged() && stream == Stream::Out {
                printed.push(line.to_owned());
            }
        });
        trouble = complaint(end, rules.deadline).or_else(|| step.judge(&printed));
        if trouble.is_some() {
            break;
        }
    }
    let mut tally = reader.tally();
    if trouble.is_none() && rules.ci && tally.skipped > 0 {
        trouble = Some("a skipped test is a failure in CI".into());
    }
    // Something that failed before it could count its tests must not look like no failure.
    if trouble.is_some() {
        tally.failed = tally.failed.max(1);
    }
    Ended { name: &group.name, tally, took: began.elapsed(), trouble }
}

fn complaint(end: std::io::Result<End>, deadline: Duration) -> Option<String> {
    match end {
        Ok(End::Exited(status)) if status.success() => None,
        Ok(End::Exited(status)) => Some(status.to_string()),
        Ok(End::TooSlow) => Some(format!("killed: not done after {} minutes", deadline.as_secs() / 60)),
        Ok(End::LeftBehind) => Some("left processes behind".into()),
        Err(error) => Some(format!("cannot run cargo: {error}")),
    }
}

fn tell(all: &[Ended<'_>], rules: &Rules) -> Outcome {
    let width = all.iter().map(|ended| ended.name.len()).max().unwrap_or(0).max(5);
    println!("\n{:<width$}  {:>8}  {:>7}  {:>7}  {:>7}", "group", "seconds", "passed", "failed", "skipped");
    let mut sum = Tally::default();
    for ended in all {
        let Tally { passed, failed, skipped } = ended.tally;
        let why = ended.trouble.as_deref().map_or(String::new(), |why| format!("  {why}"));
        let seconds = ended.took.as_secs_f64();
        println!("{:<width$}  {seconds:>8.1}  {passed:>7}  {failed:>7}  {skipped:>7}{why}", ended.name);
        sum.add(ended.tally);
    }
    tell_kinds(all);
    let names: Vec<&str> = all.iter().filter(|ended| ended.trouble.is_some()).map(|ended| ended.name).collect();
    if rules.ci && sum.skipped > 0 {
        println!("\nIn CI every test must run: install what the skipped ones miss (xtask/src/packages.rs).");
    }
    if !names.is_empty() {
        println!("\nfailed: {}", names.join(", "));
    }
    println!("\n{} passed, {} failed, {} skipped", sum.passed, sum.failed, sum.skipped);
    if names.is_empty() { Ok(()) } else { Err(failed(format!("{} of {} groups failed", names.len(), all.len()))) }
}

fn tell_kinds(all: &[Ended<'_>]) {
    let mut kinds: BTreeMap<&str, (Tally, Duration)> = BTreeMap::new();
    for ended in all {
        let kind = kinds.entry(groups::what_is_tested(ended.name)).or_default();
        kind.0.add(ended.tally);
        kind.1 += ended.took;
    }
    println!("\n{:<34}  {:>5}  {:>8}", "kind of test", "tests", "seconds");
    for (kind, (tally, took)) in kinds.iter().filter(|(_, (tally, _))| tally.sum() > 0) {
        println!("{kind:<34}  {:>5}  {:>8.1}", tally.sum(), took.as_secs_f64());
    }
    let ran = all.iter().any(|ended| ended.name == "unit");
    if let (true, Ok(properties)) = (ran, groups::properties(&place::repository().join("src"))) {
        println!("Of the units, {properties} are properties, each tried on many inputs.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(line: &str) -> Outcome<Option<Wish>> {
        Wish::read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn flags_and_names_may_come_in_any_order() {
        let wish = wish("rotate --full --minutes 3 unit").expect("good").expect("not help");
        assert_eq!(wish.names, ["rotate", "unit"]);
        assert_eq!((wish.full, wish.deadline()), (true, Duration::from_mins(3)));
    }

    #[test]
    fn a_flag_nobody_knows_is_refused() {
        for line in ["--ful", "--minutes", "--minutes 0", "--minutes x"] {
            assert!(matches!(wish(line), Err(Stop::Usage(_))), "{line}");
        }
    }
}
