//! ops-logs: rotate, compress, keep, verify.

fn main() {}
