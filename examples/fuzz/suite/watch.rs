//! Inputs on a thread of their own, watched: how long each takes, and how much memory.

use std::alloc::{GlobalAlloc, Layout};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use unrolled_lab::memory::CountingAllocator;

use super::judge::{Verdict, judge};
use super::{Input, Target};

/// An input takes no longer than this,
pub const SECONDS: u64 = 5;
/// and no more memory than this: many times what any input is worth.
pub const MOST_BYTES: i64 = 1 << 30;

static HELD: AtomicI64 = AtomicI64::new(0);
static BEFORE: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);
static WATCHING: AtomicBool = AtomicBool::new(false);
static EXCEEDED: AtomicBool = AtomicBool::new(false);

/// The allocator of the command line, within a bound: a thread that asks for more while an input is tried stops for
/// good, as the process would where the memory ends.
pub struct Bounded;

fn count(bytes: i64) {
    let held = HELD.fetch_add(bytes, Relaxed) + bytes;
    if bytes > 0 && WATCHING.load(Relaxed) {
        let taken = held - BEFORE.load(Relaxed);
        if taken > MOST_BYTES {
            EXCEEDED.store(true, Relaxed);
            WATCHING.store(false, Relaxed);
            loop {
                std::thread::park();
            }
        }
        PEAK.fetch_max(taken, Relaxed);
    }
}

// SAFETY: every call is passed on unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        unsafe { CountingAllocator.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        unsafe { CountingAllocator.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        unsafe { CountingAllocator.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as i64 - layout.size() as i64);
        unsafe { CountingAllocator.realloc(pointer, layout, size) }
    }
}

/// What was done: of the inputs, how many were accepted, and the findings.
#[derive(Debug, Default)]
pub struct Done {
    pub inputs: u64,
    pub accepted: u64,
    pub slowest: Duration,
    pub most_bytes: i64,
    pub findings: Vec<(u64, String)>,
    /// Whether the last finding leaves a thread behind that cannot be stopped.
    pub stuck: bool,
}

/// What tells of the inputs one by one.
pub trait Listener: Send {
    /// Input `index` begins.
    fn begins(&mut self, index: u64);
    /// And was answered.
    fn answered(&mut self, index: u64, verdict: &Verdict);
}

/// Tries inputs until the first that takes too long or too much. `next` makes them, each with its index.
pub fn watched(
    target: &'static Target,
    folder: &Path,
    mut next: impl FnMut() -> Option<(u64, Input)> + Send + 'static,
    mut listener: impl Listener + 'static,
) -> Done {
    static BEGUN: AtomicU64 = AtomicU64::new(0);
    static INDEX: AtomicU64 = AtomicU64::new(0);
    let epoch = Instant::now();
    let now = move || epoch.elapsed().as_millis() as u64 + 1;
    let folder = folder.to_owned();
    let (sender, receiver) = std::sync::mpsc::channel();
    PEAK.store(0, Relaxed);
    BEGUN.store(0, Relaxed);
    let worker = std::thread::Builder::new().spawn(move || {
        while let Some((index, input)) = next() {
            listener.begins(index);
            INDEX.store(index, Relaxed);
            BEFORE.store(HELD.load(Relaxed), Relaxed);
            let started = Instant::now();
            BEGUN.store(now(), Relaxed);
            WATCHING.store(true, Relaxed);
            let verdict = judge(target, &input, &folder);
            WATCHING.store(false, Relaxed);
            BEGUN.store(0, Relaxed);
            listener.answered(index, &verdict);
            if sender.send((index, started.elapsed(), verdict)).is_err() {
                break;
            }
        }
    });
    worker.expect("a thread can be started");
    let mut done = Done::default();
    loop {
        match receiver.recv_timeout(Duration::from_millis(20)) {
            Ok((index, took, verdict)) => {
                done.inputs += 1;
                done.slowest = done.slowest.max(took);
                match verdict {
                    Verdict::Accepted => done.accepted += 1,
                    Verdict::Refused(_) => {}
                    Verdict::Wrong(wrong) => done.findings.push((index, wrong)),
                }
            }
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                let begun = BEGUN.load(Relaxed);
                let wrong = if EXCEEDED.swap(false, Relaxed) {
                    format!("takes more than {} MB of memory", MOST_BYTES >> 20)
                } else if begun > 0 && now().saturating_sub(begun) > 1000 * SECONDS {
                    format!("takes longer than {SECONDS} s")
                } else {
                    continue;
                };
                done.findings.push((INDEX.load(Relaxed), wrong));
                done.stuck = true;
                break;
            }
        }
    }
    done.most_bytes = PEAK.load(Relaxed);
    done
}
