//! Stories about configurations: fabricated ones, this machine's, and logrotate's own opinion of them.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    process::Command,
};

use super::*;

struct Configuration(tempfile::TempDir);

impl Configuration {
    fn new() -> Configuration {
        Configuration(tempfile::tempdir().unwrap())
    }

    fn with(self, name: &str, text: &str) -> Configuration {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text.replace("HERE", self.0.path().to_str().unwrap())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self) -> Read {
        read(&self.path("main.conf"))
    }
}

fn patterns(read: &Read) -> Vec<&str> {
    read.stanzas.iter().flat_map(|stanza| stanza.patterns.iter().map(String::as_str)).collect()
}

#[test]
fn globals_reach_later_stanzas_and_later_includes_only() {
    let read = Configuration::new()
        .with("main.conf", "include HERE/first\ncopy\nrotate 4\ninclude HERE/second\n/c {\nrotate 9\n}\n")
        .with("first", "/a { }\n")
        .with("second", "/b { \ncopytruncate\n}\nnocopy\n")
        .read();
    let facts: Vec<_> = read.stanzas.iter().map(|stanza| (stanza.directives.method, stanza.directives.rotate)).collect();
    assert_eq!(facts, [(Method::Rename, None), (Method::CopyTruncate, Some(4)), (Method::Rename, Some(9))]);
    assert_eq!(read.problems, []);
}

#[test]
fn a_folder_is_read_in_order_without_its_leftovers() {
    let mut configuration = Configuration::new().with("main.conf", "include d\n");
    for name in ["d/b", "d/a", "d/a.dpkg-old", "d/c~", "d/e.rpmsave", "d/f.bak"] {
        configuration = configuration.with(name, &format!("/{} {{ }}\n", &name[2..]));
    }
    symlink("/dev/null", configuration.path("d/masked")).unwrap();
    let read = configuration.read();
    assert_eq!(patterns(&read), ["/a", "/b"]);
    assert_eq!(read.problems, []);
    assert_eq!(read.stanzas[0].place(), format!("{}:1", configuration.path("d/a").display()));
}

#[test]
fn taboos_can_be_added_and_replaced() {
    let named = |taboo: &str| {
        let configuration = Configuration::new().with("main.conf", &format!("{taboo}\ninclude d\n"));
        let configuration = configuration.with("d/a.bak", "/bak { }").with("d/a.mine", "/mine { }").with("d/a", "/a { }");
        patterns(&configuration.read()).join(" ")
    };
    assert_eq!(named(""), "/a /mine");
    assert_eq!(named("tabooext + .mine"), "/a");
    assert_eq!(named("tabooext .mine"), "/a /bak");
    assert_eq!(named("taboopat + *.m*, x"), "/a");
}

#[test]
fn what_logrotate_refuses_is_a_problem_and_no_owner() {
    let configuration = Configuration::new().with("main.conf", "include d\n").with("d/open", "/a { }").with("d/ok", "/b { }");
    fs::set_permissions(configuration.path("d/open"), fs::Permissions::from_mode(0o664)).unwrap();
    let read = configuration.read();
    assert_eq!(patterns(&read), ["/b"]);
    assert!(read.problems[0].why.contains("writable by group"), "{:?}", read.problems);
}

#[test]
fn trouble_in_one_stanza_leaves_the_path_to_logrotate() {
    let read = Configuration::new().with("main.conf", "/a {\nsize 1m\nrotat 4\nrotate 3\n}\n/b {\n").read();
    assert_eq!(patterns(&read), ["/a", "/b"]);
    assert_eq!(read.stanzas[0].directives.rotate, Some(3));
    assert_eq!(read.unknown[0].word, "rotat");
    assert_eq!(read.problems.len(), 2);
    assert!(read.problems[0].what.ends_with("main.conf:2"), "{:?}", read.problems);
}

#[test]
fn includes_in_a_circle_and_huge_files_end() {
    let read = Configuration::new().with("main.conf", "include main.conf\n/a { }\n").read();
    assert!(read.problems.iter().any(|problem| problem.why.contains("too deeply")));
    let huge = Configuration::new().with("main.conf", &"# filler\n".repeat(200_000)).read();
    assert!(huge.problems[0].why.contains("too large"));
    assert_eq!(read.stanzas.len(), 9);
    let missing = super::read(Path::new("/nonexistent/logrotate.conf"));
    assert_eq!(missing.problems.len(), 1);
}

