//! Archives that are joined: the texts one after the other, in an archive that anybody reads.

use super::*;

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn archive(text: &[u8], how: Compression) -> File {
    let into = tempfile::tempfile().unwrap();
    compress(&file_of(text), &into, how, &label(), &|_| ()).unwrap();
    into
}

const FORMS: [Compression; 3] = [Compression::None, Compression::Zstd { level: 3 }, Compression::Gzip { level: 1 }];

#[test]
fn the_texts_stand_one_after_the_other_and_each_is_found_again() {
    let large: Vec<u8> = (0..200_000_u32).flat_map(|line| format!("{line}\n").into_bytes()).collect();
    let texts: [&[u8]; 4] = [b"one\n", &large, b"", b"the last, without an end"];
    for how in FORMS {
        let into = tempfile::tempfile().unwrap();
        let mut joint = Joint::new(&into, how).unwrap();
        for text in texts {
            joint.add(&archive(text, how)).unwrap();
        }
        let facts = joint.end(&label(), None).unwrap();
        let whole = texts.concat();
        let examined = examine(&into, how, &|_| ()).unwrap();
        assert_eq!((&examined.sha256, examined.size, examined.lines), (&facts.sha256, whole.len() as u64, 200_002), "{how}");
        assert_eq!(facts.stored, into.metadata().unwrap().len());
        let sizes: Vec<u64> = texts.iter().map(|text| text.len() as u64).collect();
        let (all, each) = examine_each(&into, how, &sizes).unwrap();
        assert_eq!((all.sha256, all.size), (facts.sha256, facts.size));
        assert_eq!(each.iter().map(|found| found.ends_line).collect::<Vec<_>>(), [true, true, true, false]);
        let mut from = 0;
        for (text, found) in texts.iter().zip(each) {
            let to = from + text.len() as u64;
            let mut got = Vec::new();
            read_part(&into, how, Stretch { from, to }, &mut |piece| {
                got.extend_from_slice(piece);
                Ok(())
            })
            .unwrap();
            let sha256 = examine(&file_of(text), Compression::None, &|_| ()).unwrap().sha256;
            assert!(got == *text && found.sha256 == sha256 && found.size == text.len() as u64, "{how}, {from}");
            from = to;
        }
    }
}

#[test]
fn what_is_compressed_stays_as_it_is() {
    let how = Compression::Zstd { level: 3 };
    let (one, other) = (archive(b"some text\n", how), archive(b"more of it\n", Compression::Zstd { level: 9 }));
    let into = tempfile::tempfile().unwrap();
    let mut joint = Joint::new(&into, how).unwrap();
    joint.add(&one).unwrap();
    joint.add(&other).unwrap();
    let facts = joint.end(&label(), None).unwrap();
    assert!(facts.encoder.contains("level 3") && facts.encoder.contains(" + ") && facts.encoder.contains("level 9"), "{facts:?}");
    let frame = |file: &File| {
        let trailer = trailer::find(file).unwrap().unwrap();
        let mut frames = Vec::new();
        let all = Stretch { from: 0, to: u64::MAX };
        zstd::each_own_frame_of(file, &trailer, all, &mut |_, packed, _| {
            frames.push(packed.to_vec());
            Ok(())
        })
        .unwrap();
        frames
    };
    assert_eq!(frame(&into), [frame(&one), frame(&other)].concat());
}

#[test]
fn a_text_that_is_shorter_than_it_is_said_to_be_is_noticed() {
    let into = archive(b"abc\n", Compression::None);
    let (all, each) = examine_each(&into, Compression::None, &[2, 5, 1]).unwrap();
    assert_eq!((all.size, each.iter().map(|found| found.size).collect::<Vec<_>>()), (4, vec![2, 2, 0]));
}
