//! Archives that others wrote: streamed in bounded memory, or refused with a reason.

use super::*;

/// What a tool makes of a text.
fn by(tool: &str, flags: &[&str], text: &[u8]) -> Vec<u8> {
    let mut child = Command::new(tool)
        .args(flags)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the official tool is installed");
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(text));
        child.wait_with_output().unwrap().stdout
    })
}

fn examined(archive: &[u8], how: Compression) -> Result<Examined> {
    let scene = Scene::with(b"");
    fs::write(&scene.archive, archive).unwrap();
    assert_eq!(read_trailer(&scene.archive()), Ok(None));
    scene.examine(how)
}

#[test]
fn what_the_official_tools_write_is_read() {
    let text = lines(60_000);
    let zstd = |flags: &[&str]| by("zstd", flags, &text);
    let skipped = [0x53, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let frames: Vec<u8> =
        text.chunks(70_001).flat_map(|chunk| [&by("zstd", &["-c1"], chunk), skipped.as_slice()].concat()).collect();
    let members: Vec<u8> = text.chunks(700_001).flat_map(|chunk| by("gzip", &["-c1"], chunk)).collect();
    for (archive, how) in [
        (zstd(&["-c"]), ZSTD),
        (zstd(&["-c", "-19", "--no-check"]), ZSTD),
        (frames, ZSTD),
        (by("gzip", &["-c"], &text), GZIP),
        (members, GZIP),
    ] {
        let found = examined(&archive, how).unwrap();
        assert_eq!((found.size, found.lines, found.carried), (text.len() as u64, 60_000, None));
        let cut = examined(&archive[..archive.len() - 1], how);
        assert!(cut.is_err());
    }
}

#[test]
fn a_window_beyond_measure_is_refused() {
    let failure = examined(&by("zstd", &["-c", "--long=27"], &lines(10)), ZSTD).unwrap_err();
    assert_eq!(failure.to_string(), "cannot read the archive: Frame requires too much memory for decoding");
}

#[test]
fn what_bursts_is_streamed_in_small_pieces() {
    let bomb = by("zstd", &["-c", "-1"], &vec![0; 64 << 20]);
    assert!(bomb.len() < 10_000);
    let scene = Scene::with(b"");
    fs::write(&scene.archive, &bomb).unwrap();
    let largest = std::sync::atomic::AtomicU64::new(0);
    let widen = |piece| {
        largest.fetch_max(piece, std::sync::atomic::Ordering::Relaxed);
    };
    examine(&scene.archive(), ZSTD, &widen).unwrap();
    assert!((1..=128 << 10).contains(&largest.into_inner()));
}

#[test]
fn what_is_no_archive_is_refused() {
    for bytes in
        [b"".as_slice(), b"x", b"plain text\n", &[0; 100], &[0x50, 0x2A, 0x4D, 0x18, 9, 0, 0, 0], &[0x50, 0x2A, 0x4D, 0x18]]
    {
        assert!(examined(bytes, ZSTD).is_err(), "{bytes:?}");
        assert!(examined(bytes, GZIP).is_err(), "{bytes:?}");
    }
}

#[test]
fn a_seekable_archive_of_another_tool_is_a_strangers() {
    let frame = by("zstd", &["-c"], b"x\n");
    let entry = seek_table::Entry { stored: u32::try_from(frame.len()).unwrap(), plain: 2 };
    let archive = [frame, seek_table::written(&[entry]).unwrap()].concat();
    assert_eq!(examined(&archive, ZSTD).unwrap().size, 2);
    let empty = seek_table::written(&[]).unwrap();
    assert_eq!(examined(&empty, ZSTD).unwrap().size, 0);
}

proptest! {
    #[test]
    fn any_bytes_are_looked_at_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200), begin in 0..4usize, footer in any::<bool>()) {
        let begins = [b"".as_slice(), &[0x28, 0xB5, 0x2F, 0xFD], &[0x1F, 0x8B, 8], &[0x5E, 0x2A, 0x4D, 0x18]];
        let end: &[u8] = if footer { &[1, 0, 0, 0, 0, 0xB1, 0xEA, 0x92, 0x8F] } else { b"" };
        let scene = Scene::with(b"");
        fs::write(&scene.archive, [begins[begin], &bytes, end].concat()).unwrap();
        let _ = (read_trailer(&scene.archive()), scene.examine(ZSTD), scene.examine(GZIP));
    }
}
