//! Stories about whole surveys: of fabricated machines, and of facts made by hand.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::{PermissionsExt, symlink},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::{
    failure::Exit,
    files::dir::FileId,
    report::{Cell, Finding, Severity},
    run::{Clock, Out, Progress, Shutdown, State},
    tools::logs::logrotate,
};

/// A tree that stands for a machine, with one process: this one.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Machine {
        let machine = Machine(tempfile::tempdir().unwrap());
        let process = machine.path("proc/1");
        fs::create_dir_all(machine.path("proc/self/ns")).unwrap();
        fs::create_dir_all(process.join("task/1")).unwrap();
        symlink("pid:[4026531836]", machine.path("proc/self/ns/pid")).unwrap();
        symlink("/proc/self/fd", process.join("fd")).unwrap();
        symlink("/proc/self/fdinfo", process.join("fdinfo")).unwrap();
        fs::write(process.join("comm"), "java\n").unwrap();
        machine
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(path)
    }

    fn with(self, path: &str, content: &[u8]) -> Machine {
        let file = self.path(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        File::options().write(true).open(&file).unwrap().set_modified(noon() - Duration::from_hours(1)).unwrap();
        self
    }

    fn with_text(self, path: &str, text: &str) -> Machine {
        let text = text.replace("HERE", self.path("").to_str().unwrap().trim_end_matches('/'));
        self.with(path, text.as_bytes())
    }

    fn with_space(self, path: &str, bytes: u64) -> Machine {
        let machine = self.with(path, b"");
        let file = File::options().write(true).open(machine.path(path)).unwrap();
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes).unwrap();
        file.set_modified(noon() - Duration::from_hours(1)).unwrap();
        machine
    }

    fn survey(&self) -> Survey {
        Survey {
            roots: vec![self.path("var/log"), self.path("opt")],
            logrotate: self.path("etc/logrotate.conf"),
            docker: self.path("docker/containers"),
            daemon: self.path("etc/daemon.json"),
            proc: self.path("proc"),
            top: 10,
        }
    }

    fn report(&self) -> Report {
        self.survey().answer(&run()).unwrap()
    }
}

fn noon() -> std::time::SystemTime {
    std::time::SystemTime::UNIX_EPOCH + Duration::from_hours(498_684)
}

fn run() -> Run {
    Run {
        clock: Clock::At(noon().into()),
        progress: Progress::silent(),
        shutdown: Shutdown::default(),
        out: Out::to(Vec::new()),
        state: State::at("/nonexistent"),
        every_item: false,
    }
}

fn found<'r>(report: &'r Report, id: &str) -> Vec<&'r Finding> {
    report.findings.iter().filter(|finding| finding.id == id).collect()
}

fn table<'r>(report: &'r Report, name: &str) -> &'r [Vec<Cell>] {
    report.tables.iter().find(|table| table.name == name).map_or(&[], |table| &table.rows)
}

#[test]
fn an_orderly_machine_has_nothing_to_mend() {
    let report = Machine::new()
        .with("var/log/app.log", b"line\n")
        .with("var/log/app.log.1.gz", &[0x1f, 0x8b, 8, 0])
        .with_text("etc/logrotate.conf", "rotate 4\ndaily\nHERE/var/log/*.log {\n}\n")
        .report();
    assert_eq!(report.findings, []);
    assert_eq!(report.incomplete, []);
    assert_eq!(report.exit(), Exit::Done);
    assert_eq!(table(&report, "logs").len(), 2);
    assert!(
        matches!(&table(&report, "logs")[0][5], Cell::Text(text) if text.contains("logrotate.conf:3") || text.contains("older part"))
    );
}

#[test]
fn a_large_log_that_nobody_rotates_is_found_with_its_writer() {
    let machine = Machine::new().with_space("opt/app/server.log", 60 << 20).with_space("opt/app/small.log", 1 << 20);
    let _writer = OpenOptions::new().append(true).open(machine.path("opt/app/server.log")).unwrap();
    let report = machine.report();
    let found = found(&report, "logs.never-rotated");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].severity, Severity::Warning);
    assert!(
        found[0].message.contains("60.0 MiB") && found[0].message.contains("written to by java (pid 1)"),
        "{}",
        found[0].message
    );
    assert_eq!(table(&report, "space")[0][2], Cell::Bytes(crate::report::Size(48 << 20)));
    assert_eq!(report.exit(), Exit::PersonNeeded);
}

