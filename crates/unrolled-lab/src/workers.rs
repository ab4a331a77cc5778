//! Blocks of work on several threads, with results that do not depend on how many.
//!
//! Every block is computed by one worker, on the CPU inside a thread pool of its own with one thread, so that
//! nothing below it splits work differently from one run to the next. Results are handed over in the
//! order of the blocks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use rayon::ThreadPool;

use crate::Error;

/// How a block reports on itself.
pub(crate) struct Reporter<T> {
    sender: Sender<Message<T>>,
}

enum Message<T> {
    Advance(u64),
    Done(usize, Result<T, Error>),
}

impl<T> Reporter<T> {
    /// So many more units are done.
    pub fn advance(&self, units: u64) {
        // The receiver is gone only when the work has been given up.
        let _ = self.sender.send(Message::Advance(units));
    }
}

/// Workers, and the threads of each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workers {
    pub workers: usize,
    pub threads: usize,
}

impl Workers {
    /// One thread each.
    pub fn of(workers: usize) -> Self {
        Self { workers, threads: 1 }
    }
}

/// Does some work with so many threads.
pub(crate) fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    pool(threads).install(work)
}

/// So many threads that wait for work.
pub(crate) fn pool(threads: usize) -> ThreadPool {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("a pool of threads can be made")
}

/// Threads that wait for work, a pool of their own for each worker: to be kept where work comes often.
pub(crate) struct Crew(Vec<ThreadPool>);

impl Crew {
    /// Starts them.
    pub fn new(Workers { workers, threads }: Workers) -> Self {
        Self((0..workers.max(1)).map(|_| pool(threads)).collect())
    }

    /// As [`in_order`].
    pub fn in_order<T: Send>(
        &self,
        blocks: usize,
        prepare: impl Fn() + Sync,
        compute: impl Fn(usize, &Reporter<T>) -> Result<T, Error> + Sync,
        mut advance: impl FnMut(u64),
        mut take: impl FnMut(T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (next, give_up) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (sender, receiver) = channel();
        let pools = &self.0[..self.0.len().min(blocks.max(1))];
        let reporters = pools.iter().map(|_| Reporter { sender: sender.clone() }).collect();
        drop(sender);
        let work = |reporter: Reporter<T>| {
            prepare();
            while !give_up.load(Ordering::SeqCst) {
                let block = next.fetch_add(1, Ordering::SeqCst);
                if block >= blocks {
                    break;
                }
                let result = compute(block, &reporter);
                if result.is_err() {
                    give_up.store(true, Ordering::SeqCst);
                }
                let _ = reporter.sender.send(Message::Done(block, result));
            }
        };
        let mut outcome = Ok(());
        on_each(pools, reporters, &work, &mut || {
            let mut waiting = BTreeMap::new();
            let mut expected = 0;
            for message in &receiver {
                match message {
                    Message::Advance(units) => advance(units),
                    Message::Done(_, Err(error)) => {
                        if outcome.is_ok() {
                            outcome = Err(error);
                        }
                    }
                    Message::Done(block, Ok(result)) => {
                        waiting.insert(block, result);
                        while let Some(result) = waiting.remove(&expected) {
                            expected += 1;
                            if outcome.is_ok()
                                && let Err(error) = take(result)
                            {
                                give_up.store(true, Ordering::SeqCst);
                                outcome = Err(error);
                            }
                        }
                    }
                }
            }
        });
        outcome
    }
}

/// Begins the work on every pool, does `meanwhile` here, and waits for all.
fn on_each<T: Send>(
    pools: &[ThreadPool],
    mut reporters: Vec<Reporter<T>>,
    work: &(impl Fn(Reporter<T>) + Sync),
    meanwhile: &mut dyn FnMut(),
) {
    let (Some((first, rest)), Some(reporter)) = (pools.split_first(), reporters.pop()) else {
        return meanwhile();
    };
    first.in_place_scope(|scope| {
        scope.spawn(move |_| work(reporter));
        on_each(rest, reporters, work, meanwhile);
    });
}

/// Computes `blocks` blocks and hands them to `take` in order; every worker calls `prepare` first. The first error
/// ends the work: blocks that have begun are finished, no further ones are begun.
pub(crate) fn in_order<T: Send>(
    blocks: usize,
    Workers { workers, threads }: Workers,
    prepare: impl Fn() + Sync,
    compute: impl Fn(usize, &Reporter<T>) -> Result<T, Error> + Sync,
    advance: impl FnMut(u64),
    take: impl FnMut(T) -> Result<(), Error>,
) -> Result<(), Error> {
    let workers = workers.clamp(1, blocks.max(1));
    Crew::new(Workers { workers, threads }).in_order(blocks, prepare, compute, advance, take)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_arrive_in_order_whatever_the_threads() {
        for threads in [1, 2, 5] {
            let (mut seen, mut units) = (Vec::new(), 0);
            let compute = |block: usize, reporter: &Reporter<usize>| {
                std::thread::sleep(std::time::Duration::from_millis((7 * block as u64) % 5));
                reporter.advance(1);
                Ok(block)
            };
            let take = |block| {
                seen.push(block);
                Ok(())
            };
            in_order(20, Workers::of(threads), || {}, compute, |n| units += n, take).unwrap();
            assert_eq!(seen, (0..20).collect::<Vec<_>>());
            assert_eq!(units, 20);
        }
    }

    #[test]
    fn an_error_ends_the_work() {
        let compute = |block: usize, _: &Reporter<usize>| match block {
            3 => Err(Error::NotFinite("block 3".to_owned())),
            other => Ok(other),
        };
        let result = in_order(1000, Workers::of(2), || {}, compute, |_| {}, |_| Ok(()));
        assert!(matches!(result, Err(Error::NotFinite(_))));
    }
}
