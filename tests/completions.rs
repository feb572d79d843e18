//! The committed completions and manual pages are what the command line generates today.
//!
//! `OPSBELT_REWRITE=1 cargo test --test completions` writes them anew. Never touches anything else.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use clap::Command;
use clap_complete::{Shell, generate};
use opsbelt::{launch::command, tools::logs::Logs};

/// Every tool's command line. One line for each binary.
fn tools() -> Vec<Command> {
    vec![shown(&command::<Logs>())]
}

/// The same command without what is hidden: the generators would show it.
fn shown(tool: &Command) -> Command {
    // Names must live as long as the process: clap takes no others.
    let kept = |text: &str| -> &'static str { Box::leak(text.into()) };
    let below = tool.get_subcommands().filter(|below| !below.is_hide_set()).map(shown);
    let mut shown = Command::new(kept(tool.get_name())).args(tool.get_arguments().cloned()).subcommands(below);
    shown = shown.about(tool.get_about().cloned().unwrap_or_default());
    shown = shown.after_help(tool.get_after_help().cloned().unwrap_or_default());
    match tool.get_version() {
        Some(version) => shown.version(kept(version)),
        None => shown,
    }
}

#[test]
fn completions_and_manual_pages_are_current() {
    let rewrite = env::var_os("OPSBELT_REWRITE").is_some();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let (mut stale, mut known) = (Vec::new(), Vec::new());
    for tool in tools() {
        for (name, now) in generated(&tool) {
            let path = root.join(&name);
            known.push(name.clone());
            if fs::read(&path).is_ok_and(|committed| committed == now) {
                continue;
            }
            if rewrite {
                fs::create_dir_all(path.parent().expect("inside the repository")).expect("a folder can be made");
                fs::write(&path, now).expect("a file can be written");
            } else {
                stale.push(name);
            }
        }
    }
    stale.extend(
        committed(&root)
            .into_iter()
            .filter(|name| !known.contains(name))
            .map(|name| format!("{name} (of no command: remove it)")),
    );
    assert!(
        stale.is_empty(),
        "not what the flags say today: {}\nrun OPSBELT_REWRITE=1 cargo test --test completions",
        stale.join(", ")
    );
}

#[test]
fn every_command_is_completed_and_has_its_page() {
    for tool in tools() {
        let name = tool.get_name();
        let files = generated(&tool);
        for word in tool.get_subcommands().map(Command::get_name) {
            let page = format!("man/{name}-{word}.1");
            assert!(files.iter().any(|(path, _)| *path == page), "there is no {page}");
            let shells = files.iter().filter(|(path, _)| path.starts_with("completions/"));
            let ignorant: Vec<&str> = shells
                .filter(|(_, bytes)| !String::from_utf8_lossy(bytes).contains(word))
                .map(|(path, _)| path.as_str())
                .collect();
            assert!(ignorant.is_empty(), "{word} is missing in {ignorant:?}");
        }
    }
}

#[test]
fn what_is_hidden_is_nowhere() {
    for tool in [command::<Logs>()] {
        let hidden: Vec<&str> = tool.get_subcommands().filter(|below| below.is_hide_set()).map(Command::get_name).collect();
        assert!(!hidden.is_empty(), "{} hides nothing: this test has nothing to find", tool.get_name());
        for (path, bytes) in generated(&shown(&tool)) {
            let text = String::from_utf8_lossy(&bytes).replace('\\', "");
            assert!(!hidden.iter().any(|word| path.contains(word) || text.contains(word)), "{path} shows one of {hidden:?}");
        }
    }
}

/// What lies where generated files lie.
fn committed(root: &Path) -> Vec<String> {
    let entries = ["completions", "man"].into_iter().flat_map(|folder| fs::read_dir(root.join(folder)).into_iter().flatten());
    let paths = entries.map(|entry| entry.expect("a folder can be listed").path());
    paths.map(|path| path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned()).collect()
}

/// Path in the repository, and what it should hold.
fn generated(tool: &Command) -> Vec<(String, Vec<u8>)> {
    let name = tool.get_name().to_owned();
    let mut files = Vec::new();
    for (shell, ending) in [(Shell::Bash, "bash"), (Shell::Zsh, "zsh"), (Shell::Fish, "fish")] {
        let mut text = Vec::new();
        generate(shell, &mut tool.clone(), &name, &mut text);
        files.push((format!("completions/{name}.{ending}"), text));
    }
    // Built, so that each command knows its full name and the flags it shares.
    let mut built = tool.clone().disable_help_subcommand(true);
    built.build();
    pages(&built, &name, &mut files);
    files
}

/// One manual page for a command and for each one below it: the pages refer to each other.
fn pages(command: &Command, name: &str, files: &mut Vec<(String, Vec<u8>)>) {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page).expect("memory takes everything");
    files.push((format!("man/{name}.1"), page));
    for below in command.get_subcommands() {
        pages(below, &format!("{name}-{}", below.get_name()), files);
    }
}
