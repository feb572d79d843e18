//! The committed completions and manual pages are what the command line generates today.
//!
//! `OPSBELT_REWRITE=1 cargo test --test completions` writes them anew. Never touches anything else.

mod support;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command as Program,
    time::Duration,
};

use clap::{Command, builder::PossibleValuesParser};
use clap_complete::{Shell, generate};
use opsbelt::{
    launch::command,
    tools::logs::{Logs, presets},
};
use support::{
    files,
    needs::{self, Need},
    process::Process,
};

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
                files::write(&path, now).expect("a file can be written");
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
fn the_manual_names_each_variable_that_is_read_and_where_things_are() {
    let page = tools().iter().flat_map(generated).find(|(path, _)| path == "man/ops-logs.1").expect("the tool has a page").1;
    let page = String::from_utf8(page).expect("a page is text").replace('\\', "");
    let mut read = Vec::new();
    for source in ["src/launch.rs", "src/run/state.rs", "src/settings/sources.rs"] {
        let text = fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(source)).expect("the source is there");
        for way in ["var_os(\"", "env_path(\"", "absolute(\""] {
            read.extend(text.split(way).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        }
    }
    assert!(read.len() > 5, "the sources were not understood: {read:?}");
    let section = |name: &str| page.split(".SH ").find(|section| section.starts_with(&format!("\"{name}\""))).unwrap_or_default();
    for variable in &read {
        assert!(section("ENVIRONMENT").contains(variable), "{variable} is read, and not in the manual:\n{page}");
    }
    for name in ["/etc/opsbelt", "/var/lib/opsbelt/logs", "ledger.jsonl", "history.jsonl", "logs-rotate.lock"] {
        assert!(section("FILES").contains(name), "{name} is not in the manual:\n{page}");
    }
    assert!(["EXAMPLES", "SETTINGS", "EXIT STATUS"].iter().all(|name| !section(name).is_empty()), "{page}");
}

/// What is typed, of a line of examples: what follows after two blanks says what it is for.
fn typed(line: &str) -> Option<Vec<String>> {
    let line = line.strip_prefix("  ")?;
    let line = line.split("  ").next().unwrap_or_default();
    let words = line.split(' ').skip_while(|word| word.starts_with("OPSBELT_"));
    Some(words.map(str::to_owned).collect())
}

