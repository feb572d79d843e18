//! Who may take how long of a deadline. Pure.

use std::time::{Duration, Instant};

/// Until when one part may work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// Then it is asked to stop, and ends what it has in hand.
    pub(super) ask: Instant,
    /// Then it is ended.
    pub(super) end: Instant,
}

/// The parts, one after the other. Who needs less leaves more to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    pub(super) rotate: Share,
    pub(super) direct: Share,
    pub(super) ship: Share,
    pub(super) settle: Share,
}

impl Shares {
    /// Of a deadline that began then. To ship needs the network, which may hang; to take back needs next to nothing; and
    /// something is left for saying what came of it.
    pub(super) fn of(began: Instant, deadline: Duration) -> Shares {
        let share = |ask: u32, end: u32| Share { ask: began + deadline * ask / 100, end: began + deadline * end / 100 };
        Shares { rotate: share(40, 48), direct: share(60, 66), ship: share(75, 86), settle: share(92, 96) }
    }
}

impl Share {
    /// Whether nothing more is to be begun.
    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.ask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_its_time_and_all_end_before_the_deadline() {
        let began = Instant::now();
        for seconds in [1, 90, 7200] {
            let deadline = Duration::from_secs(seconds);
            let Shares { rotate, direct, ship, settle } = Shares::of(began, deadline);
            let parts = [rotate, direct, ship, settle];
            let moments: Vec<Instant> = parts.iter().flat_map(|part| [part.ask, part.end]).chain([began + deadline]).collect();
            assert!(rotate.ask > began && moments.is_sorted_by(|one, next| one < next), "{seconds} s");
        }
    }
}
