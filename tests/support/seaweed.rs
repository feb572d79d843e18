//! A real S3 on this machine: `SeaweedFS`, which verifies signatures and checksums. One server for each test program, which ends with it.
//! It listens on 127.0.0.1 only, and tells nobody anywhere about itself.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::Path,
    process::Command,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::Value;

use super::{
    filer::{Filer, exchange},
    files, lasting,
    needs::{self, Need},
    ports,
    process::{Process, must},
    scenario::Scenario,
    shipped, tally, wait_until,
};

/// What stories with a bucket need.
pub const SEAWEED: &[Need] = &[Need::Program("weed"), Need::Program("setpriv")];

/// Who may do everything.
const SHIP: (&str, &str) = ("shipkey", "shipsecret");
/// Who may only read.
pub const READER: (&str, &str) = ("readkey", "readsecret");

const START: Duration = Duration::from_mins(1);

/// The server of this program.
#[derive(Clone, Copy, Debug)]
pub struct Seaweed {
    s3: u16,
    filer: Filer,
    ports: [u16; 8],
}

impl Seaweed {
    /// The server, started when first asked for.
    pub fn of_this_program() -> Seaweed {
        static SERVER: OnceLock<Seaweed> = OnceLock::new();
        *SERVER.get_or_init(|| lasting::started("weed", start))
    }

