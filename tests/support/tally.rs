//! Reads archives and live file back and counts: which numbered lines are there, once and intact.
//!
//! Streams, because there can be gigabytes; never trusts a name beyond its suffix.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use super::line;

/// What the files hold, counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Numbers that should be there and are not.
    pub lost: u64,
    /// Lines that are there again.
    pub twice: u64,
    /// Lines that do not prove themselves.
    pub garbled: u64,
    /// Lines that come before a lower number of the same writer did.
    pub disordered: u64,
    /// Intact lines.
    pub intact: u64,
    /// Files read.
    pub files: u64,
    /// Plain bytes read.
    pub bytes: u64,
    /// The first few complaints, for the message.
    pub complaints: Vec<String>,
}

#[derive(Default)]
struct Seen {
    numbers: Vec<u64>,
    next: u64,
}

impl Tally {
    /// Counts `files` in the order given, against how many lines each writer says that it wrote.
    pub fn of(files: &[PathBuf], written: &BTreeMap<u32, u64>) -> Tally {
        Tally::after_head(files, 0, written)
    }

    /// The same where the last file, the live one, still begins with `head` bytes that an archive holds: exactly these
    /// do not count.
    pub fn after_head(files: &[PathBuf], head: u64, written: &BTreeMap<u32, u64>) -> Tally {
        let mut tally = Tally::default();
        let mut seen: BTreeMap<u32, Seen> = BTreeMap::new();
        for (index, file) in files.iter().enumerate() {
            let skip = if index + 1 == files.len() { head } else { 0 };
            tally.read(file, skip, &mut seen);
        }
        for (id, lines) in written {
            let there = seen.remove(id).unwrap_or_default();
            let lost: Vec<u64> = (0..*lines).filter(|number| !there.has(*number)).collect();
            tally.lost += lost.len() as u64;
            if let (Some(first), Some(last)) = (lost.first(), lost.last()) {
                tally.complain(format!("writer {id}: {} lost between {first} and {last}", lost.len()));
            }
            if there.next > *lines {
                tally.complain(format!("writer {id} wrote {lines} lines, but number {} is there", there.next - 1));
                tally.garbled += 1;
            }
        }
        tally
    }

    /// Panics unless every line is there once, intact and in order.
    pub fn assert_perfect(&self, story: &str) {
        let faults = self.lost + self.twice + self.garbled + self.disordered;
        assert_eq!(faults, 0, "{story}: {self:#?}");
        assert!(self.intact > 0, "{story}: no line was read, so nothing was proved");
    }

    fn read(&mut self, path: &Path, skip: u64, seen: &mut BTreeMap<u32, Seen>) {
        self.files += 1;
        let mut reader = BufReader::with_capacity(1 << 16, plain(path));
        match io::copy(&mut reader.by_ref().take(skip), &mut io::sink()) {
            Ok(skipped) if skipped == skip => {}
            there => {
                self.garbled += 1;
                return self.complain(format!("{}: no head of {skip} bytes: {there:?}", path.display()));
            }
        }
        let mut line = Vec::new();
        let mut first = true;
        loop {
            line.clear();
            let read = reader.by_ref().take(1 << 20).read_until(b'\n', &mut line);
            match read {
                Ok(0) => return,
                Ok(bytes) => self.bytes += bytes as u64,
                Err(error) => {
                    self.garbled += 1;
                    return self.complain(format!("{}: {error}", path.display()));
                }
            }
            let body = line.strip_suffix(b"\n").unwrap_or(&line);
            // A writer that ends its lines late starts every file with the end of the line before.
            if !(first && body.is_empty()) {
                self.count(path, body, seen);
            }
            first = false;
        }
    }

    fn count(&mut self, path: &Path, body: &[u8], seen: &mut BTreeMap<u32, Seen>) {
        let Some((id, number)) = line::parse(body) else {
            self.garbled += 1;
            let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            return self.complain(format!("{}: garbled: {shown:?} ({} bytes)", path.display(), body.len()));
        };
        let writer = seen.entry(id).or_default();
        if writer.has(number) {
            self.twice += 1;
            return self.complain(format!("{}: writer {id}, line {number} again", path.display()));
        }
        let late = number < writer.next;
        writer.note(number);
        self.intact += 1;
        if late {
            self.disordered += 1;
            self.complain(format!("{}: writer {id}, line {number} out of order", path.display()));
        }
    }

    fn complain(&mut self, complaint: String) {
        if self.complaints.len() < 10 {
            self.complaints.push(complaint);
        }
    }
}

impl Seen {
    fn has(&self, number: u64) -> bool {
        self.word(number).is_some_and(|(word, bit)| self.numbers.get(word).is_some_and(|bits| bits >> bit & 1 == 1))
    }

    fn note(&mut self, number: u64) {
        let Some((word, bit)) = self.word(number) else { return };
        if self.numbers.len() <= word {
            self.numbers.resize(word + 1, 0);
        }
        self.numbers[word] |= 1 << bit;
        self.next = self.next.max(number + 1);
    }

    #[expect(clippy::unused_self, reason = "the bit's place belongs to the set")]
    fn word(&self, number: u64) -> Option<(usize, u32)> {
        Some((usize::try_from(number / 64).ok()?, u32::try_from(number % 64).ok()?))
    }
}

/// How many lines a writer says that it wrote, out of all that it printed.
pub fn lines_of(said: &str) -> u64 {
    let first = said.split_whitespace().next();
    first.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("a writer tells its lines first: {said:?}"))
}

/// The bytes that were logged, whatever they were packed with.
pub fn plain(path: &Path) -> Box<dyn Read> {
    let file = File::open(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    match path.extension().and_then(|suffix| suffix.to_str()) {
        Some("zst") => Box::new(zstd::Decoder::new(file).expect("a decoder")),
        Some("gz") => Box::new(flate2::read::MultiGzDecoder::new(file)),
        _ => Box::new(file),
    }
}

/// All archives of `log`, by name and so by time, and the live file last.
pub fn history(log: &Path, archives: Option<&Path>) -> Vec<PathBuf> {
    let folder = log.parent().expect("a log lies in a folder");
    let mut files: Vec<PathBuf> = [Some(folder), archives]
        .into_iter()
        .flatten()
        .flat_map(|folder| fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display())))
        .map(|entry| entry.expect("a listed entry").path())
        .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(|file| is_of_log(file, log)))
        .collect();
    files.sort_by_key(|path| path.file_name().map(std::ffi::OsStr::to_os_string));
    files.dedup();
    files.push(log.to_path_buf());
    files
}

/// Whether `file` has a name that a rotated `log` could have, packed or not.
pub fn is_of_log(file: &str, log: &Path) -> bool {
    let log = log.file_name().and_then(|name| name.to_str()).expect("test logs have plain names");
    file.strip_prefix(log).is_some_and(|rest| rest.starts_with('.'))
}
