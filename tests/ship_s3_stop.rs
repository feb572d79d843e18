//! Who is asked to stop while bytes are on their way to a bucket ends soon, names what is there, and leaves the rest to the next run.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use rustix::process::Signal;
use support::{
    between::{Between, Fate, Request},
    process::Process,
    scenario::{Ran, Scenario, text_of},
    seaweed::Bucket,
    through::through_set,
};

/// Three parts: two of 8 MiB and a small one.
const LARGE: usize = 17 << 20;
/// Far less than a call to which nobody answers may take.
const SOON: Duration = Duration::from_mins(2);

/// A machine with these logs. To its requests of that method with that word nobody says anything, and each is told, as long as it is on.
struct Silent {
    scene: Scenario,
    bucket: Bucket,
    between: Between,
    on: Arc<AtomicBool>,
    heard: mpsc::Receiver<()>,
}

fn silent(logs: &[(&str, usize)], set: &str, (method, word): (&'static str, &'static str)) -> Option<Silent> {
    let on = Arc::new(AtomicBool::new(true));
    let (tell, heard) = mpsc::channel();
    let says_nothing = Arc::clone(&on);
    let story = move |request: &Request, _: usize| {
        let meant = request.is(method, word) && says_nothing.load(Ordering::Relaxed);
        if meant && tell.send(()).is_ok() { Fate::Silence } else { Fate::Passes }
    };
    let (scene, bucket, between) = through_set(logs, "", set, story)?;
    Some(Silent { scene, bucket, between, on, heard })
}

#[test]
fn a_large_object_is_gone_on_with_by_the_next_run() {
    let sets = [("compress = \"none\"", "ship"), ("compress = \"none\"\nship = \"direct\"", "direct")];
    // With how many uploads begun, and begun how often in the end.
    let calls =
        [(("PUT", "partNumber=2&"), 1, 1), (("POST", "uploadId="), 1, 1), (("POST", "?uploads"), 0, 2), (("HEAD", ""), 0, 1)];
    for ((set, command), (call, uploads, begun)) in sets.into_iter().flat_map(|set| calls.map(|call| (set, call))) {
        let Some(Silent { scene, bucket, between, on, heard }) = silent(&[("app.log", LARGE)], set, call) else { return };
        let process = Process::start(&mut scene.command(&["--format", "json", command]));
        heard.recv_timeout(SOON).unwrap();
        process.signal(Signal::TERM);
        let ran = Ran::from(process.end(SOON)).exits(143);
        let told = ran.steps("ship", "waiting");
        assert!(told.len() == 1 && told[0]["reason"].as_str().unwrap().contains("asked to stop"), "{call:?}: {ran:#?}");
        assert_eq!((bucket.uploads().len(), bucket.listed().len()), (uploads, 0), "{call:?}");
        on.store(false, Ordering::Relaxed);
        scene.run(&["--format", "json", command]).exits(0);
        assert_eq!(between.asked().iter().filter(|one| one.is("POST", "?uploads")).count(), begun, "{call:?}");
        let objects: Vec<_> = bucket.objects().into_values().collect();
        assert!(objects == [text_of("app.log", LARGE)] && bucket.uploads().is_empty(), "{call:?}");
    }
}

#[test]
fn what_is_there_when_a_machine_has_no_more_time_is_named() {
    let logs = [("a.log", 3000), ("b.log", 3000), ("c.log", 3000)];
    let Some(Silent { scene, bucket, on, heard: _heard, .. }) = silent(&logs, "compress = \"none\"", ("PUT", "b.log")) else {
        return;
    };
    let ran = scene.run(&["--format", "json", "drain", "--deadline", "30s"]).exits(3);
    assert!(
        ran.reason("drain", "failed", &scene.archives("b.log")[0]).contains("asked to stop before all of it was there"),
        "{ran:#?}"
    );
    assert_eq!((ran.steps("drain", "failed").len(), bucket.named().len(), bucket.objects().len()), (1, 2, 2), "{ran:#?}");
    on.store(false, Ordering::Relaxed);
    scene.run(&["drain"]).exits(0);
    assert_eq!(bucket.named().len(), 3);
    scene.run(&["verify", &bucket.url()]).exits(0);
}
