//! `SeaweedFS`, a store that verifies signatures and checksums. It listens on 127.0.0.1 only, tells nobody about itself, and ends
//! when this goes.

use std::{
    fs,
    net::TcpStream,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::clients::{self, BUCKET, KEYS};
use crate::{Outcome, failed, packages::stand_in, place};

#[path = "../../../../tests/support/ports.rs"]
mod ports;

const START: Duration = Duration::from_mins(1);
/// A running one, with an empty bucket.
pub(super) struct Seaweed {
    child: Child,
    pub(super) endpoint: String,
}

impl Seaweed {
    /// With its data below `home`; `aws` makes the bucket.
    pub(super) fn start(home: &Path, aws: &Path) -> Outcome<Seaweed> {
        let weed = stand_in::unpacked(&stand_in::WEED)?.join("usr/sbin/weed");
        let data = home.join("weed");
        fs::create_dir_all(&data).map_err(failed)?;
        let keys = format!("{{\"accessKey\":\"{}\",\"secretKey\":\"{}\"}}", KEYS[0], KEYS[1]);
        let identity = format!("{{\"identities\":[{{\"name\":\"bench\",\"credentials\":[{keys}],\"actions\":[\"Admin\"]}}]}}");
        fs::write(data.join("s3.json"), identity).map_err(failed)?;
        let ports = ports::free().map_err(failed)?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(weed).arg("server").env_clear().env("HOME", &data).env("PATH", "/usr/bin:/bin");
        for (flag, port) in ports::FLAGS.iter().zip(ports) {
            command.arg(format!("-{flag}={port}"));
        }
        command.args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-volume.max=0"]);
        command.args(["-filer", "-s3", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false"]);
        // A socket has a short name, and the folder's may be long.
        command.current_dir(&data).args(["-dir=.", "-s3.config=s3.json", "-filer.localSocket=f", "-s3.localSocket=s"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let child = command.spawn().map_err(failed)?;
        let mut seaweed = Seaweed { child, endpoint: format!("http://127.0.0.1:{}", ports[6]) };
        seaweed.answers(ports[6])?;
        seaweed.make_bucket(aws, home)?;
        Ok(seaweed)
    }

    fn answers(&mut self, port: u16) -> Outcome {
        let until = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > until || self.child.try_wait().map_err(failed)?.is_some() {
                return Err(failed("SeaweedFS does not answer"));
            }
            thread::park_timeout(Duration::from_millis(100));
        }
        Ok(())
    }

    /// It answers a little before it can do this.
    fn make_bucket(&self, aws: &Path, home: &Path) -> Outcome {
        let until = Instant::now() + START;
        loop {
            let mut command = clients::aws(aws);
            clients::logged_in(&mut command, home);
            command.args(["--endpoint-url", &self.endpoint, "s3", "mb", &format!("s3://{BUCKET}")]);
            match place::said(&mut command) {
                Err(_) if Instant::now() < until => thread::park_timeout(Duration::from_millis(500)),
                made => return made.map(drop),
            }
        }
    }
}

impl Drop for Seaweed {
    fn drop(&mut self) {
        // It was ours to start; gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
