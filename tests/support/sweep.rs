//! Strikes a run at every one of its write-side calls in turn, and looks at the ruins each time.
//!
//! Counts what it did: a sweep that struck fewer calls than the trace has is no sweep.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use super::{
    scene::Scene,
    strace::{self, Blow, Strike, Traced},
    trace::Call,
};

/// A story that a sweep tells again for every call.
pub struct Sweep<'a> {
    /// For messages.
    pub name: &'a str,
    /// Makes the scene, up to the run that is struck.
    pub scene: &'a (dyn Fn() -> Scene + Sync),
    /// The run that is struck.
    pub args: &'a [&'a str],
    /// Which of the calls, and what happens to them.
    pub blows: &'a (dyn Fn(&Call) -> Vec<Blow> + Sync),
    /// Looks at what is left; panics when it should not be.
    pub check: &'a (dyn Fn(&Scene, &Strike, &Traced) + Sync),
}

/// How much a sweep did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Blows that the trace calls for.
    pub planned: usize,
    /// Blows that struck.
    pub struck: usize,
}

/// Does `work` for each item, two at a time: that is how many processors a test machine has. The first
/// panic ends it.
pub fn in_parallel<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    struct StopAll<'a>(&'a AtomicUsize);
    impl Drop for StopAll<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                self.0.store(usize::MAX / 2, Ordering::SeqCst);
            }
        }
    }
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let _stop = StopAll(&next);
                while let Some(item) = items.get(next.fetch_add(1, Ordering::SeqCst)) {
                    work(item);
                }
            });
        }
    });
}

impl Sweep<'_> {
    /// Tells the story once whole, then once for each blow. `every` > 1 takes only each n-th blow, from `first`.
    pub fn run(&self, first: usize, every: usize) -> Swept {
        let scene = (self.scene)();
        let whole = strace::run(&scene.scenario.command(self.args), None);
        assert!(whole.ended.status.success(), "{}: the run that nobody strikes fails: {whole:#?}", self.name);
        let threads = whole.trace.busy_threads();
        assert_eq!(threads.len(), 1, "{}: ranks count per thread, so one must make all the calls: {threads:?}", self.name);
        let strikes: Vec<Strike> =
            whole.trace.cut_points().into_iter().flat_map(|call| self.strikes(call)).skip(first).step_by(every).collect();
        let missed = Mutex::new(Vec::new());
        in_parallel(&strikes, |strike| {
            if !self.tell(strike) && whole.trace.repeats(strike) {
                missed.lock().expect("not poisoned").push(strike.clone());
            }
        });
        let missed = missed.into_inner().expect("not poisoned");
        let swept = Swept { planned: strikes.len(), struck: strikes.len() - missed.len() };
        super::say(&format!("{}: calls in the trace {}, blows {swept:?}", self.name, whole.trace.cut_points().len()));
        assert_eq!(swept.struck, swept.planned, "{}: not every blow struck: {missed:?}", self.name);
        swept
    }

    fn strikes(&self, call: &Call) -> Vec<Strike> {
        let strike = |blow| Strike { call: call.name.clone(), rank: call.rank, blow };
        (self.blows)(call).into_iter().map(strike).collect()
    }

    fn tell(&self, strike: &Strike) -> bool {
        let scene = (self.scene)();
        let traced = strace::run(&scene.scenario.command(self.args), Some(strike));
        let hit = match strike.blow {
            Blow::Kill => traced.ended.was_killed(),
            Blow::Error(_) | Blow::Lie => traced.trace.calls.iter().any(Call::injected),
        };
        (self.check)(&scene, strike, &traced);
        hit
    }
}
