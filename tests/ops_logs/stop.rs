//! Asked to stop, limited or disturbed: the run ends between items and says so, and the next one goes on.

use std::{ffi::OsString, fs, path::PathBuf, process::Command, time::Duration};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{
    self, files,
    needs::{self, Need, TRACES},
    process::Process,
    scenario::{DEADLINE, Ran, Scenario},
    seaweed::log_in,
    sight, strace,
};

/// Two sets; telling the first one's writer lasts until the test opens the gate.
struct Held {
    scene: Scenario,
    reached: PathBuf,
    gate: PathBuf,
}

fn held() -> Held {
    let words = "reopen = { command = [\"/bin/sh\", \"-c\", \"touch {root}/reached; while [ ! -e {root}/gate ]; do sleep 0.02; done\"], timeout = \"60s\" }\n\
                 [[log]]\nname = \"other\"\npaths = [\"{logs}/*.txt\"]\nwhen = \"1 KiB\"";
    let mut scene = Scenario::new().plain_set(words);
    for number in 0..40 {
        scene = scene.log_of(&format!("{number}.log"), 20_000).log_of(&format!("{number}.txt"), 2000);
    }
    let (reached, gate) = (scene.root().join("reached"), scene.root().join("gate"));
    Held { scene, reached, gate }
}

impl Held {
    /// Listens to every signal, also where whoever started the tests ignores some (`nohup`, a shell's background).
    fn start(&self) -> Process {
        let real = self.scene.command(&["--format", "json", "rotate"]);
        let mut command = Command::new("env");
        command.env_clear().arg("--default-signal=INT,HUP").arg(real.get_program()).args(real.get_args());
        self.scene.environment(&mut command);
        self.start_as(&mut command)
    }

    fn start_as(&self, command: &mut Command) -> Process {
        let process = Process::start(command);
        support::wait_until("the first set to be swapped", Duration::from_secs(20), || self.reached.exists());
        process
    }

    fn open(&self) {
        files::write(&self.gate, "").unwrap();
    }

    fn everything(&self) -> Vec<Vec<u8>> {
        (0..40).flat_map(|number| [format!("{number}.log"), format!("{number}.txt")]).map(|log| self.scene.told(&log)).collect()
    }
}

#[test]
fn a_wish_to_stop_ends_the_run_between_items_and_the_next_one_goes_on() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let held = held();
        let before = held.everything();
        let process = held.start();
        process.deliver(signal);
        held.open();
        let ran: Ran = process.end(DEADLINE).into();
        let ran = ran.exits(code);
        assert_eq!(ran.steps("rotate", "done").len(), 40, "the first set was swapped: {signal:?}");
        assert_eq!(ran.steps("archive", "done").len(), 0, "nothing was begun after the wish");
        let incomplete = ran.json()["incomplete"].to_string();
        assert!(incomplete.contains(&format!("signal {} asked to stop", code - 128)), "{incomplete}");
        assert_eq!(held.everything(), before);
        let next = held.scene.rotate().exits(0);
        assert_eq!(next.steps("archive", "done").len(), 80, "{signal:?}");
        assert_eq!(held.everything(), before);
        assert_eq!(held.scene.rotate().exits(0).summary(), "nothing to do");
        held.scene.run(&["verify"]).exits(0).says("80 of 80");
    }
}

#[test]
fn a_signal_that_was_ignored_when_it_began_stays_ignored() {
    for (name, signal) in [("HUP", Signal::HUP), ("INT", Signal::INT)] {
        let held = held();
        let real = held.scene.command(&["--format", "json", "rotate"]);
        let mut command = Command::new("/bin/sh");
        let line = format!("trap '' {name}; exec \"$@\"");
        command.env_clear().args(["-c", &line, "sh"]).arg(real.get_program()).args(real.get_args());
        held.scene.environment(&mut command);
        let process = held.start_as(&mut command);
        process.signal(signal);
        process.signal(signal);
        held.open();
        let ran: Ran = process.end(DEADLINE).into();
        assert_eq!(ran.exits(0).steps("archive", "done").len(), 80, "{name}");
    }
}

