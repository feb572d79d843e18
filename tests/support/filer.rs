//! What is in a bucket of `SeaweedFS`, seen and altered past S3: its filer shows buckets as folders, to anybody on this machine.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The filer on this port.
#[derive(Clone, Copy, Debug)]
pub struct Filer(pub u16);

impl Filer {
    /// Every file below a folder by its path from there; none where there is no such folder.
    pub fn files(self, folder: &str) -> BTreeMap<String, u64> {
        let mut found = BTreeMap::new();
        let mut open = vec![folder.to_owned()];
        while let Some(next) = open.pop() {
            for (path, size) in self.entries(&next) {
                match size {
                    None => open.push(path),
                    Some(size) => {
                        found.insert(path[folder.len() + 1..].to_owned(), size);
                    }
                }
            }
        }
        found
    }

    /// What is in a folder: paths, and the sizes of files.
    pub fn entries(self, folder: &str) -> Vec<(String, Option<u64>)> {
        const MOST: usize = 10_000;
        let (status, body) = self.ask("GET", &format!("{}/?limit={MOST}", escaped(folder)), b"");
        if status == 404 {
            return Vec::new();
        }
        let listed: Value = serde_json::from_slice(&body).unwrap_or_else(|error| panic!("no list of {folder}: {status} {error}"));
        let entries = listed["Entries"].as_array().cloned().unwrap_or_default();
        assert!(entries.len() < MOST, "{folder} has too many entries");
        let one = |entry: &Value| {
            let is_folder = entry["Mode"].as_u64().expect("each has a mode") >> 31 & 1 == 1;
            (
                entry["FullPath"].as_str().expect("each has a path").to_owned(),
                (!is_folder).then(|| entry["FileSize"].as_u64().expect("a size")),
            )
        };
        entries.iter().map(one).collect()
    }

    /// A file's bytes.
    pub fn read(self, path: &str) -> Vec<u8> {
        let (status, body) = self.ask("GET", &escaped(path), b"");
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        body
    }

    /// Makes or replaces a file; a folder where the path ends with `/`.
    pub fn write(self, path: &str, bytes: &[u8]) {
        let method = if path.ends_with('/') { "POST" } else { "PUT" };
        let (status, body) = self.ask(method, &escaped(path), bytes);
        assert_eq!(status, 201, "{path}: {}", String::from_utf8_lossy(&body));
    }

    /// Removes a file.
    pub fn remove(self, path: &str) {
        let (status, body) = self.ask("DELETE", &escaped(path), b"");
        assert_eq!(status, 204, "{path}: {}", String::from_utf8_lossy(&body));
    }

    /// Removes a folder with all that is in it.
    pub fn empty(self, folder: &str) {
        let (status, body) = self.ask("DELETE", &format!("{}?recursive=true", escaped(folder)), b"");
        assert_eq!(status, 204, "{folder}: {}", String::from_utf8_lossy(&body));
    }

    fn ask(self, method: &str, target: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let answer = exchange(self.0, method, target, body);
        answer.unwrap_or_else(|error| panic!("{method} {target}: {error}"))
    }
}

/// One request to a server on this machine, and its answer.
pub fn exchange(port: u16, method: &str, target: &str, body: &[u8]) -> std::io::Result<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // Of HTTP/1.0 an answer comes in one piece, and ends the connection.
    write!(stream, "{method} {target} HTTP/1.0\r\nAccept: application/json\r\nContent-Length: {}\r\n\r\n", body.len())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let split = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap_or(answer.len());
    let status = String::from_utf8_lossy(&answer[..split]).split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    Ok((status, answer.get(split + 4..).unwrap_or_default().to_vec()))
}

/// As a path of a URL.
pub fn escaped(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.=".contains(&byte);
    path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
