//! What a run that explains will do, checked.

use std::sync::Arc;

use ndarray::Array2;
use unrolled::operator::LinearOperator;
use unrolled_data::{read_matrix, read_rows};

use super::config::{Array, CodesFrom, ExplainConfig, Sections};
use crate::Error;
use crate::check::Estimate;
use crate::config::Run;
use crate::experiments::learn;
use crate::training::Lesson;

/// A run that can begin.
pub(super) struct Plan<'a> {
    pub learning: learn::Plan<'a>,
    pub explain: &'a ExplainConfig,
}

/// Examples to explain, prepared as those to train on are.
pub(super) struct Test {
    /// Those that are shown, `[k, m]`.
    pub x: Array2<f64>,
    /// Their labels, where they are known.
    pub labels: Option<Vec<f64>>,
    /// "test", or "training" where there are no others.
    pub of: &'static str,
}

impl<'a> Plan<'a> {
    /// Reads the data and checks all that depends on them.
    pub fn new(run: &'a Run, shelf: Arc<learn::Shelf>) -> Result<Self, Error> {
        let Sections { learning, explain } = run.config.sections();
        let plan = Self { learning: learn::Plan::new(run, learning, shelf)?, explain };
        let lesson = plan.learning.lesson()?;
        let (examples, atoms) = (lesson.prepared.data.examples(), lesson.prepared.start.ncols());
        plan.test(&lesson)?;
        if let CodesFrom::File(from) = &explain.codes {
            plan.codes(from, [examples, atoms])?;
        }
        if let Some(atom) = explain.atoms.iter().find(|atom| **atom >= atoms) {
            return Err(Error::at(
                "explain.atoms",
                format!(
                    "`explain.atoms` holds {atom}, but the {atoms} atoms are counted from 0; write {} or less",
                    atoms - 1
                ),
            ));
        }
        drop(lesson);
        Ok(plan)
    }

    /// Codes of the training examples from a file.
    pub fn codes(&self, from: &Array, [examples, atoms]: [usize; 2]) -> Result<Array2<f64>, Error> {
        let wrong = |message: String| Error::at("explain.codes", message);
        let codes = read_matrix(&from.path, &from.key).map_err(|error| wrong(error.to_string()))?;
        if codes.dim() != (examples, atoms) {
            return Err(wrong(format!(
                "`explain.codes` reads `{}` of shape {:?}, but the data ask for [{examples}, {atoms}] (examples, atoms); give the \
                 codes of these examples",
                from.key,
                codes.shape()
            )));
        }
        Ok(codes)
    }

    /// The examples that are shown.
    pub fn test(&self, lesson: &learn::Learning) -> Result<Test, Error> {
        let data = &lesson.prepared.data;
        let section = &self.learning.sections().data;
        let (mut x, labels, of) = match (&self.explain.test, section.load_test()) {
            (Some(Array { path, key }), _) => {
                let rows = read_rows(path, key);
                let (x, _) = rows.map_err(|error| Error::at("explain.test", error.to_string()))?;
                if x.ncols() != data.features() {
                    return Err(Error::at(
                        "explain.test",
                        format!(
                            "`explain.test` reads `{key}` with {} features, but the data have {}; give rows of as many",
                            x.ncols(),
                            data.features()
                        ),
                    ));
                }
                (x, None, "test")
            }
            (None, Some(test)) => {
                let test = test?;
                (test.x, test.labels, "test")
            }
            (None, None) => (data.x.clone(), data.labels.clone(), "training"),
        };
        if let Some(example) = self.explain.examples.iter().find(|example| **example >= x.nrows()) {
            return Err(Error::at(
                "explain.examples",
                format!(
                    "`explain.examples` holds {example}, but the {} {of} examples are counted from 0; write less than that",
                    x.nrows()
                ),
            ));
        }
        x = x.select(ndarray::Axis(0), &self.explain.examples);
        if of == "test"
            && let Some(preprocessing) = &lesson.prepared.preprocessing
        {
            x = preprocessing.apply(&x);
        }
        let of_shown = |labels: Array2<f64>| {
            let one = |example: &usize| labels[[*example, 0]];
            (labels.ncols() == 1).then(|| self.explain.examples.iter().map(one).collect())
        };
        Ok(Test { x, labels: labels.and_then(of_shown), of })
    }

    /// Adds what training and explaining will take.
    pub fn estimate_explanation(
        &self,
        threads: usize,
        estimate: &mut Estimate,
    ) -> Result<(), Error> {
        self.learning.estimate(threads, estimate)?;
        let lesson = self.learning.lesson()?;
        let width = lesson.start().0.dictionary.shape()[1];
        // Codes and contributions, each once as they are computed and once as they are written.
        let explanation = 32 * (lesson.prepared.data.examples() * width) as u64;
        estimate.include(estimate.bytes + explanation, None);
        Ok(())
    }
}
