//! A clock that is wrong: by how much, as far as the answer tells. Pure.

use chrono::{DateTime, NaiveDateTime, Utc};

use super::element;

/// The sentence, and what to do.
type Reason = (String, Option<String>);

/// As S3 tells it.
pub(super) fn of_s3(body: &str) -> Reason {
    let time = |name| element(body, name).and_then(|text| stamp(&text));
    reason(time("RequestTime").zip(time("ServerTime")))
}

/// As STS tells it, if that is what it says: `Signature expired: OURS is now earlier than X (THEIRS - 15 min.)`.
pub(super) fn of_sts(message: &str) -> Option<Reason> {
    if !message.starts_with("Signature expired") && !message.starts_with("Signature not yet current") {
        return None;
    }
    let mut stamps = message.split([' ', '(', ')']).filter_map(stamp);
    Some(reason(stamps.next().zip(stamps.nth(1))))
}

fn stamp(text: &str) -> Option<DateTime<Utc>> {
    let compact = NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").ok().map(|time| time.and_utc());
    compact.or_else(|| text.parse().ok())
}

fn reason(times: Option<(DateTime<Utc>, DateTime<Utc>)>) -> Reason {
    let cause = match times {
        Some((ours, theirs)) => {
            let off = (ours - theirs).num_seconds();
            let way = if off < 0 { "behind" } else { "ahead of" };
            format!("this machine's clock is {} minutes {way} the store's", off.unsigned_abs() / 60)
        }
        None => "this machine's clock is too far from the store's".to_owned(),
    };
    (cause, Some("set the clock: `timedatectl` says whether it follows a time server".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_how_much_a_clock_is_wrong_is_told_as_far_as_anybody_knows() {
        let behind = "Signature expired: 20261121T220000Z is now earlier than 20261121T221530Z (20261121T223030Z - 15 min.)";
        let ahead =
            "Signature not yet current: 20261121T230000Z is still later than 20261121T224500Z (20261121T223000Z + 15 min.)";
        assert!(of_sts(behind).unwrap().0.ends_with("30 minutes behind the store's"));
        assert!(of_sts(ahead).unwrap().0.ends_with("30 minutes ahead of the store's"));
        assert_eq!(of_sts("The request signature we calculated does not match"), None);
        assert!(of_s3("<RequestTime>x</RequestTime>").0.contains("too far"));
    }
}
