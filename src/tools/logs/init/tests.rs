//! Stories about proposed settings: every one of them is read by the settings themselves.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::{
    failure::Exit,
    files::dir::FileId,
    report::is_hostile,
    run::{Clock, Out, Progress, Shutdown, State},
    tool::AnyChange,
    tools::logs::{
        logrotate,
        settings::{self, Settings},
        survey::{Docker, Facts, Holder, LogFile, judge},
    },
};

/// Facts of a machine with these logs: path and MiB.
fn machine(logs: &[(&str, u64)]) -> Facts {
    let now: DateTime<Utc> = DateTime::from_timestamp(1_795_262_400, 0).unwrap();
    let log = |(number, (path, mib)): (usize, &(&str, u64))| LogFile {
        path: PathBuf::from(path),
        size: mib << 20,
        allocated: mib << 20,
        written: now - TimeDelta::hours(1),
        born: None,
        id: FileId { dev: 1, ino: number as u64 },
    };
    Facts {
        now,
        logs: logs.iter().enumerate().map(log).collect(),
        open_folders: Vec::new(),
        writers: HashMap::new(),
        writers_are_known: true,
        held: Vec::new(),
        logrotate: logrotate::Read::default(),
        docker: Docker::default(),
        leftovers: Vec::new(),
        disks: Vec::new(),
        incomplete: Vec::new(),
    }
}

fn logrotate_naming(pattern: &str) -> logrotate::Read {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("main.conf");
    std::fs::write(&main, format!("rotate 2\n{pattern} {{\n}}\n")).unwrap();
    std::fs::set_permissions(&main, std::fs::Permissions::from_mode(0o644)).unwrap();
    logrotate::read(&main)
}

/// The settings that the text means; they must hold.
fn understood(text: &str) -> Settings {
    let settings: Settings = toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(settings::check(&settings), [], "{text}");
    assert_eq!(settings.sets().unwrap().len(), settings.log.len());
    settings
}

/// The text with everything uncommented that is TOML.
fn uncommented(text: &str) -> String {
    let bare = |line: &str| line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#'])).unwrap_or(line).to_owned() + "\n";
    text.lines().map(bare).collect()
}

#[test]
fn a_program_that_is_known_gets_its_preset() {
    let settings = understood(&settings_from(&machine(&[("/var/log/nginx/access.log", 1), ("/var/log/nginx/access.log.1", 9)])));
    assert_eq!(settings.log.len(), 1);
    assert_eq!(settings.log[0].preset.as_deref(), Some("nginx"));
}

#[test]
fn presets_that_share_paths_are_not_both_proposed() {
    let text = settings_from(&machine(&[("/var/log/mysql/slow.log", 1)]));
    assert_eq!(understood(&text).log.len(), 1);
    assert!(text.contains("# If it is MySQL 8.0.19 and later: preset = \"mysql\""), "{text}");
}

#[test]
fn a_neglected_log_gets_a_stanza_that_says_what_was_seen() {
    let text = settings_from(&machine(&[("/opt/shop/logs/shop.log", 60), ("/opt/shop/logs/pay.log", 70), ("/opt/tiny.log", 1)]));
    let settings = understood(&text);
    assert_eq!(settings.log.len(), 1);
    assert_eq!(settings.log[0].paths.as_ref().unwrap().len(), 2);
    assert_eq!(settings.log[0].name.as_deref(), Some("opt-shop-logs"));
    assert!(text.contains("# /opt/shop/logs/shop.log: 60.0 MiB"), "{text}");
}

#[test]
fn a_log_with_a_writer_is_left_to_a_person() {
    let mut facts = machine(&[("/opt/shop/shop.log", 60)]);
    let writer = Holder { pid: 812, command: "java".to_owned(), descriptor: 3, access: None };
    facts.writers.insert(FileId { dev: 1, ino: 0 }, vec![writer]);
    let text = settings_from(&facts);
    assert!(understood(&text).log.is_empty());
    assert!(text.contains("java (pid 812) writes to it"), "{text}");
    assert_eq!(understood(&uncommented(&text)).log.len(), 1);
}

