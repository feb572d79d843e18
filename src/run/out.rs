//! Where an answer's own rows and bytes go: standard output, or a buffer in tests.
//! A closed pipe is an ordinary end, not an error: `is_closed` tells, and nobody complains.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

/// Standard output, shared.
#[derive(Clone)]
pub struct Out(Arc<Mutex<Box<dyn Write + Send>>>);

impl Out {
    /// Answers go to `writer`.
    pub fn to(writer: impl Write + Send + 'static) -> Out {
        Out(Arc::new(Mutex::new(Box::new(writer))))
    }

    /// Writes all of `text` and flushes it.
    pub fn write(&self, text: &str) -> io::Result<()> {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writer.write_all(text.as_bytes())?;
        writer.flush()
    }
}
