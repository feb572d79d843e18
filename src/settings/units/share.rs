//! Parts of a whole: `10%`, `12.5%`.

use std::{fmt, str::FromStr};

use super::{Misread, Quantity, digits, quantity};

/// A share of a whole in steps of a tenth of a percent, from nothing to all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share {
    permille: u16,
}

quantity!(Share, {
    "description": "A share from 0% to 100%, in steps of 0.1%.",
    "type": "string",
    "pattern": r"^\s*[0-9]+(\.[0-9])?\s*%\s*$",
    "examples": ["10%", "12.5%"]
});

impl Quantity for Share {
    const EXPECTED: &'static str = "a share such as \"10%\"";
}

impl Share {
    /// This share of `total`, rounded down.
    pub fn of(self, total: u64) -> u64 {
        let part = u128::from(total) * u128::from(self.permille) / 1000;
        u64::try_from(part).expect("a part is at most the whole")
    }
}

impl FromStr for Share {
    type Err = Misread;

    fn from_str(text: &str) -> Result<Share, Misread> {
        let misread = |why: &str| Misread::new(text, why);
        let number = text.trim().strip_suffix('%').ok_or_else(|| misread("write a percentage, such as `10%`"))?.trim_end();
        let (whole, rest) = digits(number);
        let tenth = match (rest.strip_prefix('.').unwrap_or(rest).as_bytes(), rest.starts_with('.')) {
            ([], false) => 0,
            ([tenth @ b'0'..=b'9'], true) => u16::from(tenth - b'0'),
            _ => return Err(misread("write a percentage with at most one digit after the point, such as `12.5%`")),
        };
        if whole.is_empty() {
            return Err(misread("write a percentage, such as `10%`"));
        }
        let permille = whole.parse::<u16>().ok().and_then(|whole| whole.checked_mul(10)?.checked_add(tenth));
        match permille {
            Some(permille @ 0..=1000) => Ok(Share { permille }),
            _ => Err(misread("must lie between 0% and 100%")),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.permille % 10 {
            0 => write!(f, "{}%", self.permille / 10),
            tenth => write!(f, "{}.{tenth}%", self.permille / 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_shown_and_taken() {
        for (text, shown, of_a_gigabyte) in
            [("10%", "10%", 100_000_000), ("12.5 %", "12.5%", 125_000_000), ("0%", "0%", 0), ("100.0%", "100%", 1_000_000_000)]
        {
            let share: Share = text.parse().unwrap();
            assert_eq!(share.to_string(), shown);
            assert_eq!(share.of(1_000_000_000), of_a_gigabyte);
        }
        assert_eq!(Share { permille: 1000 }.of(u64::MAX), u64::MAX);
    }

    #[test]
    fn nonsense_says_what_to_write() {
        let cases = [
            ("10", "`10`: write a percentage, such as `10%`"),
            ("%", "write a percentage"),
            ("-1%", "write a percentage"),
            (".5%", "write a percentage"),
            ("100.1%", "between 0% and 100%"),
            ("99999999%", "between 0% and 100%"),
            ("1.25%", "at most one digit"),
            ("1.%", "at most one digit"),
            ("1x%", "at most one digit"),
        ];
        for (text, expected) in cases {
            let message = text.parse::<Share>().unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
