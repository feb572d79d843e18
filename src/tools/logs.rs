//! ops-logs: rotate logs, compress them, keep what the rules say, prove what was kept.

pub mod ledger;
pub mod logrotate;
pub mod presets;
pub mod rotate;
pub mod settings;
pub mod when;
