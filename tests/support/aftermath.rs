//! What must be true after a run that was struck and a run that was not: nothing lost, nothing twice,
//! no debris, books in order, and nothing left to do.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use super::{
    heads::Heads,
    scenario::{Ran, Scenario, files_under},
    tally,
};

/// What was there before anything was struck.
#[derive(Clone, Debug, Default)]
pub struct Before {
    logs: BTreeMap<PathBuf, Vec<u8>>,
    archives: Option<PathBuf>,
    /// How many bytes from the start a keep-rule may take.
    may_go: BTreeMap<PathBuf, usize>,
    /// Whether archives are as they were logged.
    uncompressed: bool,
    /// The state's folder, when logs stay the files that they are.
    in_place: Option<PathBuf>,
}

impl Before {
    /// Nothing to look for yet.
    pub fn nothing() -> Before {
        Before::default()
    }

    /// Remembers all that `log` ever was told.
    #[must_use]
    pub fn log(mut self, log: impl Into<PathBuf>, content: Vec<u8>) -> Before {
        self.logs.insert(log.into(), content);
        self
    }

    /// So many bytes at its start may be, and in the end must be, gone by a keep-rule.
    #[must_use]
    pub fn of_which_may_go(mut self, log: impl Into<PathBuf>, bytes: usize) -> Before {
        *self.may_go.entry(log.into()).or_default() += bytes;
        self
    }

    /// Archives are not compressed.
    #[must_use]
    pub fn uncompressed(mut self) -> Before {
        self.uncompressed = true;
        self
    }

    /// Logs stay the files that they are: what of them is archived already, the ledger in this folder tells.
    #[must_use]
    pub fn in_place(mut self, state: impl Into<PathBuf>) -> Before {
        self.in_place = Some(state.into());
        self
    }

    /// The same with more lines at the end of a log.
    #[must_use]
    pub fn and(&self, log: &Path, more: &[u8]) -> Before {
        let mut later = self.clone();
        later.logs.get_mut(log).expect("a log that is known").extend_from_slice(more);
        later
    }

    /// All that a log ever was told.
    pub fn told_to(&self, log: &Path) -> &[u8] {
        &self.logs[log]
    }

    /// Archives lie here.
    #[must_use]
    pub fn archives(mut self, folder: impl Into<PathBuf>) -> Before {
        self.archives = Some(folder.into());
        self
    }

    /// Where archives lie, when not beside the logs.
    pub fn archive_folder(&self) -> Option<&Path> {
        self.archives.as_deref()
    }

    /// Runs once more, undisturbed, and checks all; then once more, which must find nothing to do.
    #[track_caller]
    pub fn assert_mended(&self, scene: &Scenario, story: &str) {
        self.assert_live_paths(story);
        let mending = scene.rotate();
        assert_eq!(mending.code, Some(0), "{story}: the next run does not mend: {mending:#?}");
        self.assert_complete(story);
        self.assert_clean(scene, story);
        let verified = scene.run(&["verify"]);
        assert_eq!(verified.code, Some(0), "{story}: the archives do not verify: {verified:#?}");
        self.assert_idle(scene, story);
    }

    /// The live path never vanishes.
    #[track_caller]
    pub fn assert_live_paths(&self, story: &str) {
        for log in self.logs.keys() {
            assert!(log.is_file(), "{story}: {} vanished", log.display());
        }
    }

    /// Archives and live file together are byte for byte what was logged.
    #[track_caller]
    pub fn assert_complete(&self, story: &str) {
        let heads = self.in_place.as_deref().map_or_else(Heads::default, Heads::of);
        for (log, told) in &self.logs {
            let files = tally::history(log, self.archives.as_deref());
            let mut there = Vec::new();
            for file in &files {
                let read = heads.rest(file).read_to_end(&mut there);
                read.unwrap_or_else(|error| panic!("{story}: cannot read {}: {error}", file.display()));
            }
            let gone = self.may_go.get(log).copied().unwrap_or(0);
            let wanted = &told[gone..];
            assert!(there == wanted, "{story}: {}: {}; files: {files:#?}", log.display(), difference(&there, wanted));
        }
    }

