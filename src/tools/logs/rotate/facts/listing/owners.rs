//! Whose finished file a name is, among all live logs of a folder: of several, the one with the longest name. Of thousands
//! of logs only those are asked that can mean the name, by what is literal in their templates.

use std::collections::{BTreeSet, HashMap};

use glob::Pattern;

use crate::tools::logs::settings::finished;

/// A live log, and how its finished files are named.
pub(super) struct Writer {
    pub(super) set: usize,
    pub(super) log: String,
    pub(super) templates: Vec<Pattern>,
    /// With what every finished name begins.
    pub(super) begin: String,
    pub(super) finished: Vec<String>,
}

impl Writer {
    pub(super) fn new(set: usize, log: &str, templates: &[String]) -> Writer {
        let begin = finished::beginning(templates, log).to_owned();
        Writer { set, log: log.to_owned(), templates: finished::of(templates, log), begin, finished: Vec::new() }
    }

    fn means(&self, name: &str) -> bool {
        self.log != name && name.starts_with(&self.begin) && self.templates.iter().any(|template| template.matches(name))
    }
}

/// The live logs of a folder. They come by length.
#[derive(Default)]
pub(super) struct Writers {
    all: Vec<Writer>,
    begins: Parts<usize>,
    ends: Parts<usize>,
    middles: Parts<usize>,
    /// Those with a template that does not say whose.
    others: Vec<usize>,
}

impl Writers {
    /// Takes one more, whose name is not shorter than the others'.
    pub(super) fn push(&mut self, writer: Writer) {
        let position = self.all.len();
        for template in &writer.templates {
            match Known::of(template, finished::stem(&writer.log)) {
                Known::Begin(part) => self.begins.insert(part, position),
                Known::End(part) => self.ends.insert(part, position),
                Known::Within(part) => self.middles.insert(part, position),
                Known::Nothing => self.others.push(position),
            }
        }
        self.all.push(writer);
    }

    /// Whose finished file that name is: of several, the one with the longest name.
    pub(super) fn owner(&mut self, name: &str) -> Option<&mut Writer> {
        let begins = self.begins.lengths().filter_map(|length| name.get(..length)).flat_map(|part| self.begins.of(part));
        let ends = self.ends.lengths().filter_map(|length| name.get(name.len().checked_sub(length)?..));
        let ends = ends.flat_map(|part| self.ends.of(part));
        let middles = self.middles.lengths().flat_map(|length| (0..name.len()).filter_map(move |at| name.get(at..at + length)));
        let middles = middles.flat_map(|part| self.middles.of(part));
        let some = begins.chain(ends).chain(middles).chain(&self.others).copied();
        let found = some.filter(|position| self.all[*position].means(name)).max()?;
        Some(&mut self.all[found])
    }
}

impl IntoIterator for Writers {
    type Item = Writer;
    type IntoIter = std::vec::IntoIter<Writer>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.into_iter()
    }
}

/// Parts of names, and what is known by each.
#[derive(Debug)]
pub(super) struct Parts<T> {
    lengths: BTreeSet<usize>,
    by_part: HashMap<String, Vec<T>>,
}

impl<T> Default for Parts<T> {
    fn default() -> Parts<T> {
        Parts { lengths: BTreeSet::new(), by_part: HashMap::new() }
    }
}

impl<T> Parts<T> {
    pub(super) fn insert(&mut self, part: String, known: T) {
        self.lengths.insert(part.len());
        self.by_part.entry(part).or_default().push(known);
    }

    /// How long parts are: mostly there are few lengths.
    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.lengths.iter().copied()
    }

    pub(super) fn of(&self, part: &str) -> &[T] {
        self.by_part.get(part).map_or(&[], Vec::as_slice)
    }
}

/// What all names have in common that a template means.
#[derive(Debug, PartialEq, Eq)]
enum Known {
    Begin(String),
    End(String),
    Within(String),
    Nothing,
}

