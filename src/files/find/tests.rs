//! Stories about what patterns meet in a tree.

use std::fs;

use super::*;

fn folders(root: &Path, pattern: &str) -> Vec<String> {
    let pattern = PathPattern::new(&format!("{}/{pattern}", root.display())).unwrap();
    let (folders, _) = pattern.folders();
    folders.iter().map(|path| path.strip_prefix(root).unwrap().display().to_string()).collect()
}

#[test]
fn wildcards_meet_folders_but_never_links_or_hidden_ones() {
    let tree = tempfile::tempdir().unwrap();
    let root = tree.path().canonicalize().unwrap();
    for folder in ["a/x", "a/y/z", "b/x", ".hidden/x"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    std::os::unix::fs::symlink(root.join("b"), root.join("link")).unwrap();
    assert_eq!(folders(&root, "*/x/*.log"), ["a/x", "b/x"]);
    assert_eq!(folders(&root, "a/**/*.log"), ["a", "a/x", "a/y", "a/y/z"]);
    assert_eq!(folders(&root, "b/one.log"), ["b"]);
}

#[test]
fn a_folder_named_behind_a_wildcard_need_not_be_in_every_one_but_in_one() {
    let tree = tempfile::tempdir().unwrap();
    let root = tree.path().canonicalize().unwrap();
    fs::create_dir_all(root.join("a/log")).unwrap();
    fs::create_dir(root.join("b")).unwrap();
    fs::create_dir(root.join("c")).unwrap();
    fs::write(root.join("c/log"), "a file").unwrap();
    let look = |text: &str| PathPattern::new(&format!("{}/{text}", root.display())).unwrap().folders();
    assert_eq!(look("*/log/app.log"), (vec![root.join("a/log")], Vec::new()));
    for (unmet, absent) in [("*/logs/*.log", true), ("*/log/x/*.log", true), ("none/*/*.log", true)] {
        let (folders, missed) = look(unmet);
        assert_eq!((folders.len(), missed.len(), missed[0].absent), (0, 1, absent), "{unmet}: {missed:?}");
    }
    assert_eq!(look("*/z*/*.log"), (Vec::new(), Vec::new()), "a pattern that meets nothing is no trouble");
}

#[test]
fn a_folder_whose_name_is_not_utf_8_is_missed_when_a_wildcard_means_it() {
    let tree = tempfile::tempdir().unwrap();
    let root = tree.path().canonicalize().unwrap();
    let odd = OsStr::from_bytes(b"caf\xe9");
    fs::write(root.join(OsStr::from_bytes(b"a file\xe9")), "").unwrap();
    fs::create_dir(root.join(odd)).unwrap();
    fs::create_dir(root.join("bar")).unwrap();
    let missed = |text: &str| PathPattern::new(&format!("{}/{text}", root.display())).unwrap().folders().1;
    for meant in ["*/*.log", "c*/*.log", "**/*.log", "*/log/app.log"] {
        let missed = missed(meant);
        assert_eq!(missed.len(), 1, "{meant}: {missed:?}");
        assert!(!missed[0].absent && missed[0].failure.to_string().ends_with("its name is not UTF-8"), "{missed:?}");
    }
    assert_eq!(missed("b*/*.log"), []);
}

#[test]
fn a_whole_path_is_meant_however_its_pattern_is_spelled() {
    for text in ["/var/log/a*.log", "//var/log//a*.log", "/./var/./log/a*.log"] {
        let pattern = PathPattern::new(text).unwrap();
        assert!(pattern.matches(Path::new("/var/log/ab.log")), "{text}");
        assert!(!pattern.matches(Path::new("/var/log/x/ab.log")) && !pattern.matches(Path::new("/var/log/b.log")), "{text}");
        assert_eq!(pattern.text(), text);
    }
}

#[test]
fn what_is_no_file_pattern_is_refused() {
    for text in ["var/log/*.log", "/", "/var/log/", "/var/log/**", "/var/../etc/*.log", "/var/log/[a", "/var/log/a\0.log"] {
        assert!(PathPattern::new(text).is_err(), "{text}");
    }
}

#[test]
fn a_caret_that_would_negate_elsewhere_is_refused_and_one_that_stands_for_itself_is_not() {
    for (text, instead) in [("/x/[^a].log", "/x/[!a].log"), ("/[]^]/[!^[]é[^]].log", "/[]^]/[!^[]é[!]].log")] {
        let problem = PathPattern::new(text).unwrap_err();
        assert!(problem.ends_with(&format!("write `{instead}`")), "{problem}");
    }
    for text in ["/x/^a[b^]*.log", "/x/[!^]", "/x/[[]^", "/x/[]^]"] {
        assert!(PathPattern::new(text).is_ok(), "{text}");
    }
}
