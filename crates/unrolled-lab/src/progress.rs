//! What a long computation says while it runs, and how it is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Who is told of progress. Always called from the thread that runs the experiment.
pub trait Observer {
    /// Work begins: so many units in all, of which so many were done before, and what they are called.
    fn begin(&mut self, total: u64, done: u64, unit: &'static str);
    /// So many more units are done.
    fn advance(&mut self, units: u64);
    /// What is being done.
    fn now(&mut self, what: &str);
    /// Something that the user should know.
    fn say(&mut self, message: &str);
    /// Work has ended.
    fn end(&mut self);
}

/// An observer that says nothing.
#[derive(Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn begin(&mut self, _total: u64, _done: u64, _unit: &'static str) {}
    fn advance(&mut self, _units: u64) {}
    fn now(&mut self, _what: &str) {}
    fn say(&mut self, _message: &str) {}
    fn end(&mut self) {}
}

/// A request to stop, set by Ctrl-C or SIGTERM and heeded at the next safe place.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks to stop.
    pub fn request(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether somebody asked.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
