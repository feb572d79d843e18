//! Values that do not fit a key of ours, where it is plain what was meant: what to write instead. Only for the hint of
//! an error; never a second way to say a setting.

use super::foreign::COMPRESSED;

/// The hint for a value that `key` cannot have; none for a list or a table.
pub fn misfit(key: &str, value: &str) -> Option<String> {
    match key {
        "compress" if value == "true" => Some(format!("{COMPRESSED}; or write a compressor, such as \"zstd\" or \"gzip:9\"")),
        "compress" if value == "false" => Some("write \"none\"".to_owned()),
        _ => None,
    }
}
