//! Ten logs of 10 MB from the log to the bucket, against the script that people have: logrotate, gzip, `aws s3 cp`.
//!
//! Ours is all that it does: rotate, ship, and the next rotate, which reads the receipts and takes the spool's copies back.

use std::{fs, path::Path, process::Command};

use super::{
    clients::{self, BUCKET},
    figures::Line,
    seaweed::Seaweed,
};
use crate::{
    Outcome,
    bench::{
        Bench,
        measure::{self, Cost},
        peers::{self, AT_ONCE, Compress},
    },
    corpus::{self, Kind},
    failed, place,
};

const LOGS: u64 = 10;
const BYTES: u64 = 10_000_000;
/// The two of ours and the two of the peer.
const SIDES: [Side; 4] = [
    Side::Ours("", ".zst"),
    Side::Ours("compress = \"gzip:6\"", ".gz"),
    Side::Script("for file in \"$1\"/tree/*.gz; do $aws \"$file\" \"$2\" || exit 1; done"),
    Side::Script("$aws --recursive --exclude '*' --include '*.gz' \"$1\"/tree \"$2\""),
];

enum Side {
    /// More words of the set, and how archives end then.
    Ours(&'static str, &'static str),
    /// What follows after logrotate.
    Script(&'static str),
}

/// Its lines, or none without the peer.
pub(super) fn part(bench: &Bench) -> Outcome<Vec<Line>> {
    let Some(aws) = clients::AWS.found() else { return Ok(Vec::new()) };
    let home = bench.fresh("ship-cycle")?;
    fs::create_dir(home.join("seed")).map_err(failed)?;
    for log in 0..LOGS {
        let kind = if log % 2 == 0 { Kind::Access } else { Kind::Json };
        let path = home.join(format!("seed/{log}.log"));
        corpus::write(&path, kind, bench.scaled(BYTES), log).map_err(failed)?;
    }
    let seaweed = Seaweed::start(&home, &aws)?;
    let mut spent: [Vec<Cost>; 4] = Default::default();
    for round in 1..=bench.rounds(5) {
        for (at, (side, spent)) in SIDES.iter().zip(&mut spent).enumerate() {
            let cost = turn(bench, &home, &seaweed.endpoint, &aws, side, &format!("turn-{round}-{at}"))?;
            println!("round {round}, {}: {cost:?}", side.name());
            spent.push(cost);
        }
    }
    drop(seaweed);
    fs::remove_dir_all(&home).map_err(failed)?;
    let [ours, gzip, each, recursive] = &spent;
    let what = format!("{LOGS} logs of {} MB, from the log to the bucket", bench.scaled(BYTES) / 1_000_000);
    let against =
        |how: &str, name: &str, ours: &[Cost], theirs: &[Cost]| Line::all(&format!("{what}{how}"), ours, &[(name, theirs)]);
    let (script, once) = ("logrotate, gzip, `aws s3 cp` of each", "logrotate, gzip, one `aws s3 cp --recursive`");
    let mut lines = against(", each one's defaults", script, ours, each);
    lines.extend(against(", gzip level 6", script, gzip, each));
    lines.extend(against(", gzip level 6", once, gzip, recursive));
    Ok(lines)
}

impl Side {
    fn name(&self) -> String {
        match self {
            Side::Ours(words, _) => format!("ops-logs {words}"),
            Side::Script(script) => (*script).to_owned(),
        }
    }
}

fn turn(bench: &Bench, home: &Path, endpoint: &str, aws: &Path, side: &Side, prefix: &str) -> Outcome<Cost> {
    for old in ["tree", "state", "run", "spool", "logrotate.state"] {
        place::said(Command::new("rm").arg("-rf").arg(home.join(old)))?;
    }
    place::said(Command::new("cp").args(["-a", "--reflink=auto"]).arg(home.join("seed")).arg(home.join("tree")))?;
    let command = match side {
        Side::Ours(words, _) => ours(bench, home, endpoint, prefix, words)?,
        Side::Script(script) => theirs(home, endpoint, prefix, aws, script)?,
    };
    let cost = measure::cost(&command, home)?;
    let end = if let Side::Ours(_, end) = side { end } else { ".gz" };
    let mut list = clients::aws(aws);
    clients::logged_in(&mut list, home);
    list.args(["--endpoint-url", endpoint, "s3", "ls", "--recursive", &format!("s3://{BUCKET}/{prefix}/")]);
    let arrived = place::said(&mut list)?.lines().filter(|line| line.ends_with(end)).count() as u64;
    let left = fs::read_dir(home.join("spool/ready")).map_or(0, Iterator::count);
    if arrived == LOGS && left == 0 {
        return Ok(cost);
    }
    Err(failed(format!("{command:?}: {arrived} of {LOGS} arrived, and {left} files are left in the spool")))
}

fn ours(bench: &Bench, home: &Path, endpoint: &str, prefix: &str, words: &str) -> Outcome<Command> {
    let settings = clients::settings(home, endpoint, prefix, "", words)?;
    let mut command = Command::new("sh");
    command.args(["-c", "\"$1\" --config \"$2\" rotate && \"$1\" --config \"$2\" ship && \"$1\" --config \"$2\" rotate", "sh"]);
    command.arg(&bench.binary).arg(settings);
    clients::logged_in(&mut command, home);
    command.env("STATE_DIRECTORY", home.join("state")).env("RUNTIME_DIRECTORY", home.join("run"));
    Ok(command)
}

fn theirs(home: &Path, endpoint: &str, prefix: &str, aws: &Path, script: &str) -> Outcome<Command> {
    let pattern = home.join("tree/*.log").display().to_string();
    let logrotate = peers::logrotate(home, &pattern, &AT_ONCE, Compress::Gzip6)?;
    let mut command = Command::new("sh");
    let aws_command = format!("aws=\"python3 -m awscli --endpoint-url {endpoint} s3 cp --only-show-errors\"");
    command.arg("-c").arg(format!("{aws_command}; home=$1; to=$2; shift 2; \"$@\" && set -- \"$home\" \"$to\" && {script}"));
    command.arg("sh").arg(home).arg(format!("s3://{BUCKET}/{prefix}/")).arg(logrotate.get_program()).args(logrotate.get_args());
    clients::logged_in(&mut command, home);
    let site = clients::aws(aws);
    command.envs(site.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Ok(command)
}
