//! Archives of ours that were damaged: nothing is taken for sound that is not, and nothing panics.

use std::os::unix::fs::FileExt;

use super::*;

/// What each way of looking says of a damaged archive.
struct Verdicts {
    proven: bool,
    examined: Option<Examined>,
    carried: Option<(Label, Facts)>,
}

struct Original {
    scene: Scene,
    facts: Facts,
    bytes: Vec<u8>,
    how: Compression,
}

impl Original {
    fn of(text: &[u8], how: Compression) -> Original {
        let scene = Scene::with(text);
        let facts = scene.compress(how).unwrap();
        let bytes = fs::read(&scene.archive).unwrap();
        Original { scene, facts, bytes, how }
    }

    fn damaged(&self, bytes: &[u8]) -> Verdicts {
        // Not by truncation: file systems write such a file to the disk at once.
        let archive = self.scene.archive();
        archive.write_all_at(bytes, 0).unwrap();
        archive.set_len(bytes.len() as u64).unwrap();
        Verdicts {
            proven: self.scene.prove(self.how, &self.facts).is_ok(),
            examined: self.scene.examine(self.how).ok(),
            carried: read_trailer(&archive).unwrap_or(None),
        }
    }

    /// The verdicts when the byte at each place is changed in each of nine ways.
    fn flipped(&self) -> impl Iterator<Item = (usize, Verdicts)> {
        let masks = (0..8).map(|bit| 1u8 << bit).chain([0xFF]);
        (0..self.bytes.len()).flat_map(move |at| masks.clone().map(move |mask| (at, mask))).map(|(at, mask)| {
            let mut bytes = self.bytes.clone();
            bytes[at] ^= mask;
            (at, self.damaged(&bytes))
        })
    }

    fn same_text(&self, found: &Examined) -> bool {
        (&found.sha256, found.size, found.lines) == (&self.facts.sha256, self.facts.size, self.facts.lines)
    }
}

#[test]
fn every_flipped_bit_of_a_zstd_archive_is_noticed_but_for_some_that_mean_nothing() {
    const HEADER: usize = 6;
    const CHECKSUM: usize = 4;
    for text in [lines(40), b"".to_vec(), b"\0no newline".to_vec()] {
        let original = Original::of(&text, ZSTD);
        let data = usize::try_from(trailer::find(&original.scene.archive()).unwrap().unwrap().at).unwrap();
        let truth = Some((label(), original.facts.clone()));
        for (at, verdicts) in original.flipped() {
            // The proof compares every plain byte, so what passes it was a bit that means nothing: zstd's entropy tables
            // have a few. There are none in headers, checksums, the trailer and the seek table.
            assert!(!verdicts.proven || (HEADER..data - CHECKSUM).contains(&at), "byte {at} of {data}");
            // When the seek table's end is hit, the data are still sound; that they no longer say what they are is noticed.
            let passes = |found: Examined| original.same_text(&found) && (verdicts.proven || found.carried.is_none());
            assert!(verdicts.examined.is_none_or(passes), "byte {at} of {data}");
            assert!(verdicts.carried.is_none() || verdicts.carried == truth, "byte {at} of {data}");
        }
    }
}

#[test]
fn every_flipped_bit_of_a_gzip_archive_is_noticed_but_for_its_header() {
    let original = Original::of(&lines(40), GZIP);
    // Flags that only describe, time, system, name; and what fills up the last byte before the checksum.
    let name = 10..10 + "app.log".len();
    let filling = original.bytes.len() - 9;
    for (at, verdicts) in original.flipped() {
        let means_nothing = matches!(at, 3..=9) || name.contains(&at) || at == filling;
        assert!(!verdicts.proven || means_nothing, "byte {at}");
        assert!(verdicts.examined.is_none_or(|found| original.same_text(&found) && means_nothing), "byte {at}");
    }
}

