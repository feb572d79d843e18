//! An archive that is made as it is taken: the same as one that is written, however it is taken.

use super::*;

fn taken(text: Text, how: Compression, times: Option<TimeRange>, at_once: usize) -> Vec<u8> {
    let label = label();
    let mut packing = pack(text, how, &label, times, &|_| ()).unwrap();
    let (mut all, mut piece) = (Vec::new(), vec![0; at_once]);
    loop {
        match packing.fill(&mut piece).unwrap() {
            0 => return all,
            got => all.extend_from_slice(&piece[..got]),
        }
    }
}

#[test]
fn what_is_made_as_it_is_taken_is_what_would_be_written() {
    let long = "a line of a log that is longer than one frame is\n".repeat(60_000);
    for text in [long.as_str(), "one line", ""] {
        for how in QUICK.into_iter().chain([Compression::None]) {
            let scene = Scene::with(text.as_bytes());
            let facts = scene.compress(how).unwrap();
            let written = fs::read(&scene.archive).unwrap();
            let source = scene.log();
            for at_once in [1 << 20, 4001] {
                assert!(taken((&source).into(), how, facts.times, at_once) == written, "{how}, {} bytes", text.len());
            }
            let mut back = Vec::new();
            let mut take = |plain: &[u8]| {
                back.extend_from_slice(plain);
                Ok(())
            };
            let (tried, sha256) = trial(&source, how, &label(), facts.times, (&mut take, &|_| ())).unwrap();
            let mut hash = crate::files::fingerprint::Fingerprint::default();
            hash.take(&written);
            assert!((tried, sha256) == (facts, hash.hex()) && back == text.as_bytes(), "{how}");
        }
    }
}

#[test]
fn of_a_stretch_only_that_is_taken() {
    let scene = Scene::with(b"one\ntwo\nthree\n");
    let log = scene.log();
    let stretch = Stretch { from: 4, to: 8 };
    let (facts, _) = trial(Text::of(&log, Some(stretch)), ZSTD, &label(), None, (&mut |_| Ok(()), &|_| ())).unwrap();
    assert_eq!((facts.size, facts.lines), (4, 1));
    assert_eq!(taken(Text::of(&log, Some(stretch)), Compression::None, None, 3), b"two\n");
}

#[test]
fn what_grows_while_it_is_packed_is_refused() {
    let scene = Scene::with(b"one\n");
    let (log, label) = (scene.log(), label());
    let mut packing = pack(&log, ZSTD, &label, None, &|_| ()).unwrap();
    File::options().append(true).open(&scene.log).unwrap().write_all(b"two\n").unwrap();
    assert!(packing.fill(&mut [0; 100]).unwrap_err().to_string().contains("it had 4 bytes and now has 8"));
}
