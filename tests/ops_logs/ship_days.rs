//! A log whose lines are of several days becomes an object for each: query engines find a day's lines in that day's folder. Whoever
//! gets it back gets one file, and nothing here goes before the store has all of it.

use std::{collections::BTreeMap, fs, path::PathBuf};

use crate::{
    collect::findings,
    support::{
        files,
        scenario::{Ran, Scenario, files_under, text_of},
    },
};

/// Five lines of each of these days of a month, one of them followed by one without a time.
fn lines(days: &[u32]) -> Vec<u8> {
    let line = |day: u32, hour: u32| {
        let more = if hour == 3 { "  and more\n" } else { "" };
        format!("2026-10-{day:02}T{:02}:00:00Z says {}\n{more}", hour * 5, "x".repeat(300))
    };
    days.iter().flat_map(|day| (0..5).map(move |hour| line(*day, hour))).collect::<String>().into_bytes()
}

/// A log of three days, handed over.
fn handed_over(words: &str) -> Scenario {
    let scene = Scenario::new().shipping("", words);
    scene.append("app.log", lines(&[10, 11, 12]));
    scene.rotate().exits(0);
    assert_eq!(scene.parcels().len(), 3);
    scene
}

/// Each day is in the store once, named once, and nothing is left on the way.
fn ends_well(scene: &Scenario) {
    for _ in 0..2 {
        scene.rotate().exits(0);
        scene.ship().exits(0);
    }
    scene.assert_shipped(&[lines(&[10]), lines(&[11]), lines(&[12])], "in the end");
}

fn restored(scene: &Scenario, more: &[&str]) -> (Ran, BTreeMap<String, Vec<u8>>) {
    let to = tempfile::tempdir().unwrap();
    let args: Vec<&str> =
        ["--format", "json", "restore", "--to", to.path().to_str().unwrap()].iter().chain(more).copied().collect();
    let ran = scene.run(&args);
    let read = |name: String| (name.rsplit('/').next().unwrap().to_owned(), fs::read(to.path().join(&name)).unwrap());
    let files = files_under(to.path()).into_keys().map(read).collect();
    (ran, files)
}

/// The object of that day cannot be made, as long as this is there.
fn stand_in_the_way(scene: &Scenario, day: u32) -> PathBuf {
    let dated = format!("dt=2026-10-{day}/");
    let key = scene.parcels().into_values().map(|ticket| ticket["key"].as_str().unwrap().to_owned());
    let key = key.into_iter().find(|key| key.contains(&dated)).unwrap();
    let (folder, name) = key.rsplit_once('/').unwrap();
    let odd = scene.store().join(folder).join(name);
    fs::create_dir_all(&odd).unwrap();
    odd
}

#[test]
fn each_day_is_in_its_own_folder_and_comes_back_in_one_file() {
    for words in ["", "compress = \"gzip\"", "compress = \"none\""] {
        let scene = handed_over(words);
        let shipped = scene.ship().exits(0);
        assert_eq!(shipped.steps("ship", "done").len(), 3, "{shipped:#?}");
        for (key, text) in scene.objects() {
            let day = key.split("dt=2026-10-").nth(1).unwrap()[..2].parse().unwrap();
            assert!(text == lines(&[day]) && key.contains("/hour=00/"), "{key}");
        }
        let settled = scene.rotate().exits(0);
        assert_eq!(settled.steps("settle", "done").len(), 1, "it is one archive: {settled:#?}");
        ends_well(&scene);
        assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
        let url = format!("file://{}", scene.store().display());
        scene.run(&["verify", &url]).exits(0).says("as named: 3 of 3 objects");
        for wanted in [&[][..], &["--since", "2026-10-12"], &["--since", "2026-10-11", "--until", "2026-10-11T12:00:00Z"]] {
            let (ran, files) = restored(&scene, wanted);
            let files: Vec<_> = files.into_values().collect();
            assert!(files == [lines(&[10, 11, 12])], "{words}, {wanted:?}: {ran:#?}");
        }
        let all = scene.run(&["restore", "--to", "-"]).exits(0);
        assert!(all.stdout.as_bytes() == lines(&[10, 11, 12]));
        assert!(restored(&scene, &["--since", "2026-10-13"]).1.is_empty());
    }
}