#[test]
fn each_command_has_examples_that_it_understands() {
    for (tool, whole) in tools().iter().zip([command::<Logs>()]) {
        let own = |below: &&Command| !["config", "history", "help"].contains(&below.get_name());
        for below in tool.get_subcommands().filter(own) {
            let name = below.get_name();
            let help = below.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples: Vec<_> = help.lines().take_while(|line| *line != "Exit status:").filter_map(typed).collect();
            assert!(!examples.is_empty(), "{name} has no examples: {help}");
            for example in examples {
                assert!(example[0] == tool.get_name() && example.iter().any(|word| word == name), "{example:?} is of {name}");
                let read = whole.clone().try_get_matches_from(&example);
                assert!(read.is_ok(), "{example:?}: {}", read.expect_err("it is none"));
            }
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

#[test]
fn bash_completes_what_stands_after_a_command() {
    if !needs::met(&[Need::Program("bash")]) {
        return;
    }
    let offers = |line: &[&str], word: &str| {
        let offered = offered_by_bash(line);
        assert!(offered.iter().any(|offer| offer == word), "{line:?} is answered with {offered:?}");
    };
    assert_eq!(offered_by_bash(&["ops-logs", "rotate", "--fo"]), ["--force", "--format"]);
    assert_eq!(offered_by_bash(&["ops-logs", "--format", "json", "plan", "--fo"]), ["--force", "--format"]);
    assert_eq!(offered_by_bash(&["ops-logs", "config", "s"]), ["schema", "show"]);
    assert_eq!(offered_by_bash(&["ops-logs", "status", "--format", ""]), ["json", "table"]);
    for tool in tools() {
        below_it_completes(&tool, &mut vec![tool.get_name()], &offers);
    }
    for preset in presets::all() {
        offers(&["ops-logs", "presets", ""], preset.name);
    }
}

/// Every command, at every depth, offers the commands below it and its own long flags.
fn below_it_completes<'t>(command: &'t Command, line: &mut Vec<&'t str>, offers: &dyn Fn(&[&str], &str)) {
    for below in command.get_subcommands() {
        offers(&[&line[..], &[""]].concat(), below.get_name());
        line.push(below.get_name());
        below_it_completes(below, line, offers);
        line.pop();
    }
    for flag in command.get_arguments().filter_map(|argument| argument.get_long()) {
        let flag = format!("--{flag}");
        offers(&[&line[..], &[&flag]].concat(), &flag);
    }
}

/// What the committed script puts into `COMPREPLY` for a line whose last word is being typed.
fn offered_by_bash(line: &[&str]) -> Vec<String> {
    const ASK: &str = r#"
        source "$1"; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        way=$(complete -p "$1"); way=${way#* -F }; way=${way%% *}
        "$way" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("completions/{}.bash", line[0]));
    let mut bash = Program::new("bash");
    bash.args(["--norc", "-euc", ASK, "bash"]).arg(script).args(line);
    let ended = Process::start(&mut bash).end(Duration::from_mins(1));
    assert!(ended.status.success() && ended.stderr.is_empty(), "{line:?}: {ended:#?}");
    let mut offered: Vec<String> = ended.stdout.lines().map(str::to_owned).filter(|offer| !offer.is_empty()).collect();
    offered.sort();
    offered
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
        generate(shell, &mut offering(tool), &name, &mut text);
        if shell == Shell::Bash {
            text = reachable(&name, &String::from_utf8(text).expect("a script is text")).into_bytes();
        }
        files.push((format!("completions/{name}.{ending}"), text));
    }
    // Built, so that each command knows its full name and the flags it shares.
    let mut built = tool.clone().disable_help_subcommand(true);
    built.build();
    pages(&built, &name, &mut files);
    files
}

/// The command with the words that may stand where it takes any: to be completed, never to be refused.
fn offering(tool: &Command) -> Command {
    let names = || PossibleValuesParser::new(presets::all().iter().map(|preset| preset.name));
    tool.clone().mut_subcommands(|below| match below.get_name() {
        "presets" => below.mut_arg("name", |name| name.value_parser(names())),
        _ => below,
    })
}

/// `clap_complete` spells the hyphen of a tool's name in one way where it says which command is meant and in another where
/// it says what completes it, and then nothing after a command is completed.
fn reachable(name: &str, script: &str) -> String {
    script.replace(&name.replace('-', "__subcmd__"), &name.replace('-', "__"))
}

/// A paragraph below the flags as a section: `Settings, later ones win:` and its lines.
fn section(paragraph: &str) -> String {
    let (title, lines) = paragraph.split_once('\n').expect("a title, and lines below it");
    let (name, rest) = title.split_once([',', ':']).expect("a title ends with a colon");
    let text = format!("{}\n{lines}", rest.trim());
    let mut section = Vec::new();
    let nameless = "";
    let command = Command::new(nameless).after_help(text.trim_start_matches('\n').to_owned());
    clap_mangen::Man::new(command).render_extra_section(&mut section).expect("memory takes everything");
    let section = String::from_utf8(section).expect("a page is text");
    let (_, lines) = section.split_once(".SH EXTRA\n").expect("it begins so");
    format!(".SH \"{}\"\n.nf\n{}\n.fi\n", name.to_uppercase(), lines.trim_end())
}

/// One manual page for a command and for each one below it: the pages refer to each other.
fn pages(command: &Command, name: &str, files: &mut Vec<(String, Vec<u8>)>) {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone().after_help("")).render(&mut page).expect("memory takes everything");
    let page = String::from_utf8(page).expect("a page is text");
    let (before, nothing) = page.split_once(".SH EXTRA\n").expect("there is a place for what stands below the flags");
    let sections = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let sections: String = sections.split("\n\n").map(section).collect();
    files.push((format!("man/{name}.1"), format!("{before}{sections}{nothing}").into_bytes()));
    for below in command.get_subcommands() {
        pages(below, &format!("{name}-{}", below.get_name()), files);
    }
}
