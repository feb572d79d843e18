//! A store that drains: it speaks as much S3 as an upload needs, reads every body to its end and drops it.
//!
//! So that a benchmark of clients measures no server. It is no correctness test: it checks no signature and no checksum, and
//! remembers of an object only its size and what it was told of it. It listens on 127.0.0.1 only.

mod answers;
mod wire;

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use self::wire::Request;
use crate::{Outcome, failed};

/// A running one; it takes no more connections when this goes.
pub(crate) struct Sink {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    kept: Mutex<Kept>,
    ended: AtomicBool,
}

/// All it remembers.
#[derive(Default)]
struct Kept {
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<String, Upload>,
    begun: u64,
    seen: Seen,
}

/// An object, but not what is in it.
#[derive(Clone, Default)]
struct Object {
    size: u64,
    tag: String,
    /// What a `HEAD` gives back as it was told.
    told: BTreeMap<String, String>,
}

/// An upload in parts, under way.
#[derive(Default)]
struct Upload {
    key: String,
    parts: BTreeMap<u32, u64>,
    told: BTreeMap<String, String>,
}

/// What clients did since it was last asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Calls of every kind.
    pub(crate) calls: u64,
    /// Objects that were made.
    pub(crate) objects: u64,
    /// What was in their bodies.
    pub(crate) bytes: u64,
    /// The most bodies that were under way at the same time.
    pub(crate) at_once: u64,
    now: u64,
    /// How bodies were signed, and which sums went along; how often each.
    pub(crate) told: BTreeMap<String, u64>,
}

impl Sink {
    pub(crate) fn start() -> Outcome<Sink> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let shared = Arc::new(Shared::default());
        let ours = Arc::clone(&shared);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if ours.ended.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&ours);
                // A client that goes away in the middle of a call is for the client to tell.
                thread::spawn(move || drop(serve(&connection, &shared)));
            }
        });
        Ok(Sink { address, shared })
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was seen; everything is forgotten, objects too.
    pub(crate) fn forget(&self) -> Seen {
        std::mem::take(&mut *self.shared.kept()).seen
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // Wakes it up.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("nobody panics with it in hand")
    }
}

/// One connection, call after call.
fn serve(stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut wire = wire::Wire::new(stream);
    while let Some(request) = wire.request()? {
        shared.kept().arrives(&request);
        let drained = wire.drain(&request);
        let answer = shared.kept().answer(&request);
        drained?;
        wire.answer(&request, &answer)?;
    }
    Ok(())
}

impl Kept {
    fn arrives(&mut self, request: &Request) {
        self.seen.calls += 1;
        if request.carries_an_object() {
            self.seen.now += 1;
            self.seen.at_once = self.seen.at_once.max(self.seen.now);
        }
    }
}

impl Seen {
    /// A body of an object has arrived.
    fn take(&mut self, request: &Request) {
        self.now = self.now.saturating_sub(1);
        self.bytes += request.content();
        let signed = match request.header("x-amz-content-sha256") {
            Some("UNSIGNED-PAYLOAD") => "payload unsigned",
            Some(word) if word.starts_with("STREAMING") => "payload in chunks",
            Some(_) => "payload signed",
            None => "not signed",
        };
        let sums = request.headers.keys().filter(|name| *name == "content-md5" || is_sum(name));
        for word in std::iter::once(signed).chain(sums.map(String::as_str)) {
            *self.told.entry(word.to_owned()).or_default() += 1;
        }
    }
}

/// Whether a header is the checksum itself, not what kind it is.
fn is_sum(name: &str) -> bool {
    name.strip_prefix("x-amz-checksum-").is_some_and(|kind| !matches!(kind, "type" | "algorithm" | "mode"))
}

#[cfg(test)]
mod tests;
