//! What refuses itself: a run whose record cannot be written goes no further.

use std::fs;

use crate::support::{
    needs::{self, MOUNTS, TRACES},
    scenario::{Ran, Scenario, text_of},
    strace::{self, Blow, Strike},
    trace::{Act, Call},
};

const IN_PLACE: &str = "method = \"in-place\"";

/// Two logs; each run so far was struck so.
fn after(blows: &[(&[&str], Strike)]) -> Scenario {
    let set = |name: &str| {
        format!(
            "[[log]]\nname = \"{name}\"\npaths = [\"{{logs}}/{name}.log\"]\nwhen = \"1 KiB\"\n{IN_PLACE}\ncompress = \"zstd\"\n"
        )
    };
    let words = format!("host = \"test\"\nlogrotate = \"\"\nparallel = 1\n{}{}", set("one"), set("two"));
    let scene = Scenario::new().seeing().settings(&words);
    scene.append("one.log", text_of("one", 30_000));
    scene.append("two.log", text_of("two", 30_000));
    for (args, strike) in blows {
        assert!(strace::run(&scene.command(args), Some(strike)).ended.was_killed(), "{strike:?}");
    }
    scene
}

/// A blow at the last call of the next run that is meant.
fn blow(before: &[(&[&str], Strike)], args: &[&str], meant: &dyn Fn(&Call) -> bool, blow: Blow) -> Strike {
    let whole = strace::run(&after(before).command(args), None);
    let call = whole.trace.calls.iter().rev().find(|call| meant(call)).unwrap_or_else(|| panic!("{whole:#?}"));
    Strike { call: call.name.clone(), rank: call.rank, blow }
}

#[test]
fn when_the_ledger_cannot_be_written_the_next_begun_log_is_left_as_it_is() {
    if !needs::met(MOUNTS) || !needs::met(TRACES) {
        return;
    }
    let rotate: &[&str] = &["--format", "json", "rotate"];
    let cuts = |log: &'static str| move |call: &Call| matches!(call.act(), Some(Act::Cut(path)) if path.ends_with(log));
    let mut blows: Vec<(&[&str], Strike)> = Vec::new();
    let one = blow(&blows, &["rotate", "one"], &cuts("one.log"), Blow::Kill);
    blows.push((&["rotate", "one"], one));
    let two = blow(&blows, &["rotate", "two"], &cuts("two.log"), Blow::Kill);
    blows.push((&["rotate", "two"], two));
    let first = |call: &Call| matches!(call.act(), Some(Act::Write { path, bytes }) if path.ends_with("ledger.jsonl") && bytes.contains("head") && bytes.contains("one.log"));
    let full = blow(&blows, rotate, &first, Blow::Error("ENOSPC"));

    let scene = after(&blows);
    let length = |log: &str| fs::metadata(scene.live(log)).unwrap().len();
    let before = length("two.log");
    let ran: Ran = strace::run(&scene.command(rotate), Some(&full)).ended.into();
    let ran = ran.exits(3);
    assert_eq!((length("one.log") < 4096, length("two.log")), (true, before), "{ran:#?}");
    assert!(ran.json()["incomplete"].to_string().contains("write the ledger"), "{ran:#?}");
    let ran = scene.rotate().exits(0);
    assert_eq!(ran.steps("rotate", "done").len(), 2, "{ran:#?}");
    for log in ["one", "two"] {
        assert!(scene.told_in_place(&format!("{log}.log"), None) == text_of(log, 30_000), "{log}");
    }
}
