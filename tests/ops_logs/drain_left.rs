//! What a drain must not call nothing: what only another ledger knows, what is of another name, what a writer has not ended. And what
//! it leaves alone: archives that the rules of other days would have kept.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    time::Duration,
};

use crate::{
    collect::findings,
    support::{
        files,
        scenario::{Ran, Scenario, files_under, text_of},
    },
};

fn drain(scene: &Scenario) -> Ran {
    scene.run(&["--format", "json", "drain", "--deadline", "60s"])
}

/// What is left, and why.
fn left(ran: &Ran) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    ran.steps("drain", "failed").iter().map(|step| (text(&step["subject"]), text(&step["reason"]))).collect()
}

/// The same with the state elsewhere.
fn elsewhere(scene: &Scenario, state: &str, args: &[&str]) -> Ran {
    let state = scene.root().join(state);
    fs::create_dir_all(&state).unwrap();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
    Ran::of(scene.command(args).env("STATE_DIRECTORY", state))
}

#[test]
fn the_live_file_of_a_log_that_its_writer_rotates_is_named() {
    let scene = Scenario::new().shipping("", "method = \"collect\"");
    scene.change_settings("when = \"1 KiB\"\n", "");
    files::write(scene.live("app.log"), "live\n").unwrap();
    files::write(scene.live("app.log.1"), "finished\n").unwrap();
    let ran = drain(&scene).exits(3);
    let live = scene.live("app.log").display().to_string();
    assert_eq!(left(&ran), [(live, "only its writer ends it, and what it holds is in no archive".to_owned())], "{ran:#?}");
    assert_eq!(scene.objects().into_values().collect::<Vec<_>>(), [b"finished\n".to_vec()]);
    // Its writer ended, and somebody gave the file the name that its writer would have given it.
    fs::rename(scene.live("app.log.1"), scene.live("app.log.2")).unwrap();
    fs::rename(scene.live("app.log"), scene.live("app.log.1")).unwrap();
    files::write(scene.live("app.log"), "").unwrap();
    let ran = drain(&scene).exits(0);
    assert_eq!(ran.summary(), "1 archive shipped: everything is in the store", "{ran:#?}");
}

#[test]
fn what_is_here_under_another_name_is_named_and_gets_there_under_that_name() {
    let scene = Scenario::new().shipping("", "").log_of("a.log", 5000);
    scene.rotate().exits(0);
    scene.append("b.log", text_of("b.log", 5000));
    scene.change_settings("host = \"test\"", "host = \"renamed\"");
    let ran = drain(&scene).exits(3);
    let items = left(&ran);
    assert!(items.len() == 1 && items[0].0.contains("a.log."), "{ran:#?}");
    assert!(items[0].1.starts_with("it waits in the spool: it is of `test`, and this machine is `renamed`"), "{items:?}");
    assert_eq!(scene.objects().into_values().collect::<Vec<_>>(), [text_of("b.log", 5000)]);
    // What the reason says.
    let ran = Ran::of(scene.command(&["--format", "json", "drain"]).env("OPSBELT_LOGS_HOST", "test"));
    assert_eq!(ran.exits(0).steps("ship", "done").len(), 1);
    let ran = drain(&scene).exits(0);
    assert_eq!(ran.summary(), "0 archives shipped: everything is in the store", "{ran:#?}");
    // Keys begin with the machine's name.
    assert_eq!(scene.objects().into_values().collect::<Vec<_>>(), [text_of("b.log", 5000), text_of("a.log", 5000)]);
    scene.run(&["verify", &format!("file://{}", scene.store().display())]).exits(0).says("2 of 2");
}

#[test]
fn what_only_the_spool_knows_of_another_name_is_named() {
    let scene = Scenario::new().shipping("", "").log_of("a.log", 5000);
    scene.rotate().exits(0);
    for name in scene.archives("a.log") {
        fs::remove_file(scene.live(&name)).unwrap();
    }
    fs::remove_file(scene.ledger()).unwrap();
    scene.change_settings("host = \"test\"", "host = \"renamed\"");
    let ran = drain(&scene).exits(3);
    let items = left(&ran);
    assert!(items.len() == 1 && items[0].0.contains("a.log.") && items[0].1.contains("it is of `test`"), "{ran:#?}");
}

#[test]
fn a_drain_removes_nothing_that_a_day_without_one_would_have_kept() {
    let scene = Scenario::new().shipping("", "keep = { count = 2 }");
    for turn in 0..2 {
        scene.append("app.log", text_of(&format!("turn-{turn}"), 3000));
        scene.rotate().exits(0);
        scene.ship().exits(0);
        scene.rotate().exits(0);
    }
    let before = scene.archives("app.log");
    scene.append("app.log", text_of("last", 100));
    let dry = scene.run(&["--format", "json", "--dry-run", "drain"]).exits(0);
    assert_eq!(dry.steps("remove", "planned").len(), 0, "{dry:#?}");
    let ran = drain(&scene).exits(0);
    assert_eq!((ran.steps("ship", "done").len(), ran.steps("remove", "done").len()), (1, 0), "{ran:#?}");
    let after = scene.archives("app.log");
    assert!(after.len() == 3 && before.iter().all(|name| after.contains(name)), "{after:?}");
    assert_eq!(scene.rotate().exits(0).steps("remove", "done").len(), 1, "the rules hold again afterwards");
}

