//! ops-logs: rotates, compresses and keeps logs, and never loses one.

pub mod logrotate;
pub mod presets;