#[test]
fn an_archive_stays_until_the_store_has_all_of_its_days() {
    let scene = handed_over("keep = { count = 1 }");
    scene.append("app.log", text_of("next", 3000));
    let odd = stand_in_the_way(&scene, 11);
    scene.ship().exits(3);
    for _ in 0..2 {
        let ran = scene.rotate().exits(0);
        assert_eq!((ran.steps("settle", "done").len(), ran.steps("remove", "done").len()), (0, 0), "{ran:#?}");
    }
    assert_eq!(scene.archives("app.log").len(), 2);
    let (ran, files) = restored(&scene, &[]);
    assert_eq!(ran.exits(3).json()["incomplete"].as_array().unwrap().len(), 2, "a part is missing in the middle");
    assert!(files.into_values().collect::<Vec<_>>() == [lines(&[10]), lines(&[12])]);
    scene.run(&["restore", "--to", "-"]).exits(3).says("say that this is all");
    let verified = scene.run(&["--format", "json", "verify", &format!("file://{}", scene.store().display())]).exits(0);
    assert_eq!(findings(&verified, "logs.archive-in-part").len(), 2, "{verified:#?}");
    fs::remove_dir(odd).unwrap();
    scene.ship().exits(0);
    let ran = scene.rotate().exits(0);
    assert_eq!((ran.steps("settle", "done").len(), ran.steps("remove", "done").len()), (2, 1), "{ran:#?}");
    assert_eq!(scene.objects().len(), 4);
}

#[test]
fn only_what_is_missing_of_an_archive_is_handed_over_anew() {
    let scene = handed_over("");
    let before = scene.parcels();
    let ticket = before.keys().nth(1).unwrap();
    fs::remove_file(ticket).unwrap();
    let ran = scene.rotate().exits(0);
    assert_eq!(ran.steps("hand-over", "done").len(), 1, "{ran:#?}");
    let after = scene.parcels();
    assert_eq!((after.len(), after.keys().filter(|ticket| before.contains_key(*ticket)).count()), (3, 2));
    ends_well(&scene);
}

#[test]
fn a_part_that_is_damaged_in_the_spool_is_made_anew_when_the_others_are_in_the_store() {
    let scene = handed_over("");
    let data = scene.parcels().into_keys().next().unwrap().with_extension("data");
    let mut bytes = fs::read(&data).unwrap();
    bytes[50] ^= 1;
    files::write(&data, bytes).unwrap();
    let shipped = scene.ship().exits(3);
    assert_eq!((findings(&shipped, "logs.parcel-damaged").len(), scene.objects().len()), (1, 2), "{shipped:#?}");
    // However full the spool is: what was begun is brought to its end.
    scene.change_settings("spool = ", "spool-max = \"1\"\nspool = ");
    let healed = scene.rotate().exits(1);
    assert_eq!((healed.steps("hand-over", "done").len(), healed.steps("discard", "done").len()), (1, 1), "{healed:#?}");
    ends_well(&scene);
}

#[test]
fn what_is_handed_over_again_becomes_the_same_objects() {
    let scene = handed_over("");
    scene.ship().exits(0);
    let objects = scene.objects();
    fs::remove_dir_all(scene.spool()).unwrap();
    scene.rotate().exits(0);
    let again = scene.ship().exits(0);
    assert!(again.steps("ship", "done").iter().all(|step| step["reason"].as_str().unwrap().contains("had it already")));
    assert_eq!(scene.objects(), objects);
    ends_well(&scene);
}

#[test]
fn a_log_of_one_day_and_one_without_times_are_one_object_each() {
    let scene = Scenario::new().shipping("", "");
    scene.append("one.log", lines(&[10]));
    scene.append("none.log", text_of("none", 3000));
    scene.rotate().exits(0);
    scene.ship().exits(0);
    assert_eq!(scene.objects().len(), 2);
    assert!(scene.segments()[0]["objects"].as_array().unwrap().iter().all(|object| object.get("part").is_none()));
}

#[test]
fn a_part_that_a_killed_run_did_not_come_to_take_back_is_taken_back_by_the_next() {
    let scene = handed_over("");
    scene.ship().exits(0);
    let ticket = scene.parcels().into_keys().next().unwrap();
    let receipt = scene.spool().join("receipts").join(ticket.file_name().unwrap());
    let left = [ticket.clone(), ticket.with_extension("data"), receipt].map(|path| (fs::read(&path).unwrap(), path));
    scene.rotate().exits(0);
    let shipped = |scene: &Scenario| fs::read_to_string(scene.ledger()).unwrap().matches("\"line\":\"shipped\"").count();
    assert_eq!((scene.parcels().len(), shipped(&scene)), (0, 1));
    for (bytes, path) in left {
        files::write(path, bytes).unwrap();
    }
    assert_eq!(scene.rotate().exits(0).steps("settle", "done").len(), 1);
    assert_eq!((scene.parcels().len(), shipped(&scene)), (0, 1), "what is recorded of all parts is not replaced by one");
    ends_well(&scene);
}
