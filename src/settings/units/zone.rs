//! Time zones by their IANA name: `Europe/Berlin`.

use std::{fmt, str::FromStr};

use chrono_tz::{TZ_VARIANTS, Tz};

use super::{Misread, Quantity, quantity};
use crate::settings::suggest;

/// A time zone whose rules are compiled in, so that they do not depend on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Zone(pub Tz);

quantity!(Zone, {
    "description": "A time zone by its IANA name.",
    "type": "string",
    "examples": ["UTC", "Europe/Berlin", "America/New_York"]
});

impl Quantity for Zone {
    const EXPECTED: &'static str = "a time zone such as \"Europe/Berlin\"";
}

impl Default for Zone {
    fn default() -> Zone {
        Zone(Tz::UTC)
    }
}

impl FromStr for Zone {
    type Err = Misread;

    fn from_str(text: &str) -> Result<Zone, Misread> {
        text.parse().map(Zone).map_err(|_| {
            let hint = match meant(text) {
                Some(name) => format!("did you mean `{name}`?"),
                None => "use an IANA name such as `Europe/Berlin`".to_owned(),
            };
            Misread::new(text, format_args!("unknown time zone, {hint}"))
        })
    }
}

/// People type the city alone, or miss a letter.
fn meant(text: &str) -> Option<&'static str> {
    let names = || TZ_VARIANTS.iter().map(|zone| zone.name());
    let city = |name: &&str| name.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(text));
    names().find(city).or_else(|| suggest::nearest(text, names()))
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_known_by_name() {
        assert_eq!("Europe/Berlin".parse(), Ok(Zone(Tz::Europe__Berlin)));
        assert_eq!(Zone::default().to_string(), "UTC");
    }

    #[test]
    fn an_unknown_zone_is_guessed() {
        for (text, expected) in [
            ("Europe/Berln", "`Europe/Berln`: unknown time zone, did you mean `Europe/Berlin`?"),
            ("europe/berlin", "did you mean `Europe/Berlin`?"),
            ("berlin", "did you mean `Europe/Berlin`?"),
            ("somewhere over the rainbow", "use an IANA name"),
            ("", "use an IANA name"),
        ] {
            let message = text.parse::<Zone>().unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
