//! Gradient descent of the whole batch with g_dec, towards the truth.

use burn::tensor::Tensor;
use ndarray::{Array2, s};
use serde::{Deserialize, Serialize};
use unrolled::dictionary::Constraint;
use unrolled::metrics::{dictionary_error, largest_atom_error};
use unrolled::tensors::to_array;

use crate::Error;
use crate::experiment::Session;
use crate::experiments::theory::config::ContractionConfig;
use crate::experiments::theory::problem::{Net, Problem, gradient_at_codes, tensor};
use crate::workers::{Workers, in_order};

/// The errors at the start and after every step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contraction {
    /// λ.
    pub penalty: f64,
    /// ‖D* − D‖/‖D*‖.
    pub dictionary_error: Vec<f64>,
    /// max_j ‖D*_j − D_j‖².
    pub largest_atom_error: Vec<f64>,
}

/// Examples in a block.
const BLOCK: usize = 256;

/// Descends with λ.
pub fn measure(
    problem: &Problem,
    config: &ContractionConfig,
    penalty: f64,
    session: &mut Session,
) -> Result<Contraction, Error> {
    let mut dictionary = problem.dictionary(config.dictionary_noise);
    let step = problem.step(&dictionary);
    let x = problem.first(config.examples);
    let mut found =
        Contraction { penalty, dictionary_error: Vec::new(), largest_atom_error: Vec::new() };
    found.record(&dictionary, &problem.truth);
    for at in 1..=config.steps {
        let network = problem.network(&dictionary, penalty, config.iterations, step);
        let gradient = gradient(&network, &x, session)?;
        if gradient.iter().any(|v| !v.is_finite()) {
            return Err(Error::NotFinite(format!(
                "the gradient is not finite in step {at} of the descent with λ = {penalty}; a smaller \
                 `theory.contraction.learning_rate` keeps it finite"
            )));
        }
        dictionary = Constraint::UnitSphere.project(dictionary - config.learning_rate * gradient);
        found.record(&dictionary, &problem.truth);
    }
    Ok(found)
}

/// g_dec of all examples.
fn gradient(network: &Net, x: &Array2<f64>, session: &mut Session) -> Result<Array2<f64>, Error> {
    let stop = session.stop;
    let mut sum: Option<Array2<f64>> = None;
    in_order(
        x.nrows().div_ceil(BLOCK),
        Workers::of(session.threads),
        || {},
        |block, _| {
            if stop.is_requested() {
                return Err(Error::Interrupted(String::new()));
            }
            let range = block * BLOCK..((block + 1) * BLOCK).min(x.nrows());
            let rows = x.slice(s![range, ..]).to_owned();
            let codes: Tensor<2> = network.encode(&tensor(&rows));
            let codes = to_array(&codes);
            let dictionary = to_array(&network.dictionary.columns());
            Ok(gradient_at_codes(&dictionary, &rows, &codes))
        },
        |_| {},
        |of_block| {
            match &mut sum {
                None => sum = Some(of_block),
                Some(sum) => *sum += &of_block,
            }
            Ok(())
        },
    )?;
    let sum = sum.ok_or_else(|| Error::at("data", "the data have no examples; give some"))?;
    Ok(sum / x.nrows() as f64)
}

impl Contraction {
    fn record(&mut self, dictionary: &Array2<f64>, truth: &Array2<f64>) {
        self.dictionary_error.push(dictionary_error(dictionary, truth));
        self.largest_atom_error.push(largest_atom_error(dictionary, truth));
    }

    /// Where the dictionary error ends.
    pub fn floor(&self) -> f64 {
        self.dictionary_error.last().copied().unwrap_or(f64::NAN)
    }
}
