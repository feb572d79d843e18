//! `cargo xtask bench NAME`: how a tool compares with the one it replaces, in the same run on the same machine.
//!
//! A benchmark is no test: it never decides whether a change may land. Every figure stands beside the peer's from the
//! same run, because absolute numbers mean little on another machine. What it makes lies under the target folder; a
//! full run rewrites its own section of docs/benchmarks.md.

mod disk;
mod idle;
mod in_place;
mod measure;
mod memory;
mod page;
mod peers;
mod pile;
mod rotate;
mod ship;
mod single;
mod trap;

use std::{fs, path::PathBuf};

use crate::{Outcome, Stop, failed, packages, place};

/// What `cargo xtask bench NAME` can be asked for.
struct Benchmark {
    name: &'static str,
    help: &'static str,
    /// Each can be run alone.
    parts: &'static [&'static str],
    programs: &'static [&'static str],
    /// How ops-logs is built: as it is delivered, or with these words.
    build: &'static [&'static str],
    /// Programs of the tests that it starts.
    examples: &'static [&'static str],
    /// Runs these parts; gives the section for the page.
    run: fn(&Bench, &[&str]) -> Outcome<String>,
}

/// What rotates, and nothing else.
const ALONE: &[&str] = &["--no-default-features", "--features", "logs"];

const BENCHMARKS: &[Benchmark] = &[rotate::BENCHMARK, in_place::BENCHMARK, ship::BENCHMARK];

/// How large this run is, and where it happens.
pub(crate) struct Bench {
    /// Everything that is made lies here.
    root: PathBuf,
    /// Our binary.
    binary: PathBuf,
    quick: bool,
    rounds: Option<usize>,
}

impl Bench {
    /// A number of items or bytes, or a small part of it when only the benchmark itself is tried.
    fn scaled(&self, full: u64) -> u64 {
        if self.quick { full / 100 } else { full }
    }

    fn rounds(&self, usual: usize) -> usize {
        self.rounds.unwrap_or(if self.quick { 1 } else { usual })
    }

    /// A folder under our own root, empty.
    fn fresh(&self, name: &str) -> Outcome<PathBuf> {
        let folder = self.root.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| failed(format!("cannot empty {}: {error}", folder.display())))?;
        }
        fs::create_dir_all(&folder).map_err(|error| failed(format!("cannot make {}: {error}", folder.display())))?;
        Ok(folder)
    }

    /// A program of `tests/support`, which was built beside our binary.
    fn example(&self, name: &str) -> PathBuf {
        self.binary.with_file_name("examples").join(name)
    }
}

/// The chore.
pub(crate) fn chore(words: &[String]) -> Outcome {
    match words.split_first() {
        Some((name, rest)) if !matches!(name.as_str(), "--help" | "-h") => {
            let Some(benchmark) = BENCHMARKS.iter().find(|known| known.name == name) else {
                let known: Vec<&str> = BENCHMARKS.iter().map(|known| known.name).collect();
                return Err(Stop::Usage(format!("no benchmark is called {name:?}: there are {}", known.join(", "))));
            };
            benchmark.start(rest)
        }
        _ => {
            let helps: Vec<&str> = BENCHMARKS.iter().map(|known| known.help).collect();
            println!("{}", helps.join("\n\n"));
            Ok(())
        }
    }
}

impl Benchmark {
    fn start(&self, words: &[String]) -> Outcome {
        let (mut quick, mut rounds, mut parts) = (false, None, Vec::new());
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--help" | "-h" => {
                    println!("{}", self.help);
                    return Ok(());
                }
                "--quick" => quick = true,
                "--rounds" => match words.next().and_then(|given| given.parse().ok()) {
                    Some(given @ 1..) => rounds = Some(given),
                    _ => return Err(Stop::Usage("--rounds needs a whole number above 0".into())),
                },
                name if self.parts.contains(&name) => parts.push(name),
                _ => return Err(Stop::Usage(self.help.into())),
            }
        }
        let whole = parts.is_empty();
        if whole {
            parts.extend(self.parts);
        }
        self.insist_on_programs()?;
        let bench = Bench { root: place::target().join("bench"), binary: self.build(quick)?, quick, rounds };
        let text = (self.run)(&bench, &parts)?;
        println!("\n{text}");
        if whole && !quick { page::write(self.name, &text) } else { Ok(()) }
    }

    fn insist_on_programs(&self) -> Outcome {
        let missing: Vec<&str> = self.programs.iter().copied().filter(|name| place::program(name).is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(failed(format!("first: apt-get install -y --no-install-recommends {}", packages::of(&missing).join(" "))))
    }

    fn build(&self, quick: bool) -> Outcome<PathBuf> {
        let (profile, folder) = if quick { ("dev", "debug") } else { ("release", "release") };
        let mut words = vec!["build", "--profile", profile, "--bin", "ops-logs"];
        words.extend(self.build);
        words.extend(self.examples.iter().flat_map(|name| ["--example", name]));
        println!("$ cargo {}", words.join(" "));
        if !place::cargo(words).status().is_ok_and(|status| status.success()) {
            return Err(failed("ops-logs does not build"));
        }
        Ok(place::target().join(folder).join("ops-logs"))
    }
}