#[test]
fn a_cut_archive_is_noticed_wherever_it_is_cut() {
    for how in [ZSTD, GZIP] {
        let original = Original::of(&lines(24_000), how);
        let frames = match trailer::find(&original.scene.archive()).unwrap() {
            Some(trailer) => {
                trailer.table.entries(&original.scene.archive()).map(|entry| entry.unwrap().stored as usize).collect()
            }
            None => Vec::new(),
        };
        let ends: Vec<usize> = frames
            .iter()
            .scan(0, |at, length| {
                *at += length;
                Some(*at)
            })
            .collect();
        let last = original.bytes.len();
        let near = |end: &usize| end.saturating_sub(9)..(end + 9).min(last);
        let cuts =
            (0..20).chain((0..last).step_by(last / 40)).chain((last - 600..last).step_by(7)).chain(ends.iter().flat_map(near));
        for cut in cuts {
            let verdicts = original.damaged(&original.bytes[..cut]);
            assert!(!verdicts.proven && verdicts.carried.is_none(), "cut at {cut}");
            // Whole frames of data are a sound zstd file, of which only the ledger knows that there was more.
            assert!(verdicts.examined.is_none_or(|_| ends[..ends.len() - 1].contains(&cut)), "cut at {cut}");
        }
    }
}

#[test]
fn something_after_the_end_is_noticed() {
    for how in [ZSTD, GZIP] {
        let original = Original::of(&lines(40), how);
        for more in
            [b"\0".as_slice(), b"x", b"garbage\n", &[0; 4096], &original.bytes[..9], &[0x50, 0x2A, 0x4D, 0x18, 0, 0, 0, 0]]
        {
            let verdicts = original.damaged(&[&original.bytes, more].concat());
            assert!(!verdicts.proven && verdicts.examined.is_none() && verdicts.carried.is_none(), "{how} and {more:?}");
        }
        let twice = original.damaged(&original.bytes.repeat(2));
        assert!(!twice.proven && twice.examined.is_none_or(|found| !original.same_text(&found)));
    }
}

/// An archive of ours with this data and this text about itself.
fn forged(data: &[(&[u8], u32)], line: &str) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(line.as_bytes());
    let text = format!("{line}{:08x}\n", crc.sum());
    let mut entries: Vec<_> = data
        .iter()
        .map(|(frame, plain)| seek_table::Entry { stored: u32::try_from(frame.len()).unwrap(), plain: *plain })
        .collect();
    let size = u32::try_from(text.len()).unwrap();
    entries.push(seek_table::Entry { stored: size + 8, plain: 0 });
    let mut all: Vec<u8> = data.iter().flat_map(|(frame, _)| frame.to_vec()).collect();
    all.extend(
        [&trailer::MAGIC.to_le_bytes(), &size.to_le_bytes(), text.as_bytes(), &seek_table::written(&entries).unwrap()].concat(),
    );
    all
}

fn line(change: impl Fn(&mut serde_json::Value)) -> String {
    let scene = Scene::with(b"x\n");
    let facts = scene.compress(ZSTD).unwrap();
    let mut json = serde_json::json!({ "version": 1, "label": label(), "facts": facts });
    change(&mut json);
    let rest = json.to_string();
    let version = json["version"].clone();
    format!("{{\"format\":\"opsbelt.logs.archive\",\"version\":{version},{}\n", &rest[1..])
}

fn read_forged(line: &str) -> Result<Option<(Label, Facts)>> {
    let scene = Scene::with(b"");
    let frame = ::zstd::bulk::compress(b"x\n", 1).unwrap();
    fs::write(&scene.archive, forged(&[(&frame, 2)], line)).unwrap();
    read_trailer(&scene.archive())
}

#[test]
fn a_newer_version_is_refused_and_says_so() {
    let newer = line(|json| json["version"] = 2.into());
    let failure = read_forged(&newer).unwrap_err();
    assert_eq!(
        failure.cause.as_deref(),
        Some("it was written by a newer opsbelt (version 2 of its format, and this one reads up to 1)")
    );
    assert!(failure.hint.is_some());
}

#[test]
fn a_field_that_came_later_is_passed_over() {
    let richer = line(|json| {
        json["facts"]["mood"] = "good".into();
        json["label"]["team"] = "web".into();
        json["extra"] = serde_json::json!([1, 2]);
    });
    let (read, _) = read_forged(&richer).unwrap().unwrap();
    assert_eq!(read, label());
}

