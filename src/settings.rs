//! Finds, reads, merges and checks TOML settings.

/// Settings that were found, merged and checked.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// The merged settings.
    pub value: T,
}
