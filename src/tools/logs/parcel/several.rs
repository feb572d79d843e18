//! An object may hold the texts of several archives of one log and one day (UTC), one after the other: small ones that waited for company.
//! What each of them is stands beside it, in their order, so that it can be cut into them again. Pure.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::part::{Part, Whole};
use crate::files::compress::{Facts, Stretch, TimeRange};

/// One of them. Persisted: fields may be added, never renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The archive's name.
    pub name: String,
    /// When it was rotated.
    pub rotated_at: DateTime<Utc>,
    /// The time that its lines are from, when it can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<TimeRange>,
    /// Its lines.
    pub lines: u64,
    /// What is true of its text, and of the archive that it was.
    #[serde(flatten)]
    pub whole: Whole,
}

impl Member {
    /// An archive of which this is true, and that has this SHA-256.
    pub fn new(name: &str, rotated_at: DateTime<Utc>, facts: &Facts, stored_sha256: String) -> Member {
        let whole = Whole { sha256: facts.sha256.clone(), size: facts.size, stored_sha256, stored: facts.stored };
        Member { name: name.to_owned(), rotated_at, times: facts.times, lines: facts.lines, whole }
    }

    /// All of its text.
    pub fn part(&self) -> Part {
        Part { from: 0, size: self.whole.size, whole: self.whole.clone() }
    }
}

/// Where each of them lies in a text of `size` bytes; None where they are not that text, whoever says so.
pub fn stretches(members: &[Member], size: u64) -> Option<Vec<Stretch>> {
    let mut to = 0_u64;
    let mut stretches = Vec::new();
    for member in members {
        let from = to;
        to = from.checked_add(member.whole.size)?;
        stretches.push(Stretch { from, to });
    }
    (to == size).then_some(stretches)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(size: u64) -> Member {
        let whole = Whole { sha256: "a".to_owned(), size, stored_sha256: "b".to_owned(), stored: 4 };
        Member { name: "app.log.1".to_owned(), rotated_at: DateTime::UNIX_EPOCH, times: None, lines: 1, whole }
    }

    #[test]
    fn they_lie_one_after_the_other_and_are_all_of_it_or_nothing_is_believed() {
        let of = |sizes: &[u64], size| stretches(&sizes.iter().map(|size| member(*size)).collect::<Vec<_>>(), size);
        let told = of(&[3, 0, 4], 7).unwrap();
        assert_eq!(told.iter().map(|one| (one.from, one.to)).collect::<Vec<_>>(), [(0, 3), (3, 3), (3, 7)]);
        assert!(of(&[3, 4], 8).is_none() && of(&[3, 4], 6).is_none() && of(&[u64::MAX, 2], 1).is_none());
    }

    #[test]
    fn what_is_written_of_one_keeps_its_names() {
        let text = r#"{"name":"app.log.1","rotated_at":"1970-01-01T00:00:00Z","lines":1,"sha256":"a","size":3,"stored_sha256":"b","stored":4}"#;
        let read: Member = serde_json::from_str(text).unwrap();
        assert_eq!((&read, serde_json::to_string(&read).unwrap().as_str()), (&member(3), text));
    }
}