#[test]
fn a_second_wish_ends_it_at_once_and_nothing_is_lost() {
    let held = held();
    let before = held.everything();
    let mut process = held.start();
    process.deliver(Signal::TERM);
    assert!(!process.ends_within(Duration::from_millis(200)), "the first one waits for the writer to be told");
    process.signal(Signal::TERM);
    assert!(process.ends_within(Duration::from_secs(10)));
    held.open();
    assert_eq!(held.everything(), before);
    held.scene.rotate().exits(0);
    assert_eq!(held.everything(), before);
    held.scene.run(&["verify"]).exits(0).says("80 of 80");
}

#[test]
fn a_wish_while_archives_are_made_ends_soon_and_the_next_run_goes_on() {
    if !needs::met(TRACES) {
        return;
    }
    let mut scene = Scenario::new().plain_set("compress = \"gzip\"");
    for number in 0..150 {
        scene = scene.log_of(&format!("{number}.log"), 400_000);
    }
    let before: Vec<Vec<u8>> = (0..150).map(|number| scene.told(&format!("{number}.log"))).collect();
    // A thread that is about to make archives first gives way to others. Nothing is made while the wish is sent.
    let ended = strace::held(&scene.command(&["--format", "json", "rotate"]), "ioprio_set", 1, None, || {
        let lock = fs::read_to_string(scene.state().join("logs-rotate.lock")).unwrap();
        let pid = lock.split_once("(pid ").and_then(|(_, rest)| rest.split(|end: char| !end.is_ascii_digit()).next());
        kill_process(Pid::from_raw(pid.unwrap().parse().unwrap()).unwrap(), Signal::TERM).unwrap();
    });
    let ran: Ran = ended.into();
    let ran = ran.exits(143);
    let made = ran.steps("archive", "done").len();
    assert!(made < 50, "{made} of 150 archives were made before it stopped: that is not soon");
    assert!(!scene.files().keys().any(|name| name.ends_with(".part")), "work in flight is finished, not cut");
    scene.rotate().exits(0);
    let after: Vec<Vec<u8>> = (0..150).map(|number| scene.told(&format!("{number}.log"))).collect();
    assert!(after == before, "something was lost or is there twice");
    assert_eq!(scene.rotate().exits(0).summary(), "nothing to do");
}

#[test]
fn a_limit_on_file_sizes_is_an_error_of_one_file_and_no_death() {
    if !needs::met(&[Need::Program("prlimit")]) {
        return;
    }
    let scene = Scenario::new().plain_set("").log_of("big.log", 2_000_000).log_of("small.log", 2000);
    let before = [scene.told("big.log"), scene.told("small.log")];
    let real = scene.command(&["--format", "json", "rotate"]);
    let mut limited = Command::new("prlimit");
    limited.env_clear().arg("--fsize=20000").arg(real.get_program()).args(real.get_args());
    scene.environment(&mut limited);
    let ran = Ran::of(&mut limited).exits(3);
    assert_eq!(ran.steps("archive", "done").len(), 1, "{ran:#?}");
    let failed = ran.steps("archive", "failed");
    assert!(failed.len() == 1 && failed[0]["reason"].as_str().is_some_and(|why| why.contains("file too large")), "{ran:#?}");
    assert_eq!([scene.told("big.log"), scene.told("small.log")], before);
    assert_eq!(scene.rotate().exits(0).acts(), ["archive done"]);
    assert_eq!([scene.told("big.log"), scene.told("small.log")], before);
}

/// Of whom there is no other process, or the limit would be over before it begins: also not of these tests, run twice. Who they are
/// depends on the `story`, for stories run at the same time.
fn loner(story: u32) -> Option<u32> {
    let programs = [Need::Root, Need::Program("setpriv"), Need::Program("prlimit")];
    needs::met(&programs).then(|| 50_000 + 3 * (std::process::id() % 3_000) + story)
}

/// A run of a user who may have so many threads, and no more.
fn alone(scene: &Scenario, loner: u32, threads: u32, args: &[&str]) -> Ran {
    Ran::of(&mut limited(scene, loner, threads, args))
}

fn limited(scene: &Scenario, loner: u32, threads: u32, args: &[&str]) -> Command {
    let real = scene.command(args);
    // The other way round the user would have to find the binary in folders that may be closed to him.
    let mut command = Command::new("prlimit");
    command.env_clear().arg(format!("--nproc={threads}:{threads}")).arg("setpriv");
    command.arg(format!("--reuid={loner}")).arg(format!("--regid={loner}")).arg("--clear-groups");
    command.arg(real.get_program()).args(real.get_args());
    scene.environment(&mut command);
    command
}

