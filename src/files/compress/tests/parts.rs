//! Parts of an archive: together they are its text, whatever it is compressed with.

use std::os::unix::fs::FileExt;

use super::*;

/// Lines of about so many bytes together.
fn lines(bytes: usize) -> Vec<u8> {
    let mut text = Vec::new();
    while text.len() < bytes {
        text.extend_from_slice(format!("{} says {:x}\n", text.len(), text.len().wrapping_mul(2_654_435_761)).as_bytes());
    }
    text
}

/// A file that holds that.
fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// The parts of a text that is cut at these bytes, each an archive of its own.
fn parts(text: &[u8], how: Compression, cuts: &[u64]) -> Vec<(File, Facts)> {
    let source = file_of(text);
    let archive = tempfile::tempfile().unwrap();
    compress(&source, &archive, how, &label(), &|_| ()).unwrap();
    let ends = cuts.iter().skip(1).copied().chain([text.len() as u64]);
    let one = |(from, to)| {
        let into = tempfile::tempfile().unwrap();
        let facts = part(&archive, how, Stretch { from, to }, &into, &label(), None).unwrap();
        (into, facts)
    };
    cuts.iter().copied().zip(ends).map(one).collect()
}

#[test]
fn parts_together_are_the_text_and_each_is_what_it_says() {
    let text = lines(3 << 20);
    for how in [Compression::None, Compression::Zstd { level: 3 }, Compression::Gzip { level: 1 }] {
        for cuts in [&[0][..], &[0, 100], &[0, 1_500_000, 1_500_001, 3_000_000], &[0, 1 << 20, 2 << 20]] {
            let mut joined = Vec::new();
            for (archive, facts) in parts(&text, how, cuts) {
                let before = joined.len();
                read(&archive, how, &mut |piece| {
                    joined.extend_from_slice(piece);
                    Ok(())
                })
                .unwrap();
                let found = examine(&archive, how, &|_| ()).unwrap();
                assert_eq!((found.sha256, found.size, found.lines), (facts.sha256, facts.size, facts.lines), "{how}, {cuts:?}");
                assert_eq!((facts.size, facts.stored), ((joined.len() - before) as u64, archive.metadata().unwrap().len()));
            }
            assert!(joined == text, "{how}, {cuts:?}");
        }
    }
}

#[test]
fn frames_that_lie_in_a_part_are_copied_as_they_are() {
    let text = lines(4 << 20);
    let source = file_of(&text);
    let archive = tempfile::tempfile().unwrap();
    let how = Compression::Zstd { level: 1 };
    compress(&source, &archive, how, &label(), &|_| ()).unwrap();
    let into = tempfile::tempfile().unwrap();
    // Were it compressed anew, it would be with another level.
    part(&archive, Compression::Zstd { level: 12 }, Stretch { from: 0, to: text.len() as u64 - 10 }, &into, &label(), None)
        .unwrap();
    let (mut was, mut is) = (vec![0; 600_000], vec![0; 600_000]);
    archive.read_exact_at(&mut was, 0).unwrap();
    into.read_exact_at(&mut is, 0).unwrap();
    assert!(was == is);
}

#[test]
fn an_archive_of_somebody_else_is_cut_as_well() {
    let text = lines(2 << 20);
    let archive = file_of(&::zstd::encode_all(&text[..], 1).unwrap());
    let how = Compression::Zstd { level: 3 };
    let mut joined = Vec::new();
    for (from, to) in [(0, 1000), (1000, text.len() as u64)] {
        let into = tempfile::tempfile().unwrap();
        part(&archive, how, Stretch { from, to }, &into, &label(), None).unwrap();
        read(&into, how, &mut |piece| {
            joined.extend_from_slice(piece);
            Ok(())
        })
        .unwrap();
    }
    assert!(joined == text);
}
