//! The child's side of the talk: performs one act after the other, and says that it is at work meanwhile.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use super::{Act, Acted, Here, child::Says, step_aside};
use crate::failure::{Doing, Failure, Result};

/// How often it says that it is at work.
const BEAT: Duration = Duration::from_millis(500);
/// A parent of ours asks for nothing longer.
const LINE_LIMIT: u64 = 1 << 20;

/// The way back to the parent.
pub(super) struct Answers {
    to: UnixStream,
    /// One line at a time, whoever speaks.
    speaking: Mutex<()>,
    at_work: AtomicBool,
    /// Bytes of the log that are done and were not told yet.
    done: AtomicU64,
}

impl Answers {
    /// Nothing said yet.
    pub(super) fn to(to: UnixStream) -> Answers {
        Answers { to, speaking: Mutex::new(()), at_work: AtomicBool::new(false), done: AtomicU64::new(0) }
    }

    /// Performs acts until the parent has no more.
    pub(super) fn give(&self, here: &Here) -> Result<()> {
        let (over, ended) = mpsc::channel();
        thread::scope(|scope| {
            thread::Builder::new().spawn_scoped(scope, move || self.beat(&ended)).doing("start", "a thread")?;
            // Dropped in whatever way this ends: then the other thread ends, too.
            let _over: mpsc::Sender<()> = over;
            self.one_by_one(here)
        })
    }

    /// Says one thing.
    pub(super) fn say(&self, says: &Says) -> Result<()> {
        let mut line = serde_json::to_vec(says).expect("an answer has string keys only");
        line.push(b'\n');
        let _one = self.speaking.lock().unwrap_or_else(PoisonError::into_inner);
        (&self.to).write_all(&line).doing("answer", "the parent")
    }

    /// A disk may take its time for one call, so it is not the work itself that says so.
    fn beat(&self, ended: &Receiver<()>) {
        while ended.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
            if self.at_work.load(Ordering::SeqCst) {
                // A parent that does not listen any more is noticed at the end of the act.
                let _ = self.say(&Says::Working(self.done.swap(0, Ordering::SeqCst)));
            }
        }
    }

    fn one_by_one(&self, here: &Here) -> Result<()> {
        let mut acts = BufReader::new(self.to.try_clone().doing("take over", "the socket")?);
        loop {
            let mut line = Vec::new();
            Read::by_ref(&mut acts).take(LINE_LIMIT).read_until(b'\n', &mut line).doing("hear", "the parent")?;
            if line.is_empty() {
                return Ok(());
            }
            let act = serde_json::from_slice(&line).map_err(|error| Failure::new("understand", "the parent").because(error))?;
            self.at_work.store(true, Ordering::SeqCst);
            let acted = self.perform(here, act);
            self.at_work.store(false, Ordering::SeqCst);
            self.say(&Says::Working(self.done.swap(0, Ordering::SeqCst)))?;
            self.say(&Says::over(acted))?;
        }
    }

    fn perform(&self, here: &Here, act: Act) -> Result<Acted> {
        let progress = |bytes| {
            self.done.fetch_add(bytes, Ordering::SeqCst);
        };
        if !matches!(act, Act::Compress(_)) {
            return here.act(act, &progress);
        }
        // In a thread of its own, because nobody but root can take a step back to the front.
        let aside = || {
            step_aside();
            here.act(act, &progress)
        };
        let joined = thread::scope(|scope| {
            let thread = thread::Builder::new().spawn_scoped(scope, aside).doing("start", "a thread")?;
            Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        joined.and_then(|acted| acted)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::{
        files::{
            dir::{Dir, FileId},
            writers::Writers,
        },
        tools::logs::rotate::hand::{Compress, Hold},
    };

    /// Performs one act on the log of this folder, and tells what was said meanwhile.
    fn served(home: &TempDir, act: &dyn Fn(FileId) -> Act) -> (Vec<u64>, Acted) {
        let dir = Dir::open(home.path()).unwrap();
        let act = act(dir.stat("app.log").unwrap().unwrap().id);
        let (parent, child) = UnixStream::pair().unwrap();
        let serving = thread::spawn(move || Answers::to(child).give(&Here::new(dir, None)));
        writeln!(&parent, "{}", serde_json::to_string(&act).unwrap()).unwrap();
        let mut meanwhile = Vec::new();
        let mut lines = BufReader::new(parent.try_clone().unwrap()).lines();
        let acted = loop {
            match serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() {
                Says::Working(bytes) => meanwhile.push(bytes),
                Says::Over(acted, _) => break acted.unwrap(),
            }
        };
        parent.shutdown(std::net::Shutdown::Both).unwrap();
        serving.join().unwrap().unwrap();
        (meanwhile, acted)
    }

    #[test]
    fn a_child_that_waits_says_so_all_the_time() {
        let home = tempfile::tempdir().unwrap();
        let _writer = fs::File::create(home.path().join("app.log")).unwrap();
        let wait = |file| Act::Await { name: "app.log".to_owned(), file, hold: Hold::Alone, patience: BEAT * 4 };
        let (beats, acted) = served(&home, &wait);
        assert_eq!(acted, Acted::Writers(Writers::Somebody(None)));
        assert!(beats.len() >= 3, "{beats:?} in four beats");
    }

    #[test]
    fn a_child_tells_how_much_is_done() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("app.log"), vec![b'x'; 5 << 20]).unwrap();
        let (told, acted) = served(&home, &|file| Act::Compress(Compress::sample("app.log", file, 0)));
        assert!(matches!(acted, Acted::Proven(_)), "{acted:?}");
        assert_eq!(told.iter().sum::<u64>(), 5 << 20);
    }
}
