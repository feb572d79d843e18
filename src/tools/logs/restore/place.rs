//! Where a restored log goes: the machine, the folders of the live log, the archive's name. All three are a store's words, so none
//! of them may lead anywhere else. Pure.

use std::{fmt::Write, path::PathBuf};

use crate::tools::logs::manifest::archived::Archived;

/// `i-0abc/var/log/app/app.log.20261121T042122Z-0001`
pub(super) fn place(archived: &Archived) -> PathBuf {
    let folders = archived.first().log.rsplit_once('/').map_or("", |(folders, _)| folders);
    let name = archived.name();
    let parts = std::iter::once(archived.host.as_str()).chain(folders.split('/')).chain([name.as_str()]);
    parts.filter(|part| !part.is_empty()).map(plain).collect()
}

/// The part of a path as a name of its own, whatever it is.
fn plain(part: &str) -> String {
    /// File systems take no more, and a part of a file needs some.
    const LONGEST: usize = 240;
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
    use crate::tools::logs::manifest::{Object, tests::object};

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
}
