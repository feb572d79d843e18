//! The harness proves itself: with stand-ins for the tool it must see every fault that it exists to see.

mod support;

use std::{collections::BTreeMap, fs, io::Write, process::Command, time::Duration};

use support::{
    example, files,
    filesystem::{Kind, Recipe},
    needs::{self, MOUNTS, Need, TRACES},
    power,
    process::Process,
    strace::{self, Blow, Strike},
    tally::{self, Tally},
    trace::{Act, Call, Trace},
};

fn write_lines(folder: &std::path::Path, style: &str, lines: u64) -> std::path::PathBuf {
    let file = folder.join("app.log");
    let mut writer = Command::new(example("log-writer"));
    writer.args(["--id", "3", "--style", style, "--lines", &lines.to_string(), "--file"]).arg(&file);
    let ended = Process::start(&mut writer).end(Duration::from_secs(30));
    assert_eq!(tally::lines_of(&ended.stdout), lines, "{}", ended.stderr);
    assert!(ended.stdout.contains("\nlongest write "), "{}", ended.stdout);
    file
}

#[test]
fn the_tally_counts_every_style_as_perfect() {
    for style in ["plain", "long", "writev", "no-final-newline", "mixed"] {
        let folder = tempfile::tempdir().unwrap();
        let file = write_lines(folder.path(), style, 300);
        let tally = Tally::of(&tally::history(&file, None), &BTreeMap::from([(3, 300)]));
        tally.assert_perfect(style);
        assert_eq!(tally.intact, 300);
    }
}

#[test]
fn the_tally_sees_lost_twice_garbled_and_disordered_lines() {
    let folder = tempfile::tempdir().unwrap();
    let file = write_lines(folder.path(), "plain", 100);
    let text = fs::read_to_string(&file).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let torn = lines[50][..lines[50].len() - 1].to_owned() + "x";
    lines[50] = &torn;
    lines.remove(10);
    lines.insert(20, lines[19]);
    lines.swap(70, 71);
    files::write(&file, lines.join("\n")).unwrap();
    let tally = Tally::of(&[file], &BTreeMap::from([(3, 100)]));
    assert_eq!((tally.lost, tally.twice, tally.garbled, tally.disordered), (2, 1, 1, 1), "{tally:#?}");
}

#[test]
fn the_tally_forgives_the_head_that_is_archived_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = write_lines(folder.path(), "plain", 100);
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    files::write(folder.path().join("app.log.1"), lines[..60].concat()).unwrap();
    files::write(&file, lines[50..].concat()).unwrap();
    let head = lines[50..60].concat().len() as u64;
    let faults = |head| {
        let tally = Tally::after_head(&tally::history(&file, None), head, &BTreeMap::from([(3, 100)]));
        (tally.intact, tally.lost, tally.twice, tally.garbled)
    };
    assert_eq!(faults(head), (100, 0, 0, 0));
    assert_eq!(faults(0), (100, 0, 10, 0));
    assert_eq!(faults(head - 5), (100, 0, 0, 1));
    assert_eq!(faults(head + 5), (99, 1, 0, 1));
    assert_eq!(faults(1 << 30), (60, 40, 0, 1), "a head longer than the file");
}

#[test]
fn archives_of_every_suffix_are_read_before_the_live_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = write_lines(folder.path(), "no-final-newline", 30);
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().skip(1).collect();
    let part = |range: std::ops::Range<usize>| lines[range].join("\n").into_bytes();
    files::write(folder.path().join("app.log.1.zst"), zstd::encode_all(part(0..10).as_slice(), 1).unwrap()).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&part(10..20)).unwrap();
    files::write(folder.path().join("app.log.2.gz"), gzip.finish().unwrap()).unwrap();
    files::write(&file, part(20..30)).unwrap();
    Tally::of(&tally::history(&file, None), &BTreeMap::from([(3, 30)])).assert_perfect("three files");
}

#[test]
fn a_writer_goes_on_in_the_new_file_when_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (file, pidfile) = (folder.path().join("app.log"), folder.path().join("pid"));
    let mut writer = Command::new(example("log-writer"));
    writer.args(["--id", "3", "--rate", "2000", "--seconds", "20", "--pidfile"]).arg(&pidfile).arg("--file").arg(&file);
    let writer = Process::start(&mut writer);
    for turn in 1..=5 {
        support::wait_until("lines", Duration::from_secs(5), || fs::metadata(&file).is_ok_and(|meta| meta.len() > 2000));
        fs::rename(&file, folder.path().join(format!("app.log.{turn}"))).unwrap();
        let told: i32 = fs::read_to_string(&pidfile).unwrap().trim().parse().unwrap();
        assert_eq!(u32::try_from(told).unwrap(), writer.id());
        writer.signal(rustix::process::Signal::HUP);
        support::wait_until("a new file", Duration::from_secs(5), || file.exists());
    }
    writer.signal(rustix::process::Signal::TERM);
    let ended = writer.end(Duration::from_secs(5));
    let written = tally::lines_of(&ended.stdout);
    let tally = Tally::of(&tally::history(&file, None), &BTreeMap::from([(3, written)]));
    tally.assert_perfect("five renames");
    assert_eq!(tally.files, 6);
}

