//! Where a restored log goes: the machine, the folders of the live log, the archive's name. All three are a store's words, so none
//! of them may lead anywhere else; and no two archives get one place, or one would hide the other. Pure.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write,
    path::{Path, PathBuf},
};

use crate::tools::logs::manifest::{Object, archived::Archived};

/// An archive, and its place.
#[derive(Debug)]
pub(super) struct Placed {
    /// What.
    pub(super) archived: Archived,
    /// Where.
    pub(super) place: PathBuf,
    /// Whether another archive, with another text, has the same name there.
    pub(super) shared: bool,
}

/// Each of them with a place of its own. Where several have one name, as when a machine's name was used again, each gets the first digits
/// of its SHA-256 besides. What is there twice with the same text comes once.
pub(super) fn placed(archives: Vec<Archived>) -> Vec<Placed> {
    let mut texts: HashMap<PathBuf, HashSet<String>> = HashMap::new();
    let mut fresh = |archived: &Archived| texts.entry(place(archived)).or_default().insert(text(archived));
    let each: Vec<Archived> = archives.into_iter().filter(|archived| fresh(archived)).collect();
    let mut taken: HashSet<PathBuf> =
        texts.iter().filter(|(_, texts)| texts.len() == 1).map(|(place, _)| place.clone()).collect();
    let most = each.len();
    let one = |archived: Archived| {
        let place = place(&archived);
        if texts.get(&place).is_none_or(|texts| texts.len() == 1) {
            return Placed { archived, place, shared: false };
        }
        let digits: String = text(&archived).chars().filter(char::is_ascii_hexdigit).take(DIGITS).collect();
        let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let told = |turn: usize| {
            let turn = if turn == 0 { String::new() } else { format!("-{turn}") };
            place.with_file_name(format!("{name}.{digits}{turn}"))
        };
        // Whatever a store says, two are never one.
        let own = (0..=most).map(told).find(|own| taken.insert(own.clone())).unwrap_or_default();
        Placed { archived, place: own, shared: true }
    };
    each.into_iter().map(one).collect()
}

/// So many digits of a SHA-256 tell archives apart.
const DIGITS: usize = 12;

/// What the text of an archive is known by.
fn text(archived: &Archived) -> String {
    archived.sha256().unwrap_or_else(|| archived.objects.iter().map(|object| object.sha256.as_str()).collect())
}

/// `i-0abc/var/log/app/app.log.20261121T042122Z-0001`
fn place(archived: &Archived) -> PathBuf {
    Path::new(&plain(&archived.host)).join(below(archived.first(), &archived.name()))
}

/// What is the same of all archives that may get one place, and of few others of a machine.
pub(super) fn near(object: &Object) -> PathBuf {
    below(object, &object.name)
}

fn below(object: &Object, name: &str) -> PathBuf {
    let folders = object.log.rsplit_once('/').map_or("", |(folders, _)| folders);
    folders.split('/').chain([name]).filter(|part| !part.is_empty()).map(plain).collect()
}

/// The part of a path as a name of its own, whatever it is.
fn plain(part: &str) -> String {
    /// File systems take no more, and a part of a file needs some, and so do digits that tell two apart.
    const LONGEST: usize = 200;
    let mut name = String::new();
    for (at, symbol) in part.char_indices() {
        let before = name.len();
        if symbol.is_alphanumeric() || "-_+@=,:".contains(symbol) || (symbol == '.' && at > 0) {
            name.push(symbol);
        } else {
            for byte in symbol.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(name, "%{byte:02X}");
            }
        }
        if name.len() > LONGEST {
            name.truncate(before);
            break;
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use std::path::Component;

    use proptest::prelude::*;

    use super::*;
    use crate::tools::logs::manifest::tests::object;

    proptest! {
        #[test]
        fn whatever_a_store_says_it_stays_below(host in ".{0,40}", log in "(/|\\.|a|\\PC){0,60}", name in "(/|\\.|\\PC){0,300}") {
            let objects = vec![Object { log, name, ..object("x", 0) }];
            for part in place(&Archived { host, objects }).components() {
                prop_assert!(matches!(part, Component::Normal(name) if name.len() <= 255), "{part:?}");
            }
        }
    }

    #[test]
    fn an_ordinary_log_goes_where_a_person_would_look() {
        let object = Object { log: "/var/log/web app/access_log".to_owned(), name: "access_log.1".to_owned(), ..object("x", 0) };
        assert_eq!(
            place(&Archived { host: "i-0abc".to_owned(), objects: vec![object] }),
            PathBuf::from("i-0abc/var/log/web%20app/access_log.1")
        );
    }
    fn archived(name: &str, sha256: &str) -> Archived {
        let objects = vec![Object { name: name.to_owned(), sha256: sha256.to_owned(), ..object("x", 0) }];
        Archived { host: "i".to_owned(), objects }
    }

    fn places(archives: Vec<Archived>) -> Vec<(String, bool)> {
        placed(archives).into_iter().map(|one| (one.place.display().to_string(), one.shared)).collect()
    }

    #[test]
    fn archives_of_one_name_and_two_texts_go_to_two_places_whatever_their_order() {
        let (one, other) = ("a".repeat(64), "b".repeat(64));
        let told = |digit: &str| (format!("i/a.log.1.{}", digit.repeat(12)), true);
        let (first, second) = (|| archived("a.log.1", &one), || archived("a.log.1", &other));
        assert_eq!(places(vec![first(), second(), first()]), [told("a"), told("b")]);
        assert_eq!(places(vec![second(), first()]), [told("b"), told("a")]);
        assert_eq!(places(vec![first(), first()]), [("i/a.log.1".to_owned(), false)], "one text, shipped under two keys");
    }

    #[test]
    fn whatever_a_store_says_two_archives_are_never_one_file() {
        let same = "c".repeat(12);
        let names = [format!("a.{same}"), "a".to_owned(), "a".to_owned(), "a".to_owned()];
        let texts = ["x".to_owned(), format!("{same}1"), format!("{same}2"), "../..".to_owned()];
        let all = names.iter().zip(&texts).map(|(name, text)| archived(name, text)).collect();
        let places: HashSet<String> = places(all).into_iter().map(|(place, _)| place).collect();
        assert_eq!(places.len(), 4, "{places:?}");
        assert!(places.iter().all(|place| !place.contains("..")), "{places:?}");
    }
}
