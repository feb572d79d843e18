//! How a writer is told to open its log anew: a signal to a process or a unit, a unit's reload, or a
//! command. Exactly one of them, and none goes through a shell.

use std::{fmt, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::settings::units::Span;

/// One way to tell a writer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "Words", into = "Words")]
pub enum Reopen {
    /// Send a signal to the process that this file names.
    Pidfile {
        /// The file with the process id.
        path: PathBuf,
        /// The signal.
        signal: Signal,
    },
    /// Send a signal to the main process of a systemd unit.
    Unit {
        /// The unit.
        unit: String,
        /// The signal.
        signal: Signal,
    },
    /// Reload a systemd unit.
    Reload {
        /// The unit.
        unit: String,
    },
    /// Run a command, without a shell.
    Command {
        /// Program and arguments.
        argv: Vec<String>,
        /// How long it may take.
        timeout: Span,
    },
}

/// A signal that programs take as "open your log anew".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Signal {
    /// SIGHUP
    #[serde(rename = "HUP", alias = "SIGHUP")]
    Hup,
    /// SIGUSR1
    #[serde(rename = "USR1", alias = "SIGUSR1")]
    Usr1,
    /// SIGUSR2
    #[serde(rename = "USR2", alias = "SIGUSR2")]
    Usr2,
    /// SIGALRM
    #[serde(rename = "ALRM", alias = "SIGALRM")]
    Alrm,
}

/// The table as it is written.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(title = "Reopen")]
struct Words {
    /// A file that holds the writer's process id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pidfile: Option<PathBuf>,
    /// A systemd unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    /// The signal to send.
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<Signal>,
    /// Reload the unit instead of sending a signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    reload: Option<bool>,
    /// A program and its arguments; no shell is involved.
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<Vec<String>>,
    /// How long the command may take; 10 seconds when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<Span>,
}

impl TryFrom<Words> for Reopen {
    type Error = String;

    fn try_from(words: Words) -> Result<Reopen, String> {
        let argv = words.command.iter().flatten().map(String::as_bytes);
        if argv.chain(words.pidfile.iter().map(|path| path.as_os_str().as_encoded_bytes())).any(|word| word.contains(&0)) {
            return Err("it contains a NUL byte, which neither a path nor an argument can".to_owned());
        }
        match words {
            Words { pidfile: Some(path), signal: Some(signal), unit: None, reload: None, command: None, timeout: None } => {
                if path.is_absolute() {
                    Ok(Reopen::Pidfile { path, signal })
                } else {
                    Err(format!("pidfile {} is not absolute", path.display()))
                }
            }
            Words {
                unit: Some(unit),
                signal: Some(signal),
                reload: None | Some(false),
                pidfile: None,
                command: None,
                timeout: None,
            } => unit_name(unit).map(|unit| Reopen::Unit { unit, signal }),
            Words { unit: Some(unit), signal: None, reload: Some(true), pidfile: None, command: None, timeout: None } => {
                unit_name(unit).map(|unit| Reopen::Reload { unit })
            }
            Words { command: Some(argv), timeout, pidfile: None, unit: None, signal: None, reload: None } => match argv.first() {
                Some(program) if program.starts_with('/') => {
                    Ok(Reopen::Command { argv, timeout: timeout.unwrap_or(Span::seconds(10)) })
                }
                Some(program) => Err(format!("the program `{program}` must be given with its full path")),
                None => Err("the command is empty".to_owned()),
            },
            _ => Err("say one of: pidfile and signal, unit and signal, unit and reload = true, command (and timeout)".to_owned()),
        }
    }
}

fn unit_name(unit: String) -> Result<String, String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "@:_.-\\".contains(c);
    let good = unit.chars().all(fine) && !unit.starts_with('-') && unit.contains('.');
    if good { Ok(unit) } else { Err(format!("`{unit}` is not a unit's full name, such as nginx.service")) }
}

impl From<Reopen> for Words {
    fn from(reopen: Reopen) -> Words {
        match reopen {
            Reopen::Pidfile { path, signal } => Words { pidfile: Some(path), signal: Some(signal), ..Words::default() },
            Reopen::Unit { unit, signal } => Words { unit: Some(unit), signal: Some(signal), ..Words::default() },
            Reopen::Reload { unit } => Words { unit: Some(unit), reload: Some(true), ..Words::default() },
            Reopen::Command { argv, timeout } => Words { command: Some(argv), timeout: Some(timeout), ..Words::default() },
        }
    }
}

impl fmt::Display for Reopen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reopen::Pidfile { path, signal } => write!(f, "{signal} to the process in {}", path.display()),
            Reopen::Unit { unit, signal } => write!(f, "{signal} to {unit}"),
            Reopen::Reload { unit } => write!(f, "reload of {unit}"),
            Reopen::Command { argv, .. } => write!(f, "{}", argv.join(" ")),
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Signal::Hup => "SIGHUP",
            Signal::Usr1 => "SIGUSR1",
            Signal::Usr2 => "SIGUSR2",
            Signal::Alrm => "SIGALRM",
        })
    }
}
