//! What is refused: logs that change, files that are taken, disks that are full, facts that are others.

use std::os::unix::fs::FileExt;

use chrono::TimeDelta;

use super::*;

#[test]
fn a_log_that_grows_or_shrinks_meanwhile_is_no_archive() {
    type Trouble = fn(&File);
    let troubles: [(Trouble, &str); 3] = [
        (|log| log.set_len(FRAME as u64 / 3).unwrap(), "bytes and now"),
        (|log| log.write_all_at(b"more\n", 90 << 20).unwrap(), "bytes and now"),
        (|log| log.set_modified(time("2026-01-01T00:00:00Z").into()).unwrap(), "it was written to"),
    ];
    for how in QUICK {
        for (trouble, told) in troubles {
            let scene = Scene::with(&lines(60_000));
            let log = scene.log();
            let failure = compress(&log, &scene.archive(), how, &label(), &|_| trouble(&log)).unwrap_err();
            assert!(failure.to_string().contains(told), "{failure}");
        }
    }
}

#[test]
fn the_proof_fails_when_the_log_is_another() {
    for how in QUICK {
        let scene = Scene::with(&lines(60_000));
        let facts = scene.compress(how).unwrap();
        scene.log().write_all_at(b"X", 2_000_000).unwrap();
        assert_eq!(scene.prove(how, &facts).unwrap_err().cause.unwrap(), "it differs from the log at byte 2000000");
        scene.log().set_len(2_000_000).unwrap();
        assert!(scene.prove(how, &facts).is_err());
        fs::write(&scene.log, [lines(60_000), lines(1)].concat()).unwrap();
        assert!(scene.prove(how, &facts).unwrap_err().to_string().contains("when it was compressed and now has"));
        fs::write(&scene.log, lines(60_000)).unwrap();
        scene.prove(how, &facts).unwrap();
    }
}

#[test]
fn the_proof_fails_when_the_facts_are_others() {
    let scene = Scene::with(&lines(10));
    let facts = scene.compress(ZSTD).unwrap();
    let later = facts.times.map(|times| TimeRange { until: times.until + TimeDelta::nanoseconds(1), ..times });
    for other in [
        Facts { sha256: "00".repeat(32), ..facts.clone() },
        Facts { lines: 11, ..facts.clone() },
        Facts { times: later, ..facts.clone() },
        Facts { stored: facts.stored + 1, ..facts.clone() },
    ] {
        assert!(scene.prove(ZSTD, &other).is_err());
    }
    let scene = Scene::with(&lines(10));
    let facts = scene.compress(GZIP).unwrap();
    assert!(scene.prove(GZIP, &Facts { stored: facts.stored + 1, ..facts }).is_err());
}

#[test]
fn only_an_empty_file_is_written_to() {
    let scene = Scene::with(b"x\n");
    fs::write(&scene.archive, b"precious").unwrap();
    for how in QUICK {
        assert!(scene.compress(how).is_err());
    }
    assert_eq!(fs::read(&scene.archive).unwrap(), b"precious");
}

#[test]
fn a_full_disk_is_told_in_its_own_words() {
    let full = File::options().read(true).write(true).open("/dev/full").unwrap();
    for how in QUICK {
        let failure = compress(&Scene::with(&lines(1000)).log(), &full, how, &label(), &|_| ()).unwrap_err();
        assert_eq!(failure.to_string(), "cannot write the archive: no space left on device");
    }
}

#[test]
fn names_without_measure_are_refused() {
    let scene = Scene::with(b"x\n");
    let endless = Label { log: "\u{1}".repeat(20_000), ..label() };
    assert!(compress(&scene.log(), &scene.archive(), ZSTD, &endless, &|_| ()).is_err());
}
