//! Files as Docker writes them, and as it never would: what is read of a container, and what is not.

use std::{
    fs,
    os::unix::fs::symlink,
    time::{Duration, Instant},
};

use super::*;

/// A folder of containers with one in it.
struct Tree {
    folder: tempfile::TempDir,
    id: String,
}

impl Tree {
    fn new() -> Tree {
        let tree = Tree { folder: tempfile::tempdir().unwrap(), id: "ab".repeat(32) };
        fs::create_dir(tree.path("")).unwrap();
        tree.with("hostconfig.json", r#"{"LogConfig":{"Type":"json-file","Config":{"max-size":"10m","max-file":"3"}}}"#)
    }

    /// What a container says of itself.
    fn state(config: &str) -> Tree {
        Tree::new().with("config.v2.json", config)
    }

    fn with(self, name: &str, content: &str) -> Tree {
        fs::write(self.path(name), content).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(&self.id).join(name)
    }

    fn log(&self, end: &str) -> PathBuf {
        self.path(&format!("{}-json.log{end}", self.id))
    }

    fn found(&self) -> Container {
        of_log(&self.log("")).unwrap()
    }

    /// Labels as `name=value`.
    fn labels(&self) -> Vec<String> {
        self.found().labels.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    /// What is unknown, and why.
    fn unknown(&self) -> Vec<(String, String)> {
        self.found().unknown.into_iter().map(|entry| (entry.what, entry.why)).collect()
    }
}

#[test]
fn a_container_has_options_and_labels() {
    let tree = Tree::state(
        r#"{"ID":"x","Image":"sha256:00","Name":"/shop-web-1","Config":{"Hostname":"h","Env":["A=1"],"Image":"nginx:1.27",
        "Labels":{"com.docker.compose.project":"shop","com.docker.compose.service":"web","maintainer":"me"}},"State":{}}"#,
    );
    let container = tree.found();
    assert_eq!(container.unknown, []);
    let options = LogOptions { driver: "json-file".into(), max_size: Some("10m".into()), max_file: Some("3".into()) };
    assert_eq!((container.options, container.id.as_str(), &container.log), (Some(options), tree.id.as_str(), &tree.log("")));
    let labels = ["compose-project=shop", "compose-service=web", "container=shop-web-1", "image=nginx:1.27"];
    assert_eq!(tree.labels(), labels);
}

#[test]
fn a_container_of_a_pod_has_its_labels() {
    let tree = Tree::state(
        r#"{"Name":"/k8s_nginx_web-1_shop_u_0","Config":{"Labels":{"io.kubernetes.pod.name":"web-1",
        "io.kubernetes.pod.namespace":"shop","io.kubernetes.container.name":"nginx"}}}"#,
    );
    let labels = ["container=k8s_nginx_web-1_shop_u_0", "namespace=shop", "pod=web-1", "pod-container=nginx"];
    assert_eq!(tree.labels(), labels);
}

