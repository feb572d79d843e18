//! Gives a file that its writer has finished one more name, ours. The writer may rename or remove its own name at any
//! moment, so the file is opened, looked at, and linked as it is open: never whatever has the name by then.

use std::fs::File;

use super::{Acted, Compress, Here};
use crate::{
    failure::{Failure, Result},
    files::{
        archive_name::ArchiveName,
        compress::{self, Compression, Facts, Progress},
        dir::{FileId, Kind, stat_open},
        identity::{Agreement, Identity},
    },
};

impl Here {
    /// See [`super::super::Hand::pin`].
    pub(super) fn pin(&self, name: &str, pin: &str, file: &Identity) -> Result<Acted> {
        // What could not be archived there, or whose pin could not be removed, is better off without one.
        self.archives().check_writable()?;
        self.check_unlocked(name)?;
        let gone = || {
            let gone = Failure::new("collect", self.logs.shown(name)).because("its writer removed it a moment ago");
            gone.hint("run more often, or have its writer keep more files")
        };
        let open = match self.opened(name, file)? {
            Some(open) => open,
            None => self.elsewhere(file)?.ok_or_else(gone)?,
        };
        match self.logs.link(&open, pin) {
            // What has lost its last name while it was open gets no other one.
            Err(failure) if failure.is_absence() => Err(gone()),
            linked => linked.map(|()| Acted::Done),
        }
    }

    /// Copies what its writer compressed as it is, once it is proven to give back what it holds. One more name would not do:
    /// its writer may write to that file again.
    pub(super) fn keep_packed(&self, source: &File, job: &Compress, progress: Progress) -> Result<(Facts, FileId)> {
        let part = self.archives().create(&job.part)?;
        self.write_part(source, &part, &Compress { how: Compression::None, ..job.clone() }, &|_| ())?;
        let (found, stat) = (compress::examine(&part, job.how, progress)?, stat_open(&part)?);
        let encoder = "its writer's".to_owned();
        let facts = Facts { sha256: found.sha256, size: found.size, lines: found.lines, stored: stat.size, encoder, times: None };
        Ok((facts, stat.id))
    }

    /// Whether `pin` stands for this file.
    pub(in crate::tools::logs::rotate::hand) fn pinned(&self, pin: &str, file: &Identity) -> Result<()> {
        let stat = self.logs.stat(pin)?.ok_or_else(|| super::gone(&self.logs, pin))?;
        let found = Identity::of(&self.logs, pin, &stat);
        if stat.kind == Kind::File && found.agrees(file) != Agreement::Other {
            Ok(())
        } else {
            Err(super::another(&self.logs, pin))
        }
    }

    /// The file, open, while it has that name.
    fn opened(&self, name: &str, file: &Identity) -> Result<Option<File>> {
        let open = match self.logs.read(name) {
            Ok(open) => open,
            Err(failure) if failure.is_absence() => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let (found, stat) = Identity::of_open(&open)?;
        Ok((stat.kind == Kind::File && found.agrees(file) != Agreement::Other).then_some(open))
    }

    /// Writers shift names, `.1` to `.2`, while we look: the file under the name that it has now.
    fn elsewhere(&self, file: &Identity) -> Result<Option<File>> {
        let mut names = Vec::new();
        self.logs.each(|name, kind| {
            if let (Ok(name), Some(Kind::File) | None) = (name, kind) {
                names.push(name.to_owned());
            }
        })?;
        names.retain(|name| ArchiveName::parse(name).is_none() && !ArchiveName::is_part(name));
        for name in names {
            if self.logs.stat(&name)?.is_some_and(|stat| stat.id.ino == file.ino)
                && let Some(open) = self.opened(&name, file)?
            {
                return Ok(Some(open));
            }
        }
        Ok(None)
    }
}
