//! Which machine this is: the settings' word, else the instance id, else machine-id.
//!
//! State is stamped with it, because a golden image clones state, and a clone must notice.

use std::fs;

use serde::{Deserialize, Serialize};

/// A machine's stable name: `i-0abc...` on EC2, else a machine-id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Host(pub String);

impl Host {
    /// What the machine says of itself, without the network: cloud-init's record of the instance id,
    /// the board's asset tag (which is the instance id on EC2), machine-id.
    pub fn local() -> Host {
        let instance = || {
            ["/var/lib/cloud/data/instance-id", "/sys/devices/virtual/dmi/id/board_asset_tag"]
                .iter()
                .find_map(|path| first_line(path))
                .filter(|id| id.starts_with("i-"))
        };
        let machine = || {
            ["/etc/machine-id", "/var/lib/dbus/machine-id"]
                .iter()
                .find_map(|path| first_line(path))
                .map(|id| format!("machine-{id}"))
        };
        Host(instance().or_else(machine).unwrap_or_else(|| "unknown".to_owned()))
    }
}

fn first_line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}
