//! metrics.csv of a learning run: a row a step, written as it happens.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use super::batches::Batches;
use super::plan::Plan;
use super::state::State;
use super::step::Row;
use crate::config::Run;
use crate::{Error, RunDirectory};

const COLUMNS: &str = "run,step,epoch,loss,reconstruction,code_error,dictionary_error,learning_rate,\
    seconds,validation_loss,dictionary_error_aligned,sine_distance,largest_atom_error,\
    support_precision,support_recall,nonzeros,duality_gap_mean,duality_gap_worst,dead_atoms,\
    duplicate_atoms,resampled_atoms,bias,spectral_norm_squared";

/// The file, open at its end.
pub(super) struct MetricsFile {
    path: PathBuf,
    writer: BufWriter<File>,
}

impl MetricsFile {
    /// Opens the file; rows written after the state of their run are dropped, and so are rows of runs
    /// without one.
    pub fn open(
        directory: &RunDirectory,
        runs: &[Run],
        states: &[Option<State>],
    ) -> Result<Self, Error> {
        let path = directory.path().join("metrics.csv");
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        let mut text = format!("{COLUMNS}\n");
        for (run, state) in runs.iter().zip(states) {
            let done = state.as_ref().map_or(0, |state| state.step);
            let rows = before.lines().skip(1).filter(|line| {
                let mut fields = line.split(',');
                let name = fields.next().map(|name| name.trim_matches('"'));
                let step = fields.next().and_then(|step| step.parse::<usize>().ok());
                // Names with a comma are quoted: what follows is not a step then.
                match step {
                    Some(step) => name == Some(run.name.as_str()) && step <= done,
                    None => {
                        let quoted = format!("\"{}\",", run.name);
                        let rest = line.strip_prefix(&quoted);
                        let step = rest.and_then(|rest| rest.split(',').next()?.parse().ok());
                        step.is_some_and(|step: usize| step <= done)
                    }
                }
            });
            for row in rows.take(done) {
                text.push_str(row);
                text.push('\n');
            }
        }
        directory.write("metrics.csv", text.as_bytes())?;
        let file = File::options().append(true).open(&path);
        let file = file.map_err(|error| Error::writing(&path, &error))?;
        Ok(Self { path, writer: BufWriter::new(file) })
    }

    /// Writes the row of a step, whole lines only.
    pub fn write(&mut self, run: &str, plan: &Plan, row: &Row) -> Result<(), Error> {
        let number = |value: Option<f64>| value.map_or(String::new(), |v| v.to_string());
        let name = if run.contains(',') { format!("\"{run}\"") } else { run.to_owned() };
        let epoch = Batches::epoch_of(row.step, plan.training, plan.batch);
        let mut fields = vec![
            name,
            row.step.to_string(),
            epoch.to_string(),
            row.loss.to_string(),
            row.reconstruction.to_string(),
            number(row.code_error),
            number(row.dictionary_error),
            row.learning_rate.to_string(),
            format!("{:.6}", row.seconds),
        ];
        match &row.costly {
            None => fields.extend(std::iter::repeat_n(String::new(), 14)),
            Some(costly) => fields.extend([
                number(costly.validation_loss),
                number(costly.aligned_error),
                number(costly.sine_distance),
                number(costly.largest_atom_error),
                number(costly.support_precision),
                number(costly.support_recall),
                costly.nonzeros.to_string(),
                costly.gap_mean.to_string(),
                costly.gap_worst.to_string(),
                costly.dead_atoms.to_string(),
                costly.duplicate_atoms.to_string(),
                costly.resampled.to_string(),
                number(costly.bias),
                costly.norm_squared.to_string(),
            ]),
        }
        let line = fields.join(",") + "\n";
        let write = self.writer.write_all(line.as_bytes()).and_then(|()| self.writer.flush());
        write.map_err(|error| Error::writing(&self.path, &error))
    }

    /// Forces everything to the disk.
    pub fn sync(&mut self) -> Result<(), Error> {
        let sync = self.writer.flush().and_then(|()| self.writer.get_ref().sync_data());
        sync.map_err(|error| Error::writing(&self.path, &error))
    }
}
