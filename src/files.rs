//! The local disk. Everything that may meet a hostile folder works relative to an open directory and
//! follows no link; every failure names the path. Also who has a file open, and waiting until the kernel says that
//! something is ready.

pub mod appenders;
pub mod archive_name;
pub mod attributes;
pub mod compress;
pub mod cut;
pub mod dir;
pub mod find;
pub mod fingerprint;
#[cfg(test)]
mod holder;
pub mod identity;
pub mod kernel;
pub mod lock;
mod mapped;
pub mod open_files;
pub mod own_file;
pub mod part;
pub mod space;
pub mod standing;
pub mod system;
pub mod wait;
pub mod writers;
