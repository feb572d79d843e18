//! What others make of a store: `DuckDB` counts every line through its keys, `zstd` and `gzip` find each object whole, and `aws s3 cp`
//! fetches what was put there.
#![expect(clippy::unwrap_used, reason = "a story fails loudly")]

mod support;

use std::{collections::BTreeMap, ffi::OsStr, fs, path::Path, process::Command, time::Duration};

use serde_json::{Value, json};
use support::{
    Dice, files,
    needs::{self, Need, python_of},
    process::{Process, must},
    scenario::{Scenario, files_under},
    seaweed::{READER, SEAWEED, Seaweed},
};

const JUDGES: &[Need] = &[Need::Modules("duckdb"), Need::Program("zstd"), Need::Program("gzip")];

/// Three services, one for each way to compress.
const SETS: &str = "
[[log]]
name = \"app\"
paths = [\"{logs}/app/*.log\"]
when = \"1 KiB\"
[[log]]
name = \"edge\"
service = \"web/1 ü\"
compress = \"gzip\"
paths = [\"{logs}/edge/*.log\"]
when = \"1 KiB\"
[[log]]
name = \"plain\"
compress = \"none\"
paths = [\"{logs}/plain/*.log\"]
when = \"1 KiB\"
";

/// What readers of tables trip over, and no lone carriage return.
const TRAPS: &str = "a,b;c|d\te\n\"a quote that never ends\n'\n\n\\N\n\\\nwith a carriage return\r\nü 漢\n\u{1f}\n\n#\n";

/// So many lines of that day, and the traps; the last one does not end.
fn text(day: &str, lines: usize) -> String {
    let line = |number: usize| format!("2026-11-{day}T03:00:00Z GET /item/{number}\n");
    (0..lines).map(line).collect::<String>() + TRAPS + &format!("2026-11-{day}T03:59:59Z GET /last")
}

/// A machine that wrote for three days, and shipped.
fn shipped() -> Scenario {
    let head = "host = \"test\"\nlogrotate = \"\"\n[store]\nurl = \"file://{root}/store\"\nspool = \"{root}/spool\"\n";
    let scene = Scenario::new().settings(&format!("{head}{SETS}"));
    fs::create_dir(scene.store()).unwrap();
    for folder in ["app", "edge", "plain"] {
        fs::create_dir(scene.logs().join(folder)).unwrap();
    }
    for (day, lines) in [("18", 40_000), ("19", 500), ("20", 60)] {
        for folder in ["app", "edge", "plain"] {
            files::write(scene.logs().join(folder).join("a.log"), text(day, lines)).unwrap();
        }
        // Several frames of zstd.
        files::write(scene.logs().join("app/b.log"), text(day, lines * 3) + "\n").unwrap();
        scene.rotate().exits(0);
    }
    scene.ship().exits(0);
    scene
}

/// The rows that the last statement gives.
fn rows(sql: &str) -> Result<Value, String> {
    let mut command = Command::new(python_of("duckdb"));
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/duckdb_rows.py"));
    let file = tempfile::NamedTempFile::new().unwrap();
    files::write(file.path(), sql).unwrap();
    let ended = Process::start(command.arg(file.path())).end(Duration::from_mins(1));
    if ended.status.success() { Ok(serde_json::from_str(&ended.stdout).unwrap()) } else { Err(ended.stderr) }
}

/// Lines by service and day, as the manifest and the keys have them.
fn named(segments: &[Value]) -> Value {
    let mut lines: BTreeMap<(String, String), u64> = BTreeMap::new();
    for object in segments.iter().flat_map(|segment| segment["objects"].as_array().unwrap()) {
        let (_, day) = object["key"].as_str().unwrap().split_once("/dt=").unwrap();
        let day = day[..10].to_owned();
        *lines.entry((object["service"].as_str().unwrap().to_owned(), day)).or_default() += object["lines"].as_u64().unwrap();
    }
    lines.into_iter().map(|((service, day), lines)| json!([service, day, lines])).collect()
}

/// Panics unless the programs of those formats find every object whole.
fn assert_whole(store: &Path) -> usize {
    let objects: Vec<String> = files_under(store).into_keys().filter(|key| key.starts_with("logs/")).collect();
    let test = |program: &str, key: &str| must(program, &[OsStr::new("-qt"), store.join(key).as_os_str()]);
    for key in &objects {
        match key.rsplit('.').next().unwrap() {
            "zst" => drop(test("zstd", key)),
            "gz" => drop(test("gzip", key)),
            end => assert_eq!(end, "log"),
        }
    }
    objects.len()
}

#[test]
fn duckdb_counts_every_line_of_a_store_in_a_folder() {
    if !needs::met(JUDGES) {
        return;
    }
    let scene = shipped();
    assert_eq!(assert_whole(&scene.store()), 12);
    // Somebody is just writing one: it is not there yet.
    let object = files_under(&scene.store()).into_keys().find(|key| key.contains("service=plain/")).unwrap();
    files::write(scene.store().join(object).with_file_name(".x.part"), "half\n").unwrap();
    let sql = scene.run(&["sql", "duckdb"]).exits(0).stdout;
    let named = named(&scene.segments());
    assert_eq!(rows(&sql).unwrap(), named);
    assert_eq!(named.as_array().unwrap().len(), 9, "three services, three days: {named}");
    let (traps, lines) = (TRAPS.matches('\n').count(), 40_000 + 500 + 60);
    let queries = [
        ("SELECT DISTINCT typeof(service), typeof(dt), typeof(hour) FROM logs", json!([["VARCHAR", "DATE", "VARCHAR"]])),
        (
            "SELECT count(*) FROM logs WHERE service = 'web/1 ü' AND dt = DATE '2026-11-20' AND hour = '03'",
            json!([[60 + traps + 1]]),
        ),
        ("SELECT count(*) FROM logs WHERE dt > DATE '2026-11-18'", json!([[6 * (500 + 60) + 8 * (traps + 1)]])),
        ("SELECT count(*) FROM logs WHERE service = 'app' AND line = '\"a quote that never ends'", json!([[6]])),
        ("SELECT count(*) FROM logs WHERE line = ''", json!([[2 * 12]])),
        ("SELECT count(*) FROM logs WHERE line LIKE '% GET /item/%'", json!([[6 * lines]])),
        ("SELECT count(DISTINCT object) FROM logs", json!([[12]])),
    ];
    for (query, row) in queries {
        assert_eq!(rows(&format!("{sql}{query}")), Ok(row), "{query}");
    }
}

#[test]
fn duckdb_counts_every_line_of_objects_that_hold_several_archives() {
    if !needs::met(JUDGES) {
        return;
    }
    let head = "host = \"test\"\nlogrotate = \"\"\n[store]\nurl = \"file://{root}/store\"\nspool = \"{root}/spool\"\n\
                min-object = \"1 GiB\"\nmax-delay = \"6h\"\n";
    let scene = Scenario::new().settings(&format!("{head}{SETS}"));
    fs::create_dir(scene.store()).unwrap();
    for lines in [30_000, 500, 60] {
        for folder in ["app", "edge", "plain"] {
            fs::create_dir_all(scene.logs().join(folder)).unwrap();
            files::write(scene.logs().join(folder).join("a.log"), text("18", lines) + "\n").unwrap();
        }
        scene.rotate().exits(0);
    }
    scene.run(&["rotate", "--finish"]).exits(0);
    scene.ship().exits(0);
    assert_eq!(assert_whole(&scene.store()), 3, "one object for each log");
    let sql = scene.run(&["sql", "duckdb"]).exits(0).stdout;
    let named = named(&scene.segments());
    assert_eq!(rows(&sql).unwrap(), named);
    let lines = 30_000 + 500 + 60 + 3 * (TRAPS.matches('\n').count() + 1);
    assert!(named.as_array().unwrap().iter().all(|row| row[2] == lines), "{lines}: {named}");
}

#[test]
fn a_line_that_is_no_text_ends_the_query_or_is_read_as_bytes() {
    if !needs::met(JUDGES) {
        return;
    }
    let scene = Scenario::new().shipping("", "").log("a.log", [b"caf\xe9 \xff\n".repeat(300), b"a\n".to_vec()].concat());
    scene.rotate().exits(0);
    scene.ship().exits(0);
    let sql = scene.run(&["sql", "duckdb"]).exits(0).stdout;
    assert!(rows(&sql).unwrap_err().contains("utf-8"));
    let bytes = sql.replace("header = false,", "header = false, encoding = 'latin-1',");
    assert_eq!(rows(&format!("{bytes}SELECT count(*) FROM logs")), Ok(json!([[301]])));
}

#[test]
fn what_is_in_a_bucket_is_fetched_byte_for_byte_and_counted_there() {
    if !needs::met(SEAWEED) || !needs::met(JUDGES) || !needs::met(&[Need::Modules("awscli")]) {
        return;
    }
    let bucket = Seaweed::of_this_program().bucket();
    let scene = bucket.scene("", "");
    // The second is sent in parts.
    let mut dice = Dice::seeded(4);
    let mut word = || dice.below(u64::MAX);
    let lines: Vec<String> = (0..400_000).map(|_| format!("{:x} {:x} {:x}\n", word(), word(), word())).collect();
    files::write(scene.live("a.log"), text("18", 400)).unwrap();
    files::write(scene.live("b.log"), lines.concat()).unwrap();
    scene.rotate().exits(0);
    scene.ship().exits(0);

    let fetched = scene.root().join("fetched");
    let mut aws = Command::new(python_of("awscli"));
    aws.args(["-m", "awscli", "--region", "us-east-1", "--endpoint-url", &bucket.server.endpoint()]);
    aws.args(["s3", "cp", "--recursive", "--no-progress", &bucket.url()]).arg(&fetched);
    aws.env_clear().env("HOME", scene.root()).env("PATH", "/usr/bin:/bin");
    let ended = Process::start(&mut aws).end(Duration::from_mins(1));
    assert!(ended.status.success(), "{ended:#?}");
    assert_eq!(files_under(&fetched), bucket.listed());
    for key in bucket.listed().keys() {
        assert!(fs::read(fetched.join(key)).unwrap() == bucket.read(key), "{key}");
    }
    assert_eq!(assert_whole(&fetched), 2);
    assert!(bucket.listed().values().any(|size| *size > 8 << 20), "none was sent in parts: {:?}", bucket.listed());

    // As it is printed, but for what would come from the network, and for who asks.
    let sql = scene.run(&["sql", "duckdb"]).exits(0).stdout;
    let (names, who) = ("INSTALL httpfs; LOAD httpfs; INSTALL aws; LOAD aws;", "PROVIDER credential_chain");
    assert!(sql.contains(names) && sql.contains(who), "{sql}");
    let login = format!("KEY_ID '{}', SECRET '{}'", READER.0, READER.1);
    let sql = sql.replace(names, "LOAD '{httpfs}';").replace(who, &login);
    assert_eq!(rows(&sql), Ok(named(&bucket.segments())));
}
