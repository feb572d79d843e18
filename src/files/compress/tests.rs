//! Archives as a whole: written, proven, read back by ourselves and by the official tools.

mod damage;
mod joins;
mod packing;
mod parts;
mod refusals;
mod strangers;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use tempfile::TempDir;

use super::{zstd::FRAME, *};

const ALL: [Compression; 5] = [
    Compression::Zstd { level: 1 },
    Compression::Zstd { level: 6 },
    Compression::Zstd { level: 12 },
    Compression::Zstd { level: 19 },
    Compression::Gzip { level: 6 },
];
/// Those of them that cost next to nothing.
const QUICK: [Compression; 3] = [Compression::Zstd { level: 1 }, ZSTD, GZIP];
const ZSTD: Compression = Compression::Zstd { level: 6 };
const GZIP: Compression = Compression::Gzip { level: 6 };

/// A log and the file that its archive goes to.
struct Scene {
    _dir: TempDir,
    log: PathBuf,
    archive: PathBuf,
}

impl Scene {
    fn with(text: &[u8]) -> Scene {
        let dir = tempfile::tempdir().unwrap();
        let [log, archive] = ["app.log", "app.log.zst"].map(|name| dir.path().join(name));
        fs::write(&log, text).unwrap();
        fs::write(&archive, b"").unwrap();
        Scene { _dir: dir, log, archive }
    }

    fn log(&self) -> File {
        File::options().read(true).write(true).open(&self.log).unwrap()
    }

    fn archive(&self) -> File {
        File::options().read(true).write(true).open(&self.archive).unwrap()
    }

    fn compress(&self, how: Compression) -> Result<Facts> {
        compress(&self.log(), &self.archive(), how, &label(), &|_| ())
    }

    fn prove(&self, how: Compression, facts: &Facts) -> Result<()> {
        prove(&self.archive(), &self.log(), how, facts)
    }

    fn examine(&self, how: Compression) -> Result<Examined> {
        examine(&self.archive(), how, &|_| ())
    }

    /// What the official tool makes of the archive.
    fn judged(&self, how: Compression) -> Vec<u8> {
        judge(how, &fs::read(&self.archive).unwrap())
    }
}

fn label() -> Label {
    Label {
        set: "app".to_owned(),
        log: "/var/log/app/app.log".to_owned(),
        host: "i-0123456789abcdef0".to_owned(),
        rotated_at: time("2026-11-21T03:10:37Z"),
        begun_at: Some(time("2026-11-20T03:10:37Z")),
        labels: BTreeMap::new(),
    }
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn judge(how: Compression, archive: &[u8]) -> Vec<u8> {
    let tool = if matches!(how, Compression::Gzip { .. }) { "gzip" } else { "zstd" };
    let run = |flag: &str| {
        let mut child = Command::new(tool)
            .arg(flag)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the official tool is installed");
        let mut stdin = child.stdin.take().unwrap();
        let output = std::thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(archive));
            child.wait_with_output().unwrap()
        });
        assert!(output.status.success(), "{tool} {flag}");
        output.stdout
    };
    run("-t");
    run("-dc")
}

fn lines(count: usize) -> Vec<u8> {
    let line = |n: usize| format!("2026-11-20T10:{:02}:{:02}Z request {n} took {} ms\n", n / 60 % 60, n % 60, n * 7919 % 1000);
    (0..count).map(line).collect::<String>().into_bytes()
}

/// Every promise at once, for any text.
fn holds_for(text: &[u8], how: Compression) {
    let scene = Scene::with(text);
    let facts = scene.compress(how).unwrap();
    assert_eq!(facts.stored, fs::metadata(&scene.archive).unwrap().len());
    assert_eq!((facts.size, facts.lines), (text.len() as u64, text.split_inclusive(|byte| *byte == b'\n').count() as u64));
    scene.prove(how, &facts).unwrap();
    let found = scene.examine(how).unwrap();
    assert_eq!((&found.sha256, found.size, found.lines), (&facts.sha256, facts.size, facts.lines));
    let carried = matches!(how, Compression::Zstd { .. }).then(|| (label(), facts));
    assert_eq!(found.carried, carried);
    assert_eq!(read_trailer(&scene.archive()).unwrap(), carried);
    assert!(scene.judged(how) == text, "the official tool gives something else back");
}

#[test]
fn every_kind_of_log_comes_back() {
    let noise: Vec<u8> = (0..FRAME * 2 + 77).scan(1u64, |seed, _| Some(scramble(seed))).collect();
    let long_line = [b"short\n".as_slice(), &vec![b'x'; FRAME * 5 / 2], b"\nlast"].concat();
    for text in [
        b"".as_slice(),
        b"\n",
        b"no newline",
        b"\0\0\0",
        &lines(60_000),
        &noise,
        &long_line,
        &vec![0; FRAME],
        &vec![b'\n'; FRAME + 1],
    ] {
        for how in ALL {
            holds_for(text, how);
        }
    }
}

