//! What a tool may know of its surroundings: the clock, where to report progress, whether to stop,
//! where answers and state go. Never settings, never a client, never a flag.

pub mod clock;
pub mod host;
pub mod out;
pub mod progress;
pub mod shutdown;
pub mod side_by_side;
pub mod state;

pub use clock::Clock;
pub use out::Out;
pub use progress::{Bar, Progress};
pub use shutdown::Shutdown;
pub use side_by_side::side_by_side;
pub use state::State;

/// The surroundings of one run; the first parameter of whatever needs them.
pub struct Run {
    /// The only source of "now".
    pub clock: Clock,
    /// What to say while working.
    pub progress: Progress,
    /// Whether somebody asked us to stop.
    pub shutdown: Shutdown,
    /// Where rows and bytes of an answer go.
    pub out: Out,
    /// Where state lives.
    pub state: State,
    /// Whether a reader wants every item, also those that need nothing.
    pub every_item: bool,
}
