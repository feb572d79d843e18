//! The rules of the house, checked on the source itself: which way imports point, what may happen only in one
//! place, how large a file or a function may get. Each rule is first tried on a sample that breaks it, so
//! that it cannot pass by being blind.

#[path = "layering/source.rs"]
mod source;

use std::fmt;

use source::{Source, text};

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 80;

/// The one other place that may take hold of standard output: there it is the folder that the parent opened, not a reader's.
const SPEAKS_TO_ITS_PARENT: &str = "src/tools/logs/rotate/hand/child.rs";

/// A place that breaks a rule.
struct Breach {
    path: String,
    line: usize,
    what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

fn breach(source: &Source, line: usize, what: impl Into<String>) -> Breach {
    Breach { path: source.path.clone(), line, what: what.into() }
}

/// A rule and what to do when it is broken.
struct Rule<'a> {
    finds: &'a dyn Fn(&Source) -> Vec<Breach>,
    remedy: &'static str,
}

impl Rule<'_> {
    /// The rule sees the fault in this text.
    fn bites(&self, path: &str, text: &str) -> &Self {
        assert!(!(self.finds)(&Source::of(path, text)).is_empty(), "the rule is blind to {path}: {text}");
        self
    }

    /// The rule sees no fault in this text.
    fn spares(&self, path: &str, text: &str) -> &Self {
        let found = (self.finds)(&Source::of(path, text));
        assert!(found.is_empty(), "the rule is wrong about {path}: {}", found[0]);
        self
    }

    /// The rule holds in every file below these folders.
    fn holds_in(&self, folders: &[&str]) {
        let sources: Vec<Source> = folders.iter().flat_map(|folder| Source::below(folder)).collect();
        assert!(sources.len() > 3, "there is nothing to check below {folders:?}");
        let found: Vec<String> = sources.iter().flat_map(self.finds).map(|breach| breach.to_string()).collect();
        assert!(found.is_empty(), "{}\n{}", self.remedy, found.join("\n"));
    }
}

/// The layers from top to bottom, as the map at the top of `src/lib.rs` draws them. Modules on one line are peers.
fn layers(lib: &str) -> Vec<Vec<String>> {
    let map = lib.split("```").nth(1).expect("src/lib.rs opens with the map in a fenced block");
    let lines = map.lines().skip(1).filter_map(|line| line.strip_prefix("//! "));
    let layers = lines.filter(|line| !line.is_empty() && !line.starts_with(' ')).map(|line| {
        let names = line.split("  ").next().unwrap_or_default();
        names.split(", ").map(|name| name.trim().to_owned()).collect()
    });
    layers.collect()
}

fn arrows_up(layers: &[Vec<String>], source: &Source) -> Vec<Breach> {
    let rank = |module: &str| layers.iter().position(|layer| layer.iter().any(|name| name == module));
    let from = &source.module()[0];
    if from == "lib" {
        return Vec::new();
    }
    let Some(own) = rank(from) else {
        return vec![breach(source, 1, format!("{from} has no place on the map"))];
    };
    let mut found = Vec::new();
    for named in source.paths() {
        let Some(to) = named.path.first() else { continue };
        let why = match rank(to) {
            None => format!("{to} has no place on the map"),
            Some(target) if target < own => format!("{from} imports {to}, which stands above it"),
            Some(_) if from == "launch" && to == "tools" => "launch names a tool".to_owned(),
            Some(_) if from == "bin" && !["bin", "launch", "tools"].contains(&to.as_str()) => {
                format!("a binary does more than launch: {to}")
            }
            Some(_) => continue,
        };
        found.push(breach(source, named.line, why));
    }
    found
}

fn this_map() -> Vec<Vec<String>> {
    let lib = Source::below("src").into_iter().find(|source| source.path == "src/lib.rs");
    layers(&lib.expect("there is a library").text)
}

#[test]
fn imports_point_down_the_map_in_lib_rs() {
    let sample = layers(
        "//! ```text\n//! bin       x\n//! launch    x\n//! tools     x\n//! tool, settings  x\n//! run       x\n//!           more\n//! failure   x\n//! ```\n",
    );
    assert_eq!(sample.len(), 6);
    let rule = |map: &[Vec<String>], source: &Source| arrows_up(map, source);
    Rule { finds: &|source| rule(&sample, source), remedy: "" }
        .bites("src/run/clock.rs", "use crate::tools::logs::Logs;")
        .bites("src/run.rs", "fn x() { crate::launch::launch() }")
        .bites("src/run/clock.rs", "use super::super::tool::Tool;")
        .bites("src/run.rs", "use crate::{failure::Failure, settings};")
        .bites("src/launch.rs", "use crate::tools::logs::Logs;")
        .bites("src/bin/x.rs", "use opsbelt::run::Run;")
        .bites("src/odd.rs", "")
        .bites("src/run.rs", "use crate::odd;")
        .spares("src/bin/x.rs", "use opsbelt::{launch::launch, tools::logs::Logs};")
        .spares("src/tool.rs", "use crate::{failure, settings::Loaded, run::Run};")
        .spares("src/settings.rs", "use crate::tool::Tool;")
        .spares("src/run.rs", "#[cfg(test)]\nmod tests { use crate::launch; }");
    let map = this_map();
    Rule {
        finds: &|source| rule(&map, source),
        remedy: "An import may only point down the map at the top of src/lib.rs. Move what both need down, or pass it in as a value;\n\
                 a new module needs a line on the map.",
    }
    .holds_in(&["src"]);
}

