//! A counting allocator: how many bytes a piece of work takes at its peak.
//!
//! Counters belong to a thread, so that work on one thread is not charged with that of another. The
//! binary installs the allocator; where it is not installed, [`Meter`] reads nothing and the figures
//! are absent.

pub use unrolled_data::available;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

/// The system's allocator with counters.
///
/// ```
/// use unrolled_lab::memory::CountingAllocator;
/// #[global_allocator]
/// static ALLOCATOR: CountingAllocator = CountingAllocator;
/// ```
#[derive(Debug)]
pub struct CountingAllocator;

static INSTALLED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static CURRENT: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// Allocations below this do not count: they are bookkeeping, not arrays, and how much of it there is
/// depends on what ran before.
const LEAST: usize = 1024;

fn count_size(size: usize, sign: isize) {
    if size >= LEAST {
        count(sign * size as isize);
    }
}

fn count(bytes: isize) {
    // A thread that is being torn down has no counters left: nothing to count then.
    let _ = CURRENT.try_with(|current| {
        let now = current.get() + bytes;
        current.set(now);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(now)));
    });
}

// SAFETY: every call is passed on unchanged to the system's allocator; counting allocates nothing.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        INSTALLED.store(true, Ordering::Relaxed);
        let pointer = unsafe { System.alloc(layout) };
        if !pointer.is_null() {
            count_size(layout.size(), 1);
        }
        pointer
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count_size(layout.size(), -1);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let pointer = unsafe { System.alloc_zeroed(layout) };
        if !pointer.is_null() {
            count_size(layout.size(), 1);
        }
        pointer
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let moved = unsafe { System.realloc(pointer, layout, size) };
        if !moved.is_null() {
            count_size(layout.size(), -1);
            count_size(size, 1);
        }
        moved
    }
}

/// Measures time and the peak of memory of work on this thread, with pauses.
#[derive(Debug)]
pub struct Meter {
    seconds: f64,
    peak: isize,
    baseline: isize,
    running_since: std::time::Instant,
}

impl Meter {
    /// Begins to measure.
    pub fn start() -> Self {
        let current = CURRENT.get();
        PEAK.set(current);
        Self { seconds: 0.0, peak: 0, baseline: current, running_since: std::time::Instant::now() }
    }

    /// Stops measuring; what happens until [`Self::resume`] does not count.
    pub fn pause(&mut self) -> Reading {
        self.seconds += self.running_since.elapsed().as_secs_f64();
        self.peak = self.peak.max(PEAK.get() - self.baseline);
        // Until it goes on, the baseline holds what the measured work itself has in hand.
        self.baseline = CURRENT.get() - self.baseline;
        Reading {
            seconds: self.seconds,
            peak_bytes: INSTALLED.load(Ordering::Relaxed).then_some(self.peak.max(0) as u64),
        }
    }

    /// Goes on after a pause.
    pub fn resume(&mut self) {
        let current = CURRENT.get();
        self.baseline = current - self.baseline;
        PEAK.set(current);
        self.running_since = std::time::Instant::now();
    }
}

/// What a [`Meter`] read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// Time.
    pub seconds: f64,
    /// Bytes beyond what stood before, where the counting allocator is installed.
    pub peak_bytes: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_counts_what_the_work_holds_and_not_what_happens_in_a_pause() {
        // Driven by hand: the allocator is not installed in this binary.
        let mut meter = Meter::start();
        count(100);
        count(-40);
        meter.pause();
        count(1000);
        count(-900);
        meter.resume();
        assert_eq!(meter.peak, 100);
        count(50);
        meter.pause();
        assert_eq!(meter.peak, 110);
        count(-210);
    }
}