#[test]
fn a_reader_is_no_writer_and_a_process_that_does_both_is_one() {
    let machine = Machine::new().with("opt/read.log", b"x").with("opt/both.log", b"x");
    let _readers = (File::open(machine.path("opt/read.log")).unwrap(), File::open(machine.path("opt/both.log")).unwrap());
    let _writer = OpenOptions::new().append(true).open(machine.path("opt/both.log")).unwrap();
    let facts = gather(&machine.survey(), &run());
    let written: Vec<_> =
        facts.logs.iter().filter(|log| facts.writers.contains_key(&log.id)).map(|log| log.path.clone()).collect();
    assert_eq!(written, [machine.path("opt/both.log")]);
    assert_eq!(facts.writers.values().next().unwrap()[0].access, Some(crate::files::open_files::Access::Append));
}

#[test]
fn memory_that_looks_like_a_deleted_log_is_none() {
    let machine = Machine::new();
    let memory = rustix::fs::memfd_create("secret.log", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    rustix::io::write(&memory, &[1; 8192]).unwrap();
    let report = machine.report();
    assert!(!found(&report, "logs.deleted-open").iter().any(|held| held.subject.contains("secret.log")));
}

#[test]
fn an_older_part_is_at_stake_once_it_rests() {
    let mut facts = one_log(10 << 20, 1, 2);
    facts.logs[0].path = PathBuf::from("/srv/app.log.1");
    let stake = |facts: &Facts| table(&report(facts, 9), "space").first().map(|row| row[2].clone());
    assert_eq!(stake(&facts), Some(Cell::Bytes(crate::report::Size(8 << 20))));
    facts.logs[0].written = facts.now - TimeDelta::hours(23);
    assert_eq!(stake(&facts), None);
    facts.logs[0].written = facts.now - TimeDelta::days(2);
    facts.logs[0].path = PathBuf::from("/srv/app.log.1.gz");
    assert_eq!(stake(&facts), None);
}

#[test]
fn whoever_rotates_a_log_keeps_it_from_being_found() {
    let by_itself = Machine::new().with_space("opt/app/server.log", 60 << 20).with("opt/app/server-2026-11-20.log", b"x");
    assert!(found(&by_itself.report(), "logs.never-rotated").is_empty());
    let by_logrotate = Machine::new()
        .with_space("opt/app/server.log", 60 << 20)
        .with_text("etc/logrotate.conf", "rotate 2\nHERE/opt/*/server.log { }\n");
    assert!(found(&by_logrotate.report(), "logs.never-rotated").is_empty());
    let journal = Machine::new().with_space("var/log/journal/x/system.journal", 60 << 20);
    assert!(found(&journal.report(), "logs.never-rotated").is_empty());
}

#[test]
fn a_deleted_log_that_is_still_written_to_is_in_danger_and_can_be_saved() {
    let machine = Machine::new().with_space("opt/app/gone.log", 11 << 20);
    let writer = OpenOptions::new().append(true).open(machine.path("opt/app/gone.log")).unwrap();
    fs::remove_file(machine.path("opt/app/gone.log")).unwrap();
    let report = machine.report();
    let held: Vec<_> =
        found(&report, "logs.deleted-open").into_iter().filter(|held| held.subject.ends_with("gone.log")).collect();
    assert_eq!(held[0].severity, Severity::Danger);
    assert_eq!(held[0].subject, machine.path("opt/app/gone.log").to_str().unwrap());
    let descriptor = std::os::fd::AsRawFd::as_raw_fd(&writer);
    assert!(held[0].hint.as_ref().unwrap().contains(&format!("/proc/1/fd/{descriptor} ")));
}

#[test]
fn a_deleted_file_that_is_no_log_is_told_when_it_is_large() {
    let machine = Machine::new().with_space("opt/large.tmp", 11 << 20).with_space("opt/small.tmp", 1 << 20);
    let large = File::open(machine.path("opt/large.tmp")).unwrap();
    let small = File::open(machine.path("opt/small.tmp")).unwrap();
    fs::remove_file(machine.path("opt/large.tmp")).unwrap();
    fs::remove_file(machine.path("opt/small.tmp")).unwrap();
    let report = machine.report();
    let here = machine.path("opt");
    let mut held = found(&report, "logs.deleted-open");
    held.retain(|held| PathBuf::from(&held.subject).starts_with(&here));
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].severity, Severity::Warning);
    drop((large, small));
}

