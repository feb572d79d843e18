//! The memory of bodies on their way to a bucket: so many bytes, whoever asks. Who finds nothing left waits until somebody else's body has
//! arrived, which a deadline of its own sees to. Buffers are used again: memory that is given back to the system must be asked for anew.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// So many bytes.
#[derive(Debug)]
pub(super) struct Pool {
    total: u64,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes that are in use or spare.
    taken: u64,
    spare: Vec<Vec<u8>>,
}

/// A piece of that memory; it goes back when dropped.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    length: usize,
    pool: Arc<Pool>,
}

impl Pool {
    pub(super) fn of(total: u64) -> Arc<Pool> {
        Arc::new(Pool { total, state: Mutex::default(), freed: Condvar::new() })
    }

    /// Whether there can ever be a buffer of so many bytes.
    pub(super) fn can_hold(&self, bytes: u64) -> bool {
        bytes <= self.total
    }

    /// A buffer of so many bytes, of what content nobody knows. Whoever waits for one must hold none.
    pub(super) fn buffer(self: &Arc<Pool>, bytes: u64) -> Buffer {
        let size = rounded(bytes).min(self.total);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let found = loop {
            if let Some(spare) = state.fitting(size) {
                break spare;
            }
            if state.make_room(size, self.total) {
                state.taken += size;
                break Vec::new();
            }
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        drop(state);
        let mut all = found;
        if all.is_empty() {
            all = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
        }
        Buffer { bytes: all, length: usize::try_from(bytes).unwrap_or(usize::MAX), pool: Arc::clone(self) }
    }
}

impl State {
    /// A spare buffer that is large enough, and not much larger.
    fn fitting(&mut self, size: u64) -> Option<Vec<u8>> {
        let fits = |spare: &Vec<u8>| (size..=2 * size).contains(&(spare.len() as u64));
        let at = self.spare.iter().position(fits)?;
        Some(self.spare.swap_remove(at))
    }

    /// Gives up spare buffers until so many bytes can be taken.
    fn make_room(&mut self, size: u64, total: u64) -> bool {
        while self.taken + size > total {
            let Some(spare) = self.spare.pop() else { return false };
            self.taken -= spare.len() as u64;
        }
        true
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl AsMut<[u8]> for Buffer {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut state = self.pool.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.spare.push(std::mem::take(&mut self.bytes));
        drop(state);
        self.pool.freed.notify_all();
    }
}

/// Of few sizes, so that a buffer fits the next body too: 8 to a doubling.
fn rounded(bytes: u64) -> u64 {
    const LEAST: u64 = 16 << 10;
    let step = (bytes.max(LEAST) / 8).next_power_of_two();
    bytes.max(LEAST).next_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use proptest::prelude::*;

    use super::*;

    const TOTAL: u64 = 1 << 20;

    fn taken(pool: &Pool) -> u64 {
        pool.state.lock().unwrap().taken
    }

    #[test]
    fn who_finds_nothing_left_waits_for_it() {
        let pool = Pool::of(TOTAL);
        let first = pool.buffer(TOTAL);
        let (tell, told) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| tell.send(pool.buffer(TOTAL / 2).as_ref().len()));
            assert!(told.recv_timeout(std::time::Duration::from_millis(50)).is_err());
            drop(first);
            assert_eq!(told.recv(), Ok(512 << 10));
        });
        assert!(pool.can_hold(TOTAL) && !pool.can_hold(TOTAL + 1));
    }

    #[test]
    fn a_buffer_is_used_again() {
        let pool = Pool::of(TOTAL);
        let (one, at) = (pool.buffer(100_000), |buffer: &Buffer| buffer.as_ref().as_ptr());
        let was = at(&one);
        drop(one);
        let again = pool.buffer(99_000);
        assert_eq!((at(&again), again.as_ref().len()), (was, 99_000));
    }

    proptest! {
        #[test]
        fn there_is_never_more_than_was_allowed(wishes in proptest::collection::vec((1..TOTAL, any::<bool>()), 1..100)) {
            let (pool, mut held) = (Pool::of(TOTAL), Vec::<Buffer>::new());
            for (bytes, goes) in wishes {
                let used: u64 = held.iter().map(|buffer| buffer.bytes.len() as u64).sum();
                if goes || used + rounded(bytes) > TOTAL {
                    held.clear();
                }
                held.push(pool.buffer(bytes));
                prop_assert!(held.last().unwrap().as_ref().len() as u64 == bytes && taken(&pool) <= TOTAL);
            }
        }

        #[test]
        fn little_is_lost_by_rounding(bytes in 16_384..1_u64 << 30) {
            prop_assert!((bytes..=bytes + bytes / 4).contains(&rounded(bytes)));
        }
    }
}
