//! What is read, in which order, and how it is laid over each other.

use super::*;

fn names(loaded: &Loaded<Settings>) -> Vec<&str> {
    loaded.value.log.iter().map(|log| log.name.as_str()).collect()
}

#[test]
fn without_any_source_the_defaults_hold() {
    let loaded = Scene::new().loaded();
    assert_eq!(loaded.value, Settings::default());
    assert!(loaded.files.is_empty());
    assert_eq!(loaded.origins.source("host").to_string(), "default");
}

#[test]
fn each_source_wins_over_the_one_before() {
    let mut scene = Scene::new();
    let expect = |scene: Scene, host: &str, origin: &str| {
        let loaded = scene.loaded();
        assert_eq!(loaded.value.host.as_deref(), Some(host));
        assert_eq!(scene.short(&loaded.origins.source("host").to_string()), origin);
        scene
    };
    scene = scene.file("etc/testing.toml", "limit = 1\nhost = 'etc'\n");
    scene = expect(scene, "etc", "etc/testing.toml:2");
    scene = scene.file("etc/testing.d/10-a.toml", "host = 'drop-in'");
    scene = expect(scene, "drop-in", "etc/testing.d/10-a.toml:1");
    scene = scene.file("etc/testing.d/9-b.toml", "host = 'later by name'");
    scene = expect(scene, "later by name", "etc/testing.d/9-b.toml:1");
    scene = scene.file("user/testing.toml", "\n\nhost = 'user'");
    scene = expect(scene, "user", "user/testing.toml:3");
    scene = scene.variable("OPSBELT_TESTING_HOST", "environment");
    scene = expect(scene, "environment", "environment OPSBELT_TESTING_HOST");
    assert_eq!(scene.loaded().value.limit, 1);
}

#[test]
fn hidden_files_leftovers_and_other_tools_are_not_read() {
    let scene = Scene::with("limit = 1")
        .file("etc/testing.d/.a.toml", "limit = 2")
        .file("etc/testing.d/b.toml.dpkg-old", "limit = 3")
        .file("etc/testing.d/c.toml~", "limit = 4")
        .file("etc/other.toml", "limit = 5");
    assert_eq!(scene.loaded().value.limit, 1);
    assert_eq!(scene.loaded().files, [scene.path("etc/testing.toml")]);
}

#[test]
fn a_named_file_replaces_all_that_would_be_found() {
    let scene = Scene::with("limit = 1\nhost = 'etc'").file("mine.toml", "limit = 2").config("mine.toml");
    let scene = scene.variable("OPSBELT_TESTING_EAGER", "true");
    let loaded = scene.loaded();
    assert_eq!((loaded.value.limit, loaded.value.host, loaded.value.eager), (2, None, true));
    assert_eq!(loaded.files, [scene.path("mine.toml")]);
}

#[test]
fn a_named_folder_is_read_like_drop_ins() {
    let scene = Scene::new().file("mine/b.toml", "limit = 2").file("mine/a.toml", "limit = 1\nhost = 'a'").config("mine");
    let loaded = scene.loaded();
    assert_eq!((loaded.value.limit, loaded.value.host.as_deref()), (2, Some("a")));
}

#[test]
fn a_named_file_must_exist_and_a_named_folder_must_hold_one() {
    let missing = Scene::new().config("mine.toml");
    assert_eq!(missing.complaint(), "cannot read mine.toml: no such file or directory");
    let empty = Scene::new().file("mine/.hidden.toml", "").config("mine");
    assert_eq!(empty.complaint(), "cannot read mine: the folder holds no *.toml file");
}

#[test]
fn tables_merge_and_plain_lists_replace() {
    let scene = Scene::with("colors = ['red', 'green']\n[defaults.keep]\ncount = 3\nmin-free = '10%'\n[labels]\na = '1'\n")
        .file("user/testing.toml", "colors = ['blue']\ndefaults.keep.count = 4\nlabels = { b = '2' }\n");
    let loaded = scene.loaded();
    assert_eq!(loaded.value.colors, ["blue"]);
    assert_eq!(loaded.value.defaults.keep, Keep { count: 4, min_free: Some("10%".parse().unwrap()), max_total: None });
    assert_eq!(loaded.value.labels.len(), 2);
    let origin = |key| scene.short(&loaded.origins.source(key).to_string());
    assert_eq!(origin("defaults.keep.count"), "user/testing.toml:2");
    assert_eq!(origin("defaults.keep.min-free"), "etc/testing.toml:4");
    assert_eq!(origin("colors[0]"), "user/testing.toml:1");
}