impl Known {
    /// That part which says whose it is, by the stem of its log: what is the same for all logs tells little. A template that
    /// is filled with a name has one; nothing is only what nobody foresaw.
    fn of(template: &Pattern, stem: &str) -> Known {
        let letters = letters(template.as_str());
        let mut parts: Vec<String> = letters.split(Option::is_none).map(|part| part.iter().flatten().collect()).collect();
        let last = parts.len() - 1;
        match parts.iter().position(|part| part.contains(stem)) {
            Some(0) => Known::Begin(parts.swap_remove(0)),
            Some(_) if parts[last].contains(stem) => Known::End(parts.swap_remove(last)),
            Some(at) => Known::Within(parts.swap_remove(at)),
            None => Known::Nothing,
        }
    }
}

/// A pattern letter by letter, as [`glob`] reads it; nothing where it means several.
fn letters(pattern: &str) -> Vec<Option<char>> {
    let text: Vec<char> = pattern.chars().collect();
    let (mut letters, mut at) = (Vec::new(), 0);
    while let Some(letter) = text.get(at) {
        // The first in brackets may be a bracket.
        let first = at + if text.get(at + 1) == Some(&'!') { 3 } else { 2 };
        let close = text.get(first..).and_then(|rest| rest.iter().position(|letter| *letter == ']')).map(|more| first + more);
        let (one, next) = match (letter, close) {
            ('[', Some(close)) => ((close == at + 2).then(|| text[at + 1]), close + 1),
            ('*' | '?', _) => (None, at + 1),
            (letter, _) => (Some(*letter), at + 1),
        };
        letters.push(one);
        at = next;
    }
    letters
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEMPLATES: [&str; 14] = [
        "{name}.*",
        "{name}",
        "{stem}-*.log",
        "*-{stem}.log",
        "*.{name}",
        "*{stem}*",
        "a*{stem}",
        "a*{stem}*",
        "[ab]{stem}?",
        "?{stem}[!a]",
        "[a]{name}.[]]",
        "{stem}.[!]a]",
        "{name}.?",
        "*{stem}.*b",
    ];

    fn known(template: &str, log: &str) -> Known {
        Known::of(&finished::of(&[template.to_owned()], log)[0], finished::stem(log))
    }

    #[test]
    fn what_says_whose_a_name_is_is_found_wherever_it_is() {
        let begin = |part: &str| Known::Begin(part.to_owned());
        let end = |part: &str| Known::End(part.to_owned());
        assert_eq!(known("{name}.*", "a[1].log"), begin("a[1].log."));
        assert_eq!(known("{stem}-[0-9]*.log", "app.log"), begin("app-"));
        assert_eq!(known("old-*-{stem}.log", "app.log"), end("-app.log"));
        assert_eq!(known("old-*-{stem}-*", "app.log"), Known::Within("-app-".to_owned()));
        assert_eq!(known("*{stem}?", "app.log"), Known::Within("app".to_owned()));
        assert_eq!(known("[x]{stem}[!]y]", "app.log"), begin("xapp"));
    }

    proptest! {
        #[test]
        fn the_owner_is_the_longest_of_all_that_mean_the_name(
            logs in prop::collection::btree_set("[ab.*?\\[\\]{}é-]{1,4}(\\.log)?", 1..12),
            templates in prop::collection::vec(prop::sample::subsequence(TEMPLATES.to_vec(), 1..4), 12),
            names in prop::collection::vec("[ab.\\[\\]é-]{0,3}(\\.log)?[ab.\\[\\]-]{0,3}", 1..40),
        ) {
            let mut logs: Vec<String> = logs.into_iter().collect();
            logs.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
            let (mut writers, mut plain) = (Writers::default(), Vec::new());
            for (log, templates) in logs.iter().zip(&templates) {
                let templates: Vec<String> = templates.iter().map(|template| (*template).to_owned()).collect();
                writers.push(Writer::new(0, log, &templates));
                plain.push(Writer::new(0, log, &templates));
            }
            let finished = logs.iter().flat_map(|log| {
                names.iter().flat_map(move |name| [format!("{log}.{name}"), format!("{name}{log}"), format!("{log}{name}")])
            });
            for name in finished.chain(logs.clone()).chain(names.clone()) {
                let owner = writers.owner(&name).map(|writer| writer.log.clone());
                let linear = plain.iter().rev().find(|writer| writer.means(&name)).map(|writer| writer.log.clone());
                prop_assert_eq!(owner, linear, "{}", name);
            }
        }
    }
}
