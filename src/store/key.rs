//! The name of an object: folders and a name, of few characters, so that it means the same in a bucket, on a disk, and in the
//! path of a query engine.

use std::fmt;

/// A name that every store can bear.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

/// The longest key of S3.
const LONGEST: usize = 1024;
/// The longest name of a file, less what a part of it needs besides.
const LONGEST_PART: usize = 240;

impl Key {
    /// The key, if it is one.
    pub fn new(text: impl Into<String>) -> Option<Key> {
        let text = text.into();
        (text.len() <= LONGEST && text.split('/').all(is_part)).then_some(Key(text))
    }

    /// The whole of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its folders, and its name.
    pub fn parts(&self) -> (impl Iterator<Item = &str>, &str) {
        let (folders, name) = self.0.rsplit_once('/').unwrap_or(("", &self.0));
        (folders.split('/').filter(|folder| !folder.is_empty()), name)
    }

    /// The key of a name in this folder.
    pub fn join(&self, name: &str) -> Option<Key> {
        Key::new(format!("{}/{name}", self.0))
    }
}

/// A hidden name is no object: a part of one, or somebody else's.
fn is_part(part: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=%".contains(&byte);
    !part.is_empty() && part.len() <= LONGEST_PART && !part.starts_with('.') && part.bytes().all(plain)
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_leads_nowhere_else() {
        for text in ["", "/a", "a/", "a//b", "..", "a/../b", ".a", "a/.b", "a b", "a\\b", "a\nb", "ä", "a:b", "*"] {
            assert_eq!(Key::new(text), None, "{text:?}");
        }
        assert_eq!(Key::new("x".repeat(LONGEST_PART + 1)), None);
        assert_eq!(Key::new(vec!["x".repeat(200); 6].join("/")), None);
    }

    #[test]
    fn a_key_is_folders_and_a_name() {
        let key = Key::new("logs/service=a%2Fb/dt=2026-11-21/x_1.zst").unwrap();
        let (folders, name) = key.parts();
        assert_eq!((folders.collect::<Vec<_>>(), name), (vec!["logs", "service=a%2Fb", "dt=2026-11-21"], "x_1.zst"));
        let (folders, name) =
            Key::new("x").unwrap().join("y").map(|key| (key.parts().0.count(), key.parts().1.to_owned())).unwrap();
        assert_eq!((folders, name.as_str()), (1, "y"));
    }
}
