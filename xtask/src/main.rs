//! The project's own chores: `cargo xtask NAME`. Each chore is one file; this one lists them and starts one.
//!
//! Needs nothing but Rust's standard library, so that the first chore on a fresh machine starts in seconds.
//! No chore touches anything outside the target folder, except that `test` may install system packages when
//! it runs as root, and `bench` writes its page of figures under docs/.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to the person who started it")]

mod bench;
mod child;
mod corpus;
mod demo;
mod packages;
mod place;
mod test;

use std::{env, process::ExitCode};

/// Why a chore did not succeed.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It was called wrongly: exit 2.
    Usage(String),
    /// It could not do its work, or what it checked is not so: exit 1.
    Failed(String),
}

/// How a chore ends.
pub(crate) type Outcome<T = ()> = Result<T, Stop>;

/// `Stop::Failed` from anything that has words.
pub(crate) fn failed(words: impl std::fmt::Display) -> Stop {
    Stop::Failed(words.to_string())
}

struct Chore {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Outcome,
}

const CHORES: &[Chore] = &[
    Chore { name: "test", about: "install what the tests need, run them all, say the seconds of each group", run: test::chore },
    Chore { name: "demo", about: "build ops-logs alone and show it rotate a small log tree, with proof", run: demo::chore },
    Chore { name: "bench", about: "measure against the tools it replaces, and write docs/benchmarks.md", run: bench::chore },
];

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let ended = match words.split_first() {
        Some((word, rest)) if !matches!(word.as_str(), "--help" | "-h" | "help") => start(word, rest),
        _ => {
            list();
            Ok(())
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Failed(why)) => {
            eprintln!("xtask: {why}");
            ExitCode::from(1)
        }
        Err(Stop::Usage(why)) => {
            eprintln!("xtask: {why}");
            ExitCode::from(2)
        }
    }
}

fn list() {
    println!("The chores of this project (`cargo xtask NAME --help` says more of one):\n");
    for chore in CHORES {
        println!("  {:<7}{}", chore.name, chore.about);
    }
}

fn start(word: &str, rest: &[String]) -> Outcome {
    let Some(chore) = CHORES.iter().find(|chore| chore.name == word) else {
        let known: Vec<&str> = CHORES.iter().map(|chore| chore.name).collect();
        return Err(Stop::Usage(format!("no chore is called {word:?}: there are {}", known.join(", "))));
    };
    (chore.run)(rest)
}
