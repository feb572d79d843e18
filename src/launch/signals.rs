//! Signals become wishes: SIGINT, SIGTERM and SIGHUP ask to stop between items, a second one stops at once.
//! SIGINT and SIGHUP stay ignored where our caller said so (`nohup`, a shell's background).
//! Two must never kill us: the kernel sends SIGIO when somebody opens a file on which we hold a lease, and SIGXFSZ beside
//! the error of a write beyond the limit on file sizes.

use std::sync::{Arc, atomic::AtomicBool};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGIO, SIGTERM, SIGXFSZ},
    flag,
};

use crate::{
    failure::{Doing, Result},
    run::Shutdown,
};

/// Registers the signals on `shutdown`.
pub(crate) fn listen(shutdown: &Shutdown) -> Result<()> {
    let ignored = ignored();
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        if signal != SIGTERM && ignored & (1 << (signal - 1)) != 0 {
            continue;
        }
        let asked_before = Arc::new(AtomicBool::new(false));
        // In this order: the first signal only notes the wish, the second finds it noted and ends us.
        flag::register_conditional_default(signal, Arc::clone(&asked_before)).doing("listen for", "signals")?;
        flag::register(signal, asked_before).doing("listen for", "signals")?;
        let number = usize::try_from(signal).expect("signal numbers are small and positive");
        flag::register_usize(signal, shutdown.flag(), number).doing("listen for", "signals")?;
    }
    for harmless in [SIGIO, SIGXFSZ] {
        // Heard and not ignored, because what is ignored stays so in the commands that we run.
        flag::register(harmless, Arc::new(AtomicBool::new(false))).doing("listen for", "signals")?;
    }
    Ok(())
}

/// The signals that our caller had us ignore, a bit each. Where nobody tells, none.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
