//! What `ship --dry-run` and `plan` say that a bucket is asked is what `ship` then asks it, counted as S3 bills it.

use crate::support::{
    between::{Between, Fate, Request},
    scenario::{Ran, Scenario, text_of},
    through::through,
};

/// A dollar for each request like PUT, and a cent for each other one.
const PRICES: &str = "prices = { put = 1000.0, get = 10.0, storage = 0.0 }";
/// Of three parts.
const LARGE: usize = 17 << 20;
/// One call each, and many.
const LOGS: [(&str, usize); 3] = [("one.log", 3000), ("two.log", 9000), ("large.log", LARGE)];

/// How many requests are billed like PUT, and how many others.
type Requests = (u64, u64);

/// A machine whose logs wait to be shipped.
fn scene(logs: &[(&str, usize)]) -> Option<(Scenario, Between)> {
    through(logs, PRICES, |_: &Request, _: usize| Fate::Passes).map(|(scene, _, between)| (scene, between))
}

/// As S3 bills them: what brings, begins, completes or lists something, and what reads or looks.
fn billed(asked: &[Request]) -> Requests {
    let (mut puts, mut gets) = (0, 0);
    for Request { method, target, .. } in asked {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let lists = query.split('&').any(|part| part.starts_with("list-type") || part.starts_with("upload"));
        match (method.as_str(), lists) {
            ("PUT" | "POST", _) | ("GET", true) => puts += 1,
            ("GET" | "HEAD", _) => gets += 1,
            _ => panic!("nobody knows what this costs: {method} {target}"),
        }
    }
    (puts, gets)
}

/// What the table of costs says, whose dollars go with its numbers.
fn said(ran: &Ran) -> Requests {
    let json = ran.json();
    let table = json["tables"].as_array().unwrap().iter().find(|table| table["name"] == "cost").unwrap();
    let row = |row: usize, price: f64| {
        let (number, dollars) = (table["rows"][row][1].as_u64().unwrap(), table["rows"][row][3].as_f64().unwrap());
        assert_eq!((dollars / price).round().to_string(), number.to_string(), "{table:#}");
        number
    };
    (row(0, 1.0), row(1, 0.01))
}

/// Ships what waits. What it was said to ask, and what it asked.
fn shipped(scene: &Scenario, between: &Between) -> (Requests, Requests) {
    let before = between.asked().len();
    let said = said(&scene.run(&["--format", "json", "--dry-run", "ship"]).exits(0));
    assert_eq!(between.asked().len(), before, "who only wants to know asks the bucket nothing");
    scene.ship().exits(0);
    (said, billed(&between.asked()[before..]))
}

/// One more turn of each log, with another text.
fn turn(scene: &Scenario, number: usize) {
    for (name, size) in LOGS {
        scene.append(name, text_of(&format!("{name} {number}"), size));
    }
    scene.rotate().exits(0);
}

#[test]
fn a_shipment_asks_what_its_dry_run_said_the_first_time_and_later() {
    let Some((scene, between)) = scene(&LOGS) else { return };
    let (said, asked) = shipped(&scene, &between);
    assert_eq!(said, asked);
    // Whether there are segments, whether uploads are left, and whether the store replaces what is there is asked but once.
    turn(&scene, 1);
    let (said, later) = shipped(&scene, &between);
    assert_eq!(said, later);
    // Two small objects, one in three parts, which is looked for, begun and completed; a list and a segment, and that before it.
    assert_eq!((asked, later), ((2 + 5 + 5, 1), (2 + 5 + 2, 1 + 1)));
    // Two archives of each log within a day, as on each day of a month.
    let month = self::said(&scene.run(&["--format", "json", "plan"]).exits(0));
    assert_eq!(month, (60 * later.0, 60 * later.1));
}

#[test]
fn what_needs_several_segments_asks_for_the_last_one_once() {
    let names: Vec<String> = (0..201).map(|number| format!("{number}.log")).collect();
    let Some((scene, between)) = scene(&[("first.log", 3000)]) else { return };
    shipped(&scene, &between);
    for name in &names {
        scene.append(name, text_of(name, 1100));
    }
    scene.rotate().exits(0);
    let (said, asked) = shipped(&scene, &between);
    assert_eq!((said, asked), ((201 + 1 + 2, 1), (201 + 1 + 2, 1)));
}
