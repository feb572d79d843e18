//! Two logs whose writers rotate by themselves, and what must be kept of them.
//!
//! Their sets are two: what the first one did is in the ledger before the second one begins.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{
    aftermath::Before,
    files,
    scenario::{Ran, Scenario},
    scene::{Scene, staged},
    tally,
};

/// What every such file begins with.
const GZIP: &[u8] = &[0x1f, 0x8b];
const LOGS: [&str; 2] = ["one.log", "two.log"];

/// How the tree is made.
#[derive(Clone, Copy, Debug)]
pub struct Writers<'a> {
    /// How archives are compressed; `as-is` for writers that compress by themselves.
    pub compress: &'a str,
    /// So many archives are kept of each log.
    pub keep: usize,
    /// Logs live below this folder, else in the temporary one.
    pub logs_in: Option<&'a Path>,
    /// State lives below this folder.
    pub state_in: Option<&'a Path>,
    /// Archives go below this folder, else beside the logs.
    pub archives_in: Option<&'a Path>,
}

impl Default for Writers<'_> {
    fn default() -> Self {
        Writers { compress: "zstd", keep: 100, logs_in: None, state_in: None, archives_in: None }
    }
}

impl Writers<'_> {
    /// Of each log an earlier run kept the first file; since then its writer has finished two, and one is live.
    pub fn play(&self) -> Scene {
        let (scenario, before) = self.stage();
        let packed = if self.compress == "as-is" { ".gz" } else { "" };
        for turn in 0..4 {
            for log in LOGS {
                let name = |number: usize| scenario.live(&format!("{log}.{number}{packed}"));
                for number in (1..turn).rev() {
                    fs::rename(name(number), name(number + 1)).expect("our own tree");
                }
                if turn > 0 {
                    finish(&scenario.live(log), &name(1));
                }
                files::write(scenario.live(log), text(log, turn)).expect("our own tree");
            }
            if turn < 2 {
                scenario.rotate().exits(0);
            }
        }
        Scene { scenario, before }
    }

    fn stage(&self) -> (Scenario, Before) {
        let (scenario, before, elsewhere) = staged(self.logs_in, self.state_in, self.archives_in);
        let compress = if self.compress == "as-is" { "zstd" } else { self.compress };
        let set = |log: &&str| {
            format!(
                "[[log]]\nname = \"{log}\"\nmethod = \"collect\"\npaths = [\"{{logs}}/{log}\"]\ncompress = \"{compress}\"\n\
                 keep = {{ count = {} }}\n{elsewhere}",
                self.keep
            )
        };
        let settings = ["host = \"test\"\nlogrotate = \"\"\nparallel = 1\n".to_owned()].into_iter().chain(LOGS.iter().map(set));
        (scenario.settings(&settings.collect::<String>()), before)
    }
}

fn text(log: &str, turn: usize) -> String {
    format!("{log} {turn}\n").repeat(50)
}

/// What a writer does with a file that it is done with.
fn finish(live: &Path, finished: &Path) {
    if finished.extension().is_none_or(|end| end != "gz") {
        return fs::rename(live, finished).expect("our own tree");
    }
    let mut packed = flate2::read::GzEncoder::new(fs::File::open(live).expect("our own tree"), flate2::Compression::fast());
    let mut bytes = Vec::new();
    packed.read_to_end(&mut bytes).expect("a small log");
    files::write(finished, bytes).expect("room");
    fs::remove_file(live).expect("our own tree");
}

/// The files that are finished in these turns, as [`kept`] tells them.
pub fn finished(turns: std::ops::Range<usize>) -> Vec<String> {
    LOGS.iter().flat_map(|log| turns.clone().map(move |turn| format!("{log} {turn}"))).collect()
}

/// The first line of each archive or pin of ours, sorted by name.
pub fn kept(scene: &Scene) -> Vec<String> {
    let mut files = ours(scene);
    files.sort_by_key(|path| path.file_name().map(std::ffi::OsStr::to_os_string));
    files.iter().map(|path| first_line(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))).collect()
}

/// The same of everything that can be read, also the writers' own files: nothing may be missing here at any moment.
pub fn there(scene: &Scene) -> BTreeSet<String> {
    let files = ours(scene).into_iter().chain(theirs(&scene.scenario).into_values());
    files.filter_map(|path| first_line(&path).ok()).collect()
}

