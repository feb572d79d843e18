//! A file that is bound for the archive, by whatever method: whose it is, which name it gets, and where its archive goes.
//! Never why: that is its method's to say.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::{
    failure::{Failure, Result},
    files::{
        archive_name::{ArchiveName, Extension},
        cut::Head,
        dir::FileId,
    },
    tools::logs::{
        containers::Labels,
        ledger::{Content, Entry, EntryId, OnVolumes, Stage},
        rotate::facts::{FolderFact, Newest, World},
        settings::LogSet,
    },
};

/// A file that is to be archived.
#[derive(Debug)]
pub struct Bound {
    /// The set, by position.
    pub set: usize,
    /// The folder of the log.
    pub folder: PathBuf,
    /// Where its archive goes, when not to the same folder.
    pub archives: Option<PathBuf>,
    /// The volumes that these are on.
    pub volumes: Option<OnVolumes>,
    /// The live name.
    pub log: String,
    /// The name it gets.
    pub name: ArchiveName,
    /// When, to the second: the name may have to be later, to sort after the one before.
    pub at: DateTime<Utc>,
    /// Which file it is.
    pub file: FileId,
    /// When its first line may have been written.
    pub begun: DateTime<Utc>,
    /// Whose it is.
    pub labels: Labels,
}

/// The file, before it has a name of ours.
pub(super) struct Source<'a> {
    /// The set, by position.
    pub set: usize,
    /// The folder of the log, by position.
    pub folder: usize,
    /// The live name.
    pub log: &'a str,
    /// Which file it is.
    pub file: FileId,
    /// When its first line may have been written.
    pub begun: DateTime<Utc>,
    /// What people call its writer.
    pub labels: Labels,
}

impl Bound {
    /// Gives it a name, later than all of its log in use, as of `at`.
    pub(super) fn new(source: Source, set: &LogSet, world: &World, newest: &mut Newest, at: DateTime<Utc>) -> Result<Bound> {
        let fact = &world.folders[source.folder];
        let elsewhere = set.archive_dir.as_ref().map(|dir| archives(dir, fact, world)).transpose()?.flatten();
        let archives = elsewhere.map(|elsewhere| elsewhere.path.clone());
        let name = give_name(newest, &fact.path, archives.as_deref(), source.log, at)?;
        Ok(Bound {
            set: source.set,
            folder: fact.path.clone(),
            archives,
            volumes: fact.volumes(elsewhere),
            log: source.log.to_owned(),
            at: DateTime::from_timestamp(at.timestamp(), 0).unwrap_or(name.at()),
            name,
            file: source.file,
            begun: source.begun,
            labels: source.labels,
        })
    }

    /// The live log's path.
    pub fn log_path(&self) -> String {
        self.folder.join(&self.log).display().to_string()
    }

    /// What of the live log's beginning is in an archive already.
    pub fn head<'a>(&self, content: &'a Content) -> Option<&'a Head> {
        content.heads.of(&self.log_path(), self.volumes.as_ref().and_then(|volumes| volumes.log_root.as_deref()))
    }

    /// The entry of what is about to begin.
    pub fn intent(&self, id: EntryId, set: &LogSet) -> Entry {
        Entry {
            id,
            set: set.name.clone(),
            folder: self.folder.display().to_string(),
            log: self.log.clone(),
            archives: self.archives.as_ref().map(|path| path.display().to_string()),
            name: self.name.clone().with(Extension::Plain).to_string(),
            at: self.at,
            begun: Some(self.begun),
            file: Some(self.file),
            cut: None,
            piece: false,
            taken: None,
            volumes: self.volumes.clone(),
            inherited: None,
            labels: self.labels.clone(),
            stage: Stage::Intended,
            archive: None,
            company: None,
            shipped: None,
        }
    }
}

/// What `dir` is; nothing when it is the log's own folder, whatever way leads there.
fn archives<'a>(dir: &Path, folder: &FolderFact, world: &'a World) -> Result<Option<&'a FolderFact>> {
    let unseen = || Failure::new("open the folder", dir.display()).because("it was not looked into");
    let fact = world.folder(dir).ok_or_else(unseen)?;
    let (stat, _) = fact.state.as_ref().map_err(|failure| no_archives(dir, failure))?;
    let own = folder.state.as_ref().is_ok_and(|(own, _)| own.id == stat.id);
    Ok((!own).then_some(fact))
}

/// A name later than all in use, and from now on in use itself.
fn give_name(newest: &mut Newest, folder: &Path, archives: Option<&Path>, log: &str, now: DateTime<Utc>) -> Result<ArchiveName> {
    let homes = || std::iter::once(folder).chain(archives);
    let name = ArchiveName::after(log, now, homes().filter_map(|home| newest.of(home, log)).max())?;
    for home in homes() {
        newest.note(home, log, name.stamp());
    }
    Ok(name)
}

/// The log's own folder is at hand: what is wrong is the one that a setting names.
pub(super) fn no_archives(dir: &Path, failure: &Failure) -> Failure {
    let cause = failure.cause.as_deref().unwrap_or("it cannot be opened");
    let refused = Failure::new("archive to", dir.display()).because(format!("its archive-dir {}: {cause}", dir.display()));
    match &failure.hint {
        _ if failure.is_absence() => refused.hint("make it, or change archive-dir"),
        Some(hint) => refused.hint(hint),
        None => refused.hint("change archive-dir, or what stands in its way"),
    }
}
