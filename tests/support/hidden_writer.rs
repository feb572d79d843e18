//! A writer whose process does not show at first sight that it writes: what it has open or mapped, only its second thread
//! has. It writes where it is, and not at the end.
//!
//! Arguments: `own-table|shared-table|alone|mapped LOG READY`. READY is made when all is as it says: the second thread left the
//! common table of descriptors before it opened the log, or did not; or the first thread ended alone, which leaves a zombie
//! with nothing, and the second has the log open, or only mapped.
#![expect(unsafe_code, reason = "what no ordinary program does has no safe wrapper")]

use std::{
    fs::{File, OpenOptions},
    io,
    os::fd::AsRawFd,
    process::ExitCode,
    thread,
    time::Duration,
};

use rustix::thread::{UnshareFlags, gettid, unshare_unsafe};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [how, log, ready] = args.as_slice() else { return ExitCode::from(2) };
    let (how, log, ready) = (how.clone(), log.clone(), ready.clone());
    let alone = how == "alone" || how == "mapped";
    let second = thread::spawn(move || hold(&how, &log, &ready));
    if alone {
        // SAFETY: it ends this thread and nothing else; what the other one uses is its own.
        unsafe { libc::syscall(libc::SYS_exit, 0) };
    }
    let held = second.join();
    if matches!(held, Ok(Ok(()))) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Has the log open, or only mapped, until somebody ends the process.
fn hold(how: &str, log: &str, ready: &str) -> io::Result<()> {
    if how == "own-table" {
        // SAFETY: no descriptor of another thread is used in this one from here on.
        unsafe { unshare_unsafe(UnshareFlags::FILES) }?;
    }
    let mut held = Some(OpenOptions::new().read(true).write(true).open(log)?);
    if how == "mapped" {
        held.take().map_or(Ok(()), |file| map(&file))?;
    }
    if how == "alone" || how == "mapped" {
        await_the_end_of_the_first()?;
    }
    File::create(ready)?;
    loop {
        thread::park_timeout(Duration::from_mins(10));
    }
}

fn map(file: &File) -> io::Result<()> {
    // SAFETY: the memory is new, and nobody touches it.
    let memory = unsafe {
        libc::mmap(std::ptr::null_mut(), 4096, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED, file.as_raw_fd(), 0)
    };
    if memory == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Until the first thread is a zombie.
fn await_the_end_of_the_first() -> io::Result<()> {
    let first = std::process::id();
    assert_ne!(u32::try_from(gettid().as_raw_nonzero().get()), Ok(first), "this is the second one");
    while !std::fs::read_to_string(format!("/proc/{first}/stat"))?.contains(") Z ") {
        thread::park_timeout(Duration::from_millis(2));
    }
    Ok(())
}