#[test]
fn nonsense_in_the_right_place_is_an_error() {
    for nonsense in [
        line(|json| json["facts"] = 5.into()),
        line(|json| json["label"] = serde_json::Value::Null),
        line(|json| json["facts"]["size"] = "much".into()),
        line(|json| json["version"] = 0.into()),
        line(|json| json["version"] = "1".into()),
        line(|json| json["label"]["rotated_at"] = "yesterday".into()),
        "{\"format\":\"opsbelt.logs.archive\",\"version\":1}\n".to_owned(),
        "{\"format\":\"opsbelt.logs.archive\",\"version\":1,\n".to_owned(),
        "[]\n".to_owned(),
        "\n".to_owned(),
        String::new(),
        format!("{{\"format\":\"opsbelt.logs.archive\",\"version\":1,\"x\":{}\n", "[".repeat(10_000)),
    ] {
        assert!(read_forged(&nonsense).is_err(), "{nonsense}");
    }
}

#[test]
fn a_frame_that_would_burst_is_refused() {
    let two = frame(&vec![0; 2 * FRAME]);
    let one = frame(&vec![0; FRAME]);
    let mut liar = one.clone();
    liar[5..9].copy_from_slice(&10u32.to_le_bytes());
    let mebibyte = u32::try_from(FRAME).unwrap();
    let line = line(|_| ());
    for (frame, told) in
        [(&two, mebibyte), (&two, 2 * mebibyte), (&liar, 10), (&liar, mebibyte), (&one, mebibyte - 1), (&one, u32::MAX)]
    {
        let scene = Scene::with(b"");
        fs::write(&scene.archive, forged(&[(frame, told)], &line)).unwrap();
        let failure = scene.examine(ZSTD).unwrap_err();
        assert!(failure.to_string().starts_with("cannot read the archive: its frame at byte 0 is damaged: "), "{failure}");
    }
}

/// A frame as ours are, written by somebody else.
fn frame(text: &[u8]) -> Vec<u8> {
    let mut encoder = ::zstd::bulk::Compressor::new(1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.compress(text).unwrap()
}

#[test]
fn a_frame_behind_a_frame_is_noticed() {
    let scene = Scene::with(b"");
    fs::write(&scene.archive, forged(&[(&[frame(b"x\n"), frame(b"y\n")].concat(), 2)], &line(|_| ()))).unwrap();
    assert!(scene.examine(ZSTD).unwrap_err().to_string().ends_with("it has another size than its header tells"));
}

#[test]
fn an_archive_that_lacks_the_end_of_the_log_proves_nothing() {
    let scene = Scene::with(b"x\ny\n");
    fs::write(&scene.archive, forged(&[(&frame(b"x\n"), 2)], &line(|json| json["facts"]["size"] = 4.into()))).unwrap();
    let (_, facts) = read_trailer(&scene.archive()).unwrap().unwrap();
    assert_eq!(scene.prove(ZSTD, &facts).unwrap_err().cause.unwrap(), "it ends after 2 of 4 bytes");
}

#[test]
fn one_flipped_bit_does_not_make_it_a_strangers() {
    let original = Original::of(b"x\n", ZSTD);
    let trailer = usize::try_from(trailer::find(&original.scene.archive()).unwrap().unwrap().at).unwrap();
    for at in trailer..trailer + 50 {
        let mut bytes = original.bytes.clone();
        bytes[at] ^= 1;
        original.damaged(&bytes);
        let failure = read_trailer(&original.scene.archive()).unwrap_err();
        assert!(failure.to_string().starts_with("cannot read the archive: what it says of itself is damaged"), "{failure}");
    }
}

#[test]
fn content_that_is_not_what_it_says_is_an_error() {
    let scene = Scene::with(b"");
    fs::write(&scene.archive, forged(&[(&frame(b"y\n"), 2)], &line(|_| ()))).unwrap();
    assert_eq!(scene.examine(ZSTD).unwrap_err().cause.unwrap(), "its content is not what it says of itself");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn many_changes_at_once_do_no_harm(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), keep in any::<prop::sample::Index>(), gzip in any::<bool>()) {
        let original = Original::of(&lines(40), if gzip { GZIP } else { ZSTD });
        let mut bytes = original.bytes.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        original.damaged(&bytes);
        original.damaged(&bytes[..keep.index(bytes.len())]);
    }
}
