//! An archive as a store has it: in one object, or in several that hold its text in parts. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Object;
use crate::tools::logs::parcel::part::Part;

/// An archive of a machine, or as much of it in a row as the manifests name.
#[derive(Clone, Debug)]
pub(in crate::tools::logs) struct Archived {
    /// The machine.
    pub(in crate::tools::logs) host: String,
    /// What it is joined from, in this order; never none.
    pub(in crate::tools::logs) objects: Vec<Object>,
}

impl Archived {
    /// The object that its text begins with.
    pub(in crate::tools::logs) fn first(&self) -> &Object {
        self.objects.first().expect("it was made of one")
    }

    /// The name of the archive; where it is not all there, with the bytes of its text that are.
    pub(in crate::tools::logs) fn name(&self) -> String {
        let Part { from, whole, .. } = self.first().part();
        let name = &self.first().name;
        if self.size() == whole.size { name.clone() } else { format!("{name}.{from}-{}", from.saturating_add(self.size())) }
    }

    /// Bytes of its text.
    pub(in crate::tools::logs) fn size(&self) -> u64 {
        self.objects.iter().fold(0, |all: u64, object| all.saturating_add(object.size))
    }

    /// SHA-256 of its text, where somebody said it.
    pub(in crate::tools::logs) fn sha256(&self) -> Option<String> {
        match &self.objects[..] {
            [all] => Some(all.sha256.clone()),
            [first, ..] => Some(first.part().whole).filter(|whole| whole.size == self.size()).map(|whole| whole.sha256),
            [] => None,
        }
    }

    /// The keys of its objects.
    pub(in crate::tools::logs) fn keys(&self) -> String {
        self.objects.iter().map(|object| object.key.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// When its last line was written, as far as anybody knows.
    pub(in crate::tools::logs) fn until(&self) -> DateTime<Utc> {
        self.objects.iter().map(|object| object.times.map_or(object.rotated_at, |times| times.until)).max().unwrap_or_default()
    }

    /// Whether something of its text is missing.
    pub(in crate::tools::logs) fn is_less(&self) -> bool {
        self.size() != self.first().part().whole.size
    }
}

/// The archives that a machine's objects hold.
pub(in crate::tools::logs) fn joined(host: &str, objects: Vec<Object>) -> Vec<Archived> {
    let one = |objects| Archived { host: host.to_owned(), objects };
    let mut parts: BTreeMap<(String, String, String), Vec<(Part, Object)>> = BTreeMap::new();
    let mut all = Vec::new();
    for object in objects.into_iter().flat_map(Object::each) {
        match &object.part {
            None => all.push(one(vec![object])),
            Some(part) => {
                let archive = (object.log.clone(), object.name.clone(), part.whole.sha256.clone());
                parts.entry(archive).or_default().push((part.clone(), object));
            }
        }
    }
    for mut of_one in parts.into_values() {
        of_one.sort_by_key(|(part, _)| (part.from, std::cmp::Reverse(part.size)));
        let mut row: Vec<Object> = Vec::new();
        let mut at = 0;
        for (part, object) in of_one {
            if part.from != at && !row.is_empty() {
                // Of what is there twice, the first is enough.
                if part.from < at {
                    continue;
                }
                all.push(one(std::mem::take(&mut row)));
            }
            at = part.to();
            row.push(object);
        }
        all.push(one(row));
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tools::logs::{manifest::tests::object, parcel::part::Whole};

    fn part(from: u64, to: u64, of: u64) -> Object {
        let whole = Whole { sha256: "whole".to_owned(), size: of, stored_sha256: String::new(), stored: 0 };
        let size = to - from;
        Object { size, sha256: format!("{from}"), part: Some(Part { from, size, whole }), ..object("app", 0) }
    }

    fn rows(objects: Vec<Object>) -> Vec<(String, Option<String>)> {
        joined("host", objects).iter().map(|archived| (archived.name(), archived.sha256())).collect()
    }

    #[test]
    fn what_is_not_all_there_comes_in_rows_that_say_which_bytes_they_are() {
        let whole = |text: &str| Some(text.to_owned());
        assert_eq!(rows(vec![part(4, 10, 10), part(0, 4, 10), part(0, 4, 10)]), [("a".to_owned(), whole("whole"))]);
        assert_eq!(
            rows(vec![part(7, 10, 10), part(0, 4, 10)]),
            [("a.0-4".to_owned(), whole("0")), ("a.7-10".to_owned(), whole("7"))]
        );
        assert_eq!(rows(vec![part(6, 8, 10), part(8, 10, 10)]), [("a.6-10".to_owned(), None)]);
        assert_eq!(rows(vec![object("app", 0), object("app", 0)]).len(), 2, "each of them is all of it");
    }

    proptest! {
        #[test]
        fn parts_in_any_order_are_one_archive(cuts in proptest::collection::btree_set(1..1000_u64, 0..8), turn in 0..8_usize) {
            let cuts: Vec<u64> = [0].into_iter().chain(cuts).chain([1000]).collect();
            let mut objects: Vec<Object> = cuts.windows(2).map(|pair| part(pair[0], pair[1], 1000)).collect();
            let length = objects.len();
            objects.rotate_left(turn % length);
            let joined = joined("host", objects);
            prop_assert!(joined.len() == 1 && !joined[0].is_less() && joined[0].objects.len() == length);
            let order: Vec<u64> = joined[0].objects.iter().map(|object| object.part().from).collect();
            prop_assert_eq!(&order[..], &cuts[..length]);
        }
    }
}
