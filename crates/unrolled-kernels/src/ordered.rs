//! Blocks on all threads, added up in their order.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Computes `count` results on the threads of the current pool and hands them to `take` in order, one at a
/// time. Blocks are begun in order too, so few results wait.
pub(crate) fn in_order<R: Send>(
    count: usize,
    compute: impl Fn(usize) -> R + Sync,
    take: impl FnMut(usize, R) + Send,
) {
    let next = AtomicUsize::new(0);
    let state = Mutex::new((0, BTreeMap::new(), take));
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return;
            }
            let result = compute(index);
            let mut state = state.lock().expect("no thread panics while it holds the lock");
            let (expected, waiting, take) = &mut *state;
            waiting.insert(index, result);
            while let Some(result) = waiting.remove(expected) {
                take(*expected, result);
                *expected += 1;
            }
        }
    };
    let threads = rayon::current_num_threads().min(count);
    if threads <= 1 {
        return work();
    }
    rayon::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|_| work());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_on_any_number_of_threads() {
        for threads in [1, 2, 7] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut seen = Vec::new();
            pool.install(|| {
                in_order(40, |i| 3 * i, |i, value| seen.push((i, value)));
            });
            assert_eq!(seen, (0..40).map(|i| (i, 3 * i)).collect::<Vec<_>>());
        }
    }
}
