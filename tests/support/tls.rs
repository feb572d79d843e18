//! A private authority, and TLS of it in front of a server of the story.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{
    files,
    process::{Process, must},
    wait_until,
};

const START: Duration = Duration::from_mins(1);

/// A CA of a company, a certificate of it for this name, and the key of that.
pub fn authority(folder: &Path, name: &str) -> (PathBuf, PathBuf, PathBuf) {
    let at = |name: &str| folder.join(name);
    let openssl = |args: &str| must("sh", &["-c".as_ref(), format!("cd '{}' && openssl {args} 2>&1", folder.display()).as_ref()]);
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj '/CN=Corp CA'");
    openssl("req -newkey rsa:2048 -nodes -keyout s3.key -out s3.csr -subj '/CN=s3'");
    files::write(at("ext"), format!("subjectAltName=DNS:{name}\nbasicConstraints=CA:FALSE\n")).expect("our own folder");
    openssl("x509 -req -in s3.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out s3.pem -days 2 -extfile ext");
    (at("ca.pem"), at("s3.pem"), at("s3.key"))
}

/// TLS in front of a server, with a certificate and its key in `folder`, and where.
pub fn front(folder: &Path, certificate: &Path, key: &Path, server: u16) -> (Process, u16) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/tls_front.py");
    let told = folder.join("front.port");
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "python3"]).arg(script).args([certificate, key]).arg(server.to_string()).arg(&told);
    let process = Process::start(&mut command);
    let port = || fs::read_to_string(&told).ok().and_then(|text| text.parse().ok());
    wait_until("TLS to answer", START, || port().is_some());
    (process, port().expect("it was there"))
}
