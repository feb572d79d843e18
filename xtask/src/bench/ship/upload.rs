//! The upload alone, into a store that drains: 1,000 files of 1 MB and one of 2 GB, against s5cmd and rclone.
//!
//! The bytes are the same on all sides. Ours wait in the spool, where the real `rotate` put them without compression; each run of
//! ours also proves them against what was recorded, names them in a manifest and signs receipts.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    clients::{self, BUCKET, RCLONE, S5CMD},
    figures::{Line, Told},
    sink::{Seen, Sink},
};
use crate::{
    Outcome,
    bench::{
        Bench,
        measure::{self, Cost},
    },
    corpus::{self, Kind},
    failed, place,
};

/// Bodies at once, and the size of parts, where all are told the same. Ours has no such number, but the memory of bodies on their way: an
/// object on its way counts as 4 MiB of it at least, a part as what it is (src/aws/pace.rs).
const AT_ONCE: &str = "8";
const MEMORY_MIB: [u64; 2] = [8 * 4, 8 * 8];
const PART_MIB: &str = "8";
const PIECE: u64 = 1_000_000;

/// rclone, told to upload in parts whatever the size.
const SIGNING: &str = "rclone in parts";

/// How a peer is called: its program, the files, the store, what it is told.
type Called = fn(&Path, &Path, &str, How) -> Command;

/// What is uploaded.
pub(super) struct Load {
    pub(super) files: u64,
    /// Of a million bytes each, in one file.
    pub(super) pieces: u64,
}

impl Load {
    fn of(bench: &Bench, large: bool) -> Load {
        if large { Load { files: 1, pieces: bench.scaled(2_000) } } else { Load { files: bench.scaled(1_000), pieces: 1 } }
    }

    fn shown(&self) -> String {
        match self.files {
            1 => format!("1 file of {} MB", self.pieces),
            many => format!("{many} files of {} MB", self.pieces),
        }
    }
}

/// Who uploads, and how it is told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Equal,
    /// All in parts, of which rclone signs the payloads: those of whole objects it cannot sign.
    Parts,
    Defaults,
}

struct Side {
    name: &'static str,
    command: Command,
    costs: Vec<Cost>,
}

/// Its lines, and what the store saw of everybody.
pub(super) fn part(bench: &Bench, large: bool) -> Outcome<(Vec<Line>, Vec<Told>)> {
    let (load, home) = (Load::of(bench, large), bench.fresh("ship-upload")?);
    lay(bench, &home, &load)?;
    let sink = Sink::start()?;
    let (mut lines, mut told) = (Vec::new(), Vec::new());
    for how in [How::Equal, How::Defaults] {
        let mut sides = sides(bench, &home, &sink.endpoint(), how, large)?;
        for round in 1..=bench.rounds(5) {
            for side in &mut sides {
                forget_receipts(&home)?;
                sink.forget();
                let cost = measure::cost(&side.command, &home)?;
                let seen = sink.forget();
                println!("round {round}, {}, {how:?}: {} {cost:?}, {seen:?}", load.shown(), side.name);
                if seen.objects < load.files || seen.bytes < load.files * load.pieces * PIECE {
                    return Err(failed(format!("{:?} did not upload everything: {seen:?}", side.command)));
                }
                how.held(side.name, large, &seen)?;
                if round == 1 {
                    told.push(Told { what: format!("{}, {}", load.shown(), how.shown()), who: side.name, seen });
                }
                side.costs.push(cost);
            }
        }
        let (ours, theirs) = sides.split_first().expect("ours comes first");
        let theirs: Vec<(&str, &[Cost])> = theirs.iter().map(|side| (side.name, side.costs.as_slice())).collect();
        lines.extend(Line::all(&format!("{}, {}", load.shown(), how.shown()), &ours.costs, &theirs));
    }
    fs::remove_dir_all(&home).map_err(failed)?;
    Ok((lines, told))
}

impl How {
    fn shown(self) -> &'static str {
        match self {
            How::Equal | How::Parts => "8 at once, parts of 8 MiB, payloads signed",
            How::Defaults => "each one's defaults",
        }
    }

    /// Whether the store saw what everybody was told: else the figures are of different work.
    fn held(self, who: &str, large: bool, seen: &Seen) -> Outcome {
        let unsigned =
            (who != RCLONE.name || large) && seen.told.keys().any(|word| word.starts_with("payload") && word != "payload signed");
        let many = seen.at_once > AT_ONCE.parse().map_err(failed)?;
        if self == How::Equal && (unsigned || many) {
            return Err(failed(format!("{who} did not do as it was told: {seen:?}")));
        }
        Ok(())
    }
}

