//! What went wrong, in one sentence, and the exit codes of every tool.
//!
//! A [`Failure`] says what we were doing, to what, why it did not work, and what to do about it.
//! It never prints itself and never ends the process: `launch` does both, once.

use std::fmt;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// How a run ended, as the process tells it. One meaning in every tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// A person is needed: the report has findings.
    PersonNeeded,
    /// Bad flags, settings or input files; nothing was done.
    BadInput,
    /// Partly done, or some of the data could not be had.
    Partial,
    /// Could not run at all.
    #[default]
    CouldNotRun,
    /// Another run holds the lock.
    Busy,
    /// Stopped by this signal.
    Signal(u8),
}

impl Exit {
    /// The status that the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::PersonNeeded => 1,
            Exit::BadInput => 2,
            Exit::Partial => 3,
            Exit::CouldNotRun => 4,
            Exit::Busy => 75,
            Exit::Signal(number) => 128u8.saturating_add(number),
        }
    }

    /// The one to report when both happened: signal, busy, 2, 4, 3, 1, 0.
    #[must_use]
    pub fn and(self, other: Exit) -> Exit {
        if self.rank() >= other.rank() { self } else { other }
    }

    fn rank(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::PersonNeeded => 1,
            Exit::Partial => 2,
            Exit::CouldNotRun => 3,
            Exit::BadInput => 4,
            Exit::Busy => 5,
            Exit::Signal(_) => 6,
        }
    }

    /// The table that every `--help` ends with.
    pub const HELP: &'static str = "\
Exit status:
  0      done, or nothing to do
  1      a person is needed: the report says for what
  2      bad flags, settings or input files; nothing was done
  3      partly done, or data incomplete; the report names each part
  4      could not run
  75     busy: another run holds the lock
  128+n  stopped by signal n";
}

/// Something that could not be done: `cannot <doing> <what>: <cause>`, and a hint when there is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The act, as a verb: `rotate`, `read`.
    pub doing: String,
    /// The object of the act, as a person would name it.
    pub what: String,
    /// Why it did not work.
    pub cause: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// How a run that ends with this failure exits.
    #[serde(skip)]
    pub exit: Exit,
    /// The operating system's word for the cause, when it was the one to refuse, or would have one for it.
    #[serde(skip)]
    pub errno: Option<Errno>,
}

/// Shorthand for results that fail with a [`Failure`].
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// `cannot <doing> <what>`.
    pub fn new(doing: impl Into<String>, what: impl fmt::Display) -> Failure {
        Failure { doing: doing.into(), what: what.to_string(), cause: None, hint: None, exit: Exit::CouldNotRun, errno: None }
    }

    /// `cannot <doing> <what>`, because the operating system said so.
    pub fn of_system(doing: &str, what: impl fmt::Display, error: &std::io::Error) -> Failure {
        let errno = error.raw_os_error().map(Errno::from_raw_os_error);
        Failure { errno, ..Failure::new(doing, what).because(plain(error)) }
    }

    /// Why.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Failure {
        self.cause = Some(cause.to_string());
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Failure {
        self.hint = Some(hint.to_string());
        self
    }

    /// What to do about it, when anybody knows.
    #[must_use]
    pub fn hint_if_any(self, hint: Option<impl fmt::Display>) -> Failure {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// All of it in one line, for what has one reason only.
    pub fn told(&self) -> String {
        self.hint.as_ref().map_or_else(|| self.to_string(), |hint| format!("{self} (hint: {hint})"))
    }

    /// What the operating system would call it.
    #[must_use]
    pub fn errno(mut self, errno: Errno) -> Failure {
        self.errno = Some(errno);
        self
    }

    /// How a run that ends with this exits.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Failure {
        self.exit = exit;
        self
    }

    /// Whether the object is known not to be there. A refusal to tell is no such knowledge.
    pub fn is_absence(&self) -> bool {
        matches!(self.errno, Some(Errno::NOENT | Errno::NOTDIR))
    }

    /// Whether nobody answered, or nobody who could: whatever else is asked there now takes as long, for as little.
    pub fn is_silence(&self) -> bool {
        self.errno == Some(Errno::TIMEDOUT)
    }

    /// Whether nothing failed, but somebody asked to stop before it was done.
    pub fn is_given_up(&self) -> bool {
        self.errno == Some(Errno::CANCELED)
    }

    /// Whether it was room on a disk that lacked, or what one may take of it.
    pub fn is_shortage(&self) -> bool {
        matches!(self.errno, Some(Errno::NOSPC | Errno::DQUOT))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}", self.doing, self.what)?;
        match &self.cause {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

/// Names what we were doing when the operating system refused.
pub trait Doing<T> {
    /// Turns the error into `cannot <doing> <what>: <error>`.
    fn doing(self, doing: &str, what: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<std::io::Error>> Doing<T> for std::result::Result<T, E> {
    fn doing(self, doing: &str, what: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Failure::of_system(doing, what, &error.into()))
    }
}

/// The operating system's words without Rust's `(os error 13)`.
pub fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(cut) => text[..cut].to_lowercase(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_end_wins_and_a_signal_wins_over_all() {
        let order = [Exit::Done, Exit::PersonNeeded, Exit::Partial, Exit::CouldNotRun, Exit::Signal(15)];
        for (low, lower) in order.iter().enumerate() {
            for higher in &order[low..] {
                assert_eq!(lower.and(*higher), *higher);
                assert_eq!(higher.and(*lower), *higher);
            }
        }
    }

    #[test]
    fn codes_are_the_documented_ones() {
        let codes =
            [Exit::Done, Exit::PersonNeeded, Exit::BadInput, Exit::Partial, Exit::CouldNotRun, Exit::Busy, Exit::Signal(15)];
        assert_eq!(codes.map(Exit::code), [0, 1, 2, 3, 4, 75, 143]);
    }

    #[test]
    fn absence_is_only_what_the_system_calls_so() {
        let absent = |errno: Errno| Err::<(), _>(errno).doing("open", "/x").unwrap_err().is_absence();
        assert!(absent(Errno::NOENT) && absent(Errno::NOTDIR));
        assert!(![Errno::ACCESS, Errno::PERM, Errno::IO, Errno::LOOP, Errno::STALE].into_iter().any(absent));
        assert!(!Failure::new("open", "/x").because("no such file or directory").is_absence());
    }

    #[test]
    fn a_failure_is_one_sentence() {
        let failure = Failure::new("read", "/etc/x").because("permission denied");
        assert_eq!(failure.to_string(), "cannot read /etc/x: permission denied");
    }
}
