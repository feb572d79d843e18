//! Requests that wait for each other: shows that several are on their way at the same time, or that none is any more.

use std::{
    sync::{Condvar, Mutex},
    time::Duration,
};

/// Where they meet.
pub struct Meeting {
    there: Mutex<usize>,
    came: Condvar,
}

impl Meeting {
    pub const fn new() -> Meeting {
        Meeting { there: Mutex::new(0), came: Condvar::new() }
    }

    /// Waits until so many are there at the same time; whether they came.
    pub fn of(&self, several: usize) -> bool {
        self.within(several, Duration::from_secs(20))
    }

    /// The same, with less patience.
    pub fn within(&self, several: usize, patience: Duration) -> bool {
        let mut there = self.there.lock().expect("nobody panics here");
        *there += 1;
        self.came.notify_all();
        let (there, _) = self.came.wait_timeout_while(there, patience, |there| *there < several).expect("nobody panics here");
        *there >= several
    }
}
