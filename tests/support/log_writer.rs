//! A real writer of logs, as a process of its own: appends numbered lines that prove themselves, and
//! reopens its file by path on SIGHUP, like a well-behaved service.
//!
//! As fast as it can, it still leaves a rotator room to live: from `--most` bytes in one file on it only
//! trickles until it is told to reopen. It never truncates, never seeks, and closes the old file only after the new one is open.
//!
//! At the end it prints how many lines it wrote and, on a second line, for how many microseconds its slowest write kept it.

#[expect(dead_code, reason = "the tally reads what we write")]
mod line;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, IoSlice, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGHUP, SIGTERM};

fn main() -> ExitCode {
    match Orders::from_args(std::env::args().skip(1)).map_err(io::Error::other).and_then(|orders| write(&orders)) {
        Ok(Account { lines, longest }) => {
            let told = writeln!(io::stdout(), "{lines}\nlongest write {} us", longest.as_micros());
            if told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "log-writer: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What it did.
#[derive(Default)]
struct Account {
    lines: u64,
    /// How long the slowest write took.
    longest: Duration,
}

/// How lines look and reach the file.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    Plain,
    Long,
    Writev,
    NoFinalNewline,
    Mixed,
}

struct Orders {
    file: PathBuf,
    pidfile: Option<PathBuf>,
    id: u32,
    rate: u64,
    lines: u64,
    /// Bytes in its file from which on it only trickles.
    most: u64,
    seconds: f64,
    style: Style,
}

impl Orders {
    fn from_args(mut args: impl Iterator<Item = String>) -> Result<Orders, String> {
        let mut orders = Orders {
            file: PathBuf::new(),
            pidfile: None,
            id: 0,
            rate: 0,
            lines: u64::MAX,
            most: u64::MAX,
            seconds: f64::INFINITY,
            style: Style::Plain,
        };
        while let Some(flag) = args.next() {
            let value = args.next().ok_or_else(|| format!("{flag} needs a value"))?;
            orders.take(&flag, &value).map_err(|why| format!("{flag} {value}: {why}"))?;
        }
        Ok(orders)
    }

    fn take(&mut self, flag: &str, value: &str) -> Result<(), String> {
        fn number<T: std::str::FromStr<Err: ToString>>(value: &str) -> Result<T, String> {
            value.parse().map_err(|error: T::Err| error.to_string())
        }
        match flag {
            "--file" => self.file = value.into(),
            "--pidfile" => self.pidfile = Some(value.into()),
            "--id" => self.id = number(value)?,
            "--rate" => self.rate = number(value)?,
            "--lines" => self.lines = number(value)?,
            "--most" => self.most = number(value)?,
            "--seconds" => self.seconds = number(value)?,
            "--style" => {
                self.style = match value {
                    "plain" => Style::Plain,
                    "long" => Style::Long,
                    "writev" => Style::Writev,
                    "no-final-newline" => Style::NoFinalNewline,
                    "mixed" => Style::Mixed,
                    _ => return Err("no such style".to_owned()),
                }
            }
            _ => return Err("no such flag".to_owned()),
        }
        Ok(())
    }
}

fn write(orders: &Orders) -> io::Result<Account> {
    let (reopen, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (wake, waker) = UnixStream::pair()?;
    for (signal, flag) in [(SIGHUP, &reopen), (SIGTERM, &stop)] {
        signal_hook::flag::register(signal, Arc::clone(flag))?;
        signal_hook::low_level::pipe::register(signal, waker.try_clone()?)?;
    }
    let mut file = open(orders)?;
    if let Some(pidfile) = &orders.pidfile {
        // Appears whole or not at all: the reader must not see half a number.
        let fresh = pidfile.with_extension("fresh");
        fs::write(&fresh, format!("{}\n", std::process::id()))?;
        fs::rename(&fresh, pidfile)?;
    }
    let began = Instant::now();
    let mut account = Account::default();
    while account.lines < orders.lines && began.elapsed().as_secs_f64() < orders.seconds {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        if reopen.swap(false, Ordering::SeqCst) {
            file = open(orders)?;
        }
        if early(orders.rate, account.lines, began) {
            rest(&wake)?;
            continue;
        }
        if file.metadata()?.len() > orders.most {
            rest(&wake)?;
        }
        let took = put(&mut file, orders, account.lines)?;
        account.longest = account.longest.max(took);
        account.lines += 1;
    }
    Ok(account)
}

fn open(orders: &Orders) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(&orders.file)
}

/// Whether line `seq` is not due yet.
fn early(rate: u64, seq: u64, began: Instant) -> bool {
    rate > 0 && u128::from(seq) * 1_000_000 > began.elapsed().as_micros() * u128::from(rate)
}

/// Until a signal comes, two milliseconds at most; then the lines that became due go out together.
fn rest(wake: &UnixStream) -> io::Result<()> {
    let moment = Timespec::try_from(Duration::from_millis(2)).map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(wake, PollFlags::IN)], Some(&moment)) {
        Ok(0) | Err(rustix::io::Errno::INTR) => Ok(()),
        Ok(_) => {
            let mut told = [0; 64];
            io::Read::read(&mut &*wake, &mut told).map(|_| ())
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes one line; tells how long the write alone took.
fn put(file: &mut File, orders: &Orders, seq: u64) -> io::Result<Duration> {
    let style = match (orders.style, seq % 64) {
        (Style::Mixed, 0) => Style::Long,
        (Style::Mixed, rest) if rest % 2 == 0 => Style::Writev,
        (Style::Mixed, _) => Style::Plain,
        (style, _) => style,
    };
    let filler = match style {
        Style::Long => 4_096 + usize::try_from(seq * 7_919 % 98_304).unwrap_or(0),
        _ => 20 + usize::try_from(seq * 31 % 160).unwrap_or(0),
    };
    let mut line = line::compose(orders.id, seq, filler);
    match style {
        // The end of the line before this one: so whatever file this line closes has no final newline.
        Style::NoFinalNewline => line.insert(0, b'\n'),
        _ => line.push(b'\n'),
    }
    let (rest, end) = line.split_at(line.len() - 1);
    let (head, tail) = rest.split_at(rest.len() / 3);
    let began = Instant::now();
    let written = match style {
        Style::Writev => file.write_vectored(&[head, tail, end].map(IoSlice::new))?,
        _ => file.write(&line)?,
    };
    let took = began.elapsed();
    // One line, one write: a second one for the rest could land in another writer's line.
    if written == line.len() { Ok(took) } else { Err(io::Error::other(format!("{written} of {} bytes written", line.len()))) }
}
