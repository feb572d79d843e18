//! Where an answer's own rows and bytes go: standard output, or a buffer in tests.
//! A closed pipe is an ordinary end, not an error.

use std::{
    io::{ErrorKind, Write},
    sync::{Arc, Mutex, PoisonError},
};

use crate::failure::{Doing, Result};

/// Standard output, shared.
#[derive(Clone)]
pub struct Out(Arc<Mutex<Box<dyn Write + Send>>>);

impl Out {
    /// Answers go to `writer`.
    pub fn to(writer: impl Write + Send + 'static) -> Out {
        Out(Arc::new(Mutex::new(Box::new(writer))))
    }

    /// Writes all of `text` and flushes it. A reader that left early has what it wanted.
    pub fn write(&self, text: &str) -> Result<()> {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match writer.write_all(text.as_bytes()).and_then(|()| writer.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => written.doing("write", "standard output"),
        }
    }
}