    /// Nothing lost yet: what is there without any repair still holds every byte that must not go. Copies may exist.
    #[track_caller]
    pub fn assert_nothing_lost(&self, story: &str) {
        for (log, told) in &self.logs {
            let gone = self.may_go.get(log).copied().unwrap_or(0);
            if self.in_place.is_some() {
                self.assert_head_archived(log, told, gone, story);
                continue;
            }
            let mut copies = Vec::new();
            for file in tally::history(log, self.archives.as_deref()) {
                let mut content = Vec::new();
                // An unfinished archive does not read to its end; it is no copy then.
                if file.is_file() && tally::plain(&file).read_to_end(&mut content).is_ok() && !content.is_empty() {
                    copies.push(content);
                }
            }
            let mut place = gone;
            while place < told.len() {
                let step = copies.iter().filter(|copy| told[place..].starts_with(copy)).map(Vec::len).max();
                let step =
                    step.unwrap_or_else(|| panic!("{story}: {} lost what follows byte {place} of {}", log.display(), told.len()));
                place += step;
            }
        }
    }

    /// The log is the end of what was told, and archives hold all before it, in their order: lines may be alike.
    #[track_caller]
    fn assert_head_archived(&self, log: &Path, told: &[u8], gone: usize, story: &str) {
        let live = fs::read(log).expect("a readable log");
        assert!(told.ends_with(&live), "{story}: {} is not the end of what was told: {}", log.display(), difference(&live, told));
        let files = tally::history(log, self.archives.as_deref());
        let mut archived = Vec::new();
        for file in files.iter().filter(|file| *file != log) {
            let before = archived.len();
            if tally::plain(file).read_to_end(&mut archived).is_err() {
                archived.truncate(before);
            }
        }
        let reaches = |from: usize| told[from..].starts_with(&archived) && from + archived.len() >= told.len() - live.len();
        let (len, all) = (archived.len(), told.len());
        assert!(
            reaches(0) || reaches(gone),
            "{story}: {} lost lines: {all} bytes were told, {gone} may be gone, {len} are archived, {} are live; {files:#?}",
            log.display(),
            live.len()
        );
    }

    /// No temporary, no empty leftover, no rotated file that was not compressed.
    #[track_caller]
    pub fn assert_clean(&self, scene: &Scenario, story: &str) {
        let mut folders = vec![scene.logs().to_path_buf(), scene.state().to_path_buf()];
        folders.extend(self.archives.clone());
        for folder in folders {
            for (name, size) in files_under(&folder) {
                let path = folder.join(&name);
                let file = Path::new(&name).file_name().and_then(|name| name.to_str()).unwrap_or("");
                let temporary = file.starts_with('.') || [".part", ".tmp", ".new"].iter().any(|end| file.ends_with(end));
                assert!(!temporary, "{story}: debris: {}", path.display());
                let live = self.logs.contains_key(&path);
                let archive = self.logs.keys().any(|log| tally::is_of_log(file, log));
                assert!(live || !archive || packed(file) || self.uncompressed, "{story}: left uncompressed: {}", path.display());
                assert!(live || !archive || size > 0, "{story}: an empty leftover: {}", path.display());
            }
        }
    }

    /// A further run has nothing to do.
    #[track_caller]
    pub fn assert_idle(&self, scene: &Scenario, story: &str) {
        let before = self.snapshot(scene);
        let ran: Ran = scene.rotate();
        assert_eq!(ran.code, Some(0), "{story}: a run with nothing to do fails: {ran:#?}");
        let json = ran.json();
        let done = json["steps"].as_array().map_or(0, |steps| steps.iter().filter(|step| step["outcome"] == "done").count());
        assert_eq!(done, 0, "{story}: a further run still found work: {}", ran.stdout);
        assert_eq!(before, self.snapshot(scene), "{story}: a run with nothing to do changed files");
    }

    fn snapshot(&self, scene: &Scenario) -> BTreeMap<String, u64> {
        let mut files = scene.files();
        if let Some(archives) = &self.archives {
            files.extend(files_under(archives));
        }
        let ledger = scene.state().join("ledger.jsonl");
        files.insert("the ledger".to_owned(), fs::metadata(ledger).map_or(0, |meta| meta.len()));
        files
    }
}

fn packed(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|end| end == "zst" || end == "gz")
}

fn difference(there: &[u8], told: &[u8]) -> String {
    let same = there.iter().zip(told).take_while(|(one, other)| one == other).count();
    let shown = |bytes: &[u8]| String::from_utf8_lossy(&bytes[same..bytes.len().min(same + 60)]).into_owned();
    format!(
        "{} bytes are there, {} were told; from byte {same} on {:?} instead of {:?}",
        there.len(),
        told.len(),
        shown(there),
        shown(told)
    )
}
