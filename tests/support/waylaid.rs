//! A machine whose way to a bucket leads through an ambush, and the sweep that attacks each call of one of its runs in turn.

use std::{collections::BTreeSet, process::Command, sync::Mutex};

use super::{
    ambush::{Ambush, Attack, Called, Moment, Victim},
    needs,
    process::Ended,
    scenario::{Scenario, text_of},
    seaweed::{Bucket, SEAWEED, Seaweed},
    sweep::in_parallel,
};

/// Which ways of attacking a call are tried.
#[derive(Clone, Copy, Debug)]
pub enum Ways {
    /// Its connection is cut and its run killed, before and after.
    All,
    /// One of each, at moments that take turns.
    ByTurns,
    /// The run is killed when the server has done what was asked: nobody here knows of it then.
    KilledAfter,
}

impl Ways {
    /// Those for the call at this place of the list.
    fn at(self, place: usize) -> Vec<(Victim, Moment)> {
        let (before, after) =
            if place.is_multiple_of(2) { (Moment::Before, Moment::After) } else { (Moment::After, Moment::Before) };
        match self {
            Ways::All => {
                [Victim::Connection, Victim::Run].iter().flat_map(|victim| [(*victim, before), (*victim, after)]).collect()
            }
            Ways::ByTurns => vec![(Victim::Connection, before), (Victim::Run, after)],
            Ways::KilledAfter => vec![(Victim::Run, Moment::After)],
        }
    }
}

/// The machine, and what it rotated so far.
pub struct Waylaid {
    pub scene: Scenario,
    pub bucket: Bucket,
    pub texts: Vec<Vec<u8>>,
    ambush: Ambush,
    run: &'static [&'static str],
}

impl Waylaid {
    /// With a set of these words, and the run that is attacked.
    pub fn new(words: &str, run: &'static [&'static str]) -> Waylaid {
        let bucket = Seaweed::of_this_program().used_bucket();
        let ambush = Ambush::before(bucket.server.port());
        let scene = bucket.scene("", words);
        scene.change_settings("[store]", "parallel = 1\n[store]");
        scene.change_settings(&bucket.server.endpoint(), &ambush.endpoint());
        Waylaid { scene, bucket, texts: Vec::new(), ambush, run }
    }

    /// These logs are rotated and wait for the bucket, each of so many bytes.
    pub fn waiting(mut self, logs: &[(&str, usize)]) -> Waylaid {
        for (name, bytes) in logs {
            let text = text_of(name, *bytes);
            self.scene.append(&format!("{name}.log"), &text);
            self.texts.push(text);
        }
        self.scene.rotate().exits(0);
        self
    }

    /// After a run that was killed at that call.
    pub fn killed_at(self, call: &str, moment: Moment) -> Waylaid {
        let attack = Attack { call: (call.to_owned(), 0), victim: Victim::Run, moment };
        let (_, calls, struck) = self.attacked(Some(&attack));
        assert!(struck, "nobody called {call}: {calls:?}");
        self
    }

    /// The run, with one try for each call, so that whatever is cut is felt.
    pub fn command(&self) -> Command {
        let mut command = self.scene.command(self.run);
        command.env("AWS_MAX_ATTEMPTS", "1");
        command
    }

    /// That run to its end, or to the attack on it; all calls that it made, and whether the attack was made.
    pub fn attacked(&self, attack: Option<&Attack>) -> (Ended, Vec<Called>, bool) {
        self.ambush.run(&mut self.command(), attack)
    }
}

/// A story that is told whole, and then anew for each call and each way to attack it.
pub struct Sweep<'a> {
    /// For messages.
    pub name: &'a str,
    /// The run has so many calls at least.
    pub least: usize,
    /// How each call is attacked.
    pub ways: Ways,
    /// Up to the run that is attacked.
    pub story: &'a (dyn Fn() -> Waylaid + Sync),
    /// What must be so right after the attack.
    pub held: &'a (dyn Fn(&Waylaid, &str) + Sync),
    /// What must be so after one more run, undisturbed.
    pub ends_well: &'a (dyn Fn(Waylaid, &str) + Sync),
}

impl Sweep<'_> {
    /// Tells it all.
    pub fn run(&self) {
        if !needs::met(SEAWEED) {
            return;
        }
        let name = self.name;
        let whole = (self.story)();
        let (ended, calls, _) = whole.attacked(None);
        assert!(ended.status.success(), "{name}: {ended:#?}");
        (self.ends_well)(whole, name);
        let calls: BTreeSet<Called> = calls.into_iter().collect();
        assert!(calls.len() >= self.least, "{name}: {calls:#?}");
        let each = |(place, call): (usize, &Called)| {
            let attack = |(victim, moment)| Attack { call: call.clone(), victim, moment };
            self.ways.at(place).into_iter().map(attack).collect::<Vec<_>>()
        };
        let attacks: Vec<Attack> = calls.iter().enumerate().flat_map(each).collect();
        let cut = Mutex::new(BTreeSet::new());
        in_parallel(&attacks, |attack| {
            self.tell(attack);
            cut.lock().expect("not poisoned").insert(attack.call.clone());
        });
        let cut = cut.into_inner().expect("not poisoned");
        super::say(&format!("{name}: calls in the trace {}, calls cut {}, in {} ways", calls.len(), cut.len(), attacks.len()));
        assert_eq!(calls, cut, "{name}: not every call was cut");
    }

    fn tell(&self, attack: &Attack) {
        let told = format!("{}, {attack:?}", self.name);
        let story = (self.story)();
        let (ended, _, struck) = story.attacked(Some(attack));
        assert!(struck, "{told}: nobody called that: {ended:#?}");
        let ends = if attack.victim == Victim::Run { ended.was_killed() } else { matches!(ended.code(), Some(0 | 3)) };
        assert!(ends, "{told}: {ended:#?}");
        (self.held)(&story, &told);
        (self.ends_well)(story, &told);
    }
}