#[test]
fn a_drop_in_adds_an_entry_to_a_list_of_tables() {
    let scene = Scene::with("[[log]]\nname = 'a'\npaths = ['/a']\n")
        .file("etc/testing.d/b.toml", "[[log]]\nname = 'b'\npaths = ['/b']\n");
    let loaded = scene.loaded();
    assert_eq!(names(&loaded), ["a", "b"]);
    assert_eq!(scene.short(&loaded.origins.source("log[1].paths[0]").to_string()), "etc/testing.d/b.toml:3");
}

#[test]
fn an_entry_of_the_same_name_is_laid_over_the_earlier_one() {
    let scene = Scene::with("[[log]]\nname = 'a'\npaths = ['/a', '/b']\nmode = '0600'\n[[log]]\nname = 'z'\npaths = ['/z']")
        .file("etc/testing.d/x.toml", "[[log]]\nname = 'a'\npaths = ['/c']\nkeep.count = 2\n");
    let loaded = scene.loaded();
    assert_eq!(names(&loaded), ["a", "z"]);
    let log = &loaded.value.log[0];
    assert_eq!((log.paths.as_slice(), log.mode.0.as_str(), log.keep.count), (&["/c".to_owned()][..], "0600", 2));
}

#[test]
fn an_empty_list_clears_earlier_entries() {
    let scene = Scene::with("[[log]]\nname = 'a'\npaths = ['/a']\n").file("user/testing.toml", "log = []");
    assert!(scene.loaded().value.log.is_empty());
}

#[test]
fn of_several_kinds_of_table_the_later_one_is_taken_whole() {
    let scene = Scene::with("[[log]]\nname = 'a'\npaths = ['/a']\nwhen = { any = [1, 2] }\n")
        .file("user/testing.toml", "[[log]]\nname = 'a'\nwhen = { all = ['1 KiB'] }\n");
    assert_eq!(scene.loaded().value.log[0].when, Some(When::All(vec![Bytes(1024)])));
}

#[test]
fn variables_are_read_as_the_type_of_their_key() {
    let loaded = Scene::new()
        .variable("OPSBELT_TESTING_LIMIT", "12")
        .variable("OPSBELT_TESTING_MAX_AGE", "90d")
        .variable("OPSBELT_TESTING_EAGER", "true")
        .variable("OPSBELT_TESTING_WEIGHT", "0.5")
        .variable("OPSBELT_TESTING_HOST", "12")
        .variable("OPSBELT_OTHER_X", "1")
        .loaded();
    let value = &loaded.value;
    assert_eq!((value.limit, value.max_age, value.eager), (12, Some(Span::days(90)), true));
    assert_eq!(value.host.as_deref(), Some("12"));
    assert!((value.weight - 0.5).abs() < f64::EPSILON);
}

#[test]
fn an_empty_variable_is_as_good_as_none() {
    assert_eq!(Scene::with("host = 'a'").variable("OPSBELT_TESTING_HOST", "").loaded().value.host.as_deref(), Some("a"));
}

#[test]
fn an_origin_is_that_of_the_nearest_thing_written() {
    let scene = Scene::with("\n[[log]]\nname = 'a'\npaths = ['/a']\n");
    let loaded = scene.loaded();
    assert_eq!(scene.short(&loaded.origins.nearest("log[0].keep.count").unwrap().0.to_string()), "etc/testing.toml:2");
    assert_eq!(loaded.origins.source("log[0].keep.count").to_string(), "default");
    assert_eq!(loaded.origins.nearest("nothing.at.all"), None);
}

#[test]
fn the_standard_places_are_those_of_the_machine_and_the_user() {
    let sources = Sources::standard("testing", None);
    assert_eq!(sources.etc, PathBuf::from("/etc/opsbelt"));
    assert!(sources.user.is_none_or(|user| user.is_absolute() && user.ends_with("opsbelt")));
}