/// Bytes without a pattern, the same ones each time.
fn scramble(seed: &mut u64) -> u8 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    seed.to_be_bytes()[0]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_text_comes_back(pieces in proptest::collection::vec((any::<u8>(), 0..FRAME / 2, any::<bool>()), 0..6), how in proptest::sample::select(ALL.to_vec())) {
        let text: Vec<u8> = pieces.iter().flat_map(|(byte, length, is_line)| {
            let mut seed = u64::from(*byte);
            let noise = (0..length / 16).map(move |_| scramble(&mut seed));
            std::iter::repeat_n(*byte, length - length / 16).chain(noise).chain(is_line.then_some(b'\n'))
        }).collect();
        holds_for(&text, how);
    }
}

#[test]
fn each_frame_ends_with_a_line_and_stands_for_itself() {
    let text = lines(60_000);
    assert!(text.len() > 2 * FRAME);
    let scene = Scene::with(&text);
    scene.compress(ZSTD).unwrap();
    let bytes = fs::read(&scene.archive).unwrap();
    let trailer = trailer::find(&scene.archive()).unwrap().unwrap();
    let entries: Vec<_> = trailer.table.entries(&scene.archive()).map(|entry| entry.unwrap()).collect();
    assert_eq!(entries.last().unwrap().plain, 0, "the trailer is listed");
    let (mut at, mut plain_at) = (0, 0);
    for entry in entries.iter().filter(|entry| entry.plain > 0) {
        let frame = &bytes[at..at + entry.stored as usize];
        let plain = &text[plain_at..plain_at + entry.plain as usize];
        assert!(plain.len() <= FRAME && plain.ends_with(b"\n"));
        assert!(judge(ZSTD, frame) == plain, "a frame alone gives its lines");
        (at, plain_at) = (at + frame.len(), plain_at + plain.len());
    }
    assert_eq!(plain_at, text.len());
}

#[test]
fn a_line_without_end_is_cut_at_the_limit() {
    let scene = Scene::with(&vec![b'x'; FRAME * 2 + 5]);
    scene.compress(ZSTD).unwrap();
    let trailer = trailer::find(&scene.archive()).unwrap().unwrap();
    let plain: Vec<usize> = trailer.table.entries(&scene.archive()).map(|entry| entry.unwrap().plain as usize).collect();
    assert_eq!(plain, [FRAME, FRAME, 5, 0]);
}

#[test]
fn progress_tells_every_byte() {
    for how in QUICK {
        let scene = Scene::with(&lines(60_000));
        let told = std::sync::atomic::AtomicU64::new(0);
        let add = |more| {
            told.fetch_add(more, std::sync::atomic::Ordering::Relaxed);
        };
        let facts = compress(&scene.log(), &scene.archive(), how, &label(), &add).unwrap();
        assert_eq!(told.swap(0, std::sync::atomic::Ordering::Relaxed), facts.size);
        examine(&scene.archive(), how, &add).unwrap();
        assert_eq!(told.into_inner(), facts.size);
    }
}

#[test]
fn the_encoder_is_named_with_its_settings() {
    let named = |how| Scene::with(b"x\n").compress(how).unwrap().encoder;
    assert_eq!(named(Compression::Zstd { level: 1 }), "zstd 1.5.7 level 1");
    assert_eq!(named(ZSTD), "zstd 1.5.7 level 6, match 6, search 4, hash 19");
    assert_eq!(named(GZIP), "gzip level 6, zlib-rs");
}

#[test]
fn gzip_names_the_log_and_its_rotation() {
    let scene = Scene::with(b"x\n");
    scene.compress(GZIP).unwrap();
    let mut member = flate2::read::GzDecoder::new(scene.archive());
    member.read_to_end(&mut Vec::new()).unwrap();
    let header = member.header().unwrap();
    assert_eq!((header.filename(), i64::from(header.mtime())), (Some(b"app.log".as_slice()), label().rotated_at.timestamp()));
}

#[test]
fn a_log_that_stays_as_it_is_is_measured() {
    let scene = Scene::with(&lines(10));
    let facts = measure(&scene.log(), &label(), &|_| ()).unwrap();
    let found = examine(&scene.log(), Compression::None, &|_| ()).unwrap();
    assert_eq!((facts.sha256, facts.size, facts.lines, facts.stored), (found.sha256, found.size, found.lines, found.size));
    assert_eq!(facts.times, scene.compress(ZSTD).unwrap().times);
}

