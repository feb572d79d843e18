//! The local disk: names, and later everything that touches a file, relative to an open directory.
//!
//! Knows nothing of tools and settings.

pub mod archive_name;