#[test]
fn with_another_ledger_than_every_day_nothing_is_done() {
    let scene = Scenario::new().shipping("", "compress = \"gzip\"").log_of("app.log", 5000);
    scene.rotate().exits(0);
    scene.append("app.log", text_of("more", 3000));
    let before = (files_under(scene.logs()), files_under(&scene.spool()), files_under(&scene.store()));
    for args in [&["--format", "json", "drain"][..], &["--format", "json", "--dry-run", "drain"]] {
        let ran = elsewhere(&scene, "elsewhere", args).exits(2);
        let hint = format!("hint: STATE_DIRECTORY={}, as", scene.state().display());
        assert!(ran.stderr.contains("and this run remembers in") && ran.stderr.contains(&hint), "{ran:#?}");
    }
    assert_eq!((files_under(scene.logs()), files_under(&scene.spool()), files_under(&scene.store())), before);
    // Whoever rotates with two is told, and the first one stays who knows.
    let ran = elsewhere(&scene, "elsewhere", &["--format", "json", "rotate"]).exits(1);
    assert_eq!(findings(&ran, "logs.two-ledgers").len(), 1, "{ran:#?}");
    assert_eq!(drain(&scene).exits(0).steps("rotate", "done").len(), 0);
}

#[test]
fn a_state_folder_that_is_gone_or_has_moved_is_told_once() {
    let scene = Scenario::new().shipping("", "compress = \"gzip\"").log_of("app.log", 5000);
    scene.rotate().exits(0);
    fs::rename(scene.state(), scene.root().join("moved")).unwrap();
    scene.append("app.log", text_of("more", 3000));
    let drain = || elsewhere(&scene, "moved", &["--format", "json", "drain"]);
    let ran = drain().exits(3);
    assert_eq!(ran.summary(), "2 archives shipped: whether that is everything is not known", "{ran:#?}");
    assert!(ran.json()["incomplete"].to_string().contains("what only it knew is not known"), "{ran:#?}");
    assert_eq!(drain().exits(0).summary(), "0 archives shipped: everything is in the store");
}

#[test]
fn without_a_ledger_that_can_be_read_what_waits_is_shipped_all_the_same() {
    let scene = Scenario::new().shipping("", "").log_of("app.log", 5000);
    scene.rotate().exits(0);
    let header = "{\"line\":\"header\",\"format\":\"opsbelt.logs.ledger\",\"version\":99,\"host\":\"test\",\"next\":1}\n";
    files::write(scene.ledger(), header).unwrap();
    let ran = drain(&scene).exits(3);
    assert_eq!(ran.summary(), "1 archive shipped: whether that is everything is not known", "{ran:#?}");
    assert_eq!(scene.objects().into_values().collect::<Vec<_>>(), [text_of("app.log", 5000)]);
}

#[test]
fn how_the_store_is_reached_is_passed_on_to_who_ships() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = std::thread::spawn(move || {
        let (mut caller, _) = listener.accept().unwrap();
        caller.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let (mut head, mut piece) = (Vec::new(), [0; 4096]);
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            match caller.read(&mut piece).unwrap() {
                0 => break,
                read => head.extend_from_slice(&piece[..read]),
            }
        }
        let _ = caller.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        String::from_utf8_lossy(&head).into_owned()
    });
    let words = "endpoint = \"http://127.0.0.1:1\"\nregion = \"eu-central-1\"\npath-style = true";
    let scene = Scenario::new().shipping_to("s3://bucket", "", words, "").log_of("app.log", 5000);
    let endpoint = format!("--endpoint-url=http://127.0.0.1:{port}");
    let flags = ["--profile", "shipper", &endpoint, "--region", "ap-south-1", "--bandwidth", "10 MiB"];
    let mut command = scene.command(&["--format", "json", "drain", "--deadline", "30s"]);
    let credentials = scene.root().join("credentials");
    files::write(&credentials, "[shipper]\naws_access_key_id = PROFILES\naws_secret_access_key = y\n").unwrap();
    command.args(flags).env("AWS_SHARED_CREDENTIALS_FILE", &credentials).env("AWS_EC2_METADATA_DISABLED", "true");
    let ran = Ran::of(&mut command).exits(3);
    let request = heard.join().unwrap();
    assert!(request.contains("Credential=PROFILES/") && request.contains("/ap-south-1/s3/"), "{request}\n{ran:#?}");
    let typed = scene.run(&["drain", "--region", "no region"]).exits(2);
    assert!(typed.stderr.contains("that is no name of a region"), "{typed:#?}");
}
