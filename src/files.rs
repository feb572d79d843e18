//! The local disk. Everything that may meet a hostile folder works relative to an open directory and
//! follows no link; every failure names the path. And the two things that are asked of the kernel beside it: who has a file
//! open, and to tell when something is ready.

pub mod archive_name;
pub mod attributes;
pub mod compress;
pub mod dir;
pub mod find;
pub mod kernel;
pub mod lock;
mod mapped;
pub mod open_files;
pub mod own_file;
pub mod standing;
pub mod wait;
pub mod writers;
