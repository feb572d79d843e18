//! opsbelt: small, safe maintenance tools for machines on AWS.
//!
//! The map, top to bottom; an arrow of imports may only point down. Modules on one line are peers:
//!
//! ```text
//! bin             names a tool, calls launch
//! launch          the only code that touches the process: flags, settings, render, exit code
//! tools           what the binaries do: gather -> decide -> carry out; they never import each other
//! retention       pure keep-rules with reasons
//! tool, settings  what launch needs to know of a tool; find, read, merge and check its TOML
//! run             what a tool may know of its surroundings: clock, progress, shutdown, state
//! report          what happened, as data; one renderer per format
//! store           where archives live for good: objects under keys, made once
//! aws             the only modules that name the SDK; its shapes become our own
//! files           the local disk; relative to an open directory wherever somebody else may write
//! failure         what went wrong, and the exit codes
//! ```
//!
//! `tests/layering.rs` fails on an arrow that points up.

pub mod aws;
pub mod failure;
pub mod files;
pub mod launch;
pub mod report;
pub mod retention;
pub mod run;
pub mod settings;
pub mod store;
pub mod tool;
pub mod tools;
