//! Several items at the same time on a bounded number of threads, until all are done or somebody asks to
//! stop. Item order is kept in the results.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::Shutdown;

/// Calls `work` for each item; None for items that were not begun because somebody asked to stop. With one
/// thread, or where no other can be started, the caller's own does it.
pub fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    shutdown: &Shutdown,
    begin: impl Fn() + Sync,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<Option<R>> {
    let results: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let worker = || {
        begin();
        while !shutdown.asked() {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return };
            let result = work(item);
            *results[index].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        }
    };
    match threads.min(items.len()) {
        0 | 1 => worker(),
        several => thread::scope(|scope| {
            // A limit on threads (TasksMax, ulimit -u) costs time and no results: those that there are do it all.
            let start = || thread::Builder::new().spawn_scoped(scope, worker).is_ok();
            if (0..several).take_while(|_| start()).count() == 0 {
                worker();
            }
        }),
    }
    results.into_iter().map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_of_the_items() {
        let items: Vec<u32> = (0..100).collect();
        for threads in [0, 1, 3] {
            let results = side_by_side(&items, threads, &Shutdown::default(), || (), |item| item * 2);
            assert_eq!(results, items.iter().map(|item| Some(item * 2)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_was_begun_is_finished_and_the_rest_is_left() {
        let shutdown = Shutdown::default();
        let work = |item: &u32| {
            if *item == 3 {
                shutdown.flag().store(15, Ordering::Relaxed);
            }
            *item
        };
        let results = side_by_side(&[1, 2, 3, 4, 5], 1, &shutdown, || (), work);
        assert_eq!(results, [Some(1), Some(2), Some(3), None, None]);
    }
}
