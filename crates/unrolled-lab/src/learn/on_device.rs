//! Steps of training on a graphics card: everything stays there, and the host asks for figures once for
//! many steps, because every answer waits for all work before it.
//!
//! The guard against what is not finite is there too: from the first bad step on, updates are masked, so
//! the state that the host finds is the one before that step.

use burn::tensor::{Bool, Tensor};
use unrolled::dictionary::Constraint;
use unrolled::metrics::{dictionary_error_tensor, total_distance_tensor};
use unrolled::prox::AnyProx;
use unrolled::tensors::{all_finite, to_array, to_values};

use super::batches::Batches;
use super::measure::Measurements;
use super::plan::{Network, Plan};
use super::state::{Parameter, State};
use super::step::{AUTO_STEP_EVERY, Row, Trainer, not_finite, renew_encoder_step};
use crate::Error;
use crate::config::Step;

/// Steps between two looks of the host, at most: an answer costs about what a small step does.
const MOST_STEPS: usize = 50;

/// What of a step is fetched.
const FIGURES: usize = 6;

/// Trains a plan's state, many steps at a time.
pub(super) struct DeviceTrainer<'a> {
    plan: &'a Plan<'a>,
    batches: Batches,
    measurements: Measurements<'a>,
    /// With atoms of norm 1.
    truth: Option<Tensor<2>>,
}

/// Means over a batch.
struct Means {
    loss: Tensor<1>,
    reconstruction: Tensor<1>,
    code_error: Tensor<1>,
    dictionary: Tensor<2>,
    bias: Option<Tensor<1>>,
    learned_step: Option<Tensor<1>>,
    codes: Vec<Tensor<2>>,
}

impl Trainer for DeviceTrainer<'_> {
    fn advance(&mut self, state: &mut State, rows: &mut Vec<Row>) -> Result<(), Error> {
        let plan = self.plan;
        let config = &plan.run.config;
        let first = state.step + 1;
        let last = self.next_look(state.step);
        renew_encoder_step(plan, state, first);
        let zero = Tensor::zeros([1], (&plan.device, config.precision.dtype()));
        let mut good: Tensor<1, Bool> = zero.clone().equal_elem(0.0);
        let mut used =
            Tensor::zeros([1, plan.sizes()[2]], (&plan.device, config.precision.dtype()));
        let mut figures = Vec::new();
        let mut codes = Vec::new();
        let mut indices = Vec::new();
        for step in first..=last {
            indices = self.batches.of_step(step);
            let means = self.estimate(&plan.network(state, step), &indices, &zero);
            let finite_loss = all_finite(&means.loss);
            good = self.update(state, step, &means, finite_loss.clone(), good);
            for z in &means.codes {
                used = used.add(z.clone().abs().sum_dim(0).sign());
            }
            let truth = self.truth.as_ref();
            let error = truth.map(|truth| dictionary_error_tensor(&state.dictionary.value, truth));
            let number = |of: &Tensor<1, Bool>| of.clone().float().cast(config.precision.dtype());
            figures.extend([
                means.loss,
                means.reconstruction,
                means.code_error,
                error.unwrap_or_else(|| zero.clone()),
                number(&good),
                number(&finite_loss),
            ]);
            codes = means.codes;
        }
        let figures = to_values(&Tensor::cat(figures, 0));
        let figures: Vec<&[f64]> = figures.chunks_exact(FIGURES).collect();
        let done = figures.iter().take_while(|step| step[4] == 1.0).count();
        for (step, figures) in (first..).zip(&figures[..done]) {
            rows.push(Row {
                step,
                loss: figures[0],
                reconstruction: figures[1],
                code_error: plan.data.true_codes.as_ref().map(|_| figures[2]),
                dictionary_error: self.truth.as_ref().map(|_| figures[3]),
                learning_rate: config.optimizer().rate(step, plan.steps),
                ..Row::default()
            });
        }
        let undone = last + 1 - first - done;
        state.forget_time(undone);
        state.step = last - undone;
        for (known, now) in state.used.iter_mut().zip(to_values(&used)) {
            // Not-a-number compares unequal: codes of a bad step do not count here.
            *known |= now > 0.0;
        }
        if let Some(bad) = figures.get(done) {
            let what = if bad[5] == 1.0 { "the gradient" } else { "the loss" };
            let step = first + done;
            return Err(not_finite(plan, what, step, self.batches.of_step(step)[0]));
        }
        let train = config.train();
        let save = train.save_dictionary_at.contains(&last);
        let measure = last.is_multiple_of(train.measure_every) || last == plan.steps;
        if save || measure {
            let dictionary = to_array(&state.dictionary.value);
            if save {
                state.saved.insert(last, dictionary.clone());
            }
            if let (true, Some(row)) = (measure, rows.last_mut()) {
                let codes: Vec<_> = codes.iter().map(to_array).collect();
                self.measurements.take(state, row, &indices, &codes, &dictionary);
            }
        }
        Ok(())
    }
}

impl<'a> DeviceTrainer<'a> {
    pub fn new(plan: &'a Plan<'a>) -> Self {
        let config = &plan.run.config;
        let shuffle = config.train().shuffle;
        let truth = plan.data.true_dictionary.as_ref();
        Self {
            plan,
            batches: Batches::new(config.seed, plan.training, plan.batch, shuffle),
            measurements: Measurements::new(plan),
            truth: truth.map(|d| Constraint::UnitSphere.project_tensor(plan.tensor(d))),
        }
    }

