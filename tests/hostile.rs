//! Root rotates in a folder whose owner swaps files and folders for links all the time: nothing outside
//! that folder is ever touched, and the tool never hangs.

mod support;

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use support::{
    by_tier, example, files,
    needs::{self, Need},
    process::Process,
    scenario::Scenario,
};

const OWNER: u32 = 65_534;
const RUNS: usize = 120;
const ROOTS_WORDS: &[u8] = &[b'r'; 1700];

#[test]
fn swapped_files_never_lead_root_outside() {
    if needs::met(&[Need::Root]) {
        let siege = Siege::begin("files");
        siege.withstand(&siege.scenario.root().join("home"), RUNS);
    }
}

#[test]
fn swapped_folders_never_lead_root_outside() {
    if needs::met(&[Need::Root]) {
        let siege = Siege::begin("folders");
        siege.withstand(&siege.scenario.root().join("home"), RUNS);
    }
}

/// Proves that the siege is one: a rotator that trusts paths falls for it at once.
#[test]
fn a_trusting_rotator_is_led_outside() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    for mode in ["files", "folders"] {
        let siege = Siege::begin(mode);
        let before = siege.outside();
        let home = siege.scenario.root().join("home");
        let log = if mode == "files" { home.join("app.log") } else { home.join("logs/app.log") };
        let swapper = siege.swapper();
        let script = format!("[ -f {0} ] && cp {0} {0}.1 && : > {0}; exit 0", log.display());
        let end = Instant::now() + Duration::from_secs(20);
        while siege.outside() == before {
            assert!(Instant::now() < end, "{mode}: the siege would not even move a shell script");
            // It may hang on a FIFO: that, too, it falls for.
            Process::start(Command::new("/bin/sh").args(["-c", &script])).ends_within(Duration::from_millis(200));
        }
        drop(swapper);
    }
}

/// A home that its owner plays tricks in, and a canary beside it that he wants root to touch.
struct Siege {
    mode: &'static str,
    scenario: Scenario,
}

/// Everything there is to know of a file without reading its clock.
#[derive(Debug, PartialEq, Eq)]
struct Known {
    inode: u64,
    mode: u32,
    owner: (u32, u32),
    links: u64,
    modified: (i64, i64),
    content: Option<Vec<u8>>,
}

impl Siege {
    fn begin(mode: &'static str) -> Siege {
        let paths = match mode {
            "files" => r#"["{root}/home/*.log"]"#,
            _ => r#"["{root}/home/logs/*.log", "{root}/home/deep/**/*.log"]"#,
        };
        let archives = if mode == "folders" { "archive-dir = \"{root}/home/archives\"\n" } else { "" };
        let settings = format!(
            "host = \"test\"\nlogrotate = \"\"\n[[log]]\nname = \"app\"\npaths = {paths}\nwhen = {{ any = [\"1 B\"] }}\n\
             keep = {{ count = 2 }}\nclose-wait = \"1s\"\n{archives}"
        );
        let scenario = Scenario::new().settings(&settings);
        let root = scenario.root();
        fs::set_permissions(root, Permissions::from_mode(0o755)).expect("our own tree");
        for folder in ["home", "home/logs", "home/archives", "home/spare", "home/deep", "home/deep/er"] {
            fs::create_dir(root.join(folder)).expect("a fresh tree");
            chown(root.join(folder), Some(OWNER), Some(OWNER)).expect("root may");
        }
        for log in ["home/app.log", "home/logs/app.log", "home/deep/er/app.log"] {
            files::write(root.join(log), "a line of mine\n".repeat(100)).expect("a fresh tree");
            chown(root.join(log), Some(OWNER), Some(OWNER)).expect("root may");
        }
        fs::create_dir(root.join("home/roots")).expect("a fresh tree");
        files::write(root.join("home/roots/app.log"), ROOTS_WORDS).expect("a fresh tree");
        fs::set_permissions(root.join("home/roots/app.log"), Permissions::from_mode(0o600)).expect("our own tree");
        fs::create_dir_all(root.join("canary/folder/er")).expect("a fresh tree");
        for secret in ["canary/secret", "canary/app.log", "canary/folder/app.log", "canary/folder/er/app.log", "canary/er.log"] {
            files::write(root.join(secret), ROOTS_WORDS).expect("a fresh tree");
            fs::set_permissions(root.join(secret), Permissions::from_mode(0o600)).expect("our own tree");
        }
        files::copy(example("swapper"), root.join("swapper")).expect("a program that its user may run");
        Siege { mode, scenario }
    }

