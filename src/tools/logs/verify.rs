//! `verify`: decompresses every archive that the ledger knows and compares it with the recorded facts.
//! Changes nothing.

mod spooled;
mod stored;

use std::{fs::File, path::Path};

use crate::{
    failure::{Exit, Failure, Result},
    files::{
        archive_name::ArchiveName,
        compress::{self, Compression, Progress},
        dir::{Dir, Kind, stat_open},
    },
    report::{Finding, Incomplete, Outcome, Report, Severity, Size, Step, count},
    run::{Run, side_by_side},
    tool::Query,
    tools::logs::{
        heirs::Heirs,
        ledger::{Archive, Entry, Ledger, Stage},
        spool::{Spool, Waiting},
    },
};

pub use self::stored::{SignedBy, VerifyStore};

/// Which archives to prove anew.
pub struct Verify {
    /// Only archives of these sets; all when None, also of sets that the settings no longer name.
    pub sets: Option<Vec<String>>,
    /// Who inherits the archives of sets that are gone.
    pub heirs: Heirs,
    /// This machine's name.
    pub host: String,
    /// Where archives wait for the store, when there is one.
    pub spool: Option<Spool>,
    /// Archives examined at the same time.
    pub parallel: usize,
}

/// What came of one archive.
enum Verdict {
    /// As recorded.
    Sound,
    /// It is there, and it is not what was recorded.
    Wrong(String),
    /// It is not there.
    Missing,
    /// A run removed it by its rules while we were looking.
    Removed,
    /// We could not look.
    Unknown(Failure),
}

impl Query for Verify {
    fn schema(&self) -> Option<&'static str> {
        Some("opsbelt.logs.verify/1")
    }

    fn answer(&self, run: &Run) -> Result<Report> {
        let ledger = self.ledger(run)?;
        let archives: Vec<(&Entry, &Archive)> =
            ledger.content().entries.values().filter_map(|entry| self.wanted(entry)).collect();
        let mut verdicts = self.examine_all(run, &archives);
        let missing = |verdict: &Option<Verdict>| matches!(verdict, Some(Verdict::Missing));
        if verdicts.iter().any(missing) {
            let now = self.ledger(run)?;
            let recorded = |entry: &Entry| now.content().entries.get(&entry.id).is_some_and(|entry| self.wanted(entry).is_some());
            for (verdict, (entry, _)) in verdicts.iter_mut().zip(&archives) {
                if missing(verdict) && !recorded(entry) {
                    *verdict = Some(Verdict::Removed);
                }
            }
        }
        let mut report = report(run, &archives, verdicts);
        report.incomplete.extend(ledger.damage());
        if let Some(spool) = &self.spool {
            let meant = |waiting: &Waiting| self.sets.as_ref().is_none_or(|sets| sets.contains(&waiting.parcel.set));
            spooled::examine(run, spool, self.parallel, meant, &mut report);
        }
        Ok(report)
    }
}

impl Verify {
    fn ledger(&self, run: &Run) -> Result<Ledger> {
        let mut ledger = Ledger::read(run.state.folder()?, &self.host)?;
        self.heirs.settle(&mut ledger);
        Ok(ledger)
    }

    /// The archive of an entry that is asked about. What a run was about to remove may be gone, and nobody else took it.
    fn wanted<'e>(&self, entry: &'e Entry) -> Option<(&'e Entry, &'e Archive)> {
        let asked = entry.stage != Stage::Removing && self.sets.as_ref().is_none_or(|sets| sets.contains(&entry.set));
        Some((entry, entry.archive.as_ref()?)).filter(|_| asked)
    }

    fn examine_all(&self, run: &Run, archives: &[(&Entry, &Archive)]) -> Vec<Option<Verdict>> {
        let bar = run.progress.bytes("verifying", archives.iter().map(|(_, archive)| archive.facts.size).sum());
        let one = |(entry, archive): &(&Entry, &Archive)| examine(entry, archive, &|bytes| bar.advance(bytes));
        side_by_side(archives, self.parallel, &run.shutdown, || (), one)
    }
}

