//! One step of training.

use ndarray::Array2;
use unrolled::dictionary::quick_spectral_norm_squared;
use unrolled::encoder::Encoder;
use unrolled::loss::Losses;
use unrolled::metrics::{dictionary_error, frobenius, total_distance};
use unrolled::prox::AnyProx;
use unrolled::tensors::{to_array, to_scalar, to_values};

use super::batches::Batches;
use super::measure::{self, Costly};
use super::plan::{Network, Plan};
use super::state::State;
use crate::Error;
use crate::config::{DeadAtoms, Step};
use crate::workers::in_order;

/// The figures of one step.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// The loss that is descended, on this step's batch.
    pub loss: f64,
    /// Reconstruction on this step's batch.
    pub reconstruction: f64,
    /// Mean ‖z_T − z*‖ on this step's batch.
    pub code_error: Option<f64>,
    /// After the step.
    pub dictionary_error: Option<f64>,
    /// η.
    pub learning_rate: f64,
    /// Every `measure_every` steps.
    pub costly: Option<Costly>,
    /// What the user should know.
    pub warning: Option<String>,
}

/// Steps of training between two automatic steps of the encoder: D moves little in between, and the
/// range of ISTA is twice as wide as the step asks for.
const AUTO_STEP_EVERY: usize = 10;

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
pub(super) struct Trainer<'a> {
    plan: &'a Plan<'a>,
    threads: usize,
    /// Where the fused kernels run.
    pool: rayon::ThreadPool,
    batches: Batches,
    warned_of_step: bool,
}

impl<'a> Trainer<'a> {
    pub fn new(plan: &'a Plan<'a>, threads: usize) -> Self {
        let config = &plan.run.config;
        let shuffle = config.train().shuffle;
        let batches = Batches::new(config.seed, plan.training, plan.batch, shuffle);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("a pool of threads can be made");
        Self { plan, threads, pool, batches, warned_of_step: false }
    }

    /// Takes one step. On an error the state is as it was before.
    pub fn step(&mut self, state: &mut State) -> Result<Row, Error> {
        let plan = self.plan;
        let config = &plan.run.config;
        let train = config.train();
        let step = state.step + 1;
        let indices = self.batches.of_step(step);
        if config.encoder.step == Step::Auto && (step - 1).is_multiple_of(AUTO_STEP_EVERY) {
            let norm = quick_spectral_norm_squared(&to_array(&state.dictionary.value));
            state.encoder_step = config.encoder.step_for(norm);
        }
        let network = plan.network(state, step);
        let mut sums = self.estimate(&network, &indices)?;
        let examples = indices.len() as f64;
        let mut gradient = sums.dictionary.take().expect("every batch has a block") / examples;
        let mean = |sums: &[f64]| -> Vec<f64> { sums.iter().map(|sum| sum / examples).collect() };
        let mut bias_gradient = mean(&sums.bias);
        let mut step_gradient = mean(&sums.learned_step);
        let mut row = Row {
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
            self.measure(state, &mut row, &indices, &sums.codes, &dictionary);
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
            let bias = match network.encoder.prox() {
                AnyProx::LearnedSoft(prox) => estimate.gradients.get::<1>(prox.bias.id),
                _ => None,
            };
            let learned_step = network
                .encoder
                .learned_step()
                .and_then(|step| estimate.gradients.get::<1>(step.id));
            let mean = |tensor| to_scalar(tensor) * examples;
            Ok(Sums {
                loss: mean(estimate.losses.get(plan.estimator.descends())),
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
        match plan.run.config.is_fused() {
            true => self.pool.install(|| (0..blocks.len()).try_for_each(|i| take(compute(i)?)))?,
            false => {
                let compute = |block: usize, _: &crate::workers::Reporter<Sums>| compute(block);
                in_order(blocks.len(), self.threads, || {}, compute, |_| {}, take)?;
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
        let plan = self.plan;
        let epoch = Batches::epoch_of(step, plan.training, plan.batch);
        Err(Error::NotFinite(format!(
            "run `{}`: {what} is not finite at step {step} (epoch {epoch}, the batch that begins with \
             example {}); the state before that step is kept; a smaller learning rate or encoder step \
             keeps it finite",
            plan.run.name, indices[0]
        )))
    }

    /// The costly metrics, the validation loss, dead atoms, and the encoder's step.
    fn measure(
        &mut self,
        state: &mut State,
        row: &mut Row,
        indices: &[usize],
        codes: &[Array2<f64>],
        dictionary: &Array2<f64>,
    ) {
        let plan = self.plan;
        let train = plan.run.config.train();
        let mut costly = measure::costly(plan, state, indices, codes, dictionary);
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
            measure::resample(plan, state, indices, codes);
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
            sum += to_scalar(losses.get(plan.estimator.descends())) * block.len() as f64;
        }
        sum / held_out.len() as f64
    }
}