    /// The next step after `done` at which the host has something to do.
    fn next_look(&self, done: usize) -> usize {
        let config = &self.plan.run.config;
        let train = config.train();
        let next = |every: usize| (done / every + 1) * every;
        let saved = train.save_dictionary_at.iter().copied().filter(|step| *step > done);
        let auto = (config.encoder.step == Step::Auto).then(|| next(AUTO_STEP_EVERY));
        [
            self.plan.steps,
            done + MOST_STEPS,
            next(train.measure_every),
            next(train.checkpoint_every),
        ]
        .into_iter()
        .chain(saved)
        .chain(auto)
        .min()
        .unwrap_or(done + 1)
    }

    /// Means over the batch, block by block in order.
    fn estimate(&self, network: &Network, indices: &[usize], zero: &Tensor<1>) -> Means {
        let plan = self.plan;
        let mut means: Option<Means> = None;
        for block in indices.chunks(plan.block) {
            let (x, true_codes) = plan.rows(block);
            let estimate = plan.estimator.estimate(network, &plan.tensor(&x));
            let share = block.len() as f64 / indices.len() as f64;
            let bias = match &network.encoder.prox {
                AnyProx::LearnedSoft(prox) => estimate.gradients.get::<1>(prox.bias.id),
                _ => None,
            };
            let learned_step = network.encoder.learned_step.as_ref();
            let distance = |truth| total_distance_tensor(&estimate.codes, &plan.tensor(&truth));
            let next = Means {
                loss: estimate.loss.clone().mul_scalar(share),
                reconstruction: estimate.losses.reconstruction.clone().mul_scalar(share),
                code_error: true_codes.map_or_else(
                    || zero.clone(),
                    |truth| distance(truth).mul_scalar(1.0 / indices.len() as f64),
                ),
                dictionary: estimate.dictionary_gradient(network).mul_scalar(share),
                bias: bias.map(|bias| bias.mul_scalar(share)),
                learned_step: learned_step
                    .and_then(|step| estimate.gradients.get::<1>(step.id))
                    .map(|step| step.mul_scalar(share)),
                codes: vec![estimate.codes],
            };
            means = Some(match means {
                None => next,
                Some(sum) => sum.add(next),
            });
        }
        means.expect("every batch has a block")
    }

    /// The optimiser's step and the constraint, unless a step before was bad or this one is; whether all
    /// steps so far are good.
    fn update(
        &self,
        state: &mut State,
        step: usize,
        means: &Means,
        finite_loss: Tensor<1, Bool>,
        good: Tensor<1, Bool>,
    ) -> Tensor<1, Bool> {
        let config = &self.plan.run.config;
        let small = || means.bias.iter().chain(&means.learned_step);
        let mut good = good.bool_and(finite_loss).bool_and(all_finite(&means.dictionary));
        for gradient in small() {
            good = good.bool_and(all_finite(gradient));
        }
        let scale = config.train().clip_norm.map(|most| {
            let squares = means.dictionary.clone().mul(means.dictionary.clone()).sum();
            let squares = small().fold(squares, |sum, g| sum.add(g.clone().mul(g.clone()).sum()));
            squares.sqrt().clamp_min(most).recip().mul_scalar(most)
        });
        let rate = config.optimizer().rate(step, self.plan.steps);
        let optimizer = config.optimizer().build();
        let project = |d| config.dictionary.constraint.project_tensor(d);
        let dictionary = clipped(means.dictionary.clone(), scale.as_ref());
        state.dictionary.update_where(&good, &optimizer, rate, dictionary, project);
        let pairs =
            [(&mut state.bias, &means.bias), (&mut state.learned_step, &means.learned_step)];
        for (parameter, gradient) in pairs {
            if let (Some(parameter), Some(gradient)) = (parameter, gradient) {
                let gradient = clipped(gradient.clone(), scale.as_ref());
                let project = |value: Tensor<1>| value.clamp_min(0.0);
                parameter.update_where(&good, &optimizer, rate, gradient, project);
            }
        }
        good
    }
}

fn clipped<const R: usize>(gradient: Tensor<R>, scale: Option<&Tensor<1>>) -> Tensor<R> {
    match scale {
        Some(scale) => gradient.mul(scale.clone().reshape([1; R])),
        None => gradient,
    }
}

impl Means {
    fn add(mut self, other: Self) -> Self {
        let sum = |a: Option<Tensor<1>>, b| a.zip(b).map(|(a, b): (_, Tensor<1>)| a.add(b));
        self.codes.extend(other.codes);
        Self {
            loss: self.loss.add(other.loss),
            reconstruction: self.reconstruction.add(other.reconstruction),
            code_error: self.code_error.add(other.code_error),
            dictionary: self.dictionary.add(other.dictionary),
            bias: sum(self.bias, other.bias),
            learned_step: sum(self.learned_step, other.learned_step),
            codes: self.codes,
        }
    }
}

impl<const R: usize> Parameter<R> {
    /// One step of the optimiser and a projection, where `good` holds; else nothing changes but the
    /// optimiser's count of steps.
    fn update_where(
        &mut self,
        good: &Tensor<1, Bool>,
        optimizer: &unrolled::optimizer::AnyOptimizer,
        rate: f64,
        gradient: Tensor<R>,
        project: impl Fn(Tensor<R>) -> Tensor<R>,
    ) {
        let before = self.clone();
        self.update(optimizer, rate, gradient);
        let shape = self.value.dims();
        let mask = good.clone().reshape([1; R]).expand(shape);
        self.value = before.value.mask_where(mask.clone(), project(self.value.clone()));
        let Some(moments) = &mut self.moments else { return };
        for (index, average) in moments.averages.iter_mut().enumerate() {
            let old = match &before.moments {
                Some(moments) => moments.averages[index].clone(),
                None => average.zeros_like(),
            };
            *average = old.mask_where(mask.clone(), average.clone());
        }
    }
}
