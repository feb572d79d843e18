//! Stories about finding logs in fabricated trees.

use std::os::unix::fs::{PermissionsExt, symlink};

use std::fs::File;

use super::*;

struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Tree {
        let tree = Tree(tempfile::tempdir().unwrap());
        fs::set_permissions(tree.0.path(), fs::Permissions::from_mode(0o755)).unwrap();
        tree
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(path)
    }

    fn with(self, path: &str) -> Tree {
        let file = self.path(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "line\n").unwrap();
        self
    }

    fn find(&self, root: &str) -> Found {
        find(&[self.path(root)], &Mounts::default(), Bounds::default(), &Shutdown::default())
    }

    fn names(&self, found: &Found) -> Vec<String> {
        let here = self.path("");
        let mut names: Vec<String> =
            found.logs.iter().map(|log| log.path.strip_prefix(&here).unwrap().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }
}

#[test]
fn in_a_folder_of_logs_all_counts_and_elsewhere_the_name_must_tell() {
    let tree = Tree::new()
        .with("log/messages")
        .with("log/app/data.bin")
        .with("opt/app/server.log")
        .with("opt/app/server.py")
        .with("opt/app/logs/access")
        .with("opt/app/logs/index.js")
        .with("opt/app/node_modules/x/x.log");
    assert_eq!(tree.names(&tree.find("log")), ["log/app/data.bin", "log/messages"]);
    assert_eq!(tree.names(&tree.find("opt")), ["opt/app/logs/access", "opt/app/server.log"]);
}

#[test]
fn links_are_not_followed_but_a_root_may_be_one() {
    let tree = Tree::new().with("log/a.log").with("else/b.log");
    symlink(tree.path("else"), tree.path("log/link")).unwrap();
    symlink(tree.path("else/b.log"), tree.path("log/c.log")).unwrap();
    symlink(tree.path("log"), tree.path("way")).unwrap();
    assert_eq!(tree.names(&tree.find("log")), ["log/a.log"]);
    assert_eq!(tree.names(&tree.find("way")), ["log/a.log"]);
}

#[test]
fn a_file_with_two_names_takes_its_space_once() {
    let tree = Tree::new().with("log/a.log");
    fs::hard_link(tree.path("log/a.log"), tree.path("log/b.log")).unwrap();
    assert_eq!(tree.find("log").logs.len(), 1);
}

#[test]
fn space_is_what_is_allocated() {
    let tree = Tree::new().with("log/lastlog");
    File::options().write(true).open(tree.path("log/lastlog")).unwrap().set_len(1 << 30).unwrap();
    let log = &tree.find("log").logs[0];
    assert_eq!(log.size, 1 << 30);
    assert!(log.allocated < 1 << 20);
}

#[test]
fn what_is_no_file_is_left_alone() {
    let tree = Tree::new().with("log/a.log");
    rustix::fs::mknodat(rustix::fs::CWD, tree.path("log/pipe.log"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert_eq!(tree.names(&tree.find("log")), ["log/a.log"]);
}

#[test]
fn roots_in_each_other_count_once_and_missing_ones_are_no_trouble() {
    let tree = Tree::new().with("srv/log/a.log");
    let roots = [tree.path("srv"), tree.path("srv/log"), tree.path("none")];
    let found = find(&roots, &Mounts::default(), Bounds::default(), &Shutdown::default());
    assert_eq!((found.logs.len(), found.incomplete.len()), (1, 0));
}

#[test]
fn another_machines_disk_is_not_entered_and_said() {
    let tree = Tree::new().with("srv/near/a.log").with("srv/far/b.log").with("srv/virtual/c.log").with("proc/self/x");
    let far = tree.path("srv/far");
    let table =
        format!("1 2 0:1 / {} rw - nfs4 x rw\n1 2 0:1 / {} rw - proc x rw\n", far.display(), tree.path("srv/virtual").display());
    fs::write(tree.path("proc/self/mountinfo"), table).unwrap();
    let mounts = Mounts::read(&tree.path("proc"));
    let found = find(&[tree.path("srv"), far.clone()], &mounts, Bounds::default(), &Shutdown::default());
    assert_eq!(tree.names(&found), ["srv/near/a.log"]);
    assert_eq!(found.incomplete.len(), 2);
    assert!(found.incomplete.iter().all(|entry| entry.what.ends_with("srv/far") && entry.why.contains("nfs4")));
}

#[test]
fn bounds_end_the_walk_and_say_where() {
    let tree = (0..20).fold(Tree::new(), |tree, n| tree.with(&format!("log/{n}/a.log")));
    let few = |bounds: Bounds| find(&[tree.path("log")], &Mounts::default(), bounds, &Shutdown::default());
    for bounds in [
        Bounds { entries: 10, ..Bounds::default() },
        Bounds { folders: 5, ..Bounds::default() },
        Bounds { logs: 5, ..Bounds::default() },
        Bounds { time: Duration::ZERO, ..Bounds::default() },
    ] {
        let found = few(bounds);
        assert!(found.logs.len() < 10, "{bounds:?}");
        assert_eq!(found.incomplete.len(), 1, "{bounds:?}");
    }
    assert_eq!(few(Bounds { depth: 0, ..Bounds::default() }).logs.len(), 0);
}

#[test]
fn a_folder_that_everybody_may_write_to_is_noticed_unless_it_is_sticky() {
    let tree = Tree::new().with("log/open/a.log").with("log/sticky/a.log").with("log/open-but-empty/x/a.log");
    for (folder, mode) in [("log/open", 0o777), ("log/sticky", 0o1777), ("log/open-but-empty", 0o777)] {
        fs::set_permissions(tree.path(folder), fs::Permissions::from_mode(mode)).unwrap();
    }
    assert_eq!(tree.find("log").open_folders, [tree.path("log/open")]);
}

#[test]
fn folders_that_are_not_for_us_are_counted_in_one_entry() {
    let tree = Tree::new().with("log/mine/a.log").with("log/one/b.log").with("log/two/c.log");
    for folder in ["log/one", "log/two"] {
        fs::set_permissions(tree.path(folder), fs::Permissions::from_mode(0o000)).unwrap();
    }
    let (found, root) = std::thread::scope(|scope| {
        let ordinary = scope.spawn(|| {
            if rustix::process::geteuid().is_root() {
                let nobody = rustix::fs::Uid::from_raw(65534);
                rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
            }
            tree.find("log")
        });
        (ordinary.join().unwrap(), tree.path("log"))
    });
    assert_eq!(tree.names(&found), ["log/mine/a.log"]);
    assert_eq!(found.incomplete.len(), 1);
    assert_eq!(found.incomplete[0].what, format!("2 folders under {}", root.display()));
    assert!(found.incomplete[0].hint.is_some());
    for folder in ["log/one", "log/two"] {
        fs::set_permissions(tree.path(folder), fs::Permissions::from_mode(0o755)).unwrap();
    }
}