#[test]
fn a_log_that_is_only_moved_elsewhere_is_copied_and_compared() {
    let scene = Scene::with(&lines(60_000));
    let facts = scene.compress(Compression::None).unwrap();
    assert_eq!(fs::read(&scene.archive).unwrap(), lines(60_000));
    assert_eq!(facts, measure(&scene.log(), &label(), &|_| ()).unwrap());
    scene.prove(Compression::None, &facts).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&scene.archive(), b"X", 2_000_000).unwrap();
    assert_eq!(scene.prove(Compression::None, &facts).unwrap_err().cause.unwrap(), "it differs from the log at byte 2000000");
}

impl Scene {
    /// The time of the log's lines, when it was last written to at that time.
    fn times(&self, written: &str) -> Option<(String, String, TimeSource)> {
        self.log().set_modified(time(written).into()).unwrap();
        let range = measure(&self.log(), &label(), &|_| ()).unwrap().times?;
        let shown = |time: DateTime<Utc>| time.format("%FT%TZ").to_string();
        Some((shown(range.from), shown(range.until), range.source))
    }
}

#[test]
fn the_times_are_those_of_the_first_and_the_last_line() {
    let times = |text: &[u8]| Scene::with(text).times("2026-11-21T03:00:00Z");
    let of_lines = |from: &str, until: &str| Some((from.to_owned(), until.to_owned(), TimeSource::Lines));
    let of_file =
        of_lines("2026-11-20T03:10:37Z", "2026-11-21T03:00:00Z").map(|(from, until, _)| (from, until, TimeSource::File));
    assert_eq!(times(&lines(60_000)), of_lines("2026-11-20T10:00:00Z", "2026-11-20T10:39:59Z"));
    assert_eq!(times(b"2026-11-20T10:00:00Z only line"), of_lines("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"));
    assert_eq!(times(b"2026-11-20T10:00:00Z error\n    at com.example.Main\n"), of_file, "a stack trace bears no time");
    assert_eq!(times(b"2026-11-20T10:00:00Z b\n2026-11-20T09:00:00Z a\n"), of_file, "time does not go backwards");
    assert_eq!(times(b"2026-11-20T10:00:00Z ok\nends 2030-01-01T00:00:00Z\n"), of_file, "a log is not from the future");
    assert_eq!(
        times(&[b"2026-11-20T10:00:00Z\n".as_slice(), &vec![b'x'; 70_000], b"2026-11-20T10:00:00Z\n"].concat()),
        of_file,
        "no line is so long"
    );
    assert_eq!(times(b""), of_file);
}

#[test]
fn times_that_cannot_be_are_unknown() {
    assert_eq!(Scene::with(b"x\n").times("2026-11-19T00:00:00Z"), None, "written to before it was begun");
    let label = Label { begun_at: None, ..label() };
    assert_eq!(measure(&Scene::with(b"x\n").log(), &label, &|_| ()).unwrap().times, None);
}

/// Written when version 1 was new. It stays as it is: every later version must read it.
#[test]
fn the_archive_of_version_1_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/archive-v1.zst");
    let archive = File::open(&path).unwrap();
    let facts = Facts {
        sha256: "45b38f6228fba7c06cf42054d0e1ce7734b7126ee437ce490ba62a2c0576f547".to_owned(),
        size: 127,
        lines: 3,
        stored: fs::metadata(&path).unwrap().len(),
        encoder: "zstd 1.5.7 level 6, match 6, search 4, hash 19".to_owned(),
        times: Some(TimeRange {
            from: time("2026-11-20T10:00:00Z"),
            until: time("2026-11-20T10:00:02Z"),
            source: TimeSource::Lines,
        }),
    };
    assert_eq!(read_trailer(&archive).unwrap(), Some((label(), facts.clone())));
    let found = examine(&archive, ZSTD, &|_| ()).unwrap();
    assert_eq!((found.sha256, found.size, found.lines), (facts.sha256, facts.size, facts.lines));
    assert_eq!(judge(ZSTD, &fs::read(&path).unwrap()), lines(3));
}

#[test]
fn no_archive_is_larger_than_what_is_said_to_be_enough() {
    let mut state = 7_u64;
    let mut noise = |bytes: usize| -> Vec<u8> {
        let mut next = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            state.to_le_bytes()[5]
        };
        (0..bytes).map(|_| next() | 0x80).collect()
    };
    for text in [Vec::new(), noise(100), noise(70_000), [noise(3 << 20), b"\n".repeat(1 << 16), noise(1000)].concat()] {
        for how in [Compression::Zstd { level: 1 }, ZSTD, Compression::Gzip { level: 1 }, GZIP] {
            let stored = Scene::with(&text).compress(how).unwrap().stored;
            assert!(stored <= how.at_most(text.len() as u64), "{how}: {stored} of {}", text.len());
        }
    }
}