fn report(run: &Run, archives: &[(&Entry, &Archive)], verdicts: Vec<Option<Verdict>>) -> Report {
    let mut report = Report::default();
    let (mut all, mut sound, mut bytes) = (0_u64, 0_u64, 0);
    for ((entry, Archive { facts, .. }), verdict) in archives.iter().zip(verdicts) {
        let path = entry.path();
        all += u64::from(!matches!(verdict, Some(Verdict::Removed)));
        match verdict {
            None => report.incomplete.push(Incomplete::new(path, "stopped before it was examined")),
            Some(Verdict::Sound) => {
                sound += 1;
                bytes += facts.size;
                if run.every_item {
                    let why = format!("{}, {} lines, sha-256 {}", Size(facts.size), facts.lines, facts.sha256);
                    report.steps.push(Step::new("verify", path, Outcome::Kept, why));
                }
            }
            Some(Verdict::Wrong(why)) => report.findings.push(
                Finding::new("logs.archive-wrong", Severity::Danger, path, why)
                    .hint("restore it from a backup; ops-logs keeps the file as it is"),
            ),
            Some(Verdict::Missing) => report.findings.push(
                Finding::new(
                    "logs.archive-missing",
                    Severity::Danger,
                    path,
                    "it is recorded and not there; ops-logs did not remove it",
                )
                .hint("restore it from a backup, or find out who removes files in that folder"),
            ),
            Some(Verdict::Removed) => {}
            Some(Verdict::Unknown(failure)) => report.incomplete.push((&failure).into()),
        }
    }
    report.summary = match all {
        0 => "no archive is recorded yet".to_owned(),
        all => {
            format!("as recorded: {sound} of {} ({} decompressed and compared by sha-256)", count(all, "archive"), Size(bytes))
        }
    };
    report
}

fn examine(entry: &Entry, Archive { file, facts }: &Archive, progress: Progress) -> Verdict {
    let archive = match open(entry.archive_folder(), file) {
        Ok((archive, stored)) if stored == facts.stored => archive,
        Ok((_, stored)) => return Verdict::Wrong(format!("it has {stored} bytes, and {} were recorded", facts.stored)),
        Err(failure) if failure.is_absence() => return Verdict::Missing,
        Err(failure) => return Verdict::Unknown(failure),
    };
    let how = ArchiveName::parse(file).map_or(Compression::None, |name| Compression::of(name.extension()));
    match compress::examine(&archive, how, progress) {
        Err(failure) if failure.exit == Exit::PersonNeeded => {
            Verdict::Wrong(failure.cause.unwrap_or_else(|| "it cannot be decompressed".to_owned()))
        }
        Err(failure) => Verdict::Unknown(Failure { doing: "verify".to_owned(), what: entry.path(), ..failure }),
        Ok(found) if found.sha256 != facts.sha256 => {
            Verdict::Wrong(format!("its content has sha-256 {}, and {} was recorded", found.sha256, facts.sha256))
        }
        Ok(found) if (found.size, found.lines) != (facts.size, facts.lines) => {
            Verdict::Wrong(format!("it holds {} bytes, and {} were recorded", found.size, facts.size))
        }
        Ok(_) => Verdict::Sound,
    }
}

/// The archive and its size. What is no ordinary file is not opened: to open a device can act.
fn open(folder: &str, name: &str) -> Result<(File, u64)> {
    let dir = Dir::open(Path::new(folder))?;
    if dir.stat(name)?.is_some_and(|stat| stat.kind != Kind::File) {
        return Err(Failure::new("verify", dir.shown(name)).because("it is no ordinary file any more"));
    }
    let archive = dir.read(name)?;
    let stored = stat_open(&archive)?.size;
    Ok((archive, stored))
}
