//! How far a child is believed: what it says of files must be what we see ourselves, and its words are short
//! and harmless before they reach the ledger or a person.

use rustix::io::Errno;

use super::{Acted, Compress, Here, Proven, Released};
use crate::{
    failure::{Failure, Result},
    files::writers::Writers,
};

/// The answer, checked as far as it can be.
pub(super) fn acted(acted: Acted) -> Result<Acted> {
    let impossible = || Failure::new("believe", "what a child says of a log").because("its numbers contradict each other");
    Ok(match acted {
        Acted::Writers(Writers::Somebody(Some(who))) => Acted::Writers(Writers::Somebody(Some(words(&who)))),
        Acted::Writers(Writers::Unknown(why)) => Acted::Writers(Writers::Unknown(words(&why))),
        Acted::Released(Released::Changed(why)) => Acted::Released(Released::Changed(words(&why))),
        Acted::Cut(Err(why)) => Acted::Cut(Err(words(&why))),
        Acted::Prepared(Some(cut)) if !cut.is_sound() => return Err(impossible()),
        Acted::Cut(Ok(head)) if !head.is_sound() => return Err(impossible()),
        other => other,
    })
}

/// What the child says of its compression, if that is what stands there.
pub(super) fn proven(here: &Here, job: &Compress, proven: &Proven) -> Result<()> {
    let refuse = |why: &str| Err(Failure::new("believe", format!("what a child says of {}", job.source)).because(why));
    let facts = &proven.facts;
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if facts.sha256.len() != 64 || !facts.sha256.bytes().all(hex) {
        return refuse("its checksum is none");
    }
    if facts.encoder.len() > 100 || !facts.encoder.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return refuse("its encoder's name is none");
    }
    if facts.lines > facts.size || (facts.lines == 0) != (facts.size == 0) {
        return refuse("there cannot be so many lines in it");
    }
    if facts.times.is_some_and(|times| times.from > times.until) {
        return refuse("its last line is older than its first");
    }
    here.confirm(job, proven)
}

/// A failure in a child's words.
pub(super) fn failure(failure: &Failure) -> Failure {
    Failure {
        doing: words(&failure.doing),
        what: words(&failure.what),
        cause: failure.cause.as_deref().map(words),
        hint: failure.hint.as_deref().map(words),
        exit: failure.exit,
        errno: failure.errno,
    }
}

/// A child may say that its disk is full: that changes nothing but what a person reads. Everything else, that
/// something is not there above all, we see ourselves.
pub(super) fn errno(number: Option<i32>) -> Option<Errno> {
    [Errno::NOSPC, Errno::DQUOT].into_iter().find(|errno| Some(errno.raw_os_error()) == number)
}

/// One line that is not endless.
fn words(text: &str) -> String {
    const LONGEST: usize = 500;
    let line = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.chars().take(LONGEST).map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use chrono::DateTime;

    use super::*;
    use crate::{
        files::{
            compress::{Facts, TimeRange, TimeSource},
            cut::{Cut, Head, Place, Way},
            dir::{Dir, FileId},
        },
        tools::logs::rotate::hand::Act,
    };

    fn folder(path: &Path) -> Here {
        Here::new(Dir::open(path).unwrap(), None)
    }

    fn job(path: &Path) -> Compress {
        fs::write(path.join("app.log"), "a line\n".repeat(9)).unwrap();
        let stat = Dir::open(path).unwrap().stat("app.log").unwrap().unwrap();
        Compress::sample("app.log", stat.id, stat.size)
    }

    #[test]
    fn what_a_child_says_of_an_archive_must_be_what_stands_there() {
        let home = tempfile::tempdir().unwrap();
        let (here, job) = (folder(home.path()), job(home.path()));
        let Acted::Proven(honest) = here.act(Act::Compress(job.clone()), &|_| ()).unwrap() else { panic!("no proof") };
        assert_eq!(proven(&here, &job, &honest), Ok(()));
        let lie = |change: &dyn Fn(&mut Facts)| {
            let mut lie = honest.clone();
            change(&mut lie.facts);
            proven(&here, &job, &lie).unwrap_err().cause.unwrap()
        };
        assert_eq!(lie(&|facts| facts.sha256.push('0')), "its checksum is none");
        assert_eq!(lie(&|facts| facts.sha256 = facts.sha256.to_uppercase()), "its checksum is none");
        assert_eq!(lie(&|facts| facts.encoder = "x".repeat(101)), "its encoder's name is none");
        assert_eq!(lie(&|facts| facts.encoder = "zstd\u{1b}[2J".into()), "its encoder's name is none");
        assert_eq!(lie(&|facts| facts.lines = facts.size + 1), "there cannot be so many lines in it");
        assert_eq!(lie(&|facts| facts.lines = 0), "there cannot be so many lines in it");
        let (from, until) = (DateTime::from_timestamp(9, 0).unwrap(), DateTime::UNIX_EPOCH);
        let backwards = TimeRange { from, until, source: TimeSource::Lines };
        assert_eq!(lie(&|facts| facts.times = Some(backwards)), "its last line is older than its first");
        assert!(lie(&|facts| facts.stored += 1).contains("has another size"));
        assert!(lie(&|facts| facts.size += 1).contains("still written to"));
        let other = Proven { archive: FileId { ino: honest.archive.ino + 1, ..honest.archive }, ..honest.clone() };
        assert!(proven(&here, &job, &other).unwrap_err().cause.unwrap().contains("another file"));
        fs::write(home.path().join("app.log"), "b line\n".repeat(9)).unwrap();
        assert!(proven(&here, &job, &honest).unwrap_err().cause.unwrap().contains("still written to"));
    }

    #[test]
    fn words_of_a_child_are_short_and_one_line() {
        let long = Failure::new("x".repeat(9000), "a\nb\u{1b}").because("y".repeat(9000)).hint("z".repeat(9000));
        let failure = failure(&long);
        assert_eq!((failure.doing.len(), failure.what.as_str()), (500, "a b "));
        assert!(failure.cause.unwrap().len() == 500 && failure.hint.unwrap().len() == 500);
        let Acted::Writers(Writers::Somebody(Some(who))) =
            acted(Acted::Writers(Writers::Somebody(Some("w".repeat(9000))))).unwrap()
        else {
            panic!("another answer")
        };
        assert_eq!(who.len(), 500);
        let Acted::Cut(Err(why)) = acted(Acted::Cut(Err("w\n".repeat(9000)))).unwrap() else { panic!("another answer") };
        assert!(why.len() == 500 && !why.contains('\n'));
    }

    #[test]
    fn what_a_child_says_of_a_log_that_stays_must_be_possible() {
        let place = Place { way: Way::Collapse, unit: 4096 };
        let (layout, after, ending, anchor, left) = (None, None, None, None, None);
        let cut = Cut { place, from: 0, to: 8200, remove: 8192, length: 9000, layout, after, ending, anchor, left };
        let head =
            Head { inode: 7, archived: 8, hole: 0, sha256: "0".repeat(64), length: 808, layout: None, anchor: None, place };
        for honest in [Acted::Prepared(None), Acted::Prepared(Some(cut.clone())), Acted::Cut(Ok(head.clone()))] {
            assert_eq!(acted(honest.clone()), Ok(honest));
        }
        let backwards = Cut { to: 8192, from: 8193, ..cut };
        let endless = Head { sha256: "0".repeat(1 << 20), ..head };
        for lie in [Acted::Prepared(Some(backwards)), Acted::Cut(Ok(endless))] {
            assert_eq!(acted(lie).unwrap_err().cause.as_deref(), Some("its numbers contradict each other"));
        }
    }
}
