//! `cargo xtask demo`: the real `ops-logs` on a small, realistic log tree, with proof that nothing was lost.
//!
//! Needs no root and no account. Everything it makes, settings and state too, lies under the target folder.
//! It asserts what it shows: a step that does not do as told fails the demo.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use crate::{
    Outcome, Stop,
    corpus::{self, Kind},
    failed, place,
};

const HELP: &str = "\
cargo xtask demo

Builds ops-logs alone, makes a small log tree under target/demo, and shows survey, plan, a rotation, a second one
with nothing to do, status, the proof that the archive holds what the log held, and its way into a store and back. Touches nothing else.";

const SETTINGS: &str = r#"# What the demo rotates, and when.
[defaults]
compress = "zstd"
keep = { count = 14, max-age = "90d" }
archive-dir = "ARCHIVE"

[store]
url = "file://STORE"
spool = "SPOOL"

[[log]]
name = "nginx"
paths = ["LOGS/nginx/*.log"]
when = { any = ["weekly", "10 MiB"] }

[[log]]
name = "shop"
paths = ["LOGS/shop/*.log"]
when = { any = ["weekly", "4 MiB"] }
"#;

/// The tree: file, lines, bytes. The first two are over their size.
const LOGS: &[(&str, Kind, u64)] = &[
    (BIGGEST, Kind::Access, 20_000_000),
    ("shop/checkout.log", Kind::Json, 6_000_000),
    ("nginx/error.log", Kind::Error, 40_000),
    ("shop/worker.log", Kind::Json, 9_000),
    ("nginx/empty.log", Kind::Access, 0),
];
const BIGGEST: &str = "nginx/access.log";

/// The chore.
pub(crate) fn chore(words: &[String]) -> Outcome {
    match words {
        [] => {}
        [word] if matches!(word.as_str(), "--help" | "-h") => {
            println!("{HELP}");
            return Ok(());
        }
        _ => return Err(Stop::Usage(HELP.into())),
    }
    let began = Instant::now();
    let stage = Stage::set()?;
    show(&stage)?;
    println!(
        "\nAll as it should be, in {:.0} s. To remove every trace: rm -r {}",
        began.elapsed().as_secs_f64(),
        stage.root.display()
    );
    Ok(())
}

fn show(stage: &Stage) -> Outcome {
    let before = stage.fingerprint(&stage.root.join("logs").join(BIGGEST))?;

    say("What grows here, and what would be at stake? (reads only, needs no settings)");
    // 3: it may not see other users' processes.
    stage.ops_logs("survey --root logs", &[0, 1, 3])?;

    say("What would a rotation do, and why?");
    stage.unchanged("plan", |stage| stage.ops_logs("--config logs.toml plan", &[0]))?;
    stage.unchanged("rotate --dry-run", |stage| stage.quiet("--config logs.toml rotate --dry-run"))?;

    say("Do it.");
    stage.ops_logs("--config logs.toml rotate", &[0])?;
    stage.expect_rotated()?;

    say("Again: there is nothing to do.");
    stage.unchanged("the second rotate", |stage| stage.ops_logs("--config logs.toml rotate", &[0]))?;

    say("Where things stand.");
    stage.ops_logs("--config logs.toml status", &[0])?;

    say("Proof: every archive is decompressed and compared with what was recorded when its log was read.");
    stage.ops_logs("--config logs.toml verify", &[0])?;
    stage.prove(&before)?;

    say("Into the store, a folder here: what `rotate` handed over, `ship` puts there.");
    stage.ops_logs("--config logs.toml ship", &[0])?;
    say("And back: restored from the store, it is what the log held before.");
    stage.ops_logs("--config logs.toml restore nginx --to back", &[0])?;
    stage.prove_restored(&before)
}

fn say(words: &str) {
    println!("\n# {words}");
}

/// The tree, the binary and the surroundings it runs in.
struct Stage {
    root: PathBuf,
    binary: PathBuf,
}

/// Path to size and modification time, as text; enough to see that something changed.
type Listing = BTreeMap<PathBuf, String>;

impl Stage {
    fn set() -> Outcome<Stage> {
        println!("$ cargo build --no-default-features --features logs --bin ops-logs");
        let build = place::cargo(["build", "--no-default-features", "--features", "logs", "--bin", "ops-logs"]).status();
        if !build.is_ok_and(|status| status.success()) {
            return Err(failed("ops-logs does not build"));
        }
        let stage = Stage { root: place::target().join("demo"), binary: place::target().join("debug/ops-logs") };
        stage.lay_out().map_err(|error| failed(format!("cannot make {}: {error}", stage.root.display())))?;
        println!("$ cd {}", stage.root.display());
        println!("$ export PATH={}:$PATH", place::target().join("debug").display());
        println!("$ export STATE_DIRECTORY=$PWD/state");
        stage.shell("cat logs.toml")?;
        stage.shell("ls -l logs/*")?;
        Ok(stage)
    }

