//! Small records that are written whole and read whole: one line of JSON that says what it is, of which version, and ends in a
//! checksum of the rest. What does not agree with it is damaged; what is newer is never guessed at.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Write},
    path::Path,
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    failure::{Doing, Failure, Result},
    files::{fingerprint, own_file},
};

/// No record of ours is longer, but for manifests.
pub const LONGEST: u64 = 64 << 10;
const SUM: &str = ",\"sum\":\"";

/// What a record is.
pub trait Paper: Serialize + DeserializeOwned {
    /// Its name, for ever.
    const FORMAT: &'static str;
    /// The version that is written; older ones are read.
    const VERSION: u64 = 1;
}

/// The record as text, with its line's end.
pub fn text<P: Paper>(paper: &P) -> Vec<u8> {
    let body = serde_json::to_value(paper).expect("records have string keys only");
    let mut all = serde_json::Map::new();
    all.insert("format".to_owned(), P::FORMAT.into());
    all.insert("version".to_owned(), P::VERSION.into());
    all.extend(body.as_object().cloned().unwrap_or_default());
    let mut text = Value::Object(all).to_string().into_bytes();
    text.pop();
    let sum = sum(&text);
    text.extend_from_slice(format!("{SUM}{sum}\"}}\n").as_bytes());
    text
}

/// The record that `text` is, or why it is none.
pub fn read<P: Paper>(text: &[u8]) -> std::result::Result<P, String> {
    let value: Value = serde_json::from_slice(text).map_err(|_| "it is no JSON".to_owned())?;
    if value["format"] != P::FORMAT {
        return Err(format!("it is no {}", P::FORMAT));
    }
    match value["version"].as_u64() {
        Some(version) if version > P::VERSION => {
            return Err(format!("it is of version {version}, and this ops-logs reads up to {}", P::VERSION));
        }
        Some(_) => {}
        None => return Err("it has no version".to_owned()),
    }
    let begins = text.windows(SUM.len()).rposition(|window| window == SUM.as_bytes()).ok_or("it has no checksum")?;
    let told = format!("{SUM}{}\"}}", sum(&text[..begins]));
    if text[begins..].trim_ascii_end() != told.as_bytes() {
        return Err("it is damaged: its checksum is of another text".to_owned());
    }
    serde_json::from_value(value).map_err(|error| format!("it lacks something: {error}"))
}

/// All that an open file holds, if that is not too much.
pub fn read_file(file: &File, shown: &str, longest: u64) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    file.take(longest + 1).read_to_end(&mut text).doing("read", shown)?;
    if text.len() as u64 > longest { Err(Failure::new("read", shown).because("it is too long to be a record")) } else { Ok(text) }
}

/// The text of a record of our own; None where there is no such file.
pub fn kept(path: &Path, longest: u64) -> Result<Option<Vec<u8>>> {
    match own_file::open(path, OpenOptions::new().read(true)) {
        Ok(file) => read_file(&file, &path.display().to_string(), longest).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).doing("read", path.display()),
    }
}

/// Writes a record of our own in the place of what was there; it survives a power cut when this returns.
pub fn keep<P: Paper>(path: &Path, paper: &P) -> Result<()> {
    let fresh = path.with_extension("new");
    let mut file =
        own_file::open(&fresh, OpenOptions::new().write(true).create(true).truncate(true)).doing("write", fresh.display())?;
    file.write_all(&text(paper)).doing("write", fresh.display())?;
    file.sync_data().doing("sync", fresh.display())?;
    fs::rename(&fresh, path).doing("replace", path.display())?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    File::open(folder).and_then(|folder| folder.sync_all()).doing("sync the folder", folder.display())
}

fn sum(text: &[u8]) -> String {
    let mut hex = fingerprint::of(text);
    hex.truncate(16);
    hex
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Note {
        text: String,
    }

    impl Paper for Note {
        const FORMAT: &'static str = "test.note";
    }

    fn written(text_of: &str) -> Vec<u8> {
        text(&Note { text: text_of.to_owned() })
    }

    #[test]
    fn what_is_written_is_read_and_whatever_is_altered_is_noticed() {
        for told in ["", "x", "\",\"sum\":\"", "ä\n"] {
            assert_eq!(read::<Note>(&written(told)).unwrap().text, told);
        }
        let whole = written("some text");
        for at in 0..whole.len() - 1 {
            for bit in [1, 4] {
                let mut other = whole.clone();
                other[at] ^= bit;
                assert!(read::<Note>(&other).is_err(), "{}", String::from_utf8_lossy(&other));
            }
            assert!(read::<Note>(&whole[..at]).is_err());
        }
    }

    #[test]
    fn a_newer_record_is_not_guessed_at() {
        let newer = String::from_utf8(written("x")).unwrap().replace("\"version\":1", "\"version\":2");
        assert!(read::<Note>(newer.as_bytes()).unwrap_err().contains("version 2"));
        assert!(read::<Note>(b"{\"format\":\"test.other\",\"version\":1}").unwrap_err().contains("it is no test.note"));
    }
}
