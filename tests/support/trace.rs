//! What strace recorded, as typed calls: who did what to which path.
//!
//! Understands `strace -f -y` of the write-side calls and nothing else; a line that it cannot read is a
//! panic, because a call that is silently passed over would be a hole in every proof built on traces.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::strace::Strike;

/// All calls of a run, in the order in which they took effect.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    pub calls: Vec<Call>,
}

/// One system call.
#[derive(Clone, Debug)]
pub struct Call {
    pub tid: u32,
    pub name: String,
    /// The arguments as strace shows them.
    pub args: Vec<String>,
    /// What it returned; none when the process died in it.
    pub result: Option<String>,
    /// Its number among this thread's calls of this name, from 1: strace's `when`.
    pub rank: usize,
}

/// What a call means for files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Create(PathBuf),
    Open,
    Write {
        path: PathBuf,
        bytes: String,
    },
    Resize(PathBuf),
    /// A part of a file is taken away.
    Cut(PathBuf),
    Attributes(PathBuf),
    MakeFolder(PathBuf),
    Link {
        from: PathBuf,
        to: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Exchange {
        one: PathBuf,
        other: PathBuf,
    },
    Remove(PathBuf),
    SyncFile(PathBuf),
    SyncAll(PathBuf),
    Signal,
}

impl Trace {
    /// Reads strace's output.
    pub fn parse(text: &str) -> Trace {
        let mut trace = Trace::default();
        let mut begun: BTreeMap<u32, String> = BTreeMap::new();
        let mut ranks: BTreeMap<(u32, String), usize> = BTreeMap::new();
        for line in text.lines() {
            let (tid, rest) = line.split_once(' ').unwrap_or_else(|| panic!("no trace line: {line}"));
            let tid = tid.parse().unwrap_or_else(|_| panic!("no trace line: {line}"));
            let rest = rest.trim_start();
            if rest.starts_with("+++") || rest.starts_with("---") {
                continue;
            }
            if let Some(head) = rest.strip_suffix("<unfinished ...>") {
                begun.insert(tid, head.trim_end().to_owned());
                continue;
            }
            let whole = match rest.strip_prefix("<... ") {
                Some(tail) => {
                    let (_, tail) = tail.split_once(" resumed>").unwrap_or_else(|| panic!("no trace line: {line}"));
                    begun.remove(&tid).unwrap_or_default() + tail
                }
                None => rest.to_owned(),
            };
            trace.push(tid, &whole, &mut ranks);
        }
        for (tid, head) in begun {
            trace.push(tid, &format!("{head}) = ?"), &mut ranks);
        }
        trace
    }

    /// The calls at which a run can be struck: all but opens that make nothing, and chatter on stdout.
    pub fn cut_points(&self) -> Vec<&Call> {
        let harmless = |call: &Call| matches!(call.act(), Some(Act::Open)) || call.on_standard_stream();
        self.calls.iter().filter(|call| !harmless(call)).collect()
    }

    /// Whether it can be struck at the same call again. How many files a look into all processes opens, others decide.
    pub fn repeats(&self, strike: &Strike) -> bool {
        strike.call != "openat" || !self.calls.iter().any(|call| call.args.iter().any(|arg| arg == "\"/proc\""))
    }

    /// The threads and processes that make those calls.
    pub fn busy_threads(&self) -> BTreeSet<u32> {
        self.cut_points().iter().map(|call| call.tid).collect()
    }

    fn push(&mut self, tid: u32, text: &str, ranks: &mut BTreeMap<(u32, String), usize>) {
        let mut call = Call::parse(tid, text);
        let rank = ranks.entry((tid, call.name.clone())).or_default();
        *rank += 1;
        call.rank = *rank;
        self.calls.push(call);
    }
}

impl Call {
    fn parse(tid: u32, text: &str) -> Call {
        let (name, rest) = text.split_once('(').unwrap_or_else(|| panic!("no call: {text}"));
        let (args, after) = split_args(rest).unwrap_or_else(|| panic!("no call: {text}"));
        let result = after.trim_start().strip_prefix('=').map(str::trim).filter(|result| !result.starts_with('?'));
        Call { tid, name: name.to_owned(), args, result: result.map(str::to_owned), rank: 0 }
    }

    /// Whether it took effect.
    pub fn worked(&self) -> bool {
        self.result.as_deref().is_some_and(|result| !result.starts_with('-') && !self.injected())
    }

    /// Whether strace answered in the kernel's place.
    pub fn injected(&self) -> bool {
        self.result.as_deref().is_some_and(|result| result.contains("(INJECTED)"))
    }

