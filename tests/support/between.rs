//! A server between the tool and S3: it passes on what it is asked, unless the story has another answer. For what no stand-in does
//! by itself: conflicts, throttling, skewed clocks, answers that are lost or cut short. Remembers every request.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Nobody waits longer for the other side.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the tool asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// What a header says.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether it is this call: a method, and a word that its target has.
    pub fn is(&self, method: &str, word: &str) -> bool {
        self.method == method && self.target.contains(word)
    }
}

/// What comes of a request.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It gets to the server, and the answer back.
    Passes,
    /// The server hears nothing of it, and there is no answer.
    Unheard,
    /// The server hears nothing of it, and nobody says anything for as long as the tool waits.
    Silence,
    /// It gets to the server with this body, and the answer back.
    Altered(Vec<u8>),
    /// It gets to the server, and the answer nowhere.
    AnswerIsLost,
    /// It gets to the server, and all but the last so many bytes of the answer back.
    AnswerIsCut(usize),
    /// It gets to the server, and the answer back with other words in the place of these.
    AnswerIsReworded(Vec<(String, String)>),
    /// It gets to the server, and the answer back with a bit turned in the byte that is so many before its end.
    AnswerIsAltered(usize),
    /// The server hears nothing of it. Headers end with a line break each.
    Answered { status: u16, headers: String, body: String },
}

impl Fate {
    /// An error as S3 tells it.
    pub fn error(status: u16, code: &str, more: &str) -> Fate {
        let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>said by the story</Message>{more}</Error>");
        Fate::Answered { status, headers: "x-amz-request-id: STORY\r\n".to_owned(), body }
    }
}

type Story = dyn Fn(&Request, usize) -> Fate + Send + Sync;

/// The server between.
pub struct Between {
    port: u16,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Between {
    /// Before the server on this port; `story` hears each request, and how often the same was asked before.
    pub fn before(server: u16, story: impl Fn(&Request, usize) -> Fate + Send + Sync + 'static) -> Between {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there are free ports");
        let port = listener.local_addr().expect("it is bound").port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (heard, story): (_, Arc<Story>) = (Arc::clone(&asked), Arc::new(story));
        // Ends with the program.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (heard, story) = (Arc::clone(&heard), Arc::clone(&story));
                // A connection that breaks is a matter of the tool's.
                std::thread::spawn(move || drop(serve(&client, server, &heard, &*story)));
            }
        });
        Between { port, asked }
    }

    /// Where it answers.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port of it.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Everything that was asked so far.
    pub fn asked(&self) -> Vec<Request> {
        lock(&self.asked).clone()
    }
}

fn lock(asked: &Mutex<Vec<Request>>) -> MutexGuard<'_, Vec<Request>> {
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One request for each connection: the answer ends it.
fn serve(client: &TcpStream, server: u16, heard: &Mutex<Vec<Request>>, story: &Story) -> std::io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(client);
    let Some(request) = read(&mut reader, client)? else { return Ok(()) };
    let before = {
        let mut heard = lock(heard);
        let same = |other: &&Request| (&other.method, &other.target) == (&request.method, &request.target);
        let before = heard.iter().filter(same).count();
        heard.push(request.clone());
        before
    };
    let mut client = client;
    match story(&request, before) {
        Fate::Answered { status, headers, body } => {
            let above = format!("HTTP/1.1 {status} Told\r\nConnection: close\r\n{headers}");
            if above.to_lowercase().contains("content-length:") {
                write!(client, "{above}\r\n{body}")
            } else {
                write!(client, "{above}Content-Length: {}\r\n\r\n{body}", body.len())
            }
        }
        Fate::Unheard => Ok(()),
        Fate::Silence => {
            client.set_read_timeout(None)?;
            std::io::copy(&mut reader, &mut std::io::sink()).map(drop)
        }
        Fate::Altered(body) => client.write_all(&pass_on(server, &Request { body, ..request })?),
        Fate::Passes => client.write_all(&pass_on(server, &request)?),
        Fate::AnswerIsLost => pass_on(server, &request).map(drop),
        Fate::AnswerIsCut(bytes) => {
            let answer = pass_on(server, &request)?;
            client.write_all(&answer[..answer.len().saturating_sub(bytes)])
        }
        Fate::AnswerIsReworded(words) => client.write_all(&reworded(&pass_on(server, &request)?, &words)),
        Fate::AnswerIsAltered(place) => {
            let mut answer = pass_on(server, &request)?;
            let place = answer.len().saturating_sub(place);
            answer[place] ^= 1;
            client.write_all(&answer)
        }
    }
}

/// The answer with other words, and as long as it then says.
fn reworded(answer: &[u8], words: &[(String, String)]) -> Vec<u8> {
    let text = String::from_utf8_lossy(answer).into_owned();
    let text = words.iter().fold(text, |text, (old, new)| text.replace(old, new));
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let lines = head.lines().filter(|line| !line.to_lowercase().starts_with("content-length:"));
    let head: Vec<&str> = lines.collect();
    format!("{}\r\nContent-Length: {}\r\n\r\n{body}", head.join("\r\n"), body.len()).into_bytes()
}

fn read(reader: &mut BufReader<&TcpStream>, mut client: &TcpStream) -> std::io::Result<Option<Request>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut first = lines[0].split(' ').map(str::to_owned);
    let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let header = |line: &String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let headers: Vec<(String, String)> = lines[1..].iter().filter_map(header).collect();
    let mut request = Request { method, target, headers, body: Vec::new() };
    if request.header("expect").is_some() {
        client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        request.headers.retain(|(name, _)| name != "expect");
    }
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body)?;
    Ok(Some(request))
}

/// Asks the server on this port; all of its answer.
pub fn pass_on(server: u16, request: &Request) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", server))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut words = vec![format!("{} {} HTTP/1.1", request.method, request.target), "connection: close".to_owned()];
    let said = request.headers.iter().filter(|(name, _)| name != "connection");
    words.extend(said.map(|(name, value)| format!("{name}: {value}")));
    stream.write_all(format!("{}\r\n\r\n", words.join("\r\n")).as_bytes())?;
    stream.write_all(&request.body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