#[test]
fn copytruncate_is_judged_by_who_writes() {
    let machine = Machine::new().with("opt/app/a.log", b"x").with("opt/app/b.log", b"x").with_text(
        "etc/logrotate.conf",
        "rotate 2\ncopytruncate\nHERE/opt/app/a.log { }\nHERE/opt/app/b.log { }\nHERE/none { }\n",
    );
    let _writer = OpenOptions::new().append(true).open(machine.path("opt/app/a.log")).unwrap();
    let report = machine.report();
    let severities: Vec<_> = found(&report, "logs.copytruncate").iter().map(|finding| finding.severity).collect();
    assert_eq!(severities, [Severity::Danger, Severity::Warning, Severity::Note]);
    let hint = found(&report, "logs.copytruncate")[0].hint.clone().unwrap();
    assert!(hint.contains("`reopen` says how") && !hint.contains("presets"), "{hint}");
    assert!(found(&report, "logs.copytruncate")[0].location.as_ref().unwrap().ends_with("logrotate.conf:3"));
}

#[test]
fn logrotate_keeping_nothing_and_typos_are_told() {
    let report = Machine::new().with_text("etc/logrotate.conf", "/a {\n daily\n rotat 5\n}\n").report();
    assert_eq!(found(&report, "logs.keeps-none")[0].severity, Severity::Danger);
    assert!(found(&report, "logs.unknown-directive")[0].location.as_ref().unwrap().ends_with(":3"));
    let said = Machine::new().with_text("etc/logrotate.conf", "/a {\n daily\n rotate 0\n}\n").report();
    assert!(found(&said, "logs.keeps-none").is_empty());
}

#[test]
fn leftovers_of_a_compression_that_did_not_end() {
    let machine = Machine::new()
        .with("var/log/a.log.1", b"whole\n")
        .with("var/log/a.log.1.gz", b"")
        .with("var/log/b.log.1", b"whole\n")
        .with("var/log/b.log.1.gz", &[0x1f, 0x8b, 8, 0])
        .with("var/log/c.log.1.zst", b"")
        .with("var/log/d.log.1.gz", &[0x1f, 0x8b, 8, 0])
        .with("var/log/e.log.1", b"whole\n")
        .with("var/log/e.log.1.xz", b"garbage");
    let report = machine.report();
    let told = found(&report, "logs.failed-compression");
    let severity = |name: &str| told.iter().find(|finding| finding.subject.ends_with(name)).map(|finding| finding.severity);
    assert_eq!(severity("a.log.1.gz"), Some(Severity::Danger));
    assert_eq!(severity("b.log.1.gz"), Some(Severity::Danger));
    assert_eq!(severity("c.log.1.zst"), Some(Severity::Warning));
    assert_eq!(severity("d.log.1.gz"), None);
    assert_eq!(severity("e.log.1.xz"), Some(Severity::Danger));
    assert!(told.iter().any(|finding| finding.message.starts_with("does not begin")));
}

#[test]
fn a_compression_that_runs_now_is_no_leftover() {
    let machine = Machine::new()
        .with("var/log/a.log.1", b"whole\n")
        .with("var/log/a.log.1.gz", b"")
        .with("var/log/b.log.1", b"x")
        .with("var/log/b.log.1.gz", b"");
    File::options().write(true).open(machine.path("var/log/a.log.1.gz")).unwrap().set_modified(noon()).unwrap();
    let _compressor = File::options().write(true).open(machine.path("var/log/b.log.1.gz")).unwrap();
    assert!(found(&machine.report(), "logs.failed-compression").is_empty());
}

