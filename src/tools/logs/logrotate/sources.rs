//! The configuration files: main file, includes, folders of includes. Refuses what logrotate refuses,
//! and never follows more than the limits here, whatever the files ask for.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::Read as _,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use super::{
    Read, Stanza, Unknown,
    directives::Directives,
    pattern::Pattern,
    statements::{Statement, statements},
};
use crate::{failure::plain, report::Incomplete};

const LARGEST_FILE: u64 = 1 << 20;
const MOST_BYTES: u64 = 16 << 20;
const MOST_FILES: usize = 10_000;
const DEEPEST_INCLUDE: usize = 8;

/// Names that logrotate leaves alone in a folder of includes.
const TABOO: &str = "*,v *.bak *.cfsaved *.disabled *.dpkg-bak *.dpkg-del *.dpkg-dist *.dpkg-new *.dpkg-old *.dpkg-tmp \
    *.new *.old *.orig *.pacnew *.pacorig *.pacsave *.rhn-cfg-tmp-* *.rpmnew *.rpmorig *.rpmsave *.swp *.ucf-dist *.ucf-new \
    *.ucf-old *~";

/// Reads `main` and its includes. The index of the answer is still empty.
pub(super) fn read(main: &Path) -> Read {
    let owner = fs::metadata(main).map_or(0, |found| found.uid());
    let mut reading = Reading {
        read: Read::default(),
        globals: Directives::default(),
        taboo: TABOO.split(' ').filter_map(|name| glob::Pattern::new(name).ok()).collect(),
        owner,
        files: 0,
        bytes: 0,
    };
    match fs::metadata(main) {
        Ok(found) if found.is_dir() => reading.wrong_path(main, "it is a folder".to_owned()),
        Err(error) => reading.wrong_path(main, plain(&error)),
        Ok(_) => reading.file(main, 0),
    }
    reading.read
}

struct Reading {
    read: Read,
    globals: Directives,
    taboo: Vec<glob::Pattern>,
    /// Who owns the main file; root may own the others as well.
    owner: u32,
    files: usize,
    bytes: u64,
}