#[test]
fn a_limit_on_threads_costs_no_result() {
    let Some(loner) = loner(0) else { return };
    let mut scene = Scenario::new().open_root().head("parallel = 4", "paths = [\"{logs}/*.log\"]\nwhen = \"1 KiB\"");
    for number in 0..4 {
        scene = scene.log_of(&format!("{number}.log"), 2000).owned(&format!("logs/{number}.log"), loner, loner);
    }
    let scene = scene.owned("logs", loner, loner).owned("state", loner, loner);
    let ran = alone(&scene, loner, 1, &["--format", "json", "rotate"]).exits(0);
    assert_eq!((ran.steps("rotate", "done").len(), ran.steps("archive", "done").len()), (4, 4), "{ran:#?}");
    alone(&scene, loner, 1, &["verify"]).exits(0).says("4 of 4");
}

#[test]
fn where_there_may_be_no_threads_for_a_bucket_that_is_a_sentence_and_nothing_is_lost() {
    let Some(loner) = loner(1) else { return };
    // Nobody is there: it ends before anybody is asked.
    let store = "region = \"us-east-1\"\nendpoint = \"http://127.0.0.1:9\"\npath-style = true";
    let scene = Scenario::new().open_root().shipping_to("s3://bucket/fleet", "", store, "compress = \"none\"");
    log_in(&scene, "key", "secret");
    fs::create_dir(scene.spool()).unwrap();
    let all = ["logs", "logs/app.log", "state", "spool"];
    let scene = all.into_iter().fold(scene.log_of("app.log", 3000), |scene, path| scene.owned(path, loner, loner));
    alone(&scene, loner, 1, &["rotate"]).exits(0);
    let waits = scene.parcels();
    assert_eq!(waits.len(), 1);
    // It wants two, and one for names to be looked up.
    for threads in 1..=3 {
        for (args, code) in [
            (&["ship"][..], 3),
            (&["prune", "--apply"], 4),
            (&["verify", "s3://bucket/fleet"], 4),
            (&["restore", "--to", "-"], 4),
        ] {
            let ran = alone(&scene, loner, threads, args).exits(code);
            ran.says("start the threads that talk to AWS: resource temporarily unavailable");
        }
    }
    assert_eq!(scene.parcels(), waits);
}

#[test]
fn threads_that_were_only_tried_are_gone_before_those_that_are_needed_start() {
    let Some(loner) = loner(2).filter(|_| needs::met(TRACES)) else { return };
    let store = "region = \"us-east-1\"\nendpoint = \"http://127.0.0.1:9\"\npath-style = true";
    let scene = Scenario::new().open_root().shipping_to("s3://bucket/fleet", "", store, "").owned("state", loner, loner);
    log_in(&scene, "key", "secret");
    // Just enough for them, where each takes a while to end.
    let mut limited = limited(&scene, loner, 4, &["verify", "s3://bucket/fleet"]);
    let words = ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", "inject=exit:delay_enter=300000", "--"];
    let ran = Ran::of(&mut sight::before_program(limited.env("AWS_MAX_ATTEMPTS", "1"), &words.map(OsString::from)));
    ran.exits(4).says("connection refused");
}

#[test]
fn a_ledger_that_somebody_else_changes_meanwhile_is_not_written_to() {
    let held = held();
    let before = held.everything();
    let process = held.start();
    let line = "{\"line\":\"gone\",\"id\":4711,\"why\":\"another run says so\"}\n";
    let known = fs::read_to_string(held.scene.ledger()).unwrap();
    files::write(held.scene.ledger(), format!("{known}{line}")).unwrap();
    held.open();
    let ran: Ran = process.end(DEADLINE).into();
    let ran = ran.exits(3);
    assert!(ran.json()["incomplete"].to_string().contains("somebody else changed it during this run"), "{ran:#?}");
    assert_eq!(fs::read_to_string(held.scene.ledger()).unwrap(), format!("{known}{line}"));
    assert_eq!(held.everything(), before);
    held.scene.rotate().exits(0);
    assert_eq!(held.everything(), before);
    held.scene.run(&["verify"]).exits(0).says("80 of 80");
}