#[test]
fn tools_never_import_each_other() {
    let rule = |source: &Source| {
        let module = source.module();
        let foreign = |path: &[String]| matches!(path, [top, other, ..] if top == "tools" && *other != module[1]);
        if module[0] != "tools" || module.len() < 2 {
            return Vec::new();
        }
        let paths = source.paths().into_iter().filter(|named| foreign(&named.path));
        paths.map(|named| breach(source, named.line, named.path.join("::"))).collect()
    };
    Rule { finds: &rule, remedy: "A tool knows no other tool. What two of them need moves below tools/." }
        .bites("src/tools/logs.rs", "use crate::tools::sg::Rule;")
        .bites("src/tools/logs/plan.rs", "use super::super::sg::Rule;")
        .bites("src/tools/logs.rs", "use crate::{run, tools::{logs::plan, sg}};")
        .spares("src/tools/logs/plan.rs", "use crate::tools::logs::facts; use super::apply;")
        .holds_in(&["src"]);
}

#[test]
fn every_file_opens_by_saying_what_it_owns() {
    let rule = |source: &Source| {
        let says = source.text.lines().next().is_some_and(|line| line.strip_prefix("//! ").is_some_and(|words| words.len() > 10));
        if says { Vec::new() } else { vec![breach(source, 1, "does not open with `//!`")] }
    };
    Rule { finds: &rule, remedy: "Open the file with `//!`: what it owns, and what it must never do." }
        .bites("src/x.rs", "use crate::run;\n//! late")
        .bites("src/x.rs", "//!\n")
        .bites("src/x.rs", "")
        .spares("src/x.rs", "//! Owns the clock.\n")
        .holds_in(&["src", "tests", "xtask/src"]);
}

#[test]
fn files_and_functions_stay_small() {
    let rule = |source: &Source| {
        let mut found = Vec::new();
        let lines = source.text.lines().count();
        if lines > FILE_LINES {
            found.push(breach(source, 1, format!("{lines} lines")));
        }
        let long = source.functions().into_iter().filter(|function| function.lines > FUNCTION_LINES);
        found.extend(
            long.map(|function| breach(source, function.line, format!("{} has {} lines", function.name, function.lines))),
        );
        found
    };
    let long_function = |lines: usize| format!("impl X {{\n    fn x() {{\n{}    }}\n}}\n", "        y();\n".repeat(lines - 2));
    Rule {
        finds: &rule,
        remedy: "At most 400 lines a file and 80 a function. Split along an idea: a part that has a name of its own.",
    }
    .bites("src/x.rs", &"\n".repeat(FILE_LINES + 1))
    .bites("src/x.rs", &long_function(FUNCTION_LINES + 1))
    .spares("src/x.rs", &"\n".repeat(FILE_LINES))
    .spares("src/x.rs", &long_function(FUNCTION_LINES))
    .spares("src/x.rs", &long_function(FUNCTION_LINES).repeat(4))
    .holds_in(&["src", "xtask/src"]);
}

#[test]
fn only_launch_prints_and_ends_the_process() {
    let rule = |source: &Source| {
        if in_module(source, "launch") {
            return Vec::new();
        }
        let mut lines = phrases(source, &[&["process", "::", "exit"], &["process", "::", "abort"]]);
        for name in ["print", "println", "eprint", "eprintln"] {
            lines.extend(source.lines_with(&[name, "!"]));
        }
        let streams: &[&str] = if source.path == SPEAKS_TO_ITS_PARENT { &[] } else { &["stdout", "stderr"] };
        for stream in streams {
            let is_ours = |at: usize| at > 0 && [".", "fn"].contains(&source.shipped[at - 1].text.as_str());
            let calls = (0..source.shipped.len())
                .filter(|at| text(&source.shipped, *at) == *stream && text(&source.shipped, at + 2) == ")");
            lines.extend(
                calls.filter(|at| text(&source.shipped, at + 1) == "(" && !is_ours(*at)).map(|at| source.shipped[at].line),
            );
        }
        lines.into_iter().map(|line| breach(source, line, "prints or ends the process")).collect()
    };
    Rule {
        finds: &rule,
        remedy: "Only launch prints and ends the process. Return a Report or a Failure; rows of an answer go to run.out.",
    }
    .bites("src/run.rs", "fn x() { println!(\"x\") }")
    .bites("src/tools/logs.rs", "fn x() { std::process::exit(1) }")
    .bites("src/report.rs", "fn x() { write(&mut io::stdout(), b\"x\") }")
    .spares("src/launch/end.rs", "fn x() { eprintln!(\"x\") }")
    .spares("src/run.rs", "fn x() { command.stdout(Stdio::null()); child.stdout(); \"println!()\" }")
    .holds_in(&["src"]);
}

