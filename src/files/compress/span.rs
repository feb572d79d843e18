//! Positioned reading and writing: a stretch of a file as a stream, without its shared offset.
//!
//! Reads never go past the stretch, whatever the file does meanwhile.

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::FileExt,
};

/// A stretch of a file, read from its start to its end.
pub(super) struct Span<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl<'a> Span<'a> {
    /// From `at` until `end`, or until the file ends before.
    pub(super) fn of(file: &'a File, at: u64, end: u64) -> Span<'a> {
        Span { file, at, end }
    }
}

impl Read for Span<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let wanted = into.len().min(left);
        let got = self.file.read_at(&mut into[..wanted], self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}

/// Fills `into` from `at` on; less only where the file ends.
pub(super) fn fill(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    let mut got = 0;
    while got < into.len() {
        match file.read_at(&mut into[got..], at + got as u64) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

/// Where an archive goes, from its start to its end.
pub(super) struct Sink<'a> {
    place: Place<'a>,
    /// Bytes written so far.
    pub(super) at: u64,
}

enum Place<'a> {
    /// An empty file.
    File(&'a File),
    /// Nowhere yet: somebody takes it away as it comes.
    Held(Vec<u8>),
}

impl<'a> Sink<'a> {
    /// Writes from the file's start.
    pub(super) fn into(file: &'a File) -> Sink<'a> {
        Sink { place: Place::File(file), at: 0 }
    }

    /// Holds what is written until it is taken away.
    pub(super) fn held() -> Sink<'a> {
        Sink { place: Place::Held(Vec::new()), at: 0 }
    }

    /// Moves what is held behind what is in `into`; of a file, nothing is.
    pub(super) fn give(&mut self, into: &mut Vec<u8>) {
        if let Place::Held(held) = &mut self.place {
            into.append(held);
        }
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.place {
            Place::File(file) => file.write_at(bytes, self.at)?,
            Place::Held(held) => held.write(bytes)?,
        };
        self.at += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stretch of a file that can be looked at before it is taken, through a buffer of fixed size.
pub(super) struct Preview<'a> {
    span: Span<'a>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl<'a> Preview<'a> {
    /// A view of the span.
    pub(super) fn of(span: Span<'a>) -> Preview<'a> {
        Preview { span, buffer: vec![0; 128 << 10], start: 0, end: 0 }
    }

    /// What comes next: at least `wanted` bytes (of which there are few), or all that are left.
    pub(super) fn look(&mut self, wanted: usize) -> io::Result<&[u8]> {
        if self.end - self.start < wanted {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        while self.end - self.start < wanted {
            match self.span.read(&mut self.buffer[self.end..]) {
                Ok(0) => break,
                Ok(more) => self.end += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// Takes so many bytes of what was looked at.
    pub(super) fn take(&mut self, taken: usize) {
        self.start = self.end.min(self.start + taken);
    }

    /// Leaves out so many bytes, seen or not; `false` when there are not so many.
    pub(super) fn skip(&mut self, bytes: u64) -> bool {
        let seen = (self.end - self.start) as u64;
        self.take(usize::try_from(bytes.min(seen)).unwrap_or(usize::MAX));
        let unseen = bytes.saturating_sub(seen);
        self.span.at = self.span.at.saturating_add(unseen);
        self.span.at <= self.span.end
    }
}