#[test]
fn the_first_stanza_that_names_a_path_owns_it() {
    let read = Configuration::new().with("main.conf", "/log/a*.log {\n}\n/log/ab.log /log/c.log {\n}\n/log/*.log {\n}\n").read();
    let line = |path: &str| read.owner_of(Path::new(path)).map(|stanza| stanza.line);
    assert_eq!(line("/log/ab.log"), Some(1));
    assert_eq!(line("/log/c.log"), Some(3));
    assert_eq!(line("/log/d.log"), Some(5));
    assert_eq!(line("/log/x/d.log"), None);
}

#[test]
fn owners_of_very_many_paths_are_found_without_trying_every_pattern() {
    use std::fmt::Write as _;
    let mut text = String::new();
    for n in 0..2_000 {
        writeln!(text, "/var/log/app{n}/main.log {{\n}}").unwrap();
    }
    text.push_str("/var/log/*/rest.log {\n}\n");
    let read = Configuration::new().with("main.conf", &text).read();
    // Two thousand comparisons for each of these would take minutes here; the index makes it one or two.
    assert_eq!(read.index.globs.len(), 1);
    let owned = (0..100_000).filter(|n| read.owner_of(Path::new(&format!("/var/log/app{n}/main.log"))).is_some());
    assert_eq!(owned.count(), 2_000);
}

#[test]
fn logrotate_itself_reads_the_same() {
    let configuration = Configuration::new()
        .with(
            "main.conf",
            "weekly\nrotate 4\ncompress\ninclude HERE/d\n\"HERE/log/with space.log\" HERE/log/[ab].log {\n rotate 7\n daily\n}\n",
        )
        .with("d/app", "HERE/log/app*.log\n# note\nHERE/log/never.log\n{\n rotate 12\n monthly\n missingok\n postrotate\n  { x; }\n endscript\n}\n")
        .with("d/app.dpkg-old", "HERE/log/old.log { }\n")
        .with("d/size", "HERE/log/size.log {\n size 10k\n rotate 1\n}\nHERE/log/?.log.x { \n}\n");
    for log in ["with space", "a", "b", "c", "app1", "app.2", "old", "size"] {
        fs::create_dir_all(configuration.path("log")).unwrap();
        fs::write(configuration.path(&format!("log/{log}.log")), "x").unwrap();
    }
    agrees_with_logrotate(&configuration.path("main.conf"));
}

#[test]
fn logrotate_itself_reads_this_machine_the_same() {
    let main = Path::new("/etc/logrotate.conf");
    if main.exists() {
        agrees_with_logrotate(main);
    } else {
        skipped("there is no /etc/logrotate.conf");
    }
}

/// As many stanzas, in the same order with the same counts, and every log that it considers is owned by
/// the stanza under which it considers it.
fn agrees_with_logrotate(main: &Path) {
    let state = tempfile::tempdir().unwrap();
    let run = Command::new("logrotate").arg("-d").arg("-s").arg(state.path().join("state")).arg(main).output();
    let Ok(output) = run else { return skipped("logrotate is not installed") };
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    let read = read(main);
    let sections: Vec<&str> = said.split("\nrotating pattern: ").skip(1).collect();
    assert_eq!(sections.len(), read.stanzas.len(), "{said}");
    for (section, stanza) in sections.iter().zip(&read.stanzas) {
        let count = stanza.directives.rotate.unwrap_or(0);
        let kept = if count == 0 { "(no old logs will be kept)".to_owned() } else { format!("({count} rotations)") };
        assert!(section.contains(&kept) && section.contains(&stanza.patterns[0]), "{section} is not {stanza:?}");
        let considered: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("considering log ")).collect();
        assert!(!considered.is_empty(), "{section}");
        for log in considered {
            let ours = read.owner_of(Path::new(log)).is_some_and(|owner| std::ptr::eq(owner, stanza));
            // Without a match logrotate considers the pattern itself.
            assert!(ours || stanza.patterns.iter().any(|pattern| pattern == log), "{log} is not of {stanza:?}");
        }
    }
}

#[expect(clippy::print_stderr, reason = "a test that could not run must say so")]
fn skipped(why: &str) {
    eprintln!("skipped: {why}");
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must run this: {why}");
}
