//! Finds, reads, merges and checks TOML settings.

pub(crate) mod suggest;
pub mod units;

/// Settings that were found, merged and checked.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// The merged settings.
    pub value: T,
}
