//! What waits for the store and was damaged there: it is named, nothing relies on it, and its archive is handed over anew.

use std::fs;

use crate::{
    collect::findings,
    ship_trouble::{ends_well, handed_over},
    support::{
        files,
        scenario::{Ran, Scenario, files_under},
    },
};

/// Flips a bit of what waits for the store, where there is one parcel.
fn flip_what_waits(scene: &Scenario, turn: usize) {
    let tickets = scene.parcels();
    let ticket = tickets.into_iter().filter(|(_, ticket)| ticket["rotated_at"].is_string()).nth(turn).unwrap().0;
    let data = ticket.with_extension("data");
    let mut bytes = fs::read(&data).unwrap();
    bytes[100] ^= 1;
    files::write(data, bytes).unwrap();
}

#[test]
fn a_bit_that_is_lost_in_the_spool_is_named_and_the_archive_is_handed_over_anew() {
    let scene = handed_over(3, "");
    flip_what_waits(&scene, 1);
    let damaged = |ran: &Ran| findings(ran, "logs.parcel-damaged").len();
    let verified = scene.run(&["--format", "json", "verify"]).exits(1);
    assert_eq!(damaged(&verified), 1, "{verified:#?}");
    assert_eq!(damaged(&scene.rotate().exits(0)), 0, "nobody looked yet");
    for _ in 0..2 {
        let shipped = scene.ship().exits(3);
        assert_eq!((damaged(&shipped), shipped.steps("ship", "skipped").len()), (1, 1), "{shipped:#?}");
    }
    assert_eq!(scene.objects().len(), 2);
    let planned = scene.run(&["--format", "json", "plan"]).exits(1);
    assert_eq!((damaged(&planned), planned.steps("discard", "planned").len()), (1, 1), "{planned:#?}");
    let healed = scene.rotate().exits(1);
    assert_eq!((healed.steps("hand-over", "done").len(), healed.steps("discard", "done").len()), (1, 1), "{healed:#?}");
    ends_well(&scene, 3);
}

#[test]
fn a_ticket_that_is_damaged_goes_once_its_archive_is_handed_over_anew() {
    for taken_away in [false, true] {
        let scene = handed_over(2, "");
        let ticket = scene.parcels().into_iter().find(|(_, told)| told["rotated_at"].is_string()).unwrap().0;
        let mut text = fs::read(&ticket).unwrap();
        text[20] ^= 1;
        files::write(&ticket, text).unwrap();
        if taken_away {
            scene.archives("app.log").iter().for_each(|name| fs::remove_file(scene.live(name)).unwrap());
        }
        scene.ship().exits(3).says("is not the parcel of its name");
        let ran = scene.rotate();
        assert_eq!((ran.code, ran.steps("discard", "done").len()), (Some(3), usize::from(!taken_away)), "{ran:#?}");
        assert_eq!(ticket.exists(), taken_away, "what nothing else has stays");
        if !taken_away {
            ends_well(&scene, 2);
        }
    }
}

#[test]
fn what_waits_and_is_cut_off_is_handed_over_anew_without_being_asked() {
    let scene = handed_over(1, "");
    let data = scene.parcels().into_keys().next().unwrap().with_extension("data");
    files::write(&data, &fs::read(&data).unwrap()[..100]).unwrap();
    let healed = scene.rotate().exits(1);
    assert_eq!((healed.steps("hand-over", "done").len(), healed.steps("discard", "done").len()), (1, 1), "{healed:#?}");
    ends_well(&scene, 1);
}

#[test]
fn a_doubt_alone_changes_nothing() {
    let scene = handed_over(2, "");
    let tickets = scene.parcels();
    for ticket in tickets.keys() {
        let name = ticket.with_extension("doubt");
        files::write(scene.spool().join("receipts").join(name.file_name().unwrap()), "").unwrap();
    }
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
    assert_eq!(scene.parcels(), tickets);
    ends_well(&scene, 2);
}

#[test]
fn what_is_damaged_stays_where_nothing_better_is_left() {
    let scene = handed_over(1, "");
    flip_what_waits(&scene, 0);
    for name in scene.archives("app.log") {
        fs::remove_file(scene.live(&name)).unwrap();
    }
    scene.ship().exits(3);
    let tickets = scene.parcels();
    for _ in 0..2 {
        let ran = scene.rotate();
        assert_eq!((findings(&ran, "logs.parcel-damaged").len(), ran.steps("discard", "done").len()), (1, 0), "{ran:#?}");
    }
    assert_eq!(scene.parcels(), tickets);
}

#[test]
fn a_damaged_parcel_does_not_hold_back_a_good_one_of_the_same_archive() {
    let scene = handed_over(1, "");
    flip_what_waits(&scene, 0);
    scene.ship().exits(3);
    let (ready, old) = (scene.spool().join("ready"), scene.root().join("old"));
    fs::rename(&ready, &old).unwrap();
    scene.rotate().exits(0);
    for name in files_under(&old).into_keys() {
        fs::rename(old.join(&name), ready.join(&name)).unwrap();
    }
    assert_eq!(scene.ship().exits(0).steps("ship", "done").len(), 1);
    scene.rotate().exits(1);
    ends_well(&scene, 1);
}
