//! Asks whoever sits at the terminal for a code. Only where there is one to read from and to be seen at; what is typed is not shown, not kept,
//! and told to nobody but who asked for it. Nobody is waited for longer than a code lives.

use std::{
    io::{self, IsTerminal, Write},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::{
    aws::code,
    failure::{Doing, Failure, Result},
    files::wait,
    report::safe,
    run::Shutdown,
};

/// So long may somebody look for the device.
const PATIENCE: Duration = Duration::from_mins(2);
/// So often it is looked whether this run is to stop.
const TURN: Duration = Duration::from_millis(200);
/// No code is longer.
const LONGEST: usize = 64;

/// Lets AWS have a person asked, if there is one.
pub(super) fn listen(shutdown: &Shutdown) {
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        let shutdown = shutdown.clone();
        code::asked_by(Box::new(move |device| ask(device, &shutdown)));
    }
}

fn ask(device: &str, shutdown: &Shutdown) -> Result<String> {
    let what = format!("a code of {}", safe(device));
    let _unseen = Unseen::from_now_on().doing("ask for", &what)?;
    // Only now: what is typed after it is not shown.
    let mut shown = io::stderr().lock();
    write!(shown, "MFA code for {}: ", safe(device)).and_then(|()| shown.flush()).doing("ask for", &what)?;
    let typed = line(&what, shutdown);
    // The end of the line was not shown, either.
    let _ = writeln!(shown);
    typed
}

/// A line from the terminal.
fn line(what: &str, shutdown: &Shutdown) -> Result<String> {
    let refuse = |why: &str| Failure::new("ask for", what).because(why);
    let (stdin, deadline, mut typed) = (io::stdin(), Instant::now() + PATIENCE, Vec::new());
    while !typed.ends_with(b"\n") {
        if shutdown.asked() {
            return Err(refuse("asked to stop"));
        }
        if Instant::now() >= deadline {
            return Err(refuse("nobody gave one within 2 minutes"));
        }
        if wait::ready(&[stdin.as_fd()], deadline.min(Instant::now() + TURN)).doing("ask for", what)? != [true] {
            continue;
        }
        let mut piece = [0; LONGEST];
        let got = rustix::io::read(&stdin, &mut piece).doing("ask for", what)?;
        typed.extend_from_slice(&piece[..got]);
        if got == 0 || typed.len() > LONGEST {
            return Err(refuse("that was none"));
        }
    }
    Ok(String::from_utf8_lossy(&typed).trim().to_owned())
}

/// The terminal as it was, for when this is over; until then it does not show what is typed.
struct Unseen(Termios);

impl Unseen {
    fn from_now_on() -> io::Result<Unseen> {
        let was = tcgetattr(io::stdin())?;
        let mut blind = was.clone();
        blind.local_modes.remove(LocalModes::ECHO);
        // What was typed before anybody asked is no answer.
        tcsetattr(io::stdin(), OptionalActions::Flush, &blind)?;
        Ok(Unseen(was))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing any more.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
