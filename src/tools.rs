//! One module per binary. They never import each other; what two of them need moves down.

#[cfg(feature = "logs")]
pub mod logs;