    /// A bucket that nobody else has, empty.
    pub fn bucket(self) -> Bucket {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let name = format!("bucket-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.filer.write(&format!("/buckets/{name}/"), b"");
        Bucket { server: self, name }
    }

    /// The same, but one that a story before has done with, if there is one: the first object of a new one takes seconds.
    pub fn used_bucket(self) -> Bucket {
        lock(&USED).pop().unwrap_or_else(|| self.bucket())
    }

    /// The port of S3.
    pub fn port(self) -> u16 {
        self.s3
    }

    /// Where S3 answers.
    pub fn endpoint(self) -> String {
        format!("http://127.0.0.1:{}", self.s3)
    }
}

fn start(home: &Path) -> (Seaweed, Process) {
    let one = |name: &str, (access, secret): (&str, &str), actions: &str| {
        format!(
            "{{\"name\":\"{name}\",\"credentials\":[{{\"accessKey\":\"{access}\",\"secretKey\":\"{secret}\"}}],\"actions\":[{actions}]}}"
        )
    };
    let (all, some) = (one("ship", SHIP, "\"Admin\""), one("reader", READER, "\"Read\",\"List\""));
    files::write(home.join("s3.json"), format!("{{\"identities\":[{all},{some}]}}")).expect("a writable tree");
    fs::create_dir_all(home.join("data")).expect("a writable tree");
    serve(home, ports::free().expect("there are free ports"))
}

/// The server whose data is there, on these ports.
fn serve(home: &Path, ports: [u16; 8]) -> (Seaweed, Process) {
    let weed = needs::unpacked("weed").join("usr/sbin/weed");
    let weed = if weed.is_file() { weed } else { "weed".into() };
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(weed).arg("server").env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin");
    for (flag, port) in ports::FLAGS.iter().zip(ports) {
        command.arg(format!("-{flag}={port}"));
    }
    command.args([
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=0",
    ]);
    command.args(["-filer", "-s3", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false", "-s3.autoCreateBucket=false"]);
    for (flag, name) in [("dir", "data"), ("s3.config", "s3.json"), ("filer.localSocket", "f"), ("s3.localSocket", "s")] {
        command.arg(format!("-{flag}={}", home.join(name).display()));
    }
    let mut process = Process::start(&mut command);
    let (filer, s3) = (ports[4], ports[6]);
    let answers = |port: u16, status: u16| exchange(port, "GET", "/", b"").is_ok_and(|(answer, _)| answer == status);
    wait_until("SeaweedFS to answer", START, || {
        assert!(process.runs(), "SeaweedFS ended by itself");
        answers(s3, 403) && answers(filer, 200)
    });
    (Seaweed { s3, filer: Filer(filer), ports }, process)
}

/// A server of one story, which goes down and comes up again, on the same ports and with the same data.
pub struct Outage {
    home: tempfile::TempDir,
    ports: [u16; 8],
    server: Seaweed,
    process: Option<Process>,
}

impl Outage {
    /// It is up.
    pub fn new() -> Outage {
        // One after the other: two servers that start at one time may find the same ports free.
        Seaweed::of_this_program();
        let home = tempfile::Builder::new().prefix("opsbelt-outage-").tempdir().expect("a temporary folder");
        let (server, process) = start(home.path());
        let ports = server.ports;
        Outage { home, ports, server, process: Some(process) }
    }

    /// The server.
    pub fn server(&self) -> Seaweed {
        self.server
    }

    /// It goes down.
    pub fn begin(&mut self) {
        self.process.take().expect("it is up").kill_whole();
    }

    /// It comes up again.
    pub fn end(&mut self) {
        self.process = Some(serve(self.home.path(), self.ports).1);
        // Where the volumes are, it knows a little later than it answers.
        let filer = self.ports[4];
        let takes = || exchange(filer, "PUT", "/ready", b"x").is_ok_and(|(status, _)| status == 201);
        wait_until("SeaweedFS to know its volumes", START, takes);
    }
}

/// Buckets that nobody uses any more, empty.
static USED: Mutex<Vec<Bucket>> = Mutex::new(Vec::new());

fn lock(used: &Mutex<Vec<Bucket>>) -> MutexGuard<'_, Vec<Bucket>> {
    used.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A bucket of one story.
#[derive(Debug)]
pub struct Bucket {
    pub server: Seaweed,
    pub name: String,
}

impl Bucket {
    /// Below what all keys of a scenario are.
    const PREFIX: &'static str = "fleet";

    /// The store's address.
    pub fn url(&self) -> String {
        format!("s3://{}/{}", self.name, Bucket::PREFIX)
    }

    /// A machine that ships here; `store` are more words of its store, `words` of its set.
    pub fn scene(&self, store: &str, words: &str) -> Scenario {
        let store = format!("region = \"us-east-1\"\nendpoint = \"{}\"\npath-style = true\n{store}", self.server.endpoint());
        let scene = Scenario::new().shipping_to(&self.url(), "", &store, words);
        log_in(&scene, SHIP.0, SHIP.1);
        scene
    }

    /// Every object below the prefix, with its size.
    pub fn listed(&self) -> BTreeMap<String, u64> {
        self.server.filer.files(&format!("/buckets/{}/{}", self.name, Bucket::PREFIX))
    }

    /// The text of each object that holds a log, by key.
    pub fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let logs = self.listed().into_keys().filter(|key| key.starts_with("logs/"));
        logs.map(|key| (key.clone(), self.text(&key))).collect()
    }

    /// The segments of the manifest of the machine `test`, in order.
    pub fn segments(&self) -> Vec<Value> {
        let all = self.listed().into_keys().filter(|key| key.starts_with("_opsbelt/manifests/test/"));
        all.map(|key| serde_json::from_slice(&self.read(&key)).expect("a segment is JSON")).collect()
    }

    /// The keys that the segments name, in order.
    pub fn named(&self) -> Vec<String> {
        let objects = self.segments().into_iter().flat_map(|segment| segment["objects"].as_array().cloned().unwrap_or_default());
        objects.map(|object| object["key"].as_str().expect("each has a key").to_owned()).collect()
    }

    /// Panics unless the bucket has each of these texts in one object, each object is named once, the segments are one chain, and
    /// no upload is left.
    #[track_caller]
    pub fn assert_shipped(&self, texts: &[Vec<u8>], story: &str) {
        let objects = self.objects();
        shipped::assert_texts(&objects, texts, story);
        let named = shipped::assert_chain(self.segments(), |key| sha256(&self.read(key)), story);
        assert_eq!(named, objects.into_keys().collect::<Vec<_>>(), "{story}");
        assert_eq!(self.uploads(), Vec::<String>::new(), "{story}");
    }

    /// Uploads that were begun, and neither completed nor aborted.
    pub fn uploads(&self) -> Vec<String> {
        let all = self.server.filer.entries(&format!("/buckets/{}/.uploads", self.name));
        all.into_iter().map(|(path, _)| path).collect()
    }

    /// An object's bytes, past S3.
    pub fn read(&self, key: &str) -> Vec<u8> {
        self.server.filer.read(&self.path(key))
    }

    /// Makes or replaces an object, past S3.
    pub fn write(&self, key: &str, bytes: &[u8]) {
        self.server.filer.write(&self.path(key), bytes);
    }

    /// Removes an object, past S3.
    pub fn remove(&self, key: &str) {
        self.server.filer.remove(&self.path(key));
    }

    /// Leaves it to the next story, empty.
    pub fn leave(self) {
        for (path, _) in self.server.filer.entries(&format!("/buckets/{}", self.name)) {
            self.server.filer.empty(&path);
        }
        lock(&USED).push(self);
    }

    fn text(&self, key: &str) -> Vec<u8> {
        let file = tempfile::tempdir().expect("a temporary folder");
        let path = file.path().join(key.rsplit('/').next().expect("a key has a name"));
        files::write(&path, self.read(key)).expect("a writable folder");
        let mut text = Vec::new();
        tally::plain(&path).read_to_end(&mut text).expect("a readable object");
        text
    }

    fn path(&self, key: &str) -> String {
        format!("/buckets/{}/{}/{key}", self.name, Bucket::PREFIX)
    }
}

/// In lower-case hex, as `sha256sum` says it.
pub fn sha256(bytes: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    files::write(file.path(), bytes).expect("a temporary file");
    must("sha256sum", &[file.path().as_os_str()])[..64].to_owned()
}

/// The credentials that a machine finds in its home.
pub fn log_in(scene: &Scenario, access: &str, secret: &str) {
    let home = scene.root().join(".aws");
    fs::create_dir_all(&home).expect("a writable tree");
    let text = format!("[default]\naws_access_key_id = {access}\naws_secret_access_key = {secret}\n");
    files::write(home.join("credentials"), text).expect("a writable tree");
}