#[test]
fn containers_without_a_limit_are_told_with_their_names() {
    let id = "a".repeat(64);
    let machine = Machine::new()
        .with(&format!("docker/containers/{id}/hostconfig.json"), br#"{"LogConfig":{"Type":"json-file","Config":{}}}"#)
        .with(&format!("docker/containers/{id}/config.v2.json"), br#"{"Name":"/web"}"#)
        .with_space(&format!("docker/containers/{id}/{id}-json.log"), 2 << 20)
        .with("etc/daemon.json", br#"{"log-opts":{"max-size":"10m"}}"#);
    let report = machine.report();
    let found = found(&report, "logs.docker-unlimited");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].subject, "container web");
    assert!(matches!(&table(&report, "logs")[0][5], Cell::Text(text) if text == "nobody: container web has no max-size"));
}

#[test]
fn logs_that_everybody_may_replace_are_in_danger() {
    let machine = Machine::new().with("var/log/app/a.log", b"x");
    fs::set_permissions(machine.path("var/log/app"), fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(found(&machine.report(), "logs.open-folder")[0].severity, Severity::Danger);
}

#[test]
fn processes_that_cannot_be_asked_make_the_answer_incomplete_and_writers_unknown() {
    let machine =
        Machine::new().with("var/log/a.log", b"x").with("proc/2/fd", b"").with("proc/2/stat", b"2 (x) S 1 1 1 0 -1 0 0");
    let report = machine.report();
    assert_eq!(report.incomplete[0].what, "open files of 1 of 2 processes, such as pid 2");
    assert_eq!(table(&report, "logs")[0][4], Cell::Text("unknown".to_owned()));
    assert_eq!(report.exit(), Exit::Partial);
}

#[test]
fn a_machine_without_anything_is_surveyed_too() {
    let nowhere = PathBuf::from("/nonexistent");
    let survey = Survey {
        roots: vec![nowhere.clone()],
        logrotate: nowhere.clone(),
        docker: nowhere.join("x"),
        daemon: nowhere.clone(),
        proc: nowhere,
        top: 10,
    };
    let report = survey.answer(&run()).unwrap();
    assert_eq!(report.summary, "0 B in 0 logs; no large one is without rotation");
    assert_eq!(report.incomplete.len(), 1);
}

#[test]
fn this_machine_is_surveyed() {
    let report = Survey::default().answer(&Run { clock: Clock::System, ..run() }).unwrap();
    assert!(!report.summary.is_empty());
}

/// Facts with one log of this size, born and written so many days ago, that nobody rotates.
fn one_log(allocated: u64, born: i64, written: i64) -> Facts {
    let now: DateTime<Utc> = noon().into();
    let log = LogFile {
        path: PathBuf::from("/srv/app.log"),
        size: allocated,
        allocated,
        written: now - TimeDelta::days(written),
        born: Some(now - TimeDelta::days(born)),
        id: FileId { dev: 1, ino: 1 },
    };
    Facts {
        now,
        logs: vec![log],
        open_folders: Vec::new(),
        writers: std::collections::HashMap::new(),
        writers_are_known: true,
        held: Vec::new(),
        logrotate: logrotate::Read::default(),
        docker: Docker::default(),
        leftovers: Vec::new(),
        disks: Vec::new(),
        incomplete: Vec::new(),
    }
}

#[test]
fn large_is_told_at_once_and_middling_after_a_month() {
    let severity =
        |mib: u64, born, written| report(&one_log(mib << 20, born, written), 9).findings.first().map(|found| found.severity);
    assert_eq!(severity(51, 0, 0), Some(Severity::Warning));
    assert_eq!(severity(50, 0, 0), None);
    assert_eq!(severity(11, 31, 0), Some(Severity::Warning));
    assert_eq!(severity(11, 30, 0), None);
    assert_eq!(severity(10, 400, 0), None);
    assert_eq!(severity(60, 400, 31), Some(Severity::Note));
}

#[test]
fn each_kind_of_finding_is_bounded_and_says_how_many_there_are_more() {
    let mut facts = one_log(60 << 20, 1, 0);
    for n in 2..30 {
        let log =
            LogFile { path: PathBuf::from(format!("/srv/app{n}x.log")), id: FileId { dev: 1, ino: n }, ..facts.logs[0].clone() };
        facts.logs.push(log);
    }
    let report = report(&facts, 10);
    assert_eq!(report.findings.len(), 11);
    assert!(report.findings[10].message.starts_with("19 more"));
    assert_eq!(table(&report, "logs").len(), 10);
}
