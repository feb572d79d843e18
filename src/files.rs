//! The local disk, and what the kernel says of open files. Always relative to an open directory.

pub mod open_files;
