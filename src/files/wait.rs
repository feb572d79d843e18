//! Waiting for what the kernel will tell: something to read, the end of a process. Never without a deadline, and a signal
//! that interrupts a wait neither shortens nor prolongs it.

use std::{
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    process::Child,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, PidfdFlags, pidfd_open},
};

/// Waits until one of these has something to read or has ended, and says which; none when the deadline came first.
pub fn ready(watched: &[BorrowedFd<'_>], deadline: Instant) -> io::Result<Vec<bool>> {
    let mut polled: Vec<PollFd> = watched.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
        match poll(&mut polled, Some(&left)) {
            Ok(_) => return Ok(polled.iter().map(|fd| !fd.revents().is_empty()).collect()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Lets so much time pass.
pub fn pause(time: Duration) -> io::Result<()> {
    ready(&[], Instant::now() + time).map(drop)
}

/// A child as something to wait for: it is ready when it has ended.
pub fn process(child: &Child) -> io::Result<OwnedFd> {
    Ok(pidfd_open(Pid::from_child(child), PidfdFlags::empty())?)
}

/// Gives a child that was killed the time to end. One that hangs in the kernel ends when it can; nobody waits for that.
pub fn reap(child: &mut Child) {
    const LAST_BREATH: Duration = Duration::from_secs(10);
    if let Ok(process) = process(child) {
        let _ = ready(&[process.as_fd()], Instant::now() + LAST_BREATH);
    }
    let _ = child.try_wait();
}

#[cfg(test)]
mod tests {
    use std::{io::Write, os::unix::net::UnixStream, process::Command};

    use super::*;

    #[test]
    fn who_is_ready_is_told_and_nobody_when_the_time_is_up() {
        let (silent, _kept) = UnixStream::pair().unwrap();
        let (heard, mut speaker) = UnixStream::pair().unwrap();
        let both = [silent.as_fd(), heard.as_fd()];
        assert_eq!(ready(&both, Instant::now() + Duration::from_millis(5)).unwrap(), [false, false]);
        speaker.write_all(b"x").unwrap();
        assert_eq!(ready(&both, Instant::now()).unwrap(), [false, true], "a deadline that is over does not blind");
    }

    #[test]
    fn a_killed_child_is_reaped() {
        let mut child = Command::new("/bin/sleep").arg("600").spawn().unwrap();
        let process = process(&child).unwrap();
        assert_eq!(ready(&[process.as_fd()], Instant::now()).unwrap(), [false]);
        child.kill().unwrap();
        reap(&mut child);
        assert!(!std::path::Path::new(&format!("/proc/{}", child.id())).exists());
    }
}
