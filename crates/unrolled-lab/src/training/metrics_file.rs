//! metrics.csv of runs that train: a row a step, written as it happens.

use std::fs::File;
use std::path::PathBuf;

use super::step::Row;
use crate::{Error, RunDirectory};

/// The file, open at its end.
pub struct MetricsFile {
    path: PathBuf,
    file: File,
    writer: csv::Writer<File>,
    measured: usize,
}

impl MetricsFile {
    /// Opens the file for lessons with these columns of every step and of every measurement. Of every run, named with the steps that it has done, the rows after those
    /// steps are dropped, and so are rows of other runs. The notes say which rows are missing.
    pub fn open(
        directory: &RunDirectory,
        columns: &[&str],
        measured: &[&str],
        runs: &[(&str, usize)],
    ) -> Result<(Self, Vec<String>), Error> {
        let path = directory.path().join("metrics.csv");
        let head: csv::StringRecord = ["run", "step", "epoch", "loss", "reconstruction"]
            .iter()
            .chain(columns)
            .chain(&["learning_rate", "seconds", "validation_loss"])
            .chain(measured)
            .copied()
            .collect();
        let mut kept = csv::Writer::from_writer(Vec::new());
        let mut keep = |record: &csv::StringRecord| {
            kept.write_record(record).expect("memory can be written to");
        };
        keep(&head);
        let before = std::fs::read(&path).unwrap_or_default();
        let mut before = csv::Reader::from_reader(&before[..]);
        // Columns that came with a later version are empty; of a file with others nothing can be kept.
        let found = before.headers().cloned().unwrap_or_default();
        let fits = found.iter().all(|name| head.iter().any(|column| column == name));
        let places: Vec<_> =
            head.iter().map(|column| found.iter().position(|name| name == column)).collect();
        let by_name = |row: csv::StringRecord| -> csv::StringRecord {
            places.iter().map(|at| at.and_then(|at| row.get(at)).unwrap_or_default()).collect()
        };
        let rows: Vec<_> = before.records().flatten().filter(|_| fits).map(by_name).collect();
        let mut notes = Vec::new();
        for (run, done) in runs {
            let of_run = rows.iter().filter(|row| {
                let step = row[1].parse::<usize>();
                row[0] == **run && step.is_ok_and(|step| step <= *done)
            });
            let of_run: Vec<_> = of_run.take(*done).collect();
            of_run.iter().for_each(|row| keep(row));
            if of_run.len() < *done {
                notes.push(format!(
                    "note: {}: {} of the {done} rows of run `{run}` are missing or damaged; the report lacks those \
                     steps, and nothing else does",
                    path.display(),
                    done - of_run.len()
                ));
            }
        }
        directory.write("metrics.csv", &kept.into_inner().expect("memory can be written to"))?;
        let open = || -> std::io::Result<_> {
            let file = File::options().append(true).open(&path)?;
            Ok((file.try_clone()?, csv::WriterBuilder::new().has_headers(false).from_writer(file)))
        };
        let (file, writer) = open().map_err(|error| Error::writing(&path, &error))?;
        Ok((Self { path, file, writer, measured: measured.len() }, notes))
    }

    /// Writes the row of a step, whole lines only.
    pub(super) fn write(&mut self, run: &str, epoch: usize, row: &Row) -> Result<(), Error> {
        let number = |value: &Option<f64>| value.map_or(String::new(), |v| v.to_string());
        let mut fields = vec![
            run.to_owned(),
            row.step.to_string(),
            epoch.to_string(),
            row.loss.to_string(),
            row.reconstruction.to_string(),
        ];
        fields.extend(row.figures.iter().map(number));
        fields.extend([
            number(&row.learning_rate),
            format!("{:.6}", row.seconds),
            number(&row.validation_loss),
        ]);
        let measured = row.measured.iter().chain(std::iter::repeat(&None));
        fields.extend(measured.take(self.measured).map(number));
        let write = self.writer.write_record(&fields).map_err(std::io::Error::from);
        write.and_then(|()| self.writer.flush()).map_err(|error| Error::writing(&self.path, &error))
    }

    /// Forces everything to the disk.
    pub fn sync(&mut self) -> Result<(), Error> {
        let sync = self.writer.flush().and_then(|()| self.file.sync_data());
        sync.map_err(|error| Error::writing(&self.path, &error))
    }
}
