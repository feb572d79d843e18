//! How long a store is asked on: several failures in a row, whoever of those at work met them, and it is left alone until the next run. What
//! is wrong with one object is not the store's failure.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::failure::{Exit, Result};

/// What is left of it.
#[derive(Debug, Default)]
pub struct Patience {
    in_a_row: AtomicUsize,
}

impl Patience {
    /// After so many failures in a row it is over.
    pub const FAILURES: usize = 5;

    /// Whether the store is to be left alone.
    pub fn is_over(&self) -> bool {
        self.in_a_row.load(Ordering::Relaxed) >= Patience::FAILURES
    }

    /// Whether the last thing that was heard was good.
    pub fn is_whole(&self) -> bool {
        self.in_a_row.load(Ordering::Relaxed) == 0
    }

    /// How one attempt ended. Once it is over, what others had under way does not bring it back.
    pub fn hears<T>(&self, ended: &Result<T>) {
        let next = |in_a_row: usize| match ended {
            _ if in_a_row >= Patience::FAILURES => in_a_row,
            Ok(_) => 0,
            // A person must look at that object; the store did answer. Or nobody waited for it.
            Err(failure) if failure.exit == Exit::PersonNeeded || failure.is_given_up() => in_a_row,
            Err(_) => in_a_row + 1,
        };
        let _ = self.in_a_row.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |in_a_row| Some(next(in_a_row)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    fn failed(exit: Exit) -> Result<()> {
        Err(Failure::new("store", "x").exit(exit))
    }

    #[test]
    fn it_is_over_after_several_failures_in_a_row_and_stays_so() {
        let patience = Patience::default();
        for _ in 1..Patience::FAILURES {
            patience.hears(&failed(Exit::CouldNotRun));
            assert!(!patience.is_over() && !patience.is_whole());
        }
        patience.hears(&Ok(()));
        assert!(patience.is_whole());
        for _ in 0..Patience::FAILURES {
            patience.hears(&failed(Exit::CouldNotRun));
        }
        patience.hears(&Ok(()));
        assert!(patience.is_over());
    }

    #[test]
    fn an_object_that_a_person_must_look_at_is_not_the_stores_failure() {
        let patience = Patience::default();
        for _ in 0..2 * Patience::FAILURES {
            patience.hears(&failed(Exit::PersonNeeded));
        }
        assert!(patience.is_whole());
    }
}
