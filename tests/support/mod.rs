//! The harness of the hard tests: trees to rotate, file systems to break, traces to cut, writers to please.
//!
//! Owns everything that a test needs besides its own story. It never looks inside the tool: the real
//! binary, the file system and the kernel's view of both are all it knows.
#![expect(dead_code, unreachable_pub, reason = "each test file uses its own part of the harness")]

pub mod aftermath;
pub mod ambush;
pub mod between;
pub mod collection;
pub mod disks;
pub mod durable;
pub mod filer;
pub mod files;
pub mod filesystem;
pub mod heads;
pub mod kms;
pub mod lasting;
pub mod line;
pub mod machine;
pub mod meeting;
pub mod ministack;
pub mod needs;
pub mod ports;
pub mod power;
pub mod process;
pub mod proxy;
pub mod scenario;
pub mod scene;
pub mod schema;
pub mod seaweed;
pub mod shipped;
pub mod shipping;
pub mod sight;
pub mod stories;
pub mod strace;
pub mod sweep;
pub mod tally;
pub mod through;
pub mod tls;
pub mod trace;
pub mod voyage;
pub mod waylaid;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    time::{Duration, Instant},
};

/// The real binary.
pub fn ops_logs() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_ops-logs"))
}

/// A program of `tests/support` that cargo builds as an example beside the tests. `cargo test --test NAME`
/// does not build examples, so a missing or old one is built here.
pub fn example(name: &str) -> PathBuf {
    static BUILDING: Mutex<()> = Mutex::new(());
    let alone = BUILDING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let test = std::env::current_exe().expect("a test knows its own path");
    let target = test.ancestors().nth(2).expect("tests live in target/<profile>/deps");
    let program = target.join("examples").join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support").join(format!("{}.rs", name.replace('-', "_")));
    let changed = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    if changed(&program) < changed(&source) {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--example", name]).current_dir(env!("CARGO_MANIFEST_DIR"));
        build.arg("--target-dir").arg(target.parent().expect("target/<profile>"));
        build.args(target.ends_with("release").then_some("--release"));
        let ended = process::Process::start(&mut build).end(Duration::from_mins(5));
        assert!(ended.status.success(), "cannot build {name}: {}", ended.stderr);
    }
    drop(alone);
    program
}

/// Whether the long tier was asked for.
pub fn full() -> bool {
    std::env::var_os("OPSBELT_FULL").is_some_and(|value| value == "1")
}

/// The first in the CI tier, the second when `OPSBELT_FULL=1`.
pub fn by_tier<T>(ci: T, full_run: T) -> T {
    if full() { full_run } else { ci }
}

/// A line that reaches the reader of a passing test too.
pub fn say(text: &str) {
    // A closed stderr is no reason to fail a test.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Gives way for a moment; only ever inside a loop that has a deadline.
pub fn pause(how_long: Duration) {
    std::thread::park_timeout(how_long);
}

/// Waits until `condition` holds; panics with `what` when it does not in time.
pub fn wait_until(what: &str, deadline: Duration, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + deadline;
    while !condition() {
        assert!(Instant::now() < end, "waited {deadline:?} for {what}");
        pause(Duration::from_millis(5));
    }
}

/// Numbers that look random and are the same for the same seed.
pub struct Dice(u64);

impl Dice {
    /// Dice that repeat themselves exactly.
    pub fn seeded(seed: u64) -> Dice {
        Dice(seed)
    }

    /// The next number, below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        line::mix(&mut self.0) % limit.max(1)
    }
}