#[test]
fn not_knowing_the_writer_leaves_it_to_a_person_too() {
    let mut facts = machine(&[("/opt/shop/shop.log", 60)]);
    facts.writers_are_known = false;
    facts.incomplete.push(Incomplete::new("open files of 9 of 10 processes", "permission denied"));
    let text = settings_from(&facts);
    assert!(understood(&text).log.is_empty());
    assert!(text.contains("# Not seen: open files of 9 of 10 processes: permission denied"), "{text}");
}

#[test]
fn what_logrotate_rotates_is_only_listed() {
    let mut facts = machine(&[("/var/log/nginx/access.log", 60)]);
    facts.logrotate = logrotate_naming("/var/log/nginx/*.log");
    let text = settings_from(&facts);
    assert!(understood(&text).log.is_empty());
    assert!(text.contains("#   /var/log/nginx/access.log  (") && text.contains("main.conf:2)"), "{text}");
    assert!(text.contains("remove their stanza there first") && !text.contains("takeover"), "takeover does not stop logrotate");
    assert!(text.contains("# This one is for /var/log/nginx/access.log:\n#[[log]]\n#preset = \"nginx\"\n"), "{text}");
    let settings = understood(&uncommented(&text));
    assert_eq!((settings.log[0].preset.as_deref(), settings.log[0].takeover), (Some("nginx"), None));
}

#[test]
fn hostile_names_stay_names() {
    let text = settings_from(&machine(&[("/opt/x/a\n[[log]]\nname = \"evil\".log", 60), ("/opt/x/b\"*[.log", 60)]));
    let settings = understood(&text);
    assert_eq!(settings.log.len(), 1);
    let paths = settings.log[0].paths.clone().unwrap();
    assert!(paths.contains(&"/opt/x/b\"[*][[].log".to_owned()), "{paths:?}");
    assert!(paths.contains(&"/opt/x/a\n[[][[]log[]][]]\nname = \"evil\".log".to_owned()), "{paths:?}");
    assert!(text.lines().all(|line| !line.starts_with("name = \"evil")), "{text}");
}

proptest::proptest! {
    #[test]
    fn whatever_logs_are_called_the_settings_are_valid(names in proptest::collection::btree_set("[^/\\x00]{1,20}\\.log", 1..4)) {
        let paths: Vec<String> = names.iter().filter(|name| *name != "..log").map(|name| format!("/opt/x/{name}")).collect();
        let logs: Vec<(&str, u64)> = paths.iter().map(|path| (path.as_str(), 60)).collect();
        let mut facts = machine(&logs);
        let settled = understood(&settings_from(&facts));
        facts.writers_are_known = false;
        let text = settings_from(&facts);
        let marked = understood(&uncommented(&text));
        let judged = judge(&facts);
        let neglected = judged.iter().filter(|judged| judged.is_neglected(&facts)).map(|judged| judged.log.path.to_str().unwrap());
        let known: Vec<String> = neglected.map(glob::Pattern::escape).collect();
        for settings in [settled, marked] {
            let told: Vec<String> = settings.log.iter().flat_map(|set| set.paths.clone().unwrap()).collect();
            proptest::prop_assert_eq!(&told, &known);
        }
        proptest::prop_assert!(!text.chars().any(|c| c != '\n' && is_hostile(c)), "{:?}", text);
    }
}

#[test]
fn a_file_is_written_once_and_never_over_another() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = PathBuf::from("/nonexistent");
    let survey = Survey {
        roots: Vec::new(),
        logrotate: nowhere.clone(),
        docker: nowhere.clone(),
        daemon: nowhere.clone(),
        proc: nowhere,
        top: 1,
    };
    let out = folder.path().canonicalize().unwrap().join("logs.toml");
    let init = InitFile { survey, out: out.clone() };
    let run = Run {
        clock: Clock::System,
        progress: Progress::silent(),
        shutdown: Shutdown::default(),
        out: Out::to(Vec::new()),
        state: State::at(folder.path()),
        every_item: false,
    };
    init.preview(&run).unwrap();
    assert!(!out.exists(), "a preview writes nothing");
    init.perform(&run).unwrap();
    understood(&std::fs::read_to_string(&out).unwrap());
    std::fs::write(&out, "mine").unwrap();
    assert_eq!(init.preview(&run).unwrap_err().exit, Exit::BadInput);
    assert_eq!(init.perform(&run).unwrap_err().exit, Exit::BadInput);
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "mine");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
