//! Two machines that have one name by mistake (a copied disk, two containers) ship to one store in a folder at the same time. The one stands
//! still after any of its calls there, the other one is killed before any of its own; whatever is signed for is there, whole and named.

mod support;

use std::{
    collections::BTreeMap,
    fs,
    sync::atomic::{AtomicUsize, Ordering},
};

use support::{
    needs::{self, TRACES},
    process::must,
    scenario::{Ran, Scenario, text_of},
    strace::{self, Blow, Strike},
    sweep::in_parallel,
    trace::Call,
};

const SHIP: &[&str] = &["--format", "json", "ship"];

fn text() -> Vec<u8> {
    text_of("turn 0", 300_000)
}

/// The one has the store, and the other one a copy of what waits.
struct Twins {
    one: Scenario,
    other: Scenario,
}

impl Twins {
    fn new() -> Twins {
        let words = "compress = \"none\"";
        let one = Scenario::new().shipping_under("parallel = 1", "", words);
        one.append("app.log", text());
        one.rotate().exits(0);
        let url = format!("file://{}", one.store().display());
        let other = Scenario::new().shipping_to(&url, "parallel = 1", "", words);
        must("cp", &["-a".as_ref(), one.spool().as_os_str(), other.spool().as_os_str()]);
        Twins { one, other }
    }

    /// The calls of one of them, alone, of which `wanted` may be the most telling ones.
    fn calls(wanted: impl Fn(&Call) -> bool) -> Vec<Call> {
        let twins = Twins::new();
        let whole = strace::run(&twins.one.command(SHIP), None);
        assert!(whole.ended.status.success(), "{whole:#?}");
        whole.trace.cut_points().into_iter().filter(|call| wanted(call)).cloned().collect()
    }

    /// Whoever signed, for whatever, the store has it.
    fn are_honest(&self, story: &str) {
        // A hidden name is no object yet.
        let objects: BTreeMap<_, _> = self.one.objects().into_iter().filter(|(key, _)| !key.contains("/.")).collect();
        assert!(objects.values().all(|object| *object == text()), "{story}: not whole: {:?}", objects.keys());
        let segments = serde_json::Value::from(self.one.segments()).to_string();
        for twin in [&self.one, &self.other] {
            for path in twin.receipts() {
                let receipt: serde_json::Value =
                    serde_json::from_slice(&fs::read(&path).expect("it was listed")).expect("a receipt is JSON");
                let key = receipt["key"].as_str().expect("it names an object");
                assert!(objects.contains_key(key) && segments.contains(key), "{story}: signed for, and not there: {key}");
            }
        }
    }

    fn end_well(&self, story: &str) {
        self.are_honest(story);
        for twin in [&self.one, &self.other, &self.one] {
            let Ran { code, .. } = twin.ship();
            // That they have one name is told, and no more.
            assert!(matches!(code, Some(0 | 1 | 3)), "{story}: {code:?}");
            self.are_honest(story);
        }
        let hidden: Vec<String> =
            support::scenario::files_under(&self.one.store()).into_keys().filter(|name| name.contains("/.")).collect();
        assert_eq!((self.one.objects().len(), hidden), (1, vec![]), "{story}");
        assert!(!self.one.segments().is_empty(), "{story}");
    }
}

#[test]
fn neither_takes_what_the_other_one_writes_for_its_own() {
    if !needs::met(TRACES) {
        return;
    }
    // What is done to parts; in the long tier all of a run.
    let of_parts =
        |call: &Call| call.args.iter().any(|arg| arg.contains(".part")) && call.args.iter().any(|arg| arg.contains("/store/"));
    let calls = Twins::calls(|call| support::full() || of_parts(call));
    assert!(calls.len() >= 10, "{calls:#?}");
    let pairs: Vec<(&Call, &Call)> = calls.iter().flat_map(|held| calls.iter().map(move |killed| (held, killed))).collect();
    let [held_up, killed] = [(); 2].map(|()| AtomicUsize::new(0));
    in_parallel(&pairs, |(stop, kill)| {
        let story = format!("held after {}, while the other one is killed before {}", stop.shown(), kill.shown());
        let twins = Twins::new();
        let strike = Strike { call: kill.name.clone(), rank: kill.rank, blow: Blow::Kill };
        let meanwhile = || {
            held_up.fetch_add(1, Ordering::Relaxed);
            let ended = strace::run(&twins.other.command(SHIP), Some(&strike)).ended;
            killed.fetch_add(usize::from(ended.was_killed()), Ordering::Relaxed);
        };
        let ended = strace::held(&twins.one.command(SHIP), &stop.name, stop.rank, None, meanwhile);
        assert!(matches!(ended.code(), Some(0 | 1 | 3)), "{story}: {ended:#?}");
        twins.end_well(&story);
    });
    let (held_up, killed) = (held_up.into_inner(), killed.into_inner());
    support::say(&format!("twins: {} pairs of calls, held at {held_up}, killed at {killed}", pairs.len()));
    assert!(held_up == pairs.len() && killed > pairs.len() / 4, "{held_up} and {killed} of {}", pairs.len());
}

#[test]
fn where_a_name_cannot_be_moved_without_replacing_it_is_given() {
    if !needs::met(TRACES) {
        return;
    }
    let Twins { one, .. } = Twins::new();
    // As NFS answers. What is renamed on the other side of the spool is not in the store.
    let folders = one.parcels().into_values().next().expect("it waits");
    let key = folders["key"].as_str().expect("a ticket names its object").to_owned();
    let folder = one.store().join(key.rsplit_once('/').expect("in a folder").0);
    let ended =
        strace::refused(&one.command(SHIP), "renameat2", "EINVAL", &[folder, one.store().join("_opsbelt/manifests/test")]);
    assert_eq!(ended.code(), Some(0), "{ended:#?}");
    one.rotate().exits(0);
    one.ship().exits(0);
    one.assert_shipped(&[text()], "linked");
}