/// The same bytes as files and as parcels in the spool.
fn lay(bench: &Bench, home: &Path, load: &Load) -> Outcome {
    let (files, tree) = (home.join("files"), home.join("tree"));
    fs::create_dir(&files).map_err(failed)?;
    for number in 0..load.files {
        let piece = home.join("piece.log");
        corpus::write(&piece, Kind::Access, PIECE, number).map_err(failed)?;
        lay_one(&piece, &files.join(format!("{number:04}.log")), load.pieces).map_err(failed)?;
    }
    place::said(Command::new("cp").args(["-a", "--reflink=auto"]).arg(&files).arg(&tree))?;
    // What it is told of the store is not used yet: `rotate` has no network.
    let settings = clients::settings(home, "http://127.0.0.1:1", "ops-logs", "", "compress = \"none\"")?;
    place::said(&mut ours(bench, home, &settings, "rotate"))?;
    let parcels = fs::read_dir(home.join("spool/ready")).map_err(failed)?.count() as u64;
    if parcels != 2 * load.files {
        return Err(failed(format!("{} logs were rotated, and {parcels} files wait in the spool", load.files)));
    }
    fs::remove_dir_all(tree).map_err(failed)
}

fn lay_one(piece: &Path, file: &Path, pieces: u64) -> io::Result<()> {
    let mut out = File::create(file)?;
    (0..pieces).try_for_each(|_| io::copy(&mut File::open(piece)?, &mut out).map(drop))
}

/// So that everything waits anew, for a store that is empty.
fn forget_receipts(home: &Path) -> Outcome {
    place::said(Command::new("rm").arg("-rf").arg(home.join("ship-state")))?;
    for receipt in fs::read_dir(home.join("spool/receipts")).into_iter().flatten() {
        fs::remove_file(receipt.map_err(failed)?.path()).map_err(failed)?;
    }
    Ok(())
}

fn sides(bench: &Bench, home: &Path, endpoint: &str, how: How, large: bool) -> Outcome<Vec<Side>> {
    let memory = MEMORY_MIB[usize::from(large)];
    let store = if how == How::Equal { format!("max-memory = \"{memory} MiB\"\n") } else { String::new() };
    let settings = clients::settings(home, endpoint, "ops-logs", &store, "compress = \"none\"")?;
    let mut ours = ours(bench, home, &settings, "ship");
    ours.env("STATE_DIRECTORY", home.join("ship-state"));
    let mut sides = vec![Side { name: "ops-logs", command: ours, costs: Vec::new() }];
    let mut peers = vec![(&S5CMD, "s5cmd", s5cmd as Called, how), (&RCLONE, "rclone", rclone, how)];
    if how == How::Equal && !large {
        peers.push((&RCLONE, SIGNING, rclone, How::Parts));
    }
    for (peer, name, called, how) in peers {
        if let Some(program) = peer.found() {
            let mut command = called(&program, home, endpoint, how);
            clients::logged_in(&mut command, home);
            sides.push(Side { name, command, costs: Vec::new() });
        }
    }
    Ok(sides)
}

fn ours(bench: &Bench, home: &Path, settings: &PathBuf, word: &str) -> Command {
    let mut command = Command::new(&bench.binary);
    command.arg("--config").arg(settings).arg(word);
    clients::logged_in(&mut command, home);
    command.env("STATE_DIRECTORY", home.join("state")).env("RUNTIME_DIRECTORY", home.join("run"));
    command
}

fn s5cmd(program: &Path, home: &Path, endpoint: &str, how: How) -> Command {
    let mut command = Command::new(program);
    command.args(["--log", "error", "--endpoint-url", endpoint]);
    if how == How::Equal {
        command.args(["--numworkers", AT_ONCE, "cp", "--concurrency", AT_ONCE, "--part-size", PART_MIB]);
    } else {
        command.arg("cp");
    }
    command.arg(format!("{}/*", home.join("files").display())).arg(format!("s3://{BUCKET}/s5cmd/"));
    command
}

fn rclone(program: &Path, home: &Path, endpoint: &str, how: How) -> Command {
    let mut command = Command::new(program);
    command.arg("copy").arg(home.join("files")).arg(format!(":s3:{BUCKET}/rclone")).args(["--config", "/dev/null"]);
    command.args(["--s3-provider", "Other", "--s3-env-auth", "--s3-force-path-style", "--s3-endpoint", endpoint]);
    if how != How::Defaults {
        let part = format!("{PART_MIB}Mi");
        command.args(["--transfers", AT_ONCE, "--s3-upload-concurrency", AT_ONCE, "--multi-thread-streams", AT_ONCE]);
        command.args(["--s3-chunk-size", &part, "--s3-upload-cutoff", if how == How::Equal { &part } else { "0" }]);
    }
    command
}
