//! Progress on a terminal, or plain lines where there is none.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use unrolled_lab::progress::Observer;

use crate::output::tell;

/// Shows a bar on a terminal; elsewhere prints a plain line every few seconds.
pub struct Terminal {
    bar: Option<ProgressBar>,
    is_terminal: bool,
    now: String,
    total: u64,
    done: u64,
    done_before: u64,
    started: Instant,
    last_line: Instant,
}

const BETWEEN_LINES: Duration = Duration::from_secs(10);

impl Terminal {
    pub fn new() -> Self {
        Self {
            bar: None,
            is_terminal: std::io::stderr().is_terminal(),
            now: String::new(),
            total: 0,
            done: 0,
            done_before: 0,
            started: Instant::now(),
            last_line: Instant::now(),
        }
    }

    fn line(&mut self) {
        self.last_line = Instant::now();
        let percent = 100 * self.done / self.total.max(1);
        let rate = (self.done - self.done_before) as f64 / self.started.elapsed().as_secs_f64();
        let left = (self.total - self.done) as f64 / rate.max(1e-9);
        tell(&format!(
            "{percent:3} %  {rate:.0} iterations/s  about {left:.0} s left  {}",
            self.now
        ));
    }
}

impl Observer for Terminal {
    fn begin(&mut self, total: u64, done: u64) {
        (self.total, self.done, self.done_before) = (total, done, done);
        (self.started, self.last_line) = (Instant::now(), Instant::now());
        if self.is_terminal {
            let style = "{bar:32} {percent:>3} %  {per_sec}  {eta} left  {msg}";
            let style = ProgressStyle::with_template(style).expect("the template is valid");
            let bar = ProgressBar::new(total).with_style(style).with_message(self.now.clone());
            bar.set_position(done);
            bar.reset_eta();
            self.bar = Some(bar);
        }
    }

    fn advance(&mut self, units: u64) {
        self.done += units;
        match &self.bar {
            Some(bar) => bar.set_position(self.done),
            None if self.last_line.elapsed() >= BETWEEN_LINES => self.line(),
            None => {}
        }
    }

    fn now(&mut self, what: &str) {
        what.clone_into(&mut self.now);
        if let Some(bar) = &self.bar {
            bar.set_message(self.now.clone());
        }
    }

    fn say(&mut self, message: &str) {
        match &self.bar {
            Some(bar) => bar.println(message),
            None => tell(message),
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
