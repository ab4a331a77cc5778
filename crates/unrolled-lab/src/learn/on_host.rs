//! Steps of training on the CPU: blocks of a batch on threads, sums in float64.

use ndarray::Array2;
use unrolled::metrics::{dictionary_error, frobenius, total_distance};
use unrolled::prox::AnyProx;
use unrolled::tensors::{to_array, to_scalar, to_values};

use super::batches::Batches;
use super::measure::Measurements;
use super::plan::{Network, Plan};
use super::state::State;
use super::step::{Row, Trainer, not_finite, renew_encoder_step};
use crate::Error;
use crate::workers::{Crew, in_order};

/// Sums over the examples of a block.
#[derive(Default)]
struct Sums {
    loss: f64,
    reconstruction: f64,
    code_error: f64,
    dictionary: Option<Array2<f64>>,
    bias: Vec<f64>,
    learned_step: Vec<f64>,
    codes: Vec<Array2<f64>>,
}

/// Adds a block's sums; the first block's stand for themselves.
fn add(sums: &mut Vec<f64>, block: Vec<f64>) {
    match sums.is_empty() {
        true => *sums = block,
        false => sums.iter_mut().zip(block).for_each(|(a, b)| *a += b),
    }
}

/// Trains a plan's state step by step.
pub(super) struct HostTrainer<'a> {
    plan: &'a Plan<'a>,
    threads: usize,
    /// Where the fused kernels run.
    pool: rayon::ThreadPool,
    batches: Batches,
    measurements: Measurements<'a>,
}

impl Trainer for HostTrainer<'_> {
    fn advance(&mut self, state: &mut State, rows: &mut Vec<Row>) -> Result<(), Error> {
        rows.push(self.step(state)?);
        Ok(())
    }
}

impl<'a> HostTrainer<'a> {
    pub fn new(plan: &'a Plan<'a>, threads: usize) -> Self {
        let config = &plan.run.config;
        let shuffle = config.train().shuffle;
        let batches = Batches::new(config.seed, plan.training, plan.batch, shuffle);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("a pool of threads can be made");
        Self { plan, threads, pool, batches, measurements: Measurements::new(plan) }
    }

    /// Takes one step. On an error the state is as it was before.
    fn step(&mut self, state: &mut State) -> Result<Row, Error> {
        let plan = self.plan;
        let config = &plan.run.config;
        let train = config.train();
        let step = state.step + 1;
        let indices = self.batches.of_step(step);
        renew_encoder_step(plan, state, step);
        let network = plan.network(state, step);
        let mut sums = self.estimate(&network, &indices)?;
        let examples = indices.len() as f64;
        let mut gradient = sums.dictionary.take().expect("every batch has a block") / examples;
        let mean = |sums: &[f64]| -> Vec<f64> { sums.iter().map(|sum| sum / examples).collect() };
        let mut bias_gradient = mean(&sums.bias);
        let mut step_gradient = mean(&sums.learned_step);
        let mut row = Row {
            step,
            loss: sums.loss / examples,
            reconstruction: sums.reconstruction / examples,
            code_error: plan.data.true_codes.as_ref().map(|_| sums.code_error / examples),
            learning_rate: config.optimizer().rate(step, plan.steps),
            ..Row::default()
        };
        let small = [&bias_gradient[..], &step_gradient].concat();
        self.check_finite(step, &indices, row.loss, &gradient, &small)?;
        if let Some(most) = train.clip_norm {
            let small: f64 = small.iter().map(|g| g * g).sum();
            let norm = (frobenius(&gradient).powi(2) + small).sqrt();
            if norm > most {
                gradient *= most / norm;
                let small = bias_gradient.iter_mut().chain(&mut step_gradient);
                small.for_each(|g| *g *= most / norm);
            }
        }

        let optimizer = config.optimizer().build();
        state.dictionary.update(&optimizer, row.learning_rate, plan.tensor(&gradient));
        let moved = config.dictionary.constraint.project(to_array(&state.dictionary.value));
        state.dictionary.value = plan.tensor(&moved);
        if let Some(bias) = &mut state.bias
            && !bias_gradient.is_empty()
        {
            bias.update(&optimizer, row.learning_rate, plan.vector(bias_gradient));
            bias.value = bias.value.clone().clamp_min(0.0);
        }
        if let Some(learned) = &mut state.learned_step
            && !step_gradient.is_empty()
        {
            learned.update(&optimizer, row.learning_rate, plan.vector(step_gradient));
            learned.value = learned.value.clone().clamp_min(0.0);
        }
        state.step = step;
        for codes in &sums.codes {
            for (used, column) in state.used.iter_mut().zip(codes.columns()) {
                *used |= column.iter().any(|v| *v != 0.0);
            }
        }
        let dictionary = to_array(&state.dictionary.value);
        let truth = plan.data.true_dictionary.as_ref();
        row.dictionary_error = truth.map(|truth| dictionary_error(&dictionary, truth));
        if train.save_dictionary_at.contains(&step) {
            state.saved.insert(step, dictionary.clone());
        }
        if step.is_multiple_of(train.measure_every) || step == plan.steps {
            self.measurements.take(state, &mut row, &indices, &sums.codes, &dictionary);
        }
        Ok(row)
    }

