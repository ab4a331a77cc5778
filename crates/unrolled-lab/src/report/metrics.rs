//! metrics.csv of runs that train, read and checked.

use std::collections::BTreeMap;
use std::path::Path;

use crate::Error;

/// The columns of every run.
#[derive(Debug)]
pub struct Metrics {
    columns: Vec<String>,
    /// Steps and numbers by run: a row after the other, not-a-number where a cell is empty.
    runs: BTreeMap<String, (Vec<f64>, Vec<f64>)>,
}

impl Metrics {
    /// Reads the file of a run directory: its first columns are `run` and `step`, all others hold numbers.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("metrics.csv");
        let damaged = |what: &dyn std::fmt::Display| Error::damaged(&path, what);
        let mut reader = csv::Reader::from_path(&path).map_err(|error| damaged(&error))?;
        let heads = reader.headers().map_err(|error| damaged(&error))?;
        let mut columns: Vec<String> = heads.iter().map(str::to_owned).collect();
        if columns.len() < 3 || columns[..2] != ["run", "step"] {
            return Err(damaged(&"its first line does not begin with the columns run and step"));
        }
        columns.drain(..2);
        let mut runs: BTreeMap<String, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(|error| damaged(&error))? {
            let line = record.position().map_or(0, csv::Position::line);
            let wrong = |column: &str, text: &str| {
                damaged(&format!("line {line}: `{column}` is \"{text}\", not a number"))
            };
            let step = record[1].parse::<u64>().map_err(|_| wrong("step", &record[1]))?;
            if !runs.contains_key(&record[0]) {
                runs.insert(record[0].to_owned(), Default::default());
            }
            if let Some((steps, values)) = runs.get_mut(&record[0]) {
                steps.push(step as f64);
                for (column, text) in columns.iter().zip(record.iter().skip(2)) {
                    values.push(match text {
                        "" => f64::NAN,
                        text => text.parse().map_err(|_| wrong(column, text))?,
                    });
                }
            }
        }
        Ok(Self { columns, runs })
    }

    /// A column of a run against its steps; where it is empty, there is no point.
    pub fn curve(&self, run: &str, column: &str) -> Vec<(f64, f64)> {
        let index = self.columns.iter().position(|name| name == column);
        let (Some(index), Some((steps, values))) = (index, self.runs.get(run)) else {
            return Vec::new();
        };
        let values = values.chunks(self.columns.len()).map(|row| row[index]);
        steps.iter().copied().zip(values).filter(|(_, value)| !value.is_nan()).collect()
    }

    /// A column of a run against another; where one of them is empty, there is no point.
    pub fn against(&self, run: &str, x: &str, y: &str) -> Vec<(f64, f64)> {
        let index = |column: &str| self.columns.iter().position(|name| name == column);
        let (Some(x), Some(y), Some((_, values))) = (index(x), index(y), self.runs.get(run)) else {
            return Vec::new();
        };
        let points = values.chunks(self.columns.len()).map(|row| (row[x], row[y]));
        points.filter(|(x, y)| !x.is_nan() && !y.is_nan()).collect()
    }

    /// The last step of a run.
    pub fn steps(&self, run: &str) -> Option<f64> {
        self.runs.get(run).and_then(|(steps, _)| steps.last().copied())
    }
}
