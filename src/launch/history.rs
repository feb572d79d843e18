//! The capped local history of runs. A history that cannot be written never fails the job: the
//! caller says so and goes on.

use std::{
    fs::{self, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
};

use crate::{
    failure::{Doing, Failure, Result},
    files::own_file,
    report::record::{FORMAT, Record},
    run::State,
};

/// Appends `record`; drops the oldest when the history has grown past its cap.
pub(crate) fn remember(state: &State, record: &Record) -> Result<()> {
    const CAP: usize = 1000;
    let path = state.make()?.join("history.jsonl");
    let mut line = serde_json::to_string(record).expect("a record has string keys only");
    line.push('\n');
    if ends_torn(&path).doing("read", path.display())? {
        line.insert(0, '\n');
    }
    let records = read(state, usize::MAX)?;
    if records.len() < CAP + CAP / 10 {
        return append(&path, &line);
    }
    let fresh = path.with_extension("jsonl.new");
    // Half of it is worth nothing, and the disk may be full.
    rewrite(&fresh, &records[records.len() - CAP + 1..], &line).inspect_err(|_| drop(fs::remove_file(&fresh)))?;
    fs::rename(&fresh, &path).doing("replace", path.display())
}

/// The last block of a disk is for the ledger, without which nothing may be changed.
fn append(path: &Path, line: &str) -> Result<()> {
    let mut file = own_file::open(path, OpenOptions::new().append(true).create(true)).doing("open", path.display())?;
    let length = file.metadata().doing("look at", path.display())?.len() + line.len() as u64;
    if !own_file::leaves_room(&file, length).doing("look at", path.display())? {
        return Err(Failure::new("write", path.display())
            .because("what is left of that disk is for the ledger, and this run is not in the history")
            .hint("free some space"));
    }
    file.write_all(line.as_bytes()).doing("write", path.display())
}

fn rewrite(fresh: &Path, kept: &[Record], line: &str) -> Result<()> {
    let mut file =
        own_file::open(fresh, OpenOptions::new().write(true).create(true).truncate(true)).doing("open", fresh.display())?;
    for kept in kept {
        let kept = serde_json::to_string(kept).expect("a record has string keys only");
        writeln!(file, "{kept}").doing("write", fresh.display())?;
    }
    file.write_all(line.as_bytes()).doing("write", fresh.display())
}

/// Whether a crash cut the last line short: the next one must not become its rest.
fn ends_torn(path: &Path) -> io::Result<bool> {
    let mut file = match own_file::open(path, OpenOptions::new().read(true)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// The last `count` records, oldest first. Lines of a newer format or cut short are passed over.
pub(crate) fn read(state: &State, count: usize) -> Result<Vec<Record>> {
    const LIMIT: u64 = 64 << 20;
    let path = state.folder()?.join("history.jsonl");
    let file = match own_file::open(&path, OpenOptions::new().read(true)) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).doing("read", path.display()),
    };
    let mut records = Vec::new();
    for line in BufReader::new(file.take(LIMIT)).split(b'\n') {
        let line = line.doing("read", path.display())?;
        let record = serde_json::from_slice::<Record>(&line).ok().filter(|record| record.format == FORMAT);
        records.extend(record);
    }
    let surplus = records.len().saturating_sub(count);
    Ok(records.split_off(surplus))
}
