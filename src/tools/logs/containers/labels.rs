//! What people call the writer of a log: `container`, `image`, `compose-service`, `compose-project`, `pod`, `namespace`,
//! `pod-container`. Kept in the ledger and in the archive; nothing is ever decided by them.
//!
//! All of it was written by strangers, so each word has a limit, and there are few.

use std::collections::BTreeMap;

use crate::report::is_hostile;

/// Labels by name.
pub type Labels = BTreeMap<String, String>;

/// The longest name of an image has 255 bytes, with tag and digest 456.
const LONGEST: usize = 512;
/// Twice what we give; a later version may give more.
const MOST: usize = 16;

/// Why a value is no label of ours.
pub fn refusal(value: &str) -> Option<String> {
    if value.len() > LONGEST {
        return Some(format!("it has more than {LONGEST} bytes"));
    }
    value.contains(is_hostile).then(|| "it has characters that cannot be shown".to_owned())
}

/// What of a stranger's labels may be kept.
pub fn limited(labels: &Labels) -> Labels {
    let sane = |(name, value): &(&String, &String)| is_name(name) && !value.is_empty() && refusal(value).is_none();
    labels.iter().filter(sane).take(MOST).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(all: &[(&str, &str)]) -> Labels {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_a_stranger_says_is_kept_only_when_it_is_short_and_visible() {
        let (fits, too_long) = ("x".repeat(512), "x".repeat(513));
        let (name, long_name) = ("n".repeat(64), "n".repeat(65));
        let good = labels(&[("container", "web"), ("compose-service", "müll"), ("image", &fits), (&name, "1")]);
        assert_eq!(limited(&good), good);
        let bad =
            [("a", "\n"), ("b", "\u{202e}"), ("c", ""), ("d", &too_long), ("E", "x"), ("f g", "x"), ("", "x"), (&long_name, "x")];
        assert_eq!(limited(&labels(&bad)), Labels::new());
    }

    #[test]
    fn the_most_and_longest_leave_room_for_the_longest_path_at_an_archives_end() {
        let all: Labels = (0..1000).map(|number| (format!("{number:064}"), "\"".repeat(512))).collect();
        let kept = limited(&all);
        assert_eq!(kept.len(), 16);
        let path = "\u{1}".repeat(4096);
        assert!(serde_json::to_string(&(kept, path)).unwrap().len() < 48 << 10);
    }
}
