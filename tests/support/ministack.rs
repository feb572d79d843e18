//! A second S3 on this machine, where `SeaweedFS` lacks something: ministack, which holds everybody to the policies of IAM that he has,
//! keeps what is locked, and hands nothing out of a cold class before it was asked for. It listens on 127.0.0.1 only, and keeps all in memory.

use std::{
    path::Path,
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{
    between::{Request, pass_on},
    filer::{escaped, exchange},
    lasting,
    needs::{self, Need},
    ports,
    process::Process,
    scenario::Scenario,
    seaweed::log_in,
    wait_until,
};

/// What stories with this server need.
pub const MINISTACK: &[Need] = &[Need::Modules("ministack"), Need::Program("setpriv")];

const START: Duration = Duration::from_mins(1);
/// Its root, who may do everything and need not prove who he is.
const ROOT: &str =
    "authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/SERVICE/aws4_request, SignedHeaders=host, Signature=0";

/// The server of this program.
#[derive(Clone, Copy, Debug)]
pub struct Ministack {
    pub port: u16,
}

/// A bucket of one story.
#[derive(Debug)]
pub struct Bucket {
    pub server: Ministack,
    pub name: String,
}

/// What it said.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// All of it: the headers, an empty line, the body.
    pub text: String,
}

impl Answer {
    /// What a header says.
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default();
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// What an element says.
    fn element(&self, name: &str) -> &str {
        let rest = self.text.split_once(&format!("<{name}>")).and_then(|(_, rest)| rest.split_once("</"));
        rest.unwrap_or_else(|| panic!("no {name}: {}", self.text)).0
    }
}

impl Ministack {
    /// The server, started when first asked for.
    pub fn of_this_program() -> Ministack {
        static SERVER: OnceLock<Ministack> = OnceLock::new();
        *SERVER.get_or_init(|| lasting::started("ministack", start))
    }

    /// A bucket that nobody else has, empty; objects can be locked in it, or cannot.
    pub fn bucket(self, locks: bool) -> Bucket {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let bucket = Bucket { server: self, name: format!("bucket-{}", COUNT.fetch_add(1, Ordering::Relaxed)) };
        let headers: &[&str] = if locks { &["x-amz-bucket-object-lock-enabled: true"] } else { &[] };
        let made = self.ask("s3", "PUT", &format!("/{}", bucket.name), headers, "");
        assert_eq!(made.status, 200, "{made:#?}");
        bucket
    }

    /// Where it answers.
    pub fn endpoint(self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn ask(self, service: &str, method: &str, target: &str, headers: &[&str], body: &str) -> Answer {
        let (host, length) = (format!("host: 127.0.0.1:{}", self.port), format!("content-length: {}", body.len()));
        let all = [host, length, ROOT.replace("SERVICE", service)].into_iter().chain(headers.iter().map(ToString::to_string));
        let headers = all.filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())));
        let (method, target, body) = (method.to_owned(), target.to_owned(), body.as_bytes().to_vec());
        let request = Request { method, target, headers: headers.collect(), body };
        let answer = pass_on(self.port, &request).unwrap_or_else(|error| panic!("{request:?}: {error}"));
        let text = String::from_utf8_lossy(&answer).into_owned();
        let status = text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        Answer { status, text }
    }

    fn iam(self, action: &str, words: &[(&str, &str)]) -> Answer {
        let words: Vec<String> = words.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let body = format!("Action={action}&Version=2010-05-08&{}", words.join("&"));
        let answer = self.ask("iam", "POST", "/", &["content-type: application/x-www-form-urlencoded"], &body);
        assert_eq!(answer.status, 200, "{action}: {answer:#?}");
        answer
    }
}

fn start(home: &Path) -> (Ministack, Process) {
    let [port, ..] = ports::free().expect("there are free ports");
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(needs::python_of("ministack")).args(["-m", "ministack"]).env_clear();
    command.env("HOME", home).env("TMPDIR", home).env("PATH", "/usr/bin:/bin").current_dir(home);
    command.env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", port.to_string());
    // Who is who is proven, and what he may is looked up.
    command.env("SERVICES", "s3,iam,sts").env("AUTH", "true").env("LOG_LEVEL", "WARNING");
    let mut process = Process::start(&mut command);
    wait_until("ministack to answer", START, || {
        assert!(process.runs(), "ministack ended by itself");
        exchange(port, "GET", "/_ministack/health", b"").is_ok_and(|(status, _)| status == 200)
    });
    (Ministack { port }, process)
}

impl Bucket {
    /// The store's address.
    pub fn url(&self) -> String {
        format!("s3://{}/fleet", self.name)
    }

    /// A machine that ships here, as soon as it is let; `store` are more words of its store, `words` of its set.
    pub fn scene(&self, store: &str, words: &str) -> Scenario {
        let store = format!("region = \"us-east-1\"\nendpoint = \"{}\"\npath-style = true\n{store}", self.server.endpoint());
        Scenario::new().shipping_to(&self.url(), "", &store, words)
    }

    /// From now on that machine is somebody who may do what `iam-policy` says of this command, and nothing else.
    pub fn lets(&self, scene: &Scenario, command: &str) {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let policy = scene.run(&["iam-policy", command]).exits(0).stdout;
        let user = format!("user-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let named = ("UserName", user.as_str());
        self.server.iam("CreateUser", &[named]);
        self.server.iam("PutUserPolicy", &[named, ("PolicyName", "all"), ("PolicyDocument", &policy)]);
        let key = self.server.iam("CreateAccessKey", &[named]);
        log_in(scene, key.element("AccessKeyId"), key.element("SecretAccessKey"));
    }

    /// One call of S3 by somebody who may do everything; `target` is a key, and what is asked of it.
    pub fn ask(&self, method: &str, target: &str, headers: &[&str], body: &str) -> Answer {
        self.server.ask("s3", method, &format!("/{}/fleet/{target}", self.name), headers, body)
    }

    /// The keys of all objects that begin like that.
    pub fn keys(&self, begin: &str) -> Vec<String> {
        let listed = self.server.ask("s3", "GET", &format!("/{}?list-type=2&prefix=fleet%2F{begin}", self.name), &[], "");
        assert!(listed.status == 200 && listed.element("IsTruncated") == "false", "{listed:#?}");
        let keys = listed.text.split("<Key>fleet/").skip(1).filter_map(|rest| rest.split_once("</Key>"));
        keys.map(|(key, _)| key.to_owned()).collect()
    }
}
