//! The only place that reads the wall clock. Everything else is handed an instant.

use chrono::{DateTime, Utc};

/// Tells the time, in UTC.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's own clock.
    System,
    /// Always this instant.
    At(DateTime<Utc>),
}

impl Clock {
    /// The present instant.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Clock::System => Utc::now(),
            Clock::At(instant) => *instant,
        }
    }
}