    fn swapper(&self) -> Process {
        let root = self.scenario.root();
        let mut command = Command::new(root.join("swapper"));
        command.arg(self.mode).arg(root.join("home")).arg(root.join("canary")).arg("600").uid(OWNER).gid(OWNER);
        Process::start(&mut command)
    }

    fn withstand(&self, home: &Path, runs: usize) {
        let before = self.outside();
        let mut swapper = self.swapper();
        let (mut rotated, mut runs_done, began) = (0, 0, Instant::now());
        let at_least = by_tier(Duration::from_secs(5), Duration::from_mins(1));
        while runs_done < runs || began.elapsed() < at_least {
            let ran = self.scenario.run(&["--format", "json", "rotate", "--force"]);
            assert!(matches!(ran.code, Some(0 | 1 | 3 | 4)), "{}: {ran:#?}", self.mode);
            assert!(ran.took < Duration::from_secs(20), "{}: a run took {:?}", self.mode, ran.took);
            rotated += if ran.code == Some(4) { 0 } else { ran.steps("rotate", "done").len() };
            runs_done += 1;
            if runs_done % 10 == 0 {
                assert_eq!(before, self.outside(), "{}: run {runs_done} touched what is not the owner's", self.mode);
            }
        }
        assert!(swapper.runs(), "{}: the swapper gave up", self.mode);
        drop(swapper);
        assert_eq!(before, self.outside(), "{}: something outside was touched", self.mode);
        self.assert_roots_words();
        support::say(&format!("{}: {runs_done} runs, {rotated} rotations, {:.1} s", self.mode, began.elapsed().as_secs_f64()));
        assert!(
            rotated > 0,
            "{}: nothing was ever rotated, so nothing was tried: {:?}",
            self.mode,
            fs::read_dir(home).map(Iterator::count)
        );
    }

    /// What root wrote in the owner's home stays where it is: its archive would have gone where the owner can replace it.
    fn assert_roots_words(&self) {
        let folders = fs::read_dir(self.scenario.root().join("home")).expect("our own tree");
        let folders =
            folders.map(|entry| entry.expect("a listed entry")).filter(|entry| entry.file_type().expect("known").is_dir());
        let theirs: Vec<_> = folders.filter(|entry| entry.metadata().expect("a listed entry").uid() == 0).collect();
        assert_eq!(theirs.len(), 1, "{}: {theirs:?}", self.mode);
        let log = theirs[0].path().join("app.log");
        assert_eq!(fs::read(&log).expect("root's log"), ROOTS_WORDS, "{}: {}", self.mode, log.display());
        assert_eq!(fs::read_dir(theirs[0].path()).expect("root's folder").count(), 1, "{}", self.mode);
    }

    /// All that lies beside the owner's home: the canary, and what might appear there.
    fn outside(&self) -> BTreeMap<PathBuf, Known> {
        let root = self.scenario.root();
        let mut known = BTreeMap::new();
        let mut open = vec![root.to_path_buf()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).expect("our own tree") {
                let path = entry.expect("a listed entry").path();
                let own = ["home", "state"].iter().any(|name| path == root.join(name));
                let meta = fs::symlink_metadata(&path).expect("nobody removes it");
                if own {
                    continue;
                }
                if meta.is_dir() {
                    open.push(path.clone());
                }
                known.insert(path.clone(), Known::of(&path, &meta));
            }
        }
        known
    }
}

impl Known {
    fn of(path: &Path, meta: &fs::Metadata) -> Known {
        Known {
            inode: meta.ino(),
            mode: meta.mode(),
            owner: (meta.uid(), meta.gid()),
            links: meta.nlink(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            content: meta.is_file().then(|| fs::read(path).expect("root reads all")),
        }
    }
}
