//! As much HTTP/1.1 as clients of S3 speak: heads are read, bodies are dropped. What is not understood is refused, never guessed.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Read, Write},
    net::TcpStream,
};

use super::answers::Answer;

/// Read at a time: fewer and larger reads cost the machine less, of which the client has the rest.
const BUFFER: usize = 1 << 20;
/// Longer heads are nobody's.
const HEAD: usize = 64 << 10;

/// A call, without its body.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) method: String,
    /// Bucket and key as one path without the first `/`, decoded.
    pub(super) path: String,
    /// Decoded.
    pub(super) query: BTreeMap<String, String>,
    /// By lower-case name.
    pub(super) headers: BTreeMap<String, String>,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Bytes that follow the head.
    fn length(&self) -> u64 {
        self.number("content-length").unwrap_or(0)
    }

    /// Bytes of the object that are in the body: it may be wrapped in chunks that are signed one by one.
    pub(super) fn content(&self) -> u64 {
        self.number("x-amz-decoded-content-length").unwrap_or_else(|| self.length())
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.header(name).and_then(|text| text.trim().parse().ok())
    }

    /// Whether the body is an object, or a part of one.
    pub(super) fn carries_an_object(&self) -> bool {
        self.method == "PUT" && self.path.split_once('/').is_some_and(|(_, key)| !key.is_empty())
    }
}

/// One end of a connection.
pub(super) struct Wire<'a> {
    stream: &'a TcpStream,
    buffer: Vec<u8>,
    /// What of the buffer was received and is not used up.
    rest: std::ops::Range<usize>,
}

impl Wire<'_> {
    pub(super) fn new(stream: &TcpStream) -> Wire<'_> {
        Wire { stream, buffer: vec![0; BUFFER], rest: 0..0 }
    }

    /// The head of the next call; none when the client has hung up.
    pub(super) fn request(&mut self) -> io::Result<Option<Request>> {
        self.buffer.copy_within(self.rest.clone(), 0);
        self.rest = 0..self.rest.len();
        let end = loop {
            let known = &self.buffer[self.rest.clone()];
            if let Some(at) = known.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            if known.len() > HEAD {
                return Err(io::Error::other("a head without an end"));
            }
            match self.stream.read(&mut self.buffer[self.rest.end..])? {
                0 => return Ok(None),
                got => self.rest.end += got,
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        self.rest.start = end + 4;
        parse(&head).map(Some).ok_or_else(|| io::Error::other(format!("not understood: {head}")))
    }

    /// Reads the body to its end and drops it.
    pub(super) fn drain(&mut self, request: &Request) -> io::Result<()> {
        if request.header("transfer-encoding").is_some() {
            return Err(io::Error::other("a body of unknown length"));
        }
        if request.header("expect").is_some() {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let here = self.rest.len().min(usize::try_from(request.length()).unwrap_or(usize::MAX));
        self.rest.start += here;
        let mut left = request.length() - here as u64;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(BUFFER).min(BUFFER);
            match self.stream.read(&mut self.buffer[..most])? {
                0 => return Err(io::Error::other("a body without its end")),
                got => left -= got as u64,
            }
        }
        Ok(())
    }

    /// In one piece.
    pub(super) fn answer(&mut self, request: &Request, answer: &Answer) -> io::Result<()> {
        let mut text = format!("HTTP/1.1 {} -\r\nx-amz-request-id: 0\r\n", answer.status);
        for (name, value) in &answer.headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        if !answer.headers.iter().any(|(name, _)| name == "Content-Length") {
            let _ = write!(text, "Content-Length: {}\r\n", answer.body.len());
        }
        text.push_str("\r\n");
        if request.method != "HEAD" {
            text.push_str(&answer.body);
        }
        self.stream.write_all(text.as_bytes())
    }
}

fn parse(head: &str) -> Option<Request> {
    let mut lines = head.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    });
    let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    let headers = lines.map(header).collect::<Option<_>>()?;
    Some(Request { method, path: decoded(path.trim_start_matches('/')), query: query.collect(), headers })
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok()).and_then(|two| u8::from_str_radix(two, 16).ok());
        let (byte, used) = code.filter(|_| *first == b'%').map_or((*first, 0), |byte| (byte, 2));
        bytes.push(byte);
        rest = &tail[used..];
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
