//! A restore that ends before it is through says how far it came: what it asked nobody about is counted, and what breaks off is not printed.

use std::fs;

use rustix::process::Signal;

use super::{lists, run};
use crate::support::{
    between::{Between, Fate, Request},
    meeting::Meeting,
    needs,
    process::Process,
    scenario::{DEADLINE, Ran, Scenario},
    seaweed::{SEAWEED, Seaweed},
};

const LOGS: usize = 12;
/// So many of them are asked about at the same time where there is little memory.
const AT_ONCE: usize = 4;

/// Lines of one day, which each log has of its own: an object of each, in this order.
fn dated(number: usize) -> Vec<u8> {
    let line = |hour: usize| format!("2026-11-{:02}T1{hour}:00:00Z log {number} {}\n", 10 + number, "x".repeat(300));
    (0..5).map(line).collect::<String>().into_bytes()
}

/// So many logs in a bucket; from then on the story is between.
fn shipped(story: impl Fn(&Request) -> Fate + Send + Sync + 'static) -> Option<(Scenario, Between)> {
    if !needs::met(SEAWEED) {
        return None;
    }
    let bucket = Seaweed::of_this_program().bucket();
    let scene = bucket.scene("max-memory = \"16 MiB\"", "compress = \"none\"");
    (0..LOGS).for_each(|number| scene.append(&format!("log-{number}.log"), dated(number)));
    scene.rotate().exits(0);
    scene.ship().exits(0);
    assert_eq!(bucket.objects().len(), LOGS);
    fs::create_dir(scene.root().join("back")).unwrap();
    let between = Between::before(bucket.server.port(), move |request, _| story(request));
    scene.change_settings(&bucket.server.endpoint(), &between.endpoint());
    Some((scene, between))
}

/// What would be done.
fn dry_run<'a>(back: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["--dry-run", "restore", "--to", back], more].concat()
}

/// That what was not asked about is told in one sentence, for this reason, and how often somebody asked.
#[track_caller]
fn assert_counted(ran: &Ran, between: &Between, reason: &str) -> usize {
    let asked = between.asked().iter().filter(|request| request.is("HEAD", "/logs/")).count();
    let (json, left) = (ran.json(), format!("{} objects", LOGS - asked));
    let why = format!("{reason}: nobody knows whether the store has them");
    let told = json["incomplete"].as_array().unwrap().iter().filter(|part| part["what"] == left.as_str());
    assert_eq!(told.map(|part| part["why"].as_str().unwrap()).collect::<Vec<_>>(), [why], "{asked} were asked about: {ran:#?}");
    asked
}

#[test]
fn a_dry_run_that_leaves_a_silent_store_alone_says_how_many_objects_it_did_not_ask_about() {
    for more in [&[][..], &["--host", "test"]] {
        let story =
            |request: &Request| if request.is("HEAD", "/logs/") { Fate::error(503, "SlowDown", "") } else { Fate::Passes };
        let Some((scene, between)) = shipped(story) else { return };
        let back = scene.root().join("back").display().to_string();
        let ran = run(&scene, &dry_run(&back, more)).exits(3);
        let asked = assert_counted(&ran, &between, "the store did not answer several times in a row, and is left alone");
        assert!((5..5 + AT_ONCE).contains(&asked), "five failures in a row, and what was on its way: {asked}");
        assert_eq!((unanswered(&ran).len(), ran.steps("restore", "planned").len()), (asked, 0), "{ran:#?}");
        assert_eq!(lists(&between, "prefix=fleet%2F_opsbelt%2Fmanifests").len(), 1, "nor is another machine's word looked for");
    }
}

/// The logs of which the store did not say whether it has them.
fn unanswered(ran: &Ran) -> Vec<String> {
    let incomplete = ran.json()["incomplete"].as_array().unwrap().clone();
    let told = incomplete.iter().filter(|part| part["why"].as_str().unwrap().contains("the store answered 503"));
    told.map(|part| part["what"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
}

#[test]
fn a_dry_run_names_what_the_store_says_nothing_of() {
    let silent = |request: &Request| request.is("HEAD", "log-2.log") || request.is("HEAD", "log-7.log");
    let story = move |request: &Request| if silent(request) { Fate::error(503, "SlowDown", "") } else { Fate::Passes };
    let Some((scene, _between)) = shipped(story) else { return };
    let back = scene.root().join("back").display().to_string();
    let ran = run(&scene, &dry_run(&back, &[])).exits(3);
    let mut named = unanswered(&ran);
    named.sort();
    assert!(named.len() == 2 && named[0].starts_with("log-2.log") && named[1].starts_with("log-7.log"), "{ran:#?}");
    assert_eq!(ran.steps("restore", "planned").len(), LOGS - 2, "{ran:#?}");
    assert!(ran.summary().starts_with("10 logs to restore"), "{ran:#?}");
    // Whoever really restores tries it.
    scene.run(&["restore", "--to", &back]).exits(0);
}

#[test]
fn a_dry_run_that_is_asked_to_stop_says_how_many_objects_it_did_not_ask_about() {
    static ASKED: Meeting = Meeting::new();
    static STOPPED: Meeting = Meeting::new();
    let story = |request: &Request| {
        if request.is("HEAD", "/logs/") {
            ASKED.of(AT_ONCE + 1);
            STOPPED.of(AT_ONCE + 1);
        }
        Fate::Passes
    };
    let Some((scene, between)) = shipped(story) else { return };
    let back = scene.root().join("back").display().to_string();
    let args = [&["--format", "json"], &dry_run(&back, &["--host", "test"])[..]].concat();
    let process = Process::start(&mut scene.command(&args));
    assert!(ASKED.of(AT_ONCE + 1), "so many are asked about at the same time");
    process.deliver(Signal::TERM);
    STOPPED.of(AT_ONCE + 1);
    let ran = Ran::from(process.end(DEADLINE)).exits(143);
    assert_eq!(assert_counted(&ran, &between, "asked to stop"), AT_ONCE, "{ran:#?}");
}

#[test]
fn to_standard_output_nothing_comes_of_an_object_that_breaks_off_and_nothing_behind_it() {
    let story = |request: &Request| if request.is("GET", "log-2.log") { Fate::AnswerIsCut(100) } else { Fate::Passes };
    let Some((scene, between)) = shipped(story) else { return };
    let ran = Ran::of(scene.command(&["restore", "--to", "-"]).env("AWS_MAX_ATTEMPTS", "1")).exits(3);
    assert_eq!(ran.stdout.as_bytes(), [0, 1].map(dated).concat(), "{}", ran.stderr);
    assert!(ran.stderr.contains("log-2.log") && ran.stderr.contains("its text broke off"), "{ran:#?}");
    assert!(!between.asked().iter().any(|request| request.is("GET", "log-3.log")), "what comes behind it is not asked for");
}
