//! How much of the beginning of live logs is in an archive already, by log and by the file system that it is on: of volumes
//! that take turns under one path, each keeps what was said of its log. Never looks whether a log still begins so.

use std::collections::HashMap;

use super::{Line, same_place};
use crate::files::cut::Head;

/// So many file systems of one log are remembered; they are mounted over one another, or in turns.
const TURNS: usize = 8;

/// All heads that are known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heads(HashMap<String, Vec<OnRoot>>);

/// The head of a log on one file system.
#[derive(Clone, Debug, PartialEq)]
struct OnRoot {
    root: Option<String>,
    head: Head,
}

impl Heads {
    /// The head of that log on that file system.
    pub fn of(&self, log: &str, root: Option<&str>) -> Option<&Head> {
        let all = self.0.get(log)?;
        all.iter().rev().find(|known| same_place(known.root.as_deref(), root)).map(|known| &known.head)
    }

    /// Nothing is known of any log.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The logs of which something is known.
    pub fn logs(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// On which file systems logs are of which something is known.
    pub fn roots(&self) -> impl Iterator<Item = (&str, &str)> {
        let known = self.0.iter().flat_map(|(log, all)| all.iter().map(move |known| (log, known)));
        known.filter_map(|(log, known)| Some((log.as_str(), known.root.as_deref()?)))
    }

    /// So much of that log's beginning is archived; what has no length is nothing. How many lines say nothing any more.
    pub(super) fn put(&mut self, log: String, root: Option<String>, head: Head) -> usize {
        let mut all = self.0.remove(&log).unwrap_or_default();
        let lines = all.len() + 1;
        all.retain(|known| !same_place(known.root.as_deref(), root.as_deref()));
        if head.length > 0 {
            all.push(OnRoot { root, head });
        }
        all.drain(..all.len().saturating_sub(TURNS));
        let dead = lines - all.len();
        if !all.is_empty() {
            self.0.insert(log, all);
        }
        dead
    }

    /// The lines that say all of it.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line> {
        self.0.keys().flat_map(|log| self.lines_of(log))
    }

    /// The lines that say that nothing is known of that log.
    pub(super) fn without(&self, log: &str) -> impl Iterator<Item = Line> {
        let nothing = |head: Head| Head { archived: 0, hole: 0, length: 0, layout: None, anchor: None, ..head };
        self.lines_of(log).map(move |line| match line {
            Line::Head { log, root, head } => Line::Head { log, root, head: nothing(head) },
            other => other,
        })
    }

    fn lines_of(&self, log: &str) -> impl Iterator<Item = Line> {
        let say = |known: &OnRoot| Line::Head { log: log.to_owned(), root: known.root.clone(), head: known.head.clone() };
        self.0.get(log).into_iter().flatten().map(say)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::cut::{Place, Way};

    fn head(archived: u64, length: u64) -> Head {
        let place = Place { way: Way::Collapse, unit: 4096 };
        Head { inode: 12, archived, hole: 0, sha256: "0".repeat(64), length, layout: None, anchor: None, place }
    }

    fn put(heads: &mut Heads, root: Option<&str>, archived: u64) -> usize {
        heads.put("/a.log".to_owned(), root.map(str::to_owned), head(archived, 80))
    }

    fn archived(heads: &Heads, root: Option<&str>) -> Option<u64> {
        heads.of("/a.log", root).map(|head| head.archived)
    }

    #[test]
    fn each_file_system_has_its_own_and_the_last_one_counts_where_nobody_knows_which() {
        let mut heads = Heads::default();
        assert_eq!([put(&mut heads, Some("one"), 1), put(&mut heads, Some("two"), 2)], [0, 0]);
        assert_eq!([archived(&heads, Some("one")), archived(&heads, Some("two"))], [Some(1), Some(2)]);
        assert_eq!([archived(&heads, Some("three")), archived(&heads, None)], [None, Some(2)]);
        assert_eq!(put(&mut heads, Some("one"), 3), 1, "the line before says nothing any more");
        assert_eq!([archived(&heads, Some("one")), archived(&heads, Some("two"))], [Some(3), Some(2)]);
    }

    #[test]
    fn what_was_said_before_file_systems_were_is_believed_of_any_and_replaced_by_any() {
        let mut heads = Heads::default();
        put(&mut heads, None, 1);
        assert_eq!(archived(&heads, Some("one")), Some(1));
        assert_eq!(put(&mut heads, Some("one"), 2), 1);
        assert_eq!(archived(&heads, Some("two")), None);
    }

    #[test]
    fn only_the_last_few_are_remembered() {
        let mut heads = Heads::default();
        let turns: Vec<String> = (0..TURNS + 2).map(|turn| format!("root {turn}")).collect();
        let dead: usize = turns.iter().map(|root| put(&mut heads, Some(root), 1)).sum();
        assert_eq!((dead, heads.lines().count()), (2, TURNS));
        assert_eq!(archived(&heads, Some("root 1")), None);
        assert_eq!(archived(&heads, Some("root 2")), Some(1));
    }
}
