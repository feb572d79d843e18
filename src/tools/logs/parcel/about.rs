//! What an object says of itself, for whoever has nothing but the bucket: whose log it was, and what its text must be. Pure, and
//! bounded: S3 takes 2 KiB of it. Nothing is ever decided by it; manifests are what counts.

use super::Parcel;

/// With each name S3 counts `x-amz-meta-`, perhaps; room is left for what the store itself adds.
const MOST: usize = 1800;
const PREFIX: usize = "x-amz-meta-".len();

/// Names and values, the most important first. One that is too long for what is left is left out, never cut short.
pub fn about(parcel: &Parcel) -> Vec<(String, String)> {
    let facts = &parcel.facts;
    let own = [
        ("plain-sha256", facts.sha256.clone()),
        ("plain-size", facts.size.to_string()),
        ("lines", facts.lines.to_string()),
        ("host", escaped(&parcel.host)),
        ("service", escaped(&parcel.service)),
        ("set", escaped(&parcel.set)),
        ("encoder", escaped(&facts.encoder)),
        ("log", escaped(&parcel.log)),
    ];
    let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
    let labels = parcel.labels.iter().map(|(name, value)| (format!("label-{name}"), escaped(value)));
    let mut left = MOST;
    let fits = |(name, value): &(String, String)| {
        let rest = left.checked_sub(PREFIX + name.len() + value.len());
        left = rest.unwrap_or(left);
        rest.is_some()
    };
    own.chain(labels).filter(fits).collect()
}

/// As a header can carry it: `%` and what is no visible ASCII as `%XX`.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'%';
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel(log: &str) -> Parcel {
        let text = include_str!("../../../../tests/fixtures/parcel-v1.json");
        Parcel { log: log.to_owned(), ..serde_json::from_str(text).unwrap() }
    }

    #[test]
    fn an_object_says_whose_log_it_was_and_what_its_text_must_be() {
        let parcel = parcel("/var/log/ü b%.log");
        let about = about(&parcel);
        let said = |name: &str| about.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!(said("log"), Some("/var/log/%C3%BC%20b%25.log"));
        assert_eq!((said("host"), said("plain-sha256")), (Some(&*parcel.host), Some(&*parcel.facts.sha256)));
        assert_eq!(said("lines"), Some(&*parcel.facts.lines.to_string()));
    }

    #[test]
    fn what_is_too_long_is_left_out_and_the_rest_stays() {
        let mut parcel = parcel(&"x".repeat(4096));
        parcel.labels = (0..16).map(|number| (format!("name-{number:02}"), "y".repeat(100))).collect();
        let about = about(&parcel);
        let bytes: usize = about.iter().map(|(name, value)| PREFIX + name.len() + value.len()).sum();
        assert!(bytes <= MOST && bytes > MOST - 120, "{bytes}");
        assert!(
            !about.iter().any(|(name, _)| name == "log") && about.iter().any(|(name, _)| name == "label-name-09"),
            "{about:?}"
        );
        assert!(about.iter().all(|(_, value)| value.bytes().all(|byte| byte.is_ascii_graphic())));
    }
}
