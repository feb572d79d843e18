//! What is committed says nothing about the machine it was written on: no home or work folder of a developer,
//! no registry but the public one. Reads what git tracks, and what it would track next.

use std::{env, fs, path::Path, process::Command};

/// Users that an operator's page may name: they come with a system or a service.
const KNOWN_USERS: &[&str] = &["ec2-user", "ubuntu", "admin", "user", "app", "deploy", "jenkins"];

/// A committed file: its name and its text.
type File = (String, String);

#[test]
fn no_file_names_a_folder_of_a_developers_machine() {
    let roots = private_folders();
    let find = |text: &str| text.lines().enumerate().find_map(|(at, line)| private_path(line, &roots).map(|path| (at + 1, path)));

    let bait = |path: &str| format!("first\nsee ({path}/x.rs) for more");
    assert!(find(&bait(concat!("/ro", "ot"))).is_some_and(|(line, _)| line == 2), "blind to root's home");
    assert!(find(&bait(concat!("/ho", "me/maria"))).is_some(), "blind to a user's home");
    assert!(find(&bait(concat!("/Us", "ers/maria"))).is_some(), "blind to a user's home on a Mac");
    assert!(find(&bait(env!("CARGO_MANIFEST_DIR"))).is_some(), "blind to this checkout");
    assert_eq!(find("/home/ubuntu/.config /home/* /home/<user>/x /srv/ro/work/x $HOME/x"), None);

    let found = breaches(|(name, text)| find(text).map(|(line, path)| format!("{name}:{line}: {path}")));
    assert!(found.is_empty(), "write the path relative to the repository, or as $HOME:\n{}", found.join("\n"));
}

#[test]
fn no_file_names_a_registry_of_its_own() {
    let find = |(name, text): &File| {
        let foreign = text.lines().position(|line| foreign_registry(name, line))?;
        Some(format!("{name}:{}", foreign + 1))
    };

    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    for (name, text) in [
        ("Cargo.lock", "source = \"registry+https://crates.internal.example/index\""),
        ("Cargo.lock", "source = \"sparse+http://10.0.0.1/index\""),
        (".cargo/config.toml", "[source.crates-io]\nreplace-with = \"mirror\""),
        (".cargo/config.toml", "[registries.inner]"),
        ("pip.conf", "index-url = http://pypi.internal.example/simple"),
        (".npmrc", "registry=http://npm.internal.example"),
    ] {
        assert!(find(&file(name, text)).is_some(), "blind to {text:?} in {name}");
    }
    assert_eq!(find(&file("Cargo.lock", "source = \"registry+https://github.com/rust-lang/crates.io-index\"")), None);
    assert_eq!(find(&file("notes.md", "replace-with is a word\n[[source]]")), None);

    let found = breaches(find);
    assert!(found.is_empty(), "where packages come from is each machine's own affair:\n{}", found.join("\n"));
}

/// Folders that only this machine has.
fn private_folders() -> Vec<String> {
    let here = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let own = [env::var("HOME").ok(), env::var("CARGO_HOME").ok(), Some(here), Some(env!("CARGO_MANIFEST_DIR").to_owned())];
    let fixed = [concat!("/ro", "ot").to_owned(), concat!("/wo", "rk").to_owned()];
    // A home such as "/" says nothing about anybody.
    own.into_iter().flatten().filter(|path| path.len() > 3).chain(fixed).collect()
}

fn private_path(line: &str, roots: &[String]) -> Option<String> {
    let private =
        |path: &str| roots.iter().any(|root| path.strip_prefix(root.as_str()).is_some_and(|rest| rest.starts_with('/')));
    let starts = line.match_indices('/').map(|(at, _)| at).filter(|at| begins_a_path(&line[..*at]));
    let paths = starts
        .map(|at| line[at..].split(|end: char| end.is_whitespace() || "\"'`)>|,;".contains(end)).next().unwrap_or_default());
    paths.into_iter().find(|path| private(path) || is_somebodys_home(path)).map(str::to_owned)
}

/// `/x` begins a path, `a/x`, `$HOME/x` and `*/x` do not.
fn begins_a_path(before: &str) -> bool {
    before.chars().next_back().is_none_or(|last| !last.is_alphanumeric() && !"_-./*}>~]".contains(last))
}

fn is_somebodys_home(path: &str) -> bool {
    let rest = path.strip_prefix(concat!("/ho", "me/")).or_else(|| path.strip_prefix(concat!("/Us", "ers/")));
    let name = rest.and_then(|rest| rest.split('/').next()).unwrap_or_default();
    name.starts_with(|first: char| first.is_ascii_alphabetic()) && !KNOWN_USERS.contains(&name)
}

fn foreign_registry(name: &str, line: &str) -> bool {
    let line = line.trim();
    if name.ends_with("Cargo.lock") {
        return line.starts_with("source = ") && !line.contains("\"registry+https://github.com/rust-lang/crates.io-index\"");
    }
    let begins: &[&str] = match Path::new(name).file_name().and_then(|name| name.to_str()).unwrap_or_default() {
        "config.toml" | "Cargo.toml" => &["[source.", "[registries", "[registry]", "replace-with", "registry ="],
        "pip.conf" | "pyproject.toml" | "requirements.txt" => {
            &["index-url", "extra-index-url", "--index-url", "--extra-index-url"]
        }
        ".npmrc" | ".yarnrc" => &["registry", "@"],
        _ => return false,
    };
    begins.iter().any(|begin| line.starts_with(begin))
}

fn breaches(find: impl Fn(&File) -> Option<String>) -> Vec<String> {
    let files = tracked();
    assert!(files.len() > 10, "git tracks more than {} files", files.len());
    files.iter().filter_map(find).collect()
}

/// Every text file that git tracks, or would with the next `git add`.
fn tracked() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list =
        Command::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root).output();
    let list = list.expect("git is installed");
    assert!(list.status.success(), "git cannot list {}: {}", root.display(), String::from_utf8_lossy(&list.stderr));
    let names = String::from_utf8(list.stdout).expect("file names are UTF-8");
    // A file that was just deleted is still tracked; one that is no text has no lines.
    let text = |name: &str| fs::read_to_string(root.join(name)).ok().map(|text| (name.to_owned(), text));
    names.split('\0').filter(|name| !name.is_empty()).filter_map(text).collect()
}