    fn lay_out(&self) -> std::io::Result<()> {
        if self.root.exists() {
            fs::remove_dir_all(&self.root)?;
        }
        for (seed, (name, kind, bytes)) in (1..).zip(LOGS) {
            let path = self.root.join("logs").join(name);
            fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
            corpus::write(&path, *kind, *bytes, seed)?;
        }
        let quoted = |name: &str| self.root.join(name).display().to_string().replace('\\', "\\\\").replace('"', "\\\"");
        let settings = [("ARCHIVE", "archive"), ("STORE", "store"), ("SPOOL", "spool"), ("LOGS", "logs")]
            .into_iter()
            .fold(SETTINGS.to_owned(), |text, (word, name)| text.replace(word, &quoted(name)));
        for folder in ["archive", "store", "back"] {
            fs::create_dir(self.root.join(folder))?;
        }
        fs::write(self.root.join("logs.toml"), settings)
    }

    /// Runs the real binary as if it had been typed, and insists on one of these exit codes.
    fn ops_logs(&self, line: &str, good: &[i32]) -> Outcome {
        println!("$ ops-logs {line}");
        let status = self.command(line).status().map_err(failed)?;
        if status.code().is_some_and(|code| good.contains(&code)) {
            return Ok(());
        }
        Err(failed(format!("`ops-logs {line}` ended with {status}, not with {good:?}")))
    }

    /// Runs it without showing it.
    fn quiet(&self, line: &str) -> Outcome {
        place::said(&mut self.command(line)).map(drop)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(line.split(' ')).current_dir(&self.root).stdin(Stdio::null());
        command.env("STATE_DIRECTORY", self.root.join("state"));
        command
    }

    fn shell(&self, line: &str) -> Outcome<String> {
        println!("$ {line}");
        let said = place::said(Command::new("bash").args(["-c", &format!("set -o pipefail; {line}")]).current_dir(&self.root))?;
        println!("{said}");
        Ok(said)
    }

    fn fingerprint(&self, file: &Path) -> Outcome<String> {
        first_word(&place::said(Command::new("sha256sum").arg(file).current_dir(&self.root))?)
    }

    /// What lies in the log and the archive folders.
    fn listing(&self) -> Outcome<Listing> {
        let mut listing = Listing::new();
        for folder in ["logs", "archive"] {
            list(&self.root.join(folder), &mut listing).map_err(failed)?;
        }
        Ok(listing)
    }

    fn unchanged(&self, what: &str, act: impl Fn(&Stage) -> Outcome) -> Outcome {
        let before = self.listing()?;
        act(self)?;
        let after = self.listing()?;
        if before == after {
            return Ok(());
        }
        Err(failed(format!("{what} was to change no file, but the tree went from {before:#?} to {after:#?}")))
    }

    /// The two big logs are archived and start afresh; the others are as they were.
    fn expect_rotated(&self) -> Outcome {
        for (name, _, bytes) in LOGS {
            let live =
                fs::metadata(self.root.join("logs").join(name)).map_err(|error| failed(format!("{name} is gone: {error}")))?;
            let due = *bytes > 4_000_000;
            if due != (live.len() == 0 && *bytes > 0) {
                return Err(failed(format!(
                    "{name} is {} bytes long after rotation, {bytes} or a little more before",
                    live.len()
                )));
            }
            if due != self.archive_of(name)?.is_some() {
                return Err(failed(format!("the archive of {name} is not what was planned")));
            }
        }
        Ok(())
    }

    fn archive_of(&self, log: &str) -> Outcome<Option<PathBuf>> {
        let stem = Path::new(log).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut listing = Listing::new();
        list(&self.root.join("archive"), &mut listing).map_err(failed)?;
        let is_it = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().contains(&stem));
        Ok(listing.into_keys().find(is_it))
    }

    /// Anybody's `zstd` reads the archive and gets the log's bytes.
    fn prove(&self, before: &str) -> Outcome {
        let Some(archive) = self.archive_of(BIGGEST)? else {
            return Err(failed(format!("{BIGGEST} has no archive")));
        };
        if place::program("zstd").is_none() {
            println!("\n(zstd is not installed, so the second opinion is left out)");
            return Ok(());
        }
        say("And a second opinion: plain zstd gives back what the log held before.");
        println!("sha256 of {BIGGEST} before the rotation:\n{before}");
        let shown = archive.strip_prefix(&self.root).unwrap_or(&archive).display().to_string();
        let after = first_word(&self.shell(&format!("zstd -dc '{shown}' | sha256sum"))?)?;
        if after == before {
            return Ok(());
        }
        Err(failed(format!("{shown} does not hold what {BIGGEST} held")))
    }
}

impl Stage {
    /// The one log of that set that was rotated came back whole.
    fn prove_restored(&self, before: &str) -> Outcome {
        let mut listing = Listing::new();
        list(&self.root.join("back"), &mut listing).map_err(failed)?;
        match &listing.into_keys().collect::<Vec<_>>()[..] {
            [file] if self.fingerprint(file)? == before => Ok(()),
            found => Err(failed(format!("{BIGGEST} did not come back as it was: {found:?}"))),
        }
    }
}

fn first_word(text: &str) -> Outcome<String> {
    text.split_whitespace().next().map(str::to_owned).ok_or_else(|| failed("sha256sum printed nothing"))
}

fn list(folder: &Path, listing: &mut Listing) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let (path, data) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
        if data.is_dir() {
            list(&path, listing)?;
        } else {
            let changed = data.modified()?;
            listing.insert(path, format!("{} bytes, {changed:?}", data.len()));
        }
    }
    Ok(())
}
