//! Lies in wait between a run and S3 for one call: cuts its connection or kills the run, before the server hears of the call or
//! after it did what was asked.
//!
//! Calls are known by what they are about and how often they were made, so that they are found again whatever their order.

use std::{
    process::Command,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
};

use super::{
    between::{Between, Fate, Request, pass_on},
    process::{Ended, Process},
    scenario::DEADLINE,
};

/// What is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// The connection: the run goes on without an answer.
    Connection,
    /// The run.
    Run,
}

/// When.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The server hears nothing of the call.
    Before,
    /// The server has done what was asked.
    After,
}

/// One call of a run: what it is about, and which of those it is.
pub type Called = (String, usize);

/// What happens to which call.
#[derive(Clone, Debug)]
pub struct Attack {
    pub call: Called,
    pub victim: Victim,
    pub moment: Moment,
}

/// A server between that can attack.
pub struct Ambush {
    between: Between,
    watch: Arc<Watch>,
    struck: Mutex<Receiver<()>>,
    go_on: Sender<()>,
}

struct Watch {
    server: u16,
    run: Mutex<Run>,
    tell: Mutex<Sender<()>>,
    go_on: Mutex<Receiver<()>>,
}

/// The run that is watched.
#[derive(Default)]
struct Run {
    calls: Vec<Called>,
    attack: Option<Attack>,
}

impl Ambush {
    /// Before the server on this port.
    pub fn before(server: u16) -> Ambush {
        let ((tell, struck), (go_on, wait)) = (channel(), channel());
        let (tell, go_on_too) = (Mutex::new(tell), Mutex::new(wait));
        let watch = Arc::new(Watch { server, run: Mutex::default(), tell, go_on: go_on_too });
        let there = Arc::clone(&watch);
        let between = Between::before(server, move |request, _| there.hears(request));
        Ambush { between, watch, struck: Mutex::new(struck), go_on }
    }

    /// Where it answers.
    pub fn endpoint(&self) -> String {
        self.between.endpoint()
    }

    /// Runs the command to its end, or to the attack on it; all calls that it made, and whether the attack was made.
    pub fn run(&self, command: &mut Command, attack: Option<&Attack>) -> (Ended, Vec<Called>, bool) {
        *lock(&self.watch.run) = Run { attack: attack.cloned(), ..Run::default() };
        let mut process = Process::start(command);
        if attack.is_some_and(|attack| attack.victim == Victim::Run) {
            let struck = lock(&self.struck);
            super::wait_until("the call that is attacked", DEADLINE, || struck.try_recv().is_ok() || !process.runs());
            process.kill_whole();
            self.go_on.send(()).expect("the server between lives as long as this");
        }
        let ended = process.end(DEADLINE);
        let run = std::mem::take(&mut *lock(&self.watch.run));
        (ended, run.calls, attack.is_some() && run.attack.is_none())
    }
}

impl Watch {
    fn hears(&self, request: &Request) -> Fate {
        let Some(attack) = self.attack_on(request) else { return Fate::Passes };
        if attack.moment == Moment::After {
            // What came of it, nobody hears.
            let _ = pass_on(self.server, request);
        }
        if attack.victim == Victim::Run {
            lock(&self.tell).send(()).expect("somebody waits for it");
            let _ = lock(&self.go_on).recv();
        }
        Fate::Unheard
    }

    /// The attack, once: whoever comes again gets through.
    fn attack_on(&self, request: &Request) -> Option<Attack> {
        let mut run = lock(&self.run);
        let name = name(request);
        let call = (name.clone(), run.calls.iter().filter(|(known, _)| *known == name).count());
        run.calls.push(call.clone());
        run.attack.take_if(|attack| attack.call == call)
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a request is about: the same in each telling of a story.
fn name(request: &Request) -> String {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let file = path.rsplit('/').next().unwrap_or_default();
    // Of an archive's name, what comes before its time.
    let about = match file.split_once(".log") {
        Some((log, _)) => log,
        None if path.contains("/_opsbelt/") => file,
        None => "bucket",
    };
    let word = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if key == "partNumber" { format!(" {key}={value}") } else { format!(" {key}") }
    };
    let words: String = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("x-id")).map(word).collect();
    format!("{} {about}{words}", request.method)
}
