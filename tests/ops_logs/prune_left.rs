//! What a run of prune does not get to is counted in its summary; nothing of it is called gone, and the next run goes on with just that.

use std::{ffi::OsString, fs, path::PathBuf};

use crate::{
    prune::{buried, prune, verify},
    support::{
        needs::{self, Need, TRACES},
        process,
        scenario::{Ran, Scenario, days_of, text_of},
        sight,
    },
};

/// What goes at once are the objects of five such archives.
const DAYS: usize = 84;

/// Archives of so many logs of each year, an object for each of their days, of which the rule wants none; and one more of each log.
fn days(years: &[(i32, usize)]) -> Scenario {
    let scene = Scenario::new().shipping("", "store-keep = { count = 1 }");
    for (year, logs) in years {
        let log = |number| format!("{year}-{number}.log");
        (0..*logs).for_each(|number| scene.append(&log(number), days_of(*year, DAYS)));
        scene.rotate().exits(0);
        (0..*logs).for_each(|number| scene.append(&log(number), text_of(&log(number), 3000)));
    }
    for _ in 0..2 {
        scene.rotate().exits(0);
        scene.ship().exits(0);
    }
    scene
}

/// What it says of what is left, if it says anything.
fn left(ran: &Ran) -> Option<String> {
    ran.summary().rsplit_once("; ").map(|(_, last)| last.to_owned()).filter(|last| last.ends_with(" left to the next run"))
}

/// The next run removes just so many, and leaves nothing.
#[track_caller]
fn assert_goes_on(scene: &Scenario, going: usize) {
    let next = prune(scene, &["--apply"]).exits(0);
    assert_eq!((next.steps("remove", "done").len(), left(&next)), (going, None), "{}", next.summary());
    verify(scene).exits(0);
}

#[test]
fn where_nothing_goes_any_more_nothing_more_is_called_gone() {
    if !needs::met(&[Need::Root, Need::Program("chattr")]) {
        return;
    }
    let scene = days(&[(2019, 5), (2021, 6)]);
    assert_eq!(scene.objects().len(), 11 * DAYS + 11);
    let days = fs::read_dir(scene.store().join("logs/service=app")).unwrap().map(|day| day.unwrap().path().join("hour=01"));
    let held: Vec<PathBuf> = days.filter(|hour| hour.to_str().unwrap().contains("dt=2021")).collect();
    let chattr = |how: &str| {
        let folders = held.iter().map(|folder| folder.as_os_str());
        process::must("chattr", &std::iter::once(how.as_ref()).chain(folders).collect::<Vec<_>>())
    };
    chattr("+i");
    let ran = prune(&scene, &["--apply"]);
    chattr("-i");
    let ran = ran.exits(3);
    assert_eq!((ran.steps("remove", "done").len(), ran.steps("remove", "failed").len()), (5 * DAYS, 5 * DAYS));
    assert_eq!((scene.objects().len(), buried(&scene).len()), (6 * DAYS + 11, 10 * DAYS));
    assert_eq!(left(&ran), Some(format!("{} left to the next run", 6 * DAYS)), "{}", ran.summary());
    ran.says("it ended before all were removed");
    assert_goes_on(&scene, 6 * DAYS);
    assert_eq!((scene.objects().len(), buried(&scene).len()), (11, 11 * DAYS));
}

#[test]
fn a_wish_to_stop_ends_it_behind_what_goes_at_once_and_the_rest_is_counted() {
    if !needs::met(TRACES) {
        return;
    }
    let scene = days(&[(2019, 6)]);
    let real = scene.command(&["--format", "json", "prune", "--apply"]);
    // In the middle of the first five archives.
    let words = ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", "inject=unlinkat:signal=TERM:when=200", "--"];
    let ran = Ran::of(&mut sight::before_program(&real, &words.map(OsString::from))).exits(143);
    assert_eq!((ran.steps("remove", "done").len(), buried(&scene).len()), (5 * DAYS, 5 * DAYS), "{}", ran.summary());
    assert_eq!(left(&ran), Some(format!("{DAYS} left to the next run")), "{}", ran.summary());
    ran.says("it ended before all were removed");
    assert_eq!(scene.objects().len(), DAYS + 6);
    assert_goes_on(&scene, DAYS);
    assert_eq!((scene.objects().len(), buried(&scene).len()), (6, 6 * DAYS));
}
