//! "Please stop": set by a signal, asked between items. Work in flight is finished, never cut.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Whether, and by which signal, we were asked to stop.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(Arc<AtomicUsize>);

impl Shutdown {
    /// A wish to stop that signals can set; the value is the signal's number.
    pub fn flag(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.0)
    }

    /// The signal that asked us to stop, if one did.
    pub fn asked_by(&self) -> Option<u8> {
        u8::try_from(self.0.load(Ordering::Relaxed)).ok().filter(|signal| *signal != 0)
    }

    /// Whether to stop before the next item.
    pub fn asked(&self) -> bool {
        self.asked_by().is_some()
    }
}
