//! Makes log lines that look and compress like real ones, the same on every machine.
//!
//! Shared by the demo and the benchmarks. Small, own pseudo-random numbers: no dependency, no clock.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

/// What the lines look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// nginx's combined access log.
    Access,
    /// An application's JSON lines, each with a random trace id.
    Json,
    /// nginx's error log.
    Error,
}

/// Writes lines of `kind` into a new file until it holds at least `bytes`. The same seed gives the same bytes.
pub(crate) fn write(path: &Path, kind: Kind, bytes: u64, seed: u64) -> io::Result<()> {
    let mut lines = Lines::new(kind, seed);
    let mut out = BufWriter::with_capacity(1 << 18, File::create(path)?);
    let mut written = 0;
    while written < bytes {
        let line = lines.following();
        out.write_all(line.as_bytes())?;
        written += line.len() as u64;
    }
    out.flush()
}

struct Lines {
    kind: Kind,
    dice: Dice,
    /// Milliseconds since 2026-03-01T00:00:00Z.
    at: u64,
    line: String,
}

impl Lines {
    fn new(kind: Kind, seed: u64) -> Lines {
        Lines { kind, dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1), at: 0, line: String::new() }
    }

    fn following(&mut self) -> &str {
        self.line.clear();
        self.at += self.dice.below(180);
        let written = match self.kind {
            Kind::Access => self.access(),
            Kind::Json => self.json(),
            Kind::Error => self.error(),
        };
        written.expect("a String takes everything");
        &self.line
    }

    fn access(&mut self) -> std::fmt::Result {
        let (day, hour, minute, second, _) = calendar(self.at);
        let (client, path, size) = (self.client(), self.path(), self.dice.skewed(40_000));
        let status = self.dice.one_of(&[200, 200, 200, 200, 200, 200, 304, 304, 301, 404, 499, 500]);
        let method = self.dice.one_of(&["GET", "GET", "GET", "GET", "POST", "HEAD"]);
        let from = self.dice.one_of(REFERERS);
        let agent = self.dice.one_of(AGENTS);
        writeln!(
            self.line,
            "{client} - - [{day:02}/Mar/2026:{hour:02}:{minute:02}:{second:02} +0000] \"{method} {path} HTTP/1.1\" {status} {size} \"{from}\" \"{agent}\""
        )
    }

    fn json(&mut self) -> std::fmt::Result {
        let (day, hour, minute, second, milli) = calendar(self.at);
        let (trace, span) = (self.dice.next(), self.dice.next());
        let level = self.dice.one_of(&["info", "info", "info", "info", "info", "debug", "debug", "warn", "error"]);
        let (service, pod) = (self.dice.one_of(&["checkout", "catalog", "payments", "sessions"]), self.dice.below(12));
        let (path, took) = (self.path(), self.dice.skewed(900));
        let says = self.dice.one_of(MESSAGES);
        writeln!(
            self.line,
            "{{\"ts\":\"2026-03-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z\",\"level\":\"{level}\",\"service\":\"{service}\",\
             \"pod\":\"{service}-{pod}\",\"trace\":\"{trace:016x}\",\"span\":\"{:08x}\",\"path\":\"{path}\",\"ms\":{took},\"msg\":\"{says}\"}}",
            span >> 32
        )
    }

    fn error(&mut self) -> std::fmt::Result {
        let (day, hour, minute, second, _) = calendar(self.at * 50);
        let (worker, connection, client, path) =
            (1200 + self.dice.below(4), self.dice.skewed(90_000), self.client(), self.path());
        writeln!(
            self.line,
            "2026/03/{day:02} {hour:02}:{minute:02}:{second:02} [error] {worker}#{worker}: *{connection} upstream timed out \
             (110: Connection timed out) while reading response header from upstream, client: {client}, request: \"GET {path} HTTP/1.1\""
        )
    }

    /// A few clients make most requests.
    fn client(&mut self) -> String {
        let number = self.dice.skewed(6_000).wrapping_mul(2_654_435_761);
        format!("{}.{}.{}.{}", 11 + number % 180, (number >> 8) % 256, (number >> 16) % 256, 1 + (number >> 24) % 254)
    }

    fn path(&mut self) -> String {
        match self.dice.below(6) {
            0 => format!("/api/v2/items/{}", self.dice.skewed(50_000)),
            1 => format!("/api/v2/carts/{}/lines?page={}", self.dice.skewed(20_000), self.dice.below(9)),
            2 => format!("/search?q={}", self.dice.one_of(WORDS)),
            3 => format!("/static/{}.{:06x}.js", self.dice.one_of(WORDS), self.dice.skewed(400) * 40_503),
            4 => "/health".to_owned(),
            _ => format!("/shop/{}/{}", self.dice.one_of(WORDS), self.dice.one_of(WORDS)),
        }
    }
}

/// Day of the month, hour, minute, second, millisecond.
fn calendar(millis: u64) -> (u64, u64, u64, u64, u64) {
    let seconds = millis / 1000;
    (1 + seconds / 86_400 % 31, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60, millis % 1000)
}

/// xorshift64*: good enough for log lines.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    /// Below `limit`, small numbers far more often.
    fn skewed(&mut self, limit: u64) -> u64 {
        let upper = self.below(limit) + 1;
        let upper = self.below(upper) + 1;
        self.below(upper)
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        let index = usize::try_from(self.below(choices.len() as u64)).expect("an index of a slice fits");
        choices[index]
    }
}

const WORDS: &[&str] = &[
    "amber", "basket", "cedar", "denim", "ember", "fabric", "garden", "harbor", "indigo", "jacket", "kettle", "lantern",
    "marble", "nylon", "oak", "pepper", "quilt", "ribbon", "saddle", "teapot", "umbrella", "velvet", "walnut", "yarn",
];
const REFERERS: &[&str] = &["-", "-", "-", "https://shop.example/", "https://shop.example/search", "https://www.example.org/a"];
const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (compatible; bot/2.1; +https://bot.example/about)",
    "ELB-HealthChecker/2.0",
    "curl/8.9.1",
];
const MESSAGES: &[&str] = &[
    "request done",
    "cache miss, asking the database",
    "retrying after a timeout",
    "slow query",
    "user signed in",
    "payment accepted",
    "stock reserved",
    "cannot reach upstream, falling back",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(kind: Kind, seed: u64) -> Vec<String> {
        let mut lines = Lines::new(kind, seed);
        (0..200).map(|_| lines.following().to_owned()).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_lines_and_another_gives_others() {
        for kind in [Kind::Access, Kind::Json, Kind::Error] {
            assert_eq!(lines(kind, 7), lines(kind, 7));
            assert_ne!(lines(kind, 7), lines(kind, 8));
        }
    }

    #[test]
    fn every_line_is_one_line() {
        for kind in [Kind::Access, Kind::Json, Kind::Error] {
            assert!(lines(kind, 1).iter().all(|line| line.ends_with('\n') && line.matches('\n').count() == 1));
        }
    }
}