    /// What it means for files; none when it has nothing to do with any.
    pub fn act(&self) -> Option<Act> {
        let act = match self.name.as_str() {
            "open" | "creat" | "openat" | "openat2" => self.open(),
            "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2" => {
                Act::Write { path: self.file(0)?, bytes: self.args.get(1)?.clone() }
            }
            "copy_file_range" => Act::Write { path: self.file(2)?, bytes: String::new() },
            "sendfile" => Act::Write { path: self.file(0)?, bytes: String::new() },
            "fallocate" if self.args.get(1).is_some_and(|how| how.contains("COLLAPSE") || how.contains("PUNCH")) => {
                Act::Cut(self.file(0)?)
            }
            "ftruncate" | "fallocate" => Act::Resize(self.file(0)?),
            "truncate" => Act::Resize(self.plain(0)),
            "fchmod" | "fchown" | "fsetxattr" | "fremovexattr" => Act::Attributes(self.file(0)?),
            "chmod" | "chown" | "setxattr" | "lsetxattr" | "removexattr" => Act::Attributes(self.plain(0)),
            "utimensat" if self.args.get(1).is_some_and(|name| name == "NULL") => Act::Attributes(self.file(0)?),
            "fchmodat" | "fchmodat2" | "fchownat" | "utimensat" => Act::Attributes(self.at(0)),
            "mkdir" => Act::MakeFolder(self.plain(0)),
            "mkdirat" => Act::MakeFolder(self.at(0)),
            "mknodat" => Act::Create(self.at(0)),
            "mknod" => Act::Create(self.plain(0)),
            "link" | "symlink" => Act::Link { from: self.plain(0), to: self.plain(1) },
            "symlinkat" => Act::MakeFolder(self.at(1)),
            "linkat" => Act::Link { from: self.at(0), to: self.at(2) },
            "rename" => Act::Rename { from: self.plain(0), to: self.plain(1) },
            "renameat" | "renameat2" => self.rename(),
            "unlink" | "rmdir" => Act::Remove(self.plain(0)),
            "unlinkat" => Act::Remove(self.at(0)),
            "fsync" | "fdatasync" | "sync_file_range" | "msync" => Act::SyncFile(self.file(0)?),
            "syncfs" => Act::SyncAll(self.file(0)?),
            "sync" => Act::SyncAll(PathBuf::from("/")),
            "kill" | "tgkill" | "pidfd_send_signal" => Act::Signal,
            other => panic!("the trace has a call that nobody taught us: {other} {:?}", self.args),
        };
        Some(act)
    }

    /// One line for a person.
    pub fn shown(&self) -> String {
        let args: Vec<String> = self.args.iter().map(|arg| arg.chars().take(160).collect()).collect();
        format!("{} #{} ({}) = {}", self.name, self.rank, args.join(", "), self.result.as_deref().unwrap_or("?"))
    }

    fn open(&self) -> Act {
        let making = self.name == "creat" || self.args.iter().any(|arg| arg.contains("O_CREAT") || arg.contains("O_TRUNC"));
        if !making {
            return Act::Open;
        }
        // What the kernel really opened, when it did; what was asked for otherwise.
        let opened = self.result.as_deref().and_then(in_angles);
        Act::Create(opened.unwrap_or_else(|| if self.name.starts_with("openat") { self.at(0) } else { self.plain(0) }))
    }

    fn rename(&self) -> Act {
        let (from, to) = (self.at(0), self.at(2));
        if self.args.get(4).is_some_and(|flags| flags.contains("RENAME_EXCHANGE")) {
            Act::Exchange { one: from, other: to }
        } else {
            Act::Rename { from, to }
        }
    }

    fn on_standard_stream(&self) -> bool {
        let fd = self.args.first().map_or("", |arg| arg.split('<').next().unwrap_or(""));
        self.name.contains("write") && matches!(fd, "1" | "2")
    }

    /// The path behind a descriptor; none for a pipe or a socket.
    fn file(&self, index: usize) -> Option<PathBuf> {
        in_angles(self.args.get(index)?).filter(|path| path.is_absolute())
    }

    fn plain(&self, index: usize) -> PathBuf {
        let path = PathBuf::from(unquoted(self.args.get(index).map_or("", String::as_str)));
        assert!(path.is_absolute(), "a relative path without a folder: {}", self.shown());
        path
    }

    fn at(&self, index: usize) -> PathBuf {
        let name = unquoted(self.args.get(index + 1).map_or("", String::as_str));
        if Path::new(&name).is_absolute() {
            return PathBuf::from(name);
        }
        let folder = self.args.get(index).and_then(|arg| in_angles(arg));
        let folder = folder.unwrap_or_else(|| panic!("a name without a folder: {}", self.shown()));
        if name.is_empty() || name == "." { folder } else { folder.join(name) }
    }
}

/// Cuts `a, "b, c", [..]) = 0` into arguments and what follows the closing parenthesis.
fn split_args(text: &str) -> Option<(Vec<String>, &str)> {
    let (mut args, mut depth, mut quoted, mut escaped, mut start) = (Vec::new(), 0_i32, false, false, 0);
    for (place, byte) in text.bytes().enumerate() {
        if quoted {
            quoted = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'[' | b'{' | b'(' | b'<' => depth += 1,
            b']' | b'}' | b'>' => depth -= 1,
            b')' if depth > 0 => depth -= 1,
            b')' => {
                args.push(text[start..place].trim().to_owned());
                return Some((args, &text[place + 1..]));
            }
            b',' if depth == 0 => {
                args.push(text[start..place].trim().to_owned());
                start = place + 1;
            }
            _ => {}
        }
    }
    None
}

fn in_angles(text: &str) -> Option<PathBuf> {
    let (_, rest) = text.split_once('<')?;
    let (path, _) = rest.rsplit_once('>')?;
    Some(PathBuf::from(path.strip_suffix(" (deleted)").unwrap_or(path)))
}

/// A path as strace quotes it. Test paths need no more escapes than these.
fn unquoted(text: &str) -> String {
    text.trim_matches('"').replace("\\\"", "\"").replace("\\\\", "\\")
}
