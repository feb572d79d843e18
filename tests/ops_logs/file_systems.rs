//! What cannot be rotated in place is named, with what to do instead, by the plan where it can be told without a try; and a
//! run whose record cannot be written goes no further.

use std::{fs, path::Path, process::Command};

use crate::support::{
    filesystem::{Kind, Recipe},
    needs::{self, MOUNTS, Need, TRACES},
    process::{Process, try_run},
    scenario::{DEADLINE, Ran, Scenario, text_of},
    stories::tool,
    strace::{self, Blow, Strike},
    trace::{Act, Call},
};

const IN_PLACE: &str = "method = \"in-place\"";

/// Every one of `commands` refuses it in the same words, and nothing of it changes.
fn refused(disk: &Path, commands: &[&str], why: &str) {
    let scene = Scenario::new().seeing().logs_in(disk).plain_set(IN_PLACE);
    let text = text_of("app", 100_000);
    scene.append("app.log", &text);
    for command in commands {
        let reason = scene.run(&["--format", "json", command]).exits(3).reason("rotate", "skipped", "app.log");
        assert!(reason.contains(why) && reason.contains("punch-hole = true"), "{command}: {reason}");
    }
    assert!(scene.files().len() == 1 && fs::read(scene.live("app.log")).unwrap() == text);
}

#[test]
fn a_file_system_with_the_number_of_ext4_that_cannot_do_it_is_refused_by_plan_and_run() {
    if !needs::met(MOUNTS) || !needs::met(&[Need::Program("mkfs.ext3"), Need::Kernel(Kind::Ext3)]) {
        return;
    }
    let disk = Recipe::new(Kind::Ext3).mount();
    refused(&disk.path(), &["plan", "rotate"], "cannot take the head of a file away");
}

/// Mounts an overlay over a tmpfs, with these words for where it writes, and takes it away again.
fn over_tmpfs(words: &str, story: impl FnOnce(&Path) + std::panic::UnwindSafe) {
    let home = tempfile::tempdir().unwrap();
    tool("mount", &["-t", "tmpfs", "tmpfs"], home.path());
    for folder in ["lower", "upper", "work", "merged"] {
        fs::create_dir(home.path().join(folder)).unwrap();
    }
    let words = words.replace("{}", &home.path().display().to_string());
    let mut mount = Command::new("mount");
    mount.current_dir(home.path()).args(["-t", "overlay", "-o", &words, "overlay", "merged"]);
    let mounted = Process::start(&mut mount).end(DEADLINE).status.success();
    let told = std::panic::catch_unwind(|| {
        assert!(mounted);
        story(&home.path().join("merged"));
    });
    let _ = try_run("umount", &["-l".as_ref(), home.path().join("merged").as_ref()]);
    tool("umount", &["-l"], home.path());
    told.unwrap_or_else(|why| std::panic::resume_unwind(why));
}

#[test]
fn an_overlay_over_a_file_system_that_cannot_do_it_is_refused_by_plan_and_run() {
    if !needs::met(MOUNTS) {
        return;
    }
    over_tmpfs("lowerdir={}/lower,upperdir={}/upper,workdir={}/work", |disk| {
        refused(disk, &["plan", "rotate"], "cannot take the head of a file away");
    });
}

#[test]
fn what_only_a_try_tells_is_a_named_skip() {
    if !needs::met(MOUNTS) {
        return;
    }
    // From a folder that the table of mounts does not name.
    over_tmpfs("lowerdir=lower,upperdir=upper,workdir=work", |disk| {
        refused(disk, &["rotate"], "cannot take the head of a file away");
    });
}

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
    assert_eq!(ran.summary(), "2 rotations of earlier runs finished");
    for log in ["one", "two"] {
        assert!(scene.told_in_place(&format!("{log}.log"), None) == text_of(log, 30_000), "{log}");
    }
}
