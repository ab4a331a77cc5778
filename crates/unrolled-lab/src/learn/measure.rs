//! The costly metrics of a state, and what is done about dead atoms.

use ndarray::{Array2, Axis};
use unrolled::dictionary::spectral_norm_squared;
use unrolled::encoder::Encoder;
use unrolled::loss::Losses;
use unrolled::metrics::{
    aligned, distances, duality_gaps, duplicate_atoms, largest_atom_error, nonzeros,
    support_recovery,
};
use unrolled::tensors::{to_array, to_scalar, to_values};

use super::plan::Plan;
use super::state::State;
use super::step::Row;
use crate::config::DeadAtoms;

/// The metrics of every `measure_every` steps. Those of codes are taken on up to [`EXAMPLES`] examples
/// of the step's batch, coded anew with the dictionary after the step.
#[derive(Clone, Debug, Default)]
pub(super) struct Costly {
    pub validation_loss: Option<f64>,
    pub aligned_error: Option<f64>,
    pub sine_distance: Option<f64>,
    pub largest_atom_error: Option<f64>,
    pub support_precision: Option<f64>,
    pub support_recall: Option<f64>,
    pub nonzeros: f64,
    pub gap_mean: f64,
    pub gap_worst: f64,
    pub dead_atoms: usize,
    pub duplicate_atoms: usize,
    pub resampled: usize,
    pub bias: Option<f64>,
    /// ‖D‖².
    pub norm_squared: f64,
}

const EXAMPLES: usize = 256;
const DUPLICATE: f64 = 0.99;

fn costly(
    plan: &Plan,
    state: &State,
    indices: &[usize],
    codes: &[Array2<f64>],
    dictionary: &Array2<f64>,
) -> Costly {
    let config = &plan.run.config;
    let (x, true_codes) = plan.rows(&indices[..indices.len().min(EXAMPLES)]);
    let now = to_array(&plan.network(state, state.step).encode(&plan.tensor(&x)).inner());
    let prox = &config.encoder.prox;
    let gaps = duality_gaps(dictionary, &x, &now, prox.penalty(), prox.sided());
    let support = true_codes.map(|truth| support_recovery(&now, &truth));
    let truth = plan.data.true_dictionary.as_ref();
    let aligned = truth.and_then(|truth| aligned(dictionary, truth));
    let used_now = |atom: usize| codes.iter().any(|z| z.column(atom).iter().any(|v| *v != 0.0));
    let bias = state.bias.as_ref().map(|bias| to_values(&bias.value));
    Costly {
        validation_loss: None,
        aligned_error: aligned.map(|a| a.error),
        sine_distance: aligned.map(|a| a.sine),
        largest_atom_error: truth.map(|truth| largest_atom_error(dictionary, truth)),
        support_precision: support.map(|s| s.precision),
        support_recall: support.map(|s| s.recall),
        nonzeros: nonzeros(&now),
        gap_mean: gaps.iter().sum::<f64>() / gaps.len() as f64,
        gap_worst: gaps.iter().copied().fold(0.0, f64::max),
        dead_atoms: (0..state.used.len()).filter(|&j| !state.used[j] && !used_now(j)).count(),
        duplicate_atoms: duplicate_atoms(dictionary, DUPLICATE),
        resampled: state.resampled,
        bias: bias.map(|bias| bias.iter().sum::<f64>() / bias.len() as f64),
        norm_squared: spectral_norm_squared(dictionary),
    }
}

/// Replaces every atom that no code has used since the last measurement by one of the worst
/// reconstructed examples of the batch, and resets the optimiser's memory of it.
fn resample(plan: &Plan, state: &mut State, indices: &[usize], codes: &[Array2<f64>]) {
    let dead: Vec<usize> = (0..state.used.len()).filter(|&j| !state.used[j]).collect();
    if dead.is_empty() {
        return;
    }
    let mut dictionary = to_array(&state.dictionary.value);
    let (x, _) = plan.rows(indices);
    let views: Vec<_> = codes.iter().map(|codes| codes.view()).collect();
    let codes = ndarray::concatenate(Axis(0), &views).expect("codes have p columns");
    let errors = distances(&codes.dot(&dictionary.t()), &x);
    let mut worst: Vec<usize> = (0..errors.len()).collect();
    worst.sort_by(|a, b| errors[*b].total_cmp(&errors[*a]));
    let mut moments = state.dictionary.moments.take();
    for (&atom, &example) in dead.iter().zip(&worst) {
        let row = x.row(example);
        let norm = row.dot(&row).sqrt();
        if norm == 0.0 {
            continue;
        }
        dictionary.column_mut(atom).assign(&(&row / norm));
        state.resampled += 1;
        if let Some(moments) = &mut moments {
            for average in &mut moments.averages {
                let mut values = to_array(average);
                values.column_mut(atom).fill(0.0);
                *average = plan.tensor(&values);
            }
        }
    }
    state.dictionary.moments = moments;
    state.dictionary.value = plan.tensor(&dictionary);
}

/// Takes the measurements of a run.
pub(super) struct Measurements<'a> {
    plan: &'a Plan<'a>,
    warned_of_step: bool,
}

impl<'a> Measurements<'a> {
    pub fn new(plan: &'a Plan<'a>) -> Self {
        Self { plan, warned_of_step: false }
    }

    /// The costly metrics, the validation loss, dead atoms, and the encoder's step.
    pub fn take(
        &mut self,
        state: &mut State,
        row: &mut Row,
        indices: &[usize],
        codes: &[Array2<f64>],
        dictionary: &Array2<f64>,
    ) {
        let plan = self.plan;
        let train = plan.run.config.train();
        let mut costly = costly(plan, state, indices, codes, dictionary);
        if plan.training < plan.data.examples() {
            let loss = self.validation_loss(state);
            costly.validation_loss = Some(loss);
            let better = state.best.as_ref().is_none_or(|(least, _)| loss < *least);
            match better {
                true => (state.best, state.since_best) = (Some((loss, dictionary.clone())), 0),
                false => state.since_best += 1,
            }
            state.stopped_early = train.early_stop.is_some_and(|most| state.since_best >= most);
        }
        if train.dead_atoms == DeadAtoms::Resample {
            resample(plan, state, indices, codes);
        }
        costly.resampled = state.resampled;
        let limits = plan.network(state, state.step).encoder.step_limits(costly.norm_squared);
        if state.encoder_step > limits.refuse_above && !self.warned_of_step {
            self.warned_of_step = true;
            row.warning = Some(format!(
                "at step {} the encoder's step {} has come beyond {:.4}, where it diverges for this \
                 dictionary; choose a smaller one or \"auto\"",
                state.step, state.encoder_step, limits.refuse_above
            ));
        }
        state.used.fill(false);
        row.costly = Some(costly);
    }

    fn validation_loss(&self, state: &State) -> f64 {
        let plan = self.plan;
        let network = plan.network(state, state.step);
        let dictionary = network.dictionary.matrix.val().inner();
        let held_out: Vec<usize> = (plan.training..plan.data.examples()).collect();
        let mut sum = 0.0;
        for block in held_out.chunks(512) {
            let x = plan.tensor(&plan.rows(block).0);
            let codes = network.encoder.encode(&dictionary, &x);
            let losses = Losses::evaluate(&dictionary, &x, &codes, network.encoder.penalty());
            let loss = plan.estimator.descends().expect("a configured estimator has a known loss");
            sum += to_scalar(losses.get(loss)) * block.len() as f64;
        }
        sum / held_out.len() as f64
    }
}
