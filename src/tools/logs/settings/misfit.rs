//! Values that do not fit a key of ours, where it is plain what was meant: what to write instead. Only for the hint of
//! an error; never a second way to say a setting.

use std::path::Path;

use super::foreign::COMPRESSED;

/// The hint for a value that `key` cannot have; none for a list or a table.
pub fn misfit(key: &str, value: &str) -> Option<String> {
    let number = || value.parse::<u32>().ok();
    match key {
        "method" if value == "copytruncate" => Some("write \"in-place\", which loses no line".to_owned()),
        "compress" if value == "true" => Some(format!("{COMPRESSED}; or write a compressor, such as \"zstd\" or \"gzip:9\"")),
        "compress" if value == "false" => Some("write \"none\"".to_owned()),
        "timeout" | "close-wait" => number().map(|number| format!("write \"{number}s\"")),
        "max-age" | "min-age" | "assume-closed-after" => number().map(|number| format!("write \"{number}d\"")),
        "command" if !value.is_empty() => Some(command(value)),
        _ => None,
    }
}

/// How a command line is written as a list, or as a signal when it is `kill` with a pidfile.
fn command(line: &str) -> String {
    /// A hint is one line.
    const LONGEST: usize = 60;
    if let Some(hint) = pidfile(line) {
        return hint;
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || " /._-+=:@,%".contains(c);
    let line = if line.len() <= LONGEST && line.chars().all(plain) { line } else { "/usr/bin/app flush-logs" };
    let mut words = line.split(' ').filter(|word| !word.is_empty());
    let program = match words.next().unwrap_or("app") {
        whole if whole.starts_with('/') => whole.to_owned(),
        "kill" => "/bin/kill".to_owned(),
        name => format!("/usr/bin/{}", name.trim_start_matches("./")),
    };
    let argv: Vec<String> = std::iter::once(program).chain(words.map(str::to_owned)).collect();
    format!("no shell runs it: write one string per argument, the program with its full path, such as {argv:?}")
}

fn pidfile(line: &str) -> Option<String> {
    if !line.contains("kill ") {
        return None;
    }
    let mut words = line.split(|c: char| c.is_whitespace() || "$()`'\"<>;&|{}".contains(c));
    let path = words.clone().find(|word| {
        word.starts_with('/')
            && Path::new(word).extension().is_some_and(|end| end == "pid")
            && word.chars().all(|c| c.is_ascii_graphic())
    })?;
    // Any other signal, or none, is no way to tell a writer.
    let signal = words.find_map(|word| match word.trim_start_matches('-').trim_start_matches("SIG") {
        "HUP" | "1" => Some("HUP"),
        "USR1" | "10" => Some("USR1"),
        "USR2" | "12" => Some("USR2"),
        "ALRM" | "14" => Some("ALRM"),
        _ => None,
    })?;
    Some(format!("no shell runs it; to signal the process of a pidfile write {{ pidfile = \"{path}\", signal = \"{signal}\" }}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::logs::settings::Reopen;

    #[test]
    fn the_list_or_table_for_a_command_line_is_accepted() {
        #[derive(serde::Deserialize)]
        struct Line {
            reopen: Reopen,
        }
        for line in [
            "kill -HUP 12",
            "kill -USR1 `cat /run/x.pid`",
            "/usr/bin/a  b",
            "./a",
            "a | b",
            "'",
            " ",
            "\u{1b}[31m",
            "systemctl reload a",
        ] {
            let hint = misfit("command", line).unwrap();
            let (_, value) = hint.split_once("such as ").or_else(|| hint.split_once("pidfile write ")).unwrap();
            let text =
                if value.starts_with('[') { format!("reopen = {{ command = {value} }}") } else { format!("reopen = {value}") };
            let reopen = toml::from_str::<Line>(&text).map(|line| line.reopen);
            assert!(reopen.is_ok(), "{line}: {reopen:?}");
        }
        let killed = |how: &str| misfit("command", &format!("kill {how} $(cat /run/x.pid)")).unwrap();
        assert!(killed("-s USR1").ends_with("{ pidfile = \"/run/x.pid\", signal = \"USR1\" }"));
        assert!(killed("-SIGHUP").contains("\"HUP\"") && killed("-12").contains("\"USR2\""));
        assert!(!killed("").contains("pidfile") && !killed("-TERM").contains("pidfile"));
    }

    #[test]
    fn what_is_not_plain_is_not_guessed() {
        for (key, value) in [("timeout", "soon"), ("max-age", "-1"), ("max-age", "1.5"), ("compress", "bz2"), ("command", "")] {
            assert_eq!(misfit(key, value), None, "{key} {value}");
        }
    }
}