impl Reading {
    fn path(&mut self, path: &Path, depth: usize) {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => self.folder(path, depth),
            Ok(_) => self.file(path, depth),
            Err(error) => self.problem(path, plain(&error)),
        }
    }

    fn folder(&mut self, folder: &Path, depth: usize) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.problem(folder, plain(&error)),
        };
        let mut names: Vec<OsString> = Vec::new();
        for entry in entries.take(MOST_FILES + 1) {
            match entry {
                Ok(entry) => names.push(entry.file_name()),
                Err(error) => self.problem(folder, plain(&error)),
            }
        }
        if names.len() > MOST_FILES {
            self.problem(folder, format!("more than {MOST_FILES} files; the others were not read"));
        }
        names.sort();
        for name in names {
            let text = name.to_string_lossy();
            if !self.taboo.iter().any(|taboo| taboo.matches_with(&text, NAMES)) {
                self.file(&folder.join(&name), depth);
            }
        }
    }

    fn file(&mut self, path: &Path, depth: usize) {
        match self.text(path) {
            Ok(Some(text)) => self.follow(path, &text, depth),
            Ok(None) => {}
            Err(why) => self.problem(path, why),
        }
    }

    /// Nothing for what is no regular file: a link to /dev/null is how people switch a file off.
    fn text(&mut self, path: &Path) -> Result<Option<String>, String> {
        if self.files >= MOST_FILES {
            return Err(format!("more than {MOST_FILES} files; this one was not read"));
        }
        self.files += 1;
        let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let file = File::options().read(true).custom_flags(nonblocking).open(path).map_err(|error| plain(&error))?;
        let found = file.metadata().map_err(|error| plain(&error))?;
        if !found.is_file() {
            return Ok(None);
        }
        if found.mode() & 0o022 != 0 {
            return Err("logrotate ignores it, because it is writable by group or others".to_owned());
        }
        if found.uid() != 0 && found.uid() != self.owner {
            return Err("logrotate ignores it, because root does not own it".to_owned());
        }
        let room = LARGEST_FILE.min(MOST_BYTES.saturating_sub(self.bytes));
        let mut bytes = Vec::new();
        file.take(room + 1).read_to_end(&mut bytes).map_err(|error| plain(&error))?;
        let length = bytes.len() as u64;
        if length > room {
            return Err(format!("too large for a configuration: more than {room} bytes were left to read"));
        }
        self.bytes += length;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn follow(&mut self, file: &Path, text: &str, depth: usize) {
        let mut open: Option<Stanza> = None;
        for (line, statement) in statements(text) {
            match statement {
                Statement::Open { names } => {
                    if let Some(stanza) = open.replace(self.stanza(file, line, names)) {
                        self.at(file, stanza.line, "a stanza without its }");
                        self.read.stanzas.push(stanza);
                    }
                }
                Statement::Close => match open.take() {
                    Some(stanza) => self.read.stanzas.push(stanza),
                    None => self.at(file, line, "a } without its {"),
                },
                Statement::Directive { word, value } => self.directive(file, line, &word, &value, open.as_mut(), depth),
                Statement::Unknown { word } => self.read.unknown.push(Unknown { word, file: file.to_owned(), line }),
                Statement::Bad { problem } => self.at(file, line, problem),
            }
        }
        if let Some(stanza) = open {
            self.at(file, stanza.line, "a stanza without its }");
            self.read.stanzas.push(stanza);
        }
    }

    fn directive(&mut self, file: &Path, line: u32, word: &str, value: &str, open: Option<&mut Stanza>, depth: usize) {
        match (word, open) {
            ("tabooext" | "taboopat", _) => self.taboo(word, value),
            ("include", None) if value.is_empty() => self.at(file, line, "include needs a path"),
            ("include", None) if depth >= DEEPEST_INCLUDE => {
                self.at(file, line, "includes are nested too deeply; this one was not read");
            }
            // logrotate reads the files of a folder from within that folder.
            ("include", None) => self.path(&file.parent().unwrap_or(Path::new("/")).join(value), depth + 1),
            ("include", Some(_)) => self.at(file, line, "include inside a stanza"),
            (_, open) => {
                let directives = open.map_or(&mut self.globals, |stanza| &mut stanza.directives);
                if let Err(problem) = directives.follow(word, value) {
                    self.at(file, line, &format!("{word}: {problem}"));
                }
            }
        }
    }

    fn stanza(&mut self, file: &Path, line: u32, patterns: Vec<String>) -> Stanza {
        let mut compiled = Vec::new();
        for pattern in &patterns {
            match Pattern::compile(pattern) {
                Ok(ready) => compiled.extend(ready),
                Err(error) => self.at(file, line, &format!("the pattern {pattern} is not understood: {error}")),
            }
        }
        Stanza { patterns, file: file.to_owned(), line, directives: self.globals.clone(), compiled }
    }

    fn taboo(&mut self, word: &str, value: &str) {
        let list = value.strip_prefix('+');
        if list.is_none() {
            self.taboo.clear();
        }
        let names = list.unwrap_or(value).split([' ', '\t', ',']).filter(|name| !name.is_empty());
        let star = if word == "tabooext" { "*" } else { "" };
        self.taboo.extend(names.filter_map(|name| glob::Pattern::new(&format!("{star}{name}")).ok()));
    }

    fn at(&mut self, file: &Path, line: u32, why: &str) {
        self.read.problems.push(Incomplete::new(format!("logrotate's {}:{line}", file.display()), why));
    }

    fn wrong_path(&mut self, path: &Path, why: String) {
        let hint = "correct `logrotate` in the settings; \"\" where logrotate is not in use";
        self.read.problems.push(Incomplete::new(format!("logrotate's {}", path.display()), why).hint(hint));
    }

    fn problem(&mut self, path: &Path, why: String) {
        self.read.problems.push(Incomplete::new(format!("logrotate's {}", path.display()), why));
    }
}

const NAMES: glob::MatchOptions =
    glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
