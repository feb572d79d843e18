//! Where an answer's own rows and bytes go: standard output, or a buffer in tests.
//! A closed pipe is an ordinary end, not an error.

use std::{
    io::{ErrorKind, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::failure::{Doing, Result};

/// Standard output, shared.
#[derive(Clone)]
pub struct Out {
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    closed: Arc<AtomicBool>,
}

impl Out {
    /// Answers go to `writer`.
    pub fn to(writer: impl Write + Send + 'static) -> Out {
        Out { writer: Arc::new(Mutex::new(Box::new(writer))), closed: Arc::default() }
    }

    /// Writes all of `text` and flushes it. A reader that left early has what it wanted.
    pub fn write(&self, text: &str) -> Result<()> {
        self.bytes(text.as_bytes())
    }

    /// The same with what is no text, perhaps.
    pub fn bytes(&self, bytes: &[u8]) -> Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        match writer.write_all(bytes).and_then(|()| writer.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed.store(true, Ordering::Relaxed);
                Ok(())
            }
            written => written.doing("write", "standard output"),
        }
    }

    /// Whether nobody reads it any more.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}
