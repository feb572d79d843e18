//! A rotated log, open, as it was when it was opened; what became of it since it was recorded; and the body that is made of it.

use std::{fs::File, path::Path};

use crate::{
    failure::{Failure, Result},
    files::{
        compress::{self, Compression, Facts, Label, Packing, Progress, Stretch, Text, TimeRange},
        dir::{Dir, FileId, Kind, Stat, stat_open},
    },
    store::{Maker, Making},
    tools::logs::{
        ledger::Entry,
        rotate::hand::{Hold, Version},
    },
};

/// One that is worked on.
pub(super) struct Source {
    pub(super) file: File,
    pub(super) id: FileId,
    pub(super) version: Version,
    stat: Stat,
}

/// Whether it is what was recorded of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is.
    Same,
    /// It begins with that, and somebody has written more.
    Grown,
    /// It is something else.
    Other,
}

impl Source {
    /// The rotated file of an entry.
    pub(super) fn open(entry: &Entry) -> Result<Source> {
        let file = Dir::open(Path::new(&entry.folder))?.read(&entry.name)?;
        let stat = stat_open(&file)?;
        if stat.kind != Kind::File {
            return Err(Failure::new("read", entry.rotated_path()).because("it is no ordinary file"));
        }
        Ok(Source { id: stat.id, version: Version::of(&stat, Hold::Alone), stat, file })
    }

    /// How long it is.
    pub(super) fn size(&self) -> u64 {
        self.stat.size
    }

    /// Whether nobody has touched it since it was opened.
    pub(super) fn is_untouched(&self) -> Result<bool> {
        Ok(self.version.is(&stat_open(&self.file)?))
    }

    /// Reads all of it that was recorded, and compares.
    pub(super) fn state(&self, label: &Label, facts: &Facts) -> Result<State> {
        if self.size() < facts.size {
            return Ok(State::Other);
        }
        let recorded = Text::of(&self.file, Some(Stretch { from: 0, to: facts.size }));
        let (found, _) = compress::trial(recorded, Compression::None, label, None, (&mut |_| Ok(()), &|_| ()))?;
        Ok(match found.sha256 == facts.sha256 {
            true if self.size() == facts.size => State::Same,
            true => State::Grown,
            false => State::Other,
        })
    }
}

/// The object that is made of a log, or of a part of it, each time that somebody reads it.
pub(super) struct Made<'a> {
    pub(super) text: Text<'a>,
    pub(super) how: Compression,
    pub(super) label: &'a Label,
    pub(super) times: Option<TimeRange>,
    pub(super) progress: Progress<'a>,
}

impl Maker for Made<'_> {
    fn begin(&self) -> Result<Box<dyn Making + '_>> {
        let packing = compress::pack(self.text, self.how, self.label, self.times, self.progress)?;
        Ok(Box::new(OnItsWay(packing)))
    }
}

struct OnItsWay<'a>(Packing<'a>);

impl Making for OnItsWay<'_> {
    fn fill(&mut self, into: &mut [u8]) -> Result<usize> {
        self.0.fill(into)
    }
}