    /// Sums over the batch, block by block in order.
    fn estimate(&self, network: &Network, indices: &[usize]) -> Result<Sums, Error> {
        let plan = self.plan;
        let blocks: Vec<&[usize]> = indices.chunks(plan.block).collect();
        let compute = |block: usize| {
            let (x, true_codes) = plan.rows(blocks[block]);
            let estimate = plan.estimator.estimate(network, &plan.tensor(&x));
            let examples = x.nrows() as f64;
            let codes = to_array(&estimate.codes);
            let bias = match &network.encoder.prox {
                AnyProx::LearnedSoft(prox) => estimate.gradients.get::<1>(prox.bias.id),
                _ => None,
            };
            let learned_step = network
                .encoder
                .learned_step
                .as_ref()
                .and_then(|step| estimate.gradients.get::<1>(step.id));
            let mean = |tensor| to_scalar(tensor) * examples;
            Ok(Sums {
                loss: mean(&estimate.loss),
                reconstruction: mean(&estimate.losses.reconstruction),
                code_error: true_codes.map_or(0.0, |truth| total_distance(&codes, &truth)),
                dictionary: Some(to_array(&estimate.dictionary_gradient(network)) * examples),
                bias: bias.iter().flat_map(to_values).map(|v| v * examples).collect(),
                learned_step: learned_step
                    .iter()
                    .flat_map(to_values)
                    .map(|v| v * examples)
                    .collect(),
                codes: vec![codes],
            })
        };
        let mut sums = Sums::default();
        let mut take = |block: Sums| {
            sums.loss += block.loss;
            sums.reconstruction += block.reconstruction;
            sums.code_error += block.code_error;
            sums.dictionary = match (sums.dictionary.take(), block.dictionary) {
                (Some(sum), Some(more)) => Some(sum + more),
                (sum, more) => sum.or(more),
            };
            add(&mut sums.bias, block.bias);
            add(&mut sums.learned_step, block.learned_step);
            sums.codes.extend(block.codes);
            Ok(())
        };
        match plan.run.config.uses_kernels() {
            true => self.pool.install(|| (0..blocks.len()).try_for_each(|i| take(compute(i)?)))?,
            false => {
                let compute = |block: usize, _: &crate::workers::Reporter<Sums>| compute(block);
                in_order(blocks.len(), Crew::of(self.threads), || {}, compute, |_| {}, take)?;
            }
        }
        Ok(sums)
    }

    fn check_finite(
        &self,
        step: usize,
        indices: &[usize],
        loss: f64,
        gradient: &Array2<f64>,
        bias: &[f64],
    ) -> Result<(), Error> {
        let what = if !loss.is_finite() {
            "the loss"
        } else if gradient.iter().chain(bias).any(|v| !v.is_finite()) {
            "the gradient"
        } else {
            return Ok(());
        };
        Err(not_finite(self.plan, what, step, indices[0]))
    }
}