fn first_line(path: &Path) -> Result<String, String> {
    let mut text = Vec::new();
    tally::plain(path).read_to_end(&mut text).map_err(|error| error.to_string())?;
    if text.starts_with(GZIP) {
        // What its writer compressed has no ending while it waits under a name of ours.
        let packed = std::mem::take(&mut text);
        flate2::read::MultiGzDecoder::new(&*packed).read_to_end(&mut text).map_err(|error| error.to_string())?;
    }
    let text = String::from_utf8(text).map_err(|error| error.to_string())?;
    let lines = text.lines().count();
    let first = text.lines().next().filter(|_| lines == 50);
    first.map(str::to_owned).ok_or_else(|| format!("{lines} lines"))
}

fn ours(scene: &Scene) -> Vec<PathBuf> {
    let folders = [Some(scene.scenario.logs()), scene.before.archive_folder()];
    let read = |folder: &Path| fs::read_dir(folder).expect("our own tree").map(|entry| entry.expect("listed").path());
    folders.into_iter().flatten().flat_map(read).filter(|path| is_ours(path)).collect()
}

fn is_ours(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.contains("Z-0"))
}

/// Each file that a writer finished and still has, by inode.
fn theirs(scenario: &Scenario) -> BTreeMap<u64, PathBuf> {
    let names = scenario.names("").into_iter().filter(|name| LOGS.iter().all(|log| name != log));
    let paths = names.map(|name| scenario.live(&name)).filter(|path| !is_ours(path));
    paths.map(|path| (fs::metadata(&path).expect("our own tree").ino(), path)).collect()
}

/// The writers delete each finished file that the ledger says to have a name of ours, or an archive; so many they were.
pub fn delete_what_is_told_to_be_kept(scenario: &Scenario) -> usize {
    let ledger = fs::read_to_string(scenario.ledger()).expect("earlier runs wrote it");
    let (mut inodes, mut safe) = (BTreeMap::new(), BTreeSet::new());
    for line in ledger.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()) {
        let Some(id) = line["id"].as_u64() else { continue };
        if let Some(inode) = line["taken"]["file"]["ino"].as_u64() {
            inodes.insert(id, inode);
        }
        if line["line"] == "reached" || line["line"] == "archived" {
            safe.insert(id);
        }
    }
    let theirs = theirs(scenario);
    let paths = inodes.iter().filter(|(id, _)| safe.contains(id)).filter_map(|(_, inode)| theirs.get(inode));
    paths.map(|path| fs::remove_file(path).expect("our own tree")).count()
}

/// The writers delete every finished file, kept or not.
pub fn delete_all_finished(scenario: &Scenario) {
    for path in theirs(scenario).into_values() {
        fs::remove_file(path).expect("our own tree");
    }
}

/// The writers write each finished file anew, shorter, in the file that it is: its lines are then those of this turn.
pub fn write_all_finished_anew(scenario: &Scenario, turn: usize) {
    for path in theirs(scenario).into_values() {
        let log = LOGS.iter().find(|log| path.to_str().is_some_and(|path| path.contains(*log))).expect("a file of theirs");
        // Of as many lines, because those are counted, and each one shorter.
        files::write(path, text(&log[..3], turn)).expect("our own tree");
    }
}

/// The first line of each finished archive, as far as one can be read.
pub fn archived(scene: &Scene) -> BTreeSet<String> {
    let finished = |path: &PathBuf| {
        path.extension().is_some_and(|end| end == "zst") && !path.to_str().is_some_and(|path| path.contains("/."))
    };
    ours(scene).iter().filter(|path| finished(path)).filter_map(|path| first_line(path).ok()).collect()
}

/// The names of logs of which a run says that something is lost.
pub fn gaps(ran: &Ran) -> BTreeSet<String> {
    let findings = ran.json()["findings"].as_array().cloned().unwrap_or_default();
    let gaps = findings.iter().filter(|one| one["id"] == "logs.gap");
    gaps.map(|one| one["subject"].as_str().and_then(|path| path.rsplit('/').next()).expect("a path").to_owned()).collect()
}

/// No debris, books in order, the writers' live files as they are, and nothing left to do.
#[track_caller]
pub fn assert_clean(scene: &Scene, story: &str) {
    let scenario = &scene.scenario;
    for log in LOGS {
        assert_eq!(fs::read_to_string(scenario.live(log)).expect("the live log"), text(log, 3), "{story}");
    }
    let folders = [Some(scenario.logs()), scene.before.archive_folder(), Some(scenario.state())].into_iter().flatten();
    let names = folders.flat_map(super::scenario::files_under).map(|(name, _)| name);
    let debris: Vec<String> =
        names.filter(|name| name.starts_with('.') || [".part", ".tmp", ".new"].iter().any(|end| name.ends_with(end))).collect();
    assert!(debris.is_empty(), "{story}: debris: {debris:?}");
    assert_eq!(scenario.rotate().exits(0).summary(), "nothing to do", "{story}");
    scenario.run(&["verify"]).exits(0);
}