#[test]
fn a_power_cut_takes_what_was_not_synced_and_leaves_what_was() {
    if !needs::met(MOUNTS) {
        return;
    }
    for kind in [Kind::Ext4, Kind::Xfs] {
        let disk = Recipe::new(kind).mount();
        let (kept, lost) = (disk.path().join("kept"), disk.path().join("lost"));
        files::write(&kept, "synced").unwrap();
        fs::File::open(&kept).unwrap().sync_all().unwrap();
        fs::File::open(disk.path()).unwrap().sync_all().unwrap();
        files::write(&lost, "not synced").unwrap();
        power::cut(&disk);
        disk.remount();
        assert_eq!(fs::read_to_string(&kept).unwrap(), "synced", "{kind:?}");
        assert!(!lost.exists(), "{kind:?}: what was not synced is still there");
    }
}

#[test]
fn file_systems_fill_up_and_run_out_of_inodes() {
    if !needs::met(MOUNTS) {
        return;
    }
    let small = Recipe::new(Kind::Ext4).exactly(8 << 20).inodes(32).mount();
    let filler = small.fill_up_to(8192);
    assert!(small.free() <= 16384, "{} bytes free", small.free());
    fs::remove_file(filler).unwrap();
    assert!(small.free() > 1 << 20);
    let refused = (0..64).find_map(|n| files::write(small.path().join(n.to_string()), "").err());
    assert_eq!(refused.and_then(|error| error.raw_os_error()), Some(libc::ENOSPC));
    let merged = Recipe::new(Kind::Overlay).mount();
    files::write(merged.path().join("a"), "b").unwrap();
    assert_eq!(fs::read_to_string(merged.disk().join("upper/a")).unwrap(), "b");
}

#[test]
fn file_systems_leave_nothing_behind_even_after_a_panic() {
    if !needs::met(MOUNTS) {
        return;
    }
    let home = std::sync::Mutex::new(None);
    let outcome = std::panic::catch_unwind(|| {
        let disk = Recipe::new(Kind::Overlay).mount();
        *home.lock().unwrap() = Some(disk.path());
        std::panic::resume_unwind(Box::new("on purpose"));
    });
    assert!(outcome.is_err());
    let path = home.into_inner().unwrap().unwrap();
    assert!(!path.exists());
    assert!(!fs::read_to_string("/proc/mounts").unwrap().contains(&path.display().to_string()));
}

#[test]
fn a_traced_copy_can_be_killed_at_each_call_be_refused_and_be_lied_to() {
    if !needs::met(TRACES) || !needs::met(&[Need::Program("cp")]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    files::write(&from, "hello").unwrap();
    let mut copy = Command::new("/bin/cp");
    copy.arg("--reflink=never").arg(&from).arg(&to);
    let whole = strace::run(&copy, None);
    let points = whole.trace.cut_points();
    assert!(points.iter().any(|call| call.act() == Some(Act::Create(to.clone()))), "{:#?}", whole.trace);
    for point in &points {
        let _ = fs::remove_file(&to);
        let strike = |blow| Strike { call: point.name.clone(), rank: point.rank, blow };
        assert!(strace::run(&copy, Some(&strike(Blow::Kill))).ended.was_killed());
        let _ = fs::remove_file(&to);
        let refused = strace::run(&copy, Some(&strike(Blow::Error("ENOSPC"))));
        assert!(refused.trace.calls.iter().any(Call::injected));
        assert_ne!(refused.ended.code(), Some(0), "{}", refused.ended.stderr);
    }
    let mut sync = Command::new("/bin/sync");
    sync.arg(&from);
    let fsync = Strike { call: "fsync".to_owned(), rank: 1, blow: Blow::Lie };
    let lied = strace::run(&sync, Some(&fsync));
    assert_eq!(lied.ended.code(), Some(0));
    assert!(lied.trace.calls.iter().any(|call| call.injected() && !call.worked()));
}

#[test]
fn calls_of_two_threads_are_put_together_again() {
    let trace = Trace::parse(concat!(
        "10 openat(AT_FDCWD</x>, \"/x/a, b\", O_WRONLY|O_CREAT, 0600) = 3</x/a, b>\n",
        "10 write(3</x/a, b>, \"say \\\"hi\\\", (you)\\n\", 17 <unfinished ...>\n",
        "11 fsync(4</x>)  = 0 (INJECTED)\n",
        "10 <... write resumed>) = 17\n",
        "10 renameat2(4</x>, \"a, b\", 4</x>, \"c\", RENAME_EXCHANGE) = -1 ENOENT (No such file or directory)\n",
        "10 write(2</dev/pts/0<char 136:0>>, \"x\", 1) = 1\n",
        "10 unlinkat(4</x>, \"c\", 0 <unfinished ...>\n",
        "10 +++ killed by SIGKILL +++\n",
    ));
    let acts: Vec<Act> = trace.calls.iter().filter_map(Call::act).collect();
    assert_eq!(acts[0], Act::Create("/x/a, b".into()));
    assert_eq!(acts[1], Act::SyncFile("/x".into()));
    assert!(trace.calls[1].injected() && !trace.calls[1].worked());
    assert!(matches!(&acts[2], Act::Write { path, bytes } if path == std::path::Path::new("/x/a, b") && bytes.contains("(you)")));
    assert_eq!(acts[3], Act::Exchange { one: "/x/a, b".into(), other: "/x/c".into() });
    assert!(!trace.calls[3].worked());
    assert_eq!(acts[5], Act::Remove("/x/c".into()));
    assert_eq!(trace.cut_points().len(), 5);
    assert_eq!(trace.calls[4].rank, 2);
}
