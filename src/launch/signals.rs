//! Signals become wishes: SIGINT, SIGTERM and SIGHUP ask to stop between items, a second one stops at once.
//! SIGIO must never kill us: the kernel sends it when somebody opens a file on which we hold a lease.

use std::sync::{Arc, atomic::AtomicBool};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGIO, SIGTERM},
    flag,
};

use crate::{
    failure::{Doing, Result},
    run::Shutdown,
};

/// Registers the signals on `shutdown`.
pub(crate) fn listen(shutdown: &Shutdown) -> Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let asked_before = Arc::new(AtomicBool::new(false));
        // In this order: the first signal only notes the wish, the second finds it noted and ends us.
        flag::register_conditional_default(signal, Arc::clone(&asked_before)).doing("listen for", "signals")?;
        flag::register(signal, asked_before).doing("listen for", "signals")?;
        let number = usize::try_from(signal).expect("signal numbers are small and positive");
        flag::register_usize(signal, shutdown.flag(), number).doing("listen for", "signals")?;
    }
    flag::register(SIGIO, Arc::new(AtomicBool::new(false))).doing("listen for", "signals")?;
    Ok(())
}
