//! Where a file lies on its disk, as far as it tells whether its head was taken away. Looks, and never alters the file.
//!
//! Equal content proves nothing in a log that repeats itself, but no two blocks lie at one place.

use std::{fs::File, io, os::fd::AsFd};

use rustix::fs::SeekFrom;
use serde::{Deserialize, Serialize};

use super::sound::is_print;
use crate::{
    failure::{Doing, Failure, Result},
    files::{
        fingerprint::Fingerprint,
        kernel::{self, Extent},
    },
};

/// More stretches than any log has that a run should look at.
const MOST: usize = 1 << 20;

/// The layout of a part of a file, in short. Two are equal when every block lies where it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Layout(String);

impl Layout {
    /// Whether it is one of ours.
    pub(super) fn is_sound(&self) -> bool {
        is_print(&self.0)
    }

    /// That of the bytes `from..to`, as if the file began at `from`. Both are multiples of the file system's unit. None
    /// where the file system does not tell.
    pub(super) fn of(file: &File, from: u64, to: u64) -> Result<Option<Layout>> {
        let mut print = Fingerprint::default();
        let mut last: Option<Extent> = None;
        let mut take = |extent: Extent| {
            for number in [extent.at - from, extent.disk, extent.length] {
                print.take(&number.to_le_bytes());
            }
        };
        let known = each(file, from, to, &mut |extent| {
            match &mut last {
                // How the kernel divides what lies together is its own affair.
                Some(last) if last.at + last.length == extent.at && last.disk + last.length == extent.disk => {
                    last.length += extent.length;
                }
                Some(before) => take(std::mem::replace(before, extent)),
                None => last = Some(extent),
            }
        })?;
        if !known {
            return Ok(None);
        }
        last.into_iter().for_each(take);
        Ok(Some(Layout(print.hex())))
    }
}

/// Where the first stretch at or behind `from` begins, if there is any. None also where the file system does not tell.
pub(super) fn first_behind(file: &File, from: u64) -> Option<u64> {
    kernel::extents(file.as_fd(), from).ok()?.first().map(|extent| extent.at)
}

/// The first hole of the file at or behind `from` and its end, within the file's length.
pub(super) fn hole(file: &File, from: u64) -> Result<Option<(u64, u64)>> {
    let length = file.metadata().doing("look at", "the log")?.len();
    let seek = |to: SeekFrom| rustix::fs::seek(file, to).map_err(io::Error::from).doing("look for holes in", "the log");
    if from >= length {
        return Ok(None);
    }
    let begin = seek(SeekFrom::Hole(from))?;
    if begin >= length {
        return Ok(None);
    }
    Ok(Some((begin, data(file, begin)?.unwrap_or(length))))
}

/// Where the first data at or behind `from` is; none up to the end.
pub(super) fn data(file: &File, from: u64) -> Result<Option<u64>> {
    match rustix::fs::seek(file, SeekFrom::Data(from)) {
        Ok(at) => Ok(Some(at)),
        Err(rustix::io::Errno::NXIO) => Ok(None),
        Err(errno) => Err(io::Error::from(errno)).doing("look for data in", "the log"),
    }
}

/// Shows each stretch of `from..to`, cut off at both; false when the file system does not tell where it lies.
fn each(file: &File, from: u64, to: u64, visit: &mut dyn FnMut(Extent)) -> Result<bool> {
    let (mut at, mut seen) = (from, 0);
    while at < to {
        let found = match kernel::extents(file.as_fd(), at) {
            Ok(found) => found,
            Err(error) if matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::ENOTTY | libc::EINVAL)) => {
                return Ok(false);
            }
            Err(error) => return Err(error).doing("ask for the layout of", "the log"),
        };
        let Some(last) = found.last() else { return Ok(true) };
        let next = last.at + last.length;
        for extent in found.iter().take_while(|extent| extent.at < to) {
            if extent.vague {
                return Ok(false);
            }
            let (begin, end) = (extent.at.max(from), (extent.at + extent.length).min(to));
            if begin < end {
                visit(Extent { at: begin, disk: extent.disk + (begin - extent.at), length: end - begin, vague: false });
            }
        }
        seen += found.len();
        if seen > MOST {
            return Err(Failure::new("ask for the layout of", "the log").because(format!("it lies in more than {MOST} pieces")));
        }
        at = next.max(at + 1);
    }
    Ok(true)
}
