//! Training: any network, on any device, with checkpoints.
//!
//! ```text
//! Lesson (network, estimator, Source) → Training → steps (batch → blocks → estimate → optimiser → project)
//!                                     → metrics.csv, checkpoints → State
//! ```

mod checkpoint;
mod coding;
mod course;
mod encoder_step;
mod lesson;
mod metrics_file;
mod parameters;
mod plain;
mod source;
mod state;
mod step;
mod streamed;
mod unsolved;

pub use checkpoint::Saved;
pub use coding::{Coding, CodingSections, check_start, host_bytes, judge_step};
pub use course::Course;
pub use encoder_step::EncoderStep;
pub use lesson::{Examined, Lesson, Measurement};
pub use metrics_file::MetricsFile;
pub use parameters::{ATOMS, Memories, Values, values, with_values};
pub use plain::Plain;
pub use source::{Examples, InMemory, Pair, Rows, Source};
pub use state::State;
pub use step::{Row, Training};
pub use streamed::{Shuffling, Streamed, window_and_stretch};
pub use unsolved::unsolved;

use std::path::Path;

use crate::devices::guarded;
use crate::experiment::Session;
use crate::progress::Observer;
use crate::{Error, RunDirectory};
use step::{StateOf, Trainer};

/// The newest checkpoint of a run that is intact; what is damaged is said.
pub fn newest(directory: &RunDirectory, run: &str, observer: &mut dyn Observer) -> Option<Saved> {
    checkpoint::newest(directory, run, observer)
}

/// Steps that the newest checkpoint of a run says it has done, by its name alone.
pub fn steps_done(folder: &Path, run: &str) -> usize {
    checkpoint::steps_done(folder, run)
}

impl<L: Lesson> Training<'_, L> {
    /// Trains to the end, from where a checkpoint is or from the start.
    pub fn run(
        &self,
        saved: Option<Saved>,
        directory: &RunDirectory,
        metrics: &mut MetricsFile,
        session: &mut Session,
    ) -> Result<StateOf<L>, Error> {
        let (network, memory) = self.lesson.start();
        let mut state = match saved {
            None => State::start(network, memory),
            Some(saved) => {
                let optimizer = self.optimizer.build();
                let atoms = self.lesson.atoms(&network);
                saved.into_state(&self.identity, network, (&optimizer, atoms), &self.device)?
            }
        };
        let started = std::time::Instant::now();
        let seconds_before = state.seconds;
        let trainer = Trainer::new(self, session.threads);
        let mut saved_at = state.step;
        if state.step == 0 {
            checkpoint::save(directory, self.name, &self.identity, &state)?;
        }
        while state.step < self.steps && !state.stopped_early {
            let mut rows = Vec::new();
            let advance = || trainer.advance(&mut state, &mut rows);
            let outcome = guarded(&self.config.device, advance);
            let (from, to) = (state.seconds, seconds_before + started.elapsed().as_secs_f64());
            state.seconds = to;
            let count = rows.len() as f64;
            for (index, row) in rows.iter_mut().enumerate() {
                row.seconds = from + (to - from) * (index + 1) as f64 / count;
                metrics.write(self.name, self.lesson.source().epoch_of(row.step), row)?;
            }
            self.tell(&rows, session.observer);
            if let Err(error) = outcome {
                metrics.sync()?;
                if matches!(error, Error::NotFinite(_)) {
                    // The state is that of the last good step.
                    checkpoint::save(directory, self.name, &self.identity, &state)?;
                }
                return Err(error);
            }
            let stop = session.stop.is_requested();
            if stop || state.step.is_multiple_of(self.train.checkpoint_every) {
                metrics.sync()?;
                checkpoint::save(directory, self.name, &self.identity, &state)?;
                saved_at = state.step;
            }
            if stop && state.step < self.steps {
                return Err(Error::Interrupted(String::new()));
            }
        }
        if saved_at != state.step || state.stopped_early {
            metrics.sync()?;
            checkpoint::save(directory, self.name, &self.identity, &state)?;
        }
        Ok(state)
    }

    fn tell(&self, rows: &[Row], observer: &mut dyn Observer) {
        let name = self.name;
        observer.advance(rows.len() as u64);
        if let Some(row) = rows.last() {
            let run = if name == "main" { String::new() } else { format!("{name}  ") };
            let figures = self.lesson.describe(&row.figures);
            observer.now(&format!("{run}loss {:.5}{figures}", row.loss));
        }
        for warning in rows.iter().filter_map(|row| row.warning.as_ref()) {
            observer.say(&format!("note: {name}: {warning}"));
        }
    }
}
