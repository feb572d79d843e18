//! How much is on its way to a bucket at a time, in parts of which size, and how long one call may take. Pure: memory and bandwidth as the
//! terms say them come in, and what follows from them goes out, so that no wait is longer than what is sent in it needs.

use std::time::Duration;

use super::terms::Terms;

/// An object up to this size is one call; a larger one is made of parts of this size at least.
pub const PART: u64 = 8 << 20;
/// S3 takes no more parts of one object.
const PARTS: u64 = 10_000;
/// What is on its way takes so much memory at most, unless the settings say.
pub const MEMORY: u64 = 96 << 20;
/// With less there would not be two parts on their way.
pub const LEAST_MEMORY: u64 = 2 * PART;
/// With less a single part would take longer than logins last.
pub const LEAST_BANDWIDTH: u64 = 64 << 10;

/// For one attempt of a call that brings nothing: a list, a look, the beginning of an answer.
pub const ASKED: Duration = Duration::from_mins(1);
/// For all attempts of such a call: so long nobody says that the store does not answer. And so long what it sends may come as slowly as it likes.
pub const ASKED_AGAIN: Duration = Duration::from_mins(3);

/// From the last byte sent to the last byte of the answer.
const ANSWER: Duration = Duration::from_mins(3);
/// So many bytes a second leave at least where nobody says how many may: what is on its way shares the line, and all of it takes that long.
const LINE: u64 = 512 << 10;
/// So often a call is tried at most, and the waits between.
const TRIES: u32 = 5;
/// What is on its way at a limited bandwidth is there within about this time.
const UNDERWAY: u64 = 30;
/// An object on its way has so much of the memory to itself, or a hundred small files would be a hundred threads.
const SHARE: u64 = 4 << 20;

/// What follows from memory and bandwidth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Bytes of bodies on their way at a time, all together.
    pub memory: u64,
    /// Objects on their way at a time.
    pub at_once: usize,
    /// For one attempt of a call.
    pub attempt: Duration,
    /// For all attempts of a call.
    pub operation: Duration,
    /// So many bytes a second come of an object at least, while others come beside it.
    least: u64,
}

impl Pace {
    /// What these terms come to.
    pub fn of(terms: &Terms) -> Pace {
        let memory = terms.max_memory.unwrap_or(MEMORY).max(LEAST_MEMORY);
        let bandwidth = terms.bandwidth.map(|bandwidth| bandwidth.max(LEAST_BANDWIDTH));
        // Where bytes leave slowly, more of them on their way would only make each call longer.
        let memory = bandwidth.map_or(memory, |bandwidth| memory.min(bandwidth.saturating_mul(UNDERWAY)).max(PART));
        // Twice: a body that was sent for nothing is sent again meanwhile.
        let leaving = (2 * memory).div_ceil(bandwidth.unwrap_or(LINE));
        let attempt = ANSWER + Duration::from_secs(leaving);
        let at_once = usize::try_from(memory / SHARE).unwrap_or(usize::MAX).clamp(2, 64);
        let least = bandwidth.map_or(LINE, |bandwidth| bandwidth.min(LINE)) / at_once as u64;
        Pace { memory, at_once, attempt, operation: attempt * TRIES, least }
    }

    /// How long an object is waited for in all until so much of it is there; whatever was announced.
    pub fn reading(&self, got: u64) -> Duration {
        ASKED_AGAIN + Duration::from_secs(got / self.least)
    }
}

/// Parts grow only where there would be too many of them.
pub fn part_size(size: u64) -> u64 {
    size.div_ceil(PARTS).next_multiple_of(1 << 20).max(PART)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pace(max_memory: Option<u64>, bandwidth: Option<u64>) -> Pace {
        Pace::of(&Terms { max_memory, bandwidth, ..Terms::default() })
    }

    #[test]
    fn twelve_parts_or_two_dozen_files_are_on_their_way_unless_the_settings_say() {
        let usual = pace(None, None);
        assert_eq!((usual.memory / PART, usual.at_once), (12, 24));
        assert_eq!(usual.attempt, ANSWER + Duration::from_secs(2 * MEMORY / LINE));
        assert_eq!(pace(Some(LEAST_MEMORY), None).memory / PART, 2);
        assert_eq!(pace(Some(1 << 40), None).at_once, 64);
    }

    #[test]
    fn at_the_least_bandwidth_one_part_at_a_time_has_all_the_time_that_it_takes() {
        let slow = pace(None, Some(LEAST_BANDWIDTH));
        assert_eq!((slow.memory, slow.at_once), (PART, 2));
        assert!(slow.attempt > Duration::from_secs(PART / LEAST_BANDWIDTH) + ANSWER);
    }

    #[test]
    fn who_sends_a_byte_now_and_then_is_given_up_and_who_shares_a_slow_line_is_not() {
        for (max_memory, bandwidth, line) in [
            (None, None, LINE),
            (Some(1 << 40), None, LINE),
            (None, Some(1 << 40), LINE),
            (None, Some(LEAST_BANDWIDTH), LEAST_BANDWIDTH),
        ] {
            let pace = pace(max_memory, bandwidth);
            // One byte a second, which the SDK takes for enough.
            let given_up = (0..1000).find(|&seconds| pace.reading(seconds) <= Duration::from_secs(seconds));
            assert_eq!(given_up, Some(ASKED_AGAIN.as_secs()), "{pace:?}");
            for got in [0, 1 << 20, 5 << 40] {
                let needs = Duration::from_secs(got * pace.at_once as u64 / line);
                assert!(pace.reading(got) >= ASKED_AGAIN + needs, "{got}, {pace:?}");
            }
        }
    }

    #[test]
    fn there_are_never_too_many_parts() {
        assert_eq!(part_size(PART + 1), PART);
        assert_eq!(part_size(PARTS * PART), PART);
        for size in [PARTS * PART + 1, 5 << 40, 50 << 40] {
            assert!(size.div_ceil(part_size(size)) <= PARTS, "{size}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_on_its_way_fits_and_has_left_before_anybody_gives_it_up(memory in 0..1_u64 << 40, bandwidth in 1..1_u64 << 40) {
            let pace = pace(Some(memory), Some(bandwidth));
            prop_assert!((PART..=memory.max(LEAST_MEMORY)).contains(&pace.memory));
            let leaving = pace.memory / bandwidth.max(LEAST_BANDWIDTH);
            prop_assert!(pace.attempt >= Duration::from_secs(leaving) + ANSWER && pace.operation >= pace.attempt * TRIES);
        }
    }
}
