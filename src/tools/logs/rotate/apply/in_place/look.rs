//! The last look at all processes: how others write to the logs that are still due. One look asks for all of them, since it
//! costs the same for one as for all. Says how long its answer counts, and never counts one for a log that it did not ask for.

use std::{
    collections::HashMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{
    files::{
        appenders::{self, Appending, Unseen},
        dir::FileId,
        system,
    },
    tools::logs::rotate::plan::Bound,
};

/// What is known of the writers of this run's logs.
#[derive(Default)]
pub(in crate::tools::logs::rotate::apply) struct Look {
    /// Logs that will be asked for.
    due: Vec<Log>,
    judged: HashMap<FileId, Appending>,
    /// When that was known.
    at: Option<Instant>,
}

/// A log that stays the file that it is.
#[derive(Clone)]
pub(in crate::tools::logs::rotate::apply) struct Log {
    /// Which file.
    pub(super) file: FileId,
    /// Where it is.
    pub(super) folder: PathBuf,
    /// Its name there.
    pub(super) name: String,
}

/// "Everybody appends" counts for so long. No look excludes who opens the log between it and the cut; a second makes that moment
/// longer and nothing worse: such a writer goes on behind a hole of zeros, and no line is lost.
const COUNTS: Duration = Duration::from_secs(1);

impl Look {
    /// These will be asked for.
    pub(super) fn expect(&mut self, due: Vec<Log>) {
        self.due = due;
    }

    /// How others write to this log.
    pub(super) fn judge(&mut self, log: &Log) -> Appending {
        self.judge_by(log, &Instant::now, &|logs| {
            let name = |log: &Log| system::shows_others(&log.folder);
            let wanted: Vec<_> = logs.iter().map(|log| (log.file, name(log).then_some(log.name.as_str()))).collect();
            appenders::of(&wanted)
        })
    }

    fn judge_by(
        &mut self,
        log: &Log,
        now: &dyn Fn() -> Instant,
        look: &dyn Fn(&[Log]) -> HashMap<FileId, Appending>,
    ) -> Appending {
        self.due.retain(|due| due.file != log.file);
        // A look that took longer than it counts serves the others all the same: it counts from its end, as it does for one log.
        let young = self.at.is_some_and(|at| now().saturating_duration_since(at) <= COUNTS);
        // Whoever was in the way, or out of sight, may be gone by now.
        if !young || self.judged.get(&log.file) != Some(&Appending::Only) {
            let wanted: Vec<Log> = self.due.iter().chain([log]).cloned().collect();
            self.judged = look(&wanted);
            self.at = Some(now());
        }
        self.judged.get(&log.file).cloned().unwrap_or(Appending::Unknown(Unseen::Rights(None)))
    }
}

impl Log {
    /// The log of what is planned.
    pub(super) fn of(bound: &Bound) -> Log {
        Log { file: bound.file, folder: bound.folder.clone(), name: bound.log.clone() }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    /// Looks at a machine with a clock of its own, and what each look asked for.
    struct Machine {
        look: Look,
        now: Cell<Instant>,
        asked: RefCell<Vec<Vec<u64>>>,
        /// Somebody writes otherwise to this one.
        odd: u64,
        /// A look takes so long.
        takes: Duration,
    }

    fn log(ino: u64) -> Log {
        Log { file: FileId { dev: 1, ino }, folder: PathBuf::from("/logs"), name: format!("{ino}.log") }
    }

    impl Machine {
        fn with(due: impl IntoIterator<Item = u64>) -> Machine {
            let mut look = Look::default();
            look.expect(due.into_iter().map(log).collect());
            let (now, asked) = (Cell::new(Instant::now()), RefCell::default());
            Machine { look, now, asked, odd: u64::MAX, takes: Duration::ZERO }
        }

        fn judge(&mut self, ino: u64) -> Appending {
            self.look.judge_by(&log(ino), &|| self.now.get(), &|logs| {
                self.now.set(self.now.get() + self.takes);
                self.asked.borrow_mut().push(logs.iter().map(|log| log.file.ino).collect());
                let odd = |log: &Log| log.file.ino == self.odd;
                let judged = |log: &Log| if odd(log) { Appending::Not("somebody".to_owned()) } else { Appending::Only };
                logs.iter().map(|log| (log.file, judged(log))).collect()
            })
        }

        fn later(&self, milliseconds: u64) {
            self.now.set(self.now.get() + Duration::from_millis(milliseconds));
        }

        fn looks(&self) -> usize {
            self.asked.borrow().len()
        }
    }

    #[test]
    fn one_look_serves_all_logs_that_are_due_for_a_second() {
        let mut machine = Machine::with(1..=200);
        // It takes longer than its answer counts, as on a large machine.
        machine.takes = Duration::from_secs(3);
        for ino in 1..=101 {
            assert_eq!(machine.judge(ino), Appending::Only);
            machine.later(10);
        }
        assert_eq!(machine.looks(), 1);
        machine.judge(102);
        assert_eq!(machine.looks(), 2, "it is more than a second old");
        assert_eq!(machine.asked.borrow()[1].len(), 200 - 101, "only what is still due is asked for");
    }

    #[test]
    fn a_log_that_it_did_not_ask_for_needs_a_look_of_its_own() {
        let mut machine = Machine::with([1, 2]);
        machine.judge(1);
        machine.judge(7);
        assert_eq!(*machine.asked.borrow(), [vec![2, 1], vec![2, 7]]);
    }

    #[test]
    fn the_next_piece_of_a_log_is_judged_by_the_same_rule() {
        let mut machine = Machine::with([1]);
        machine.judge(1);
        machine.judge(1);
        assert_eq!(machine.looks(), 1);
        machine.later(1001);
        machine.judge(1);
        assert_eq!(*machine.asked.borrow(), [vec![1], vec![1]]);
    }

    #[test]
    fn only_a_good_answer_is_remembered() {
        let mut machine = Machine::with([1, 2, 3]);
        machine.odd = 2;
        machine.judge(1);
        assert!(matches!(machine.judge(2), Appending::Not(_)));
        assert_eq!(machine.looks(), 2, "he may be gone by now");
        machine.judge(3);
        assert_eq!(machine.looks(), 2);
    }
}
