//! The checksums of an object in the making: of each of its parts, and of the whole.

use crc_fast::{CrcAlgorithm, Digest};
use sha2::{Digest as _, Sha256};

use super::ChecksumKind;
use crate::aws::bucket::Sum;

/// What was taken so far.
pub(super) enum Tally {
    /// Nothing yet: to put two sums together takes longer than to make that of a small object.
    Crc(ChecksumKind, CrcAlgorithm, Option<Box<Digest>>),
    /// The sums of the parts, one after the other, and how many.
    Sha(Vec<u8>, usize),
    Nothing,
}

impl Tally {
    pub(super) fn new(kind: ChecksumKind) -> Tally {
        match kind {
            ChecksumKind::Crc64nvme => Tally::Crc(kind, CrcAlgorithm::Crc64Nvme, None),
            ChecksumKind::Crc32 => Tally::Crc(kind, CrcAlgorithm::Crc32IsoHdlc, None),
            ChecksumKind::Sha256 => Tally::Sha(Vec::new(), 0),
            ChecksumKind::None => Tally::Nothing,
        }
    }

    /// The next part, and its own sum.
    pub(super) fn part(&mut self, bytes: &[u8]) -> Option<Sum> {
        match self {
            Tally::Crc(kind, algorithm, whole) => {
                let mut part = Digest::new(*algorithm);
                part.update(bytes);
                let told = sum(*kind, &part);
                match whole {
                    Some(whole) => whole.combine(&part),
                    None => *whole = Some(Box::new(part)),
                }
                Some(told)
            }
            Tally::Sha(sums, parts) => {
                let hash = Sha256::digest(bytes);
                sums.extend_from_slice(&hash);
                *parts += 1;
                Some(Sum::new(ChecksumKind::Sha256, &hash))
            }
            Tally::Nothing => None,
        }
    }

    /// That of all parts together.
    pub(super) fn whole(&self) -> Option<Sum> {
        match self {
            Tally::Crc(kind, _, Some(whole)) => Some(sum(*kind, whole)),
            Tally::Crc(kind, algorithm, None) => Some(sum(*kind, &Digest::new(*algorithm))),
            Tally::Sha(sums, parts) => Some(Sum::new(ChecksumKind::Sha256, &Sha256::digest(sums)).of_parts(*parts)),
            Tally::Nothing => None,
        }
    }
}

fn sum(kind: ChecksumKind, crc: &Digest) -> Sum {
    let value = crc.finalize().to_be_bytes();
    Sum::new(kind, if kind == ChecksumKind::Crc32 { &value[4..] } else { &value })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(kind: ChecksumKind, parts: &[&[u8]]) -> Option<String> {
        let mut tally = Tally::new(kind);
        for part in parts {
            tally.part(part);
        }
        tally.whole().map(|sum| sum.as_str().to_owned())
    }

    #[test]
    fn sums_are_the_known_ones() {
        // The check values of the catalogue of CRCs: ae8b14860a799888 and cbf43926.
        assert_eq!(whole(ChecksumKind::Crc64nvme, &[b"12345", b"6789"]).as_deref(), Some("rosUhgp5mIg="));
        assert_eq!(whole(ChecksumKind::Crc32, &[b"123456789"]).as_deref(), Some("y/Q5Jg=="));
        assert_eq!(whole(ChecksumKind::None, &[b"123456789"]), None);
        let part = Tally::new(ChecksumKind::Sha256).part(b"").unwrap();
        assert_eq!(part.as_str(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert!(whole(ChecksumKind::Sha256, &[b"a", b"b"]).unwrap().ends_with("=-2"));
    }

    proptest! {
        #[test]
        fn the_sum_of_the_whole_is_the_same_however_it_is_cut(text in proptest::collection::vec(any::<u8>(), 0..4000), at in 0..4000_usize) {
            let (head, tail) = text.split_at(at.min(text.len()));
            for kind in [ChecksumKind::Crc64nvme, ChecksumKind::Crc32] {
                prop_assert_eq!(whole(kind, &[head, tail]), whole(kind, &[&text]));
            }
        }
    }
}
