//! "Did you mean": the known word nearest to a mistyped one.

/// The one of `known` that `word` was probably meant to be, if any is near enough.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Comparing grows with the product of the lengths; no word of ours is that long.
    if word.is_empty() || word.len() > 64 {
        return None;
    }
    let lower = word.to_lowercase();
    let rank = |name: &str| {
        let far = strsim::damerau_levenshtein(&lower, &name.to_lowercase());
        let near = far <= 1.max(word.chars().count().min(name.chars().count()) / 3);
        let begun = word.len() >= 3 && name.starts_with(&lower);
        (near || begun).then_some((!near, far))
    };
    let ranked = known.into_iter().filter_map(|name| Some((rank(name)?, name)));
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, name)| name)
}

/// What to write instead of `word`, as a hint.
pub(super) fn instead(word: &str, known: &[&str]) -> String {
    nearest(word, known.iter().copied()).map_or_else(|| one_of(known), |meant| format!("did you mean `{meant}`?"))
}

/// The words to choose from, when none was nearly right.
pub(super) fn one_of(known: &[&str]) -> String {
    match known {
        [] => "nothing may stand here".to_owned(),
        [only] => format!("use `{only}`"),
        _ => format!("use one of `{}`", known.join("`, `")),
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    const KNOWN: [&str; 4] = ["compress", "count", "keep", "max-age"];

    #[test]
    fn a_slip_finds_its_word() {
        for (word, expected) in
            [("compres", "compress"), ("cuont", "count"), ("max_age", "max-age"), ("Keep", "keep"), ("comp", "compress")]
        {
            assert_eq!(nearest(word, KNOWN), Some(expected), "{word}");
        }
    }

    #[test]
    fn a_stranger_finds_nothing() {
        for word in ["", "zzz", "rotate", &"k".repeat(1000)] {
            assert_eq!(nearest(word, KNOWN), None, "{word}");
        }
    }
}