#[test]
fn links_name_the_pod_only_where_docker_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let pod = |tree: &Tree| {
        symlink("/nonexistent", folder.path().join(format!("linked_ns_c-{}.log", tree.id))).ok();
        let mut container = tree.found();
        container.name_pod(&Pods::read(folder.path()).unwrap());
        container.labels.get("pod").cloned()
    };
    assert_eq!(pod(&Tree::state(r#"{"Name":"/web"}"#)).as_deref(), Some("linked"));
    assert_eq!(pod(&Tree::state("{")).as_deref(), Some("linked"), "whatever stands in its own file");
    assert_eq!(pod(&Tree::state(r#"{"Config":{"Labels":{"io.kubernetes.pod.name":"said"}}}"#)).as_deref(), Some("said"));
}

#[test]
fn only_logs_of_json_file_in_a_containers_folder_are_a_containers() {
    let tree = Tree::new();
    for end in ["", ".1", ".12", ".1.gz"] {
        assert_eq!(of_log(&tree.log(end)).map(|found| found.log), Some(tree.log("")), "{end}");
    }
    for end in [".", ".0", ".x", ".1.zst", ".gz", ".1.gz.gz", "x", ".20261121T042122Z-0001.zst"] {
        assert_eq!(of_log(&tree.log(end)), None, "{end}");
    }
    assert_eq!(of_log(&tree.path("local.log")), None);
    let other = tree.folder.path().join("cd".repeat(32)).join(format!("{}-json.log", tree.id));
    assert_eq!(of_log(&other), None, "its folder has another id");
    for folder in ["web", &"x".repeat(64), &"a".repeat(63)] {
        assert_eq!(of_log(&Path::new("/c").join(folder).join(format!("{folder}-json.log"))), None);
    }
    assert_eq!(of_log(Path::new("/")), None);
}

#[test]
fn what_is_not_json_or_not_dockers_gives_no_labels_and_a_reason() {
    let deep = "[".repeat(200_000);
    for hostile in
        ["", "{", "[7]", "null", "\0", r#"{"Name":7}"#, r#"{"Config":{"Labels":"a"}}"#, r#"{"Name":"a","Name":"b"}"#, &deep]
    {
        let tree = Tree::state(hostile);
        let unknown = tree.unknown();
        assert_eq!((unknown.len(), unknown[0].0.as_str()), (1, "its labels"), "{hostile:.20}");
        assert!(unknown[0].1.contains("config.v2.json: it is not what Docker writes"), "{}", unknown[0].1);
        assert_eq!(tree.labels(), [""; 0]);
        assert!(tree.found().options.is_some(), "one file does not spoil the other");
    }
    let tree = Tree::new();
    assert!(tree.unknown()[0].1.contains("config.v2.json: no such file"), "{:?}", tree.unknown());
    let tree = Tree::state("{}").with("hostconfig.json", "{}");
    assert_eq!((tree.found().options, tree.unknown()[0].0.as_str()), (None, "its logging options"));
}

#[test]
fn a_file_without_an_end_is_not_read() {
    let tree = Tree::state(r#"{"Name":"/web"}"#);
    fs::File::options().write(true).open(tree.path("config.v2.json")).unwrap().set_len(1 << 40).unwrap();
    assert!(tree.unknown()[0].1.contains("it has more than 1048576 bytes"));
    let most = 1 << 20;
    let named = r#"{"Name":"/web"}"#;
    let padded = |size: usize| Tree::state(&format!("{named}{}", " ".repeat(size - named.len())));
    assert_eq!(padded(most).labels(), ["container=web"]);
    assert_eq!(padded(most + 1).labels(), [""; 0]);
}

#[test]
fn a_value_that_is_too_long_or_hostile_is_left_out_alone() {
    let tree = Tree::state(&format!(
        r#"{{"Name":"/a\u001b[31mb","Config":{{"Image":"{}","Labels":{{"com.docker.compose.service":"web"}}}}}}"#,
        "i".repeat(513)
    ));
    assert_eq!(tree.labels(), ["compose-service=web"]);
    let what: Vec<String> = tree.unknown().into_iter().map(|(what, _)| what).collect();
    assert_eq!(what, ["its label container", "its label image"]);
    assert_eq!(tree.found().shown(), "ababababababab".get(..12).unwrap());
}

#[test]
fn neither_links_nor_pipes_nor_files_of_two_names_are_read() {
    let secret = r#"{"Name":"/secret"}"#;
    let tree = Tree::new().with("elsewhere", secret);
    symlink(tree.path("elsewhere"), tree.path("config.v2.json")).unwrap();
    assert!(tree.unknown()[0].1.contains("symbolic link"));
    fs::remove_file(tree.path("config.v2.json")).unwrap();
    fs::hard_link(tree.path("elsewhere"), tree.path("config.v2.json")).unwrap();
    assert!(tree.unknown()[0].1.contains("no ordinary file with one name"));
    fs::remove_file(tree.path("config.v2.json")).unwrap();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, tree.path("config.v2.json"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let began = Instant::now();
    assert!(tree.unknown()[0].1.contains("no ordinary file with one name"));
    assert!(began.elapsed() < Duration::from_secs(10), "nobody writes to it");
    fs::remove_file(tree.path("config.v2.json")).unwrap();
    fs::rename(tree.path("elsewhere"), tree.path("config.v2.json")).unwrap();
    assert_eq!(tree.labels(), ["container=secret"]);
}

#[test]
fn only_json_file_without_max_size_is_unlimited() {
    let options =
        |size: Option<&str>, driver: &str| LogOptions { driver: driver.into(), max_size: size.map(Into::into), max_file: None };
    assert!(options(Some("10m"), "json-file").has_max_size() && !options(Some("10m"), "json-file").is_unlimited());
    for none in [None, Some(""), Some("-1")] {
        assert!(!options(none, "json-file").has_max_size() && options(none, "json-file").is_unlimited());
        assert!(!options(none, "local").is_unlimited(), "local has a limit of its own");
    }
}

#[test]
fn a_full_log_leaves_parts_only_where_docker_may_have_several_files() {
    let full = |driver: &str, size: Option<&str>, files: Option<&str>| {
        LogOptions { driver: driver.into(), max_size: size.map(Into::into), max_file: files.map(Into::into) }.when_full()
    };
    assert_eq!(full("json-file", None, None), Some(WhenFull::Never));
    assert_eq!(full("json-file", Some("10m"), None), Some(WhenFull::Discarded));
    assert_eq!(full("json-file", Some("10m"), Some("1")), Some(WhenFull::Discarded));
    assert_eq!(full("json-file", Some("10m"), Some("3")), Some(WhenFull::Parts(2)));
    assert_eq!(full("json-file", Some("10m"), Some("many")), None);
    assert_eq!(full("local", Some("10m"), Some("3")), None);
}
