//! Which machine this is, when the settings do not say: the instance id, else machine-id.
//!
//! State is stamped with it, because a golden image clones state, and a clone must notice.

use std::{fs::File, io::Read, path::Path};

/// A stable name that the machine says of itself, without the network: the board's asset tag (which is the instance id
/// on EC2), cloud-init's record of the instance id, `machine-` and the machine-id.
pub fn local() -> String {
    told_under(Path::new("/"))
}

fn told_under(root: &Path) -> String {
    // The board first: a clone that boots still has the record of the machine that its image was made of.
    let instance = ["sys/devices/virtual/dmi/id/board_asset_tag", "var/lib/cloud/data/instance-id"]
        .iter()
        .find_map(|path| first_line(&root.join(path)).filter(|id| id.starts_with("i-")));
    let machine = || {
        ["etc/machine-id", "var/lib/dbus/machine-id"]
            .iter()
            .find_map(|path| first_line(&root.join(path)))
            .map(|id| format!("machine-{id}"))
    };
    instance.or_else(machine).unwrap_or_else(|| "unknown".to_owned())
}

fn first_line(path: &Path) -> Option<String> {
    const LONGEST: u64 = 256;
    let mut text = Vec::new();
    File::open(path).ok()?.take(LONGEST).read_to_end(&mut text).ok()?;
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_board_is_asked_before_what_an_image_may_have_brought() {
        let root = tempfile::tempdir().unwrap();
        let say = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let host = || told_under(root.path());
        assert_eq!(host(), "unknown");
        say("var/lib/dbus/machine-id", "0123\n");
        say("etc/machine-id", "\n");
        assert_eq!(host(), "machine-0123");
        say("etc/machine-id", "4567\n");
        assert_eq!(host(), "machine-4567");
        say("sys/devices/virtual/dmi/id/board_asset_tag", "Not Specified\n");
        say("var/lib/cloud/data/instance-id", "i-0image\n");
        assert_eq!(host(), "i-0image", "a board that says nothing of use hides nobody");
        say("sys/devices/virtual/dmi/id/board_asset_tag", "i-0board\n");
        assert_eq!(host(), "i-0board");
        say("sys/devices/virtual/dmi/id/board_asset_tag", &format!("i-0board\n{}", "x".repeat(1 << 20)));
        assert_eq!(host(), "i-0board", "only the beginning is read");
    }
}
