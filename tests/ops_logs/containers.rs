//! Logs in the folders of containers: their archives say whose they were. Labels never stand in the way of a rotation.

use std::{fs, os::unix::fs::symlink, path::PathBuf};

use serde_json::{Value, json};

use crate::support::{
    files,
    scenario::{Ran, Scenario},
    stories::tool,
};

/// A tree like Docker's with one container, whose log is due.
struct Docker {
    scene: Scenario,
    id: String,
}

const STATE: &str = r#"{"Name":"/shop-web-1","Config":{"Image":"nginx:1.27","Labels":{"com.docker.compose.service":"web",
    "com.docker.compose.project":"shop","io.kubernetes.pod.name":"web-0"}}}"#;

impl Docker {
    fn with(state: &str) -> Docker {
        let scene = Scenario::new().set("paths = [\"{logs}/*/*-json.log\"]\nwhen = \"1 KiB\"");
        let docker = Docker { scene, id: "c0ffee00".repeat(8) };
        fs::create_dir(docker.scene.live(&docker.id)).unwrap();
        docker.put("hostconfig.json", r#"{"LogConfig":{"Type":"json-file","Config":{}}}"#);
        docker.put("config.v2.json", state);
        docker.write();
        docker
    }

    fn put(&self, name: &str, content: &str) {
        files::write(self.path(name), content).unwrap();
    }

    fn write(&self) {
        self.scene.append(&format!("{}/{}", self.id, self.log()), "{\"log\":\"line\\n\",\"stream\":\"stdout\"}\n".repeat(60));
    }

    fn log(&self) -> String {
        format!("{}-json.log", self.id)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scene.live(&self.id).join(name)
    }

    /// The archives of its log, oldest first.
    fn archives(&self) -> Vec<String> {
        let names = fs::read_dir(self.path("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(".zst")).collect();
        names.sort();
        names
    }

    /// The labels at the end of an archive.
    fn carried(&self, archive: &str) -> Value {
        let bytes = fs::read(self.path(archive)).unwrap();
        let begin = bytes.windows(9).rposition(|part| part == b"{\"format\"").unwrap();
        let end = begin + bytes[begin..].iter().position(|byte| *byte == b'\n').unwrap();
        serde_json::from_slice::<Value>(&bytes[begin..end]).unwrap()["label"]["labels"].clone()
    }

    /// The labels of each archive in the ledger.
    fn recorded(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.scene.ledger()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["line"] == "entry").map(|line| line["labels"].clone()).collect()
    }
}

fn notes(ran: &Ran) -> Vec<String> {
    told(ran, "logs.container-unknown")
}

/// The messages of findings of a kind.
fn told(ran: &Ran, id: &str) -> Vec<String> {
    let findings = ran.json()["findings"].as_array().cloned().unwrap_or_default();
    let of_container = findings.into_iter().filter(|finding| finding["id"] == id);
    of_container.map(|finding| finding["message"].as_str().unwrap().to_owned()).collect()
}

fn labels() -> Value {
    json!({"compose-project": "shop", "compose-service": "web", "container": "shop-web-1", "image": "nginx:1.27", "pod": "web-0"})
}

#[test]
fn the_archive_and_the_ledger_say_which_container_it_was() {
    let docker = Docker::with(STATE);
    let planned = docker.scene.run(&["--format", "json", "plan"]).exits(0);
    assert_eq!(planned.steps("rotate", "planned")[0]["details"]["labels"], labels());
    let ran = docker.scene.rotate().exits(0);
    assert_eq!(notes(&ran), [""; 0]);
    assert_eq!(ran.steps("archive", "done")[0]["details"]["labels"], labels());
    let archives = docker.archives();
    assert_eq!(docker.carried(&archives[0]), labels());
    assert_eq!(docker.recorded(), [labels()]);
    assert!(tool("zstd", &["-dc"], &docker.path(&archives[0])).starts_with("{\"log\""));
    docker.scene.run(&["verify"]).exits(0).says("1 of 1");
}

#[test]
fn a_log_of_no_container_has_no_labels() {
    let scene = Scenario::new().plain_set("").log_of("app.log", 2000).log("config.v2.json", STATE);
    let ran = scene.rotate().exits(0);
    assert_eq!(ran.steps("archive", "done")[0]["details"].get("labels"), None);
    assert!(!fs::read_to_string(scene.ledger()).unwrap().contains("labels"));
}

#[test]
fn what_a_container_says_never_stands_in_the_way() {
    let deep = "[".repeat(200_000);
    let huge = format!("{STATE}{}", " ".repeat(2 << 20));
    for hostile in ["{", &deep, &huge] {
        let docker = Docker::with(hostile);
        let ran = docker.scene.rotate().exits(0);
        let notes = notes(&ran);
        assert!(notes.len() == 1 && notes[0].contains("its labels (cannot read "), "{notes:?}");
        assert_eq!(docker.carried(&docker.archives()[0]), Value::Null);
        assert_eq!(docker.recorded(), [Value::Null]);
    }
    let docker = Docker::with("");
    fs::remove_file(docker.path("config.v2.json")).unwrap();
    symlink("/etc/passwd", docker.path("config.v2.json")).unwrap();
    assert!(notes(&docker.scene.rotate().exits(0))[0].contains("symbolic link"));
    assert_eq!(notes(&docker.scene.rotate().exits(0)), [""; 0], "told when an archive lacks it, not in every run");
}

/// The archive, when it says `to` of its container instead of `from`, which is as long.
fn forged(archive: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut forged = archive.to_vec();
    let at = archive.windows(from.len()).rposition(|part| part == from.as_bytes()).unwrap();
    forged[at..at + to.len()].copy_from_slice(to.as_bytes());
    let begin = forged.windows(9).rposition(|part| part == b"{\"format\"").unwrap();
    let end = begin + forged[begin..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut sum = flate2::Crc::new();
    sum.update(&forged[begin..end]);
    forged[end..end + 8].copy_from_slice(format!("{:08x}", sum.sum()).as_bytes());
    forged
}

#[test]
fn labels_of_archives_are_found_again_as_far_as_they_are_sane() {
    let docker = Docker::with(STATE);
    docker.scene.rotate().exits(0);
    // By now the container is gone, and its archive still knows.
    fs::remove_file(docker.path("config.v2.json")).unwrap();
    let again = || {
        fs::remove_file(docker.scene.ledger()).unwrap();
        assert_eq!(docker.scene.rotate().exits(0).steps("adopt", "done").len(), 1);
        docker.recorded()
    };
    assert_eq!(again(), [labels()]);
    let archive = docker.path(&docker.archives()[0]);
    let bytes = fs::read(&archive).unwrap();
    files::write(&archive, forged(&bytes, "shop-web-1", "shop\\u0007")).unwrap();
    let mut sane = labels();
    sane.as_object_mut().unwrap().remove("container");
    assert_eq!(again(), [sane]);
}

#[test]
fn a_rotation_that_was_cut_off_keeps_the_labels_of_its_time() {
    let docker = Docker::with(STATE);
    let writer = docker.scene.writer(&format!("{}/{}", docker.id, docker.log()));
    assert_eq!(docker.scene.rotate().exits(0).steps("archive", "waiting").len(), 1);
    docker.put("config.v2.json", &STATE.replace("shop-web-1", "renamed"));
    drop(writer);
    docker.scene.rotate().exits(0);
    assert_eq!(docker.carried(&docker.archives()[0]), labels());
}

#[test]
fn a_survey_still_tells_of_the_log() {
    let docker = Docker::with(STATE);
    let folder = docker.scene.logs().to_str().unwrap();
    let ran = docker.scene.run(&["--format", "json", "survey", "--root", folder]);
    assert!(ran.json()["tables"].to_string().contains(&docker.log()), "{ran:#?}");
}

#[test]
fn a_container_that_never_finishes_a_file_is_told_where_logs_are_collected() {
    let mut docker = Docker::with(STATE);
    docker.scene = docker.scene.set("paths = [\"{logs}/*/*-json.log\"]\nmethod = \"collect\"");
    for (options, words) in [
        ("{}", Some("shop-web-1 has no max-size")),
        (r#"{"max-size":"10m"}"#, Some("one file: dockerd deletes its log")),
        (r#"{"max-size":"10m","max-file":"3"}"#, None),
    ] {
        docker.put("hostconfig.json", &format!(r#"{{"LogConfig":{{"Type":"json-file","Config":{options}}}}}"#));
        let told = told(&docker.scene.run(&["--format", "json", "plan"]), "logs.docker-unfinished");
        assert_eq!(told.len(), usize::from(words.is_some()), "{told:?}");
        assert!(told.iter().all(|told| told.contains(words.unwrap())), "{told:?}");
    }
}

#[test]
fn what_is_not_known_of_a_container_is_told_also_where_logs_are_collected() {
    let mut docker = Docker::with("{");
    docker.scene = docker.scene.set("paths = [\"{logs}/*/*-json.log\"]\nmethod = \"collect\"");
    docker.put("hostconfig.json", r#"{"LogConfig":{"Type":"json-file","Config":{"max-size":"10m","max-file":"3"}}}"#);
    assert_eq!(notes(&docker.scene.rotate().exits(0)), [""; 0], "no archive lacks it");
    for number in 1..3 {
        files::write(docker.path(&format!("{}.{number}", docker.log())), format!("{{\"log\":\"{number}\"}}\n")).unwrap();
    }
    for word in ["plan", "rotate"] {
        let notes = notes(&docker.scene.run(&["--format", "json", word]).exits(0));
        assert!(notes.len() == 1 && notes[0].contains("its labels (cannot read "), "{word}: {notes:?}");
    }
    assert_eq!(docker.archives().len(), 2);
    assert_eq!(notes(&docker.scene.rotate().exits(0)), [""; 0], "told when an archive lacks it, not in every run");
}
