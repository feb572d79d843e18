//! What the directives of a stanza mean: the values that somebody asks for; of the others only whether they can be
//! meant. The last word wins, as in logrotate; globals are the values that a stanza starts from.

/// How logs are rotated. The default is what logrotate does when nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    /// How the live log makes room.
    pub method: Method,
    /// How many rotated logs stay; logrotate keeps none when nothing is said, -1 means all.
    pub rotate: Option<i64>,
}

/// How the live log makes room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// The log gets another name.
    #[default]
    Rename,
    /// The log is copied and stays as it is.
    Copy,
    /// The log is copied and cut; lines written in between are lost.
    CopyTruncate,
}

impl Directives {
    /// Follows one directive. The error says what is wrong with the value.
    pub(super) fn follow(&mut self, word: &str, value: &str) -> Result<(), String> {
        match word {
            "copytruncate" => self.method = Method::CopyTruncate,
            "copy" if self.method == Method::Rename => self.method = Method::Copy,
            "renamecopy" => self.method = Method::Rename,
            "nocopytruncate" if self.method == Method::CopyTruncate => self.method = Method::Rename,
            "nocopy" if self.method == Method::Copy => self.method = Method::Rename,
            "rotate" => self.rotate = Some(count(value)?),
            "size" | "maxsize" | "minsize" => drop(bytes(value)?),
            "minutes" => drop(number::<u64>(value)?),
            "maxage" => drop(number::<u32>(value)?),
            _ => {}
        }
        Ok(())
    }
}

fn count(value: &str) -> Result<i64, String> {
    value.parse().ok().filter(|count| *count >= -1).ok_or_else(|| format!("`{value}` is no count"))
}

fn number<N: std::str::FromStr>(value: &str) -> Result<N, String> {
    value.parse().map_err(|_| format!("`{value}` is no number"))
}

fn bytes(value: &str) -> Result<u64, String> {
    let (digits, unit) = match value.as_bytes().last() {
        Some(b'k' | b'K') => (&value[..value.len() - 1], 1 << 10),
        Some(b'M') => (&value[..value.len() - 1], 1 << 20),
        Some(b'G') => (&value[..value.len() - 1], 1 << 30),
        _ => (value, 1),
    };
    let size = digits.trim_end().parse::<u64>().ok().and_then(|size| size.checked_mul(unit));
    size.ok_or_else(|| format!("`{value}` is no size"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(words: &[(&str, &str)]) -> Directives {
        let mut directives = Directives::default();
        for (word, value) in words {
            directives.follow(word, value).unwrap();
        }
        directives
    }

    #[test]
    fn the_last_word_wins() {
        assert_eq!(after(&[("rotate", "1"), ("rotate", "-1")]).rotate, Some(-1));
        assert_eq!(after(&[("copytruncate", ""), ("nocopytruncate", "")]).method, Method::Rename);
        assert_eq!(after(&[("copytruncate", ""), ("copy", "")]).method, Method::CopyTruncate);
    }

    #[test]
    fn values_that_mean_nothing_are_errors() {
        for (word, value) in
            [("rotate", "-2"), ("rotate", "x"), ("size", "1m"), ("size", ""), ("minutes", "-1"), ("size", "9e9G")]
        {
            assert!(Directives::default().follow(word, value).is_err(), "{word} {value}");
        }
        assert!(Directives::default().follow("size", "18446744073709551615G").is_err());
    }
}
