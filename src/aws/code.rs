//! A code of MFA, which only a person can give. Whoever has a terminal says how one is asked for; without that nobody is. A code is used
//! once and never kept.

use std::sync::OnceLock;

use crate::failure::Result;

/// Asks for a code of that device.
pub type Ask = Box<dyn Fn(&str) -> Result<String> + Send + Sync>;

static ASK: OnceLock<Ask> = OnceLock::new();

/// There is somebody to ask, in this way.
pub fn asked_by(ask: Ask) {
    // One process has one terminal.
    let _ = ASK.set(ask);
}

/// A code of that device, from whoever is there; None where nobody is.
#[cfg(feature = "s3")]
pub(super) fn of(device: &str) -> Option<Result<String>> {
    /// Fingers slip.
    const TRIES: usize = 3;
    let ask = ASK.get()?;
    let is_code = |text: &str| text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut last = ask(device);
    for _ in 1..TRIES {
        if last.as_ref().map_or(true, |code| is_code(code)) {
            return Some(last);
        }
        last = ask(device);
    }
    let none = || crate::failure::Failure::new("use", format!("that as a code of {device}")).because("a code has 6 digits");
    Some(last.and_then(|code| if is_code(&code) { Ok(code) } else { Err(none()) }))
}