#[test]
fn unsafe_stands_in_one_file() {
    let rule = |source: &Source| {
        let lines = if source.path == "src/files/kernel.rs" { Vec::new() } else { source.lines_with(&["unsafe"]) };
        lines.into_iter().map(|line| breach(source, line, "unsafe")).collect()
    };
    Rule { finds: &rule, remedy: "unsafe belongs into src/files/kernel.rs, with the reason why each call is sound; rustix has most calls without it." }
        .bites("src/files/lock.rs", "fn x() { unsafe { y() } }")
        .spares("src/files/kernel.rs", "fn x() { unsafe { y() } }")
        .spares("src/files.rs", "#![expect(unsafe_code)] // unsafe")
        .holds_in(&["src", "xtask/src"]);
}

#[test]
fn only_the_clock_knows_the_time() {
    let rule = |source: &Source| {
        let calls: [&[&str]; 3] = [&["SystemTime", "::", "now"], &["Utc", "::", "now"], &["Local", "::", "now"]];
        let lines = if source.path == "src/run/clock.rs" { Vec::new() } else { phrases(source, &calls) };
        lines.into_iter().map(|line| breach(source, line, "reads the wall clock")).collect()
    };
    Rule { finds: &rule, remedy: "Only run/clock.rs reads the wall clock. Take `now` as a parameter, from run.clock." }
        .bites("src/retention.rs", "fn x() { chrono::Utc::now() }")
        .bites("src/tools/logs.rs", "fn x() { std::time::SystemTime::now() }")
        .spares("src/run/clock.rs", "fn x() { Utc::now() }")
        .spares("src/run/progress.rs", "fn x() { Instant::now() }")
        .holds_in(&["src"]);
}

#[test]
fn what_a_test_writes_is_closed_before_anybody_starts() {
    /// These are programs themselves, a test that is alone in its program, or part of a program that is.
    const ALONE: [&str; 5] = [
        "tests/support/swapper.rs",
        "tests/support/log_writer.rs",
        "tests/support/hidden_writer.rs",
        "tests/support/sight.rs",
        "tests/secrecy.rs",
    ];
    let rule = |source: &Source| {
        let own: &[&[&str]] = match source.path.as_str() {
            "tests/support/files.rs" => &[],
            "tests/support/process.rs" => &[&["fs", "::", "write"]],
            path if ALONE.contains(&path) => &[],
            _ => &[
                &["fs", "::", "write", "("],
                &["fs", "::", "copy"],
                &["File", "::", "create", "("],
                &[".", "spawn", "(", ")"],
                &[".", "output", "(", ")"],
                &[".", "status", "(", ")"],
            ],
        };
        phrases(source, own).into_iter().map(|line| breach(source, line, "writes or starts by itself")).collect()
    };
    Rule { finds: &rule, remedy: "Write through support::files and start through support::process: why is told in the first." }
        .bites("tests/crash.rs", "fn x() { std::fs::write(path, text) }")
        .bites("tests/crash.rs", "fn x() { command.status() }")
        .spares("tests/crash.rs", "fn x() { files::write(path, text); ended.status.success() }")
        .holds_in(&["tests"]);
}

#[test]
fn aws_and_tokio_stay_in_their_place() {
    let rule = |source: &Source| {
        if in_module(source, "aws") {
            return Vec::new();
        }
        let is_heavy = |name: &str| name == "tokio" || name.starts_with("aws_") || name.starts_with("tokio_");
        let heavy = source.shipped.iter().filter(|token| is_heavy(&token.text));
        heavy.map(|token| breach(source, token.line, format!("names {}", token.text))).collect()
    };
    Rule { finds: &rule, remedy: "Only aws/ names an SDK or the runtime; its shapes become our own types there." }
        .bites("src/store/s3.rs", "use aws_sdk_s3::Client;")
        .bites("src/run.rs", "fn x() { tokio::spawn(y) }")
        .spares("src/aws/session.rs", "use aws_config::SdkConfig;")
        .holds_in(&["src"]);
}

fn in_module(source: &Source, name: &str) -> bool {
    source.module()[0] == name
}

fn phrases(source: &Source, phrases: &[&[&str]]) -> Vec<usize> {
    phrases.iter().flat_map(|phrase| source.lines_with(phrase)).collect()
}
