//! Steps of training, on any device.
//!
//! The CPU is looked at after every step. A graphics card works through a window of steps alone, because every answer
//! waits for all work before it; should one of them not be finite, the state before the window is taken again and the
//! good steps are replayed.

use std::ops::Range;

use burn::tensor::{Bool, DType, Device, Tensor};
use unrolled::gradient::Estimate;
use unrolled::network::{Batch, Network};
use unrolled::tensors::{all_finite, to_tensor, to_values};

use super::lesson::Lesson;
use super::parameters::{Gradients, finite_parameters, gradients_of, update, values};
use super::state::State;
use crate::Error;
use crate::config::{Config, OptimizerConfig, TrainConfig};
use crate::workers::{Crew, Reporter, Workers, pool};

const UPDATED: &str = "a parameter after the update";

/// Steps between two looks at a graphics card, at most: an answer costs about what a small step does.
const MOST_STEPS: usize = 50;

/// How a lesson is trained.
pub struct Training<'a, L> {
    /// The name of the run.
    pub name: &'a str,
    /// What is trained.
    pub lesson: &'a L,
    /// Device, precision and seed.
    pub config: &'a Config,
    /// The device, ready.
    pub device: Device,
    /// `[train]`.
    pub train: &'a TrainConfig,
    /// `[optimizer]`.
    pub optimizer: &'a OptimizerConfig,
    /// What its checkpoints are known by, as [`crate::config::Run::identity`] gives it.
    pub identity: String,
    /// Steps in all.
    pub steps: usize,
    /// Examples in a block of a step.
    pub block: usize,
    /// Whether a block is spread over the threads by itself, as the kernels do; else each thread takes one.
    pub spreads_blocks: bool,
}

/// The figures of one step.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Which step, from 1 on.
    pub step: usize,
    /// Time since the run began, over all resumptions.
    pub seconds: f64,
    /// The loss that is descended, on this step's batch.
    pub loss: f64,
    /// Reconstruction on this step's batch.
    pub reconstruction: f64,
    /// η, where the optimiser has one.
    pub learning_rate: Option<f64>,
    /// The lesson's, in the order of its columns.
    pub figures: Vec<Option<f64>>,
    /// The loss on the examples held out.
    pub validation_loss: Option<f64>,
    /// The lesson's, every `measure_every` steps.
    pub measured: Vec<Option<f64>>,
    /// What the user should know.
    pub warning: Option<String>,
}

/// Sums over a block, or means over a batch.
struct Pass {
    examples: f64,
    loss: Tensor<1>,
    reconstruction: Tensor<1>,
    gradients: Gradients,
    /// What an optimiser of atoms asks for of the codes: of one block in the precision of the run.
    curvature: Option<Tensor<1>>,
    sums: Option<Tensor<1>>,
    codes: Vec<Tensor<2>>,
    /// Why gradients are not numbers, where the estimator knows.
    trouble: Option<String>,
}

/// A step that is not finite, and what of it.
struct Bad {
    step: usize,
    what: &'static str,
    why: Option<String>,
}

/// Why steps could not be taken.
enum Halt {
    NotFinite(Bad),
    Failed(Error),
}

impl From<Bad> for Halt {
    fn from(bad: Bad) -> Self {
        Self::NotFinite(bad)
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What a network and its memory are, together.
pub(super) type StateOf<L> = State<<L as Lesson>::Network, <L as Lesson>::Memory>;

/// Takes the steps of a training.
pub(super) struct Trainer<'a, L> {
    training: &'a Training<'a, L>,
    /// All threads, on the CPU: where atoms are moved, and blocks that are spread over the threads are computed.
    pool: Option<rayon::ThreadPool>,
    /// Where other blocks are, on the CPU.
    crew: Option<Crew>,
    /// The precision of sums: float64 on the CPU.
    wide: DType,
}

impl<'a, L: Lesson> Trainer<'a, L> {
    pub fn new(training: &'a Training<'a, L>, threads: usize) -> Self {
        let on_cpu = training.config.is_on_cpu();
        Self {
            training,
            pool: on_cpu.then(|| pool(threads)),
            crew: (on_cpu && !training.spreads_blocks).then(|| Crew::new(Workers::of(threads))),
            wide: if on_cpu { DType::F64 } else { training.config.precision.dtype() },
        }
    }

    /// Takes one step or several and adds a row for each. On an error the state is that after the last row.
    pub fn advance(&self, state: &mut StateOf<L>, rows: &mut Vec<Row>) -> Result<(), Error> {
        let last = self.next_look(state.step);
        // Not the parameters that are kept: those would be copied.
        let State { step, network, memories, lesson, .. } = &*state;
        let before = (*step, network.clone(), memories.clone(), lesson.clone());
        let codes = self.window(state, last, rows).map_err(|mut halt| {
            // The good steps are taken again; the last of them may turn out to be the one at fault.
            loop {
                (state.step, state.network, state.memories, state.lesson) = before.clone();
                let bad = match halt {
                    Halt::Failed(error) => return error,
                    Halt::NotFinite(bad) => bad,
                };
                if bad.step == state.step + 1 {
                    return self.not_finite(&bad);
                }
                match self.window(state, bad.step - 1, rows) {
                    Ok(_) => return self.not_finite(&bad),
                    Err(earlier) => halt = earlier,
                }
            }
        })?;
        let Training { lesson, train, steps, .. } = self.training;
        if train.save_dictionary_at.contains(&last) {
            state.saved.insert(last, values(&state.network));
        }
        if (last.is_multiple_of(train.measure_every) || last == *steps)
            && let Some(row) = rows.last_mut()
        {
            let examine = || lesson.examine(&state.network);
            let examined = match &self.pool {
                Some(pool) => pool.install(examine),
                None => examine(),
            }?;
            row.validation_loss = examined.validation_loss;
            if let Some(loss) = row.validation_loss {
                match state.best.as_ref().is_none_or(|(least, _)| loss < *least) {
                    true => {
                        state.best = Some((loss, values(&state.network)));
                        state.since_best = 0;
                    }
                    false => state.since_best += 1,
                }
                let most = train.early_stop.unwrap_or(usize::MAX);
                state.stopped_early = state.since_best >= most;
            }
            let (measured, warning) = lesson.measure(state, &codes)?;
            row.measured = examined.figures.into_iter().chain(measured).collect();
            row.warning = warning;
        }
        Ok(())
    }

    /// The next step after `done` at which the host has something to do.
    fn next_look(&self, done: usize) -> usize {
        let Training { lesson, train, steps, config, .. } = self.training;
        if config.is_on_cpu() {
            return done + 1;
        }
        let next = |every: usize| (done / every + 1) * every;
        let saved = train.save_dictionary_at.iter().copied().filter(|step| *step > done);
        [*steps, done + MOST_STEPS, next(train.measure_every), next(train.checkpoint_every)]
            .into_iter()
            .chain(saved)
            .chain(lesson.next_look(done))
            .min()
            .unwrap_or(done + 1)
    }

    /// Takes the steps up to `last` and returns the codes of the last batch. Where the window is one step, a loss or a
    /// gradient that is not finite is seen before the update; on any error the state is of no use.
    fn window(
        &self,
        state: &mut StateOf<L>,
        last: usize,
        rows: &mut Vec<Row>,
    ) -> Result<Vec<Tensor<2>>, Halt> {
        let Training { lesson, optimizer, steps, .. } = self.training;
        let (first, from) = (state.step + 1, rows.len());
        let (mut figures, mut sums, mut codes) = (Vec::new(), 0, Vec::new());
        for step in first..=last {
            let network = lesson.prepare(state.network.clone(), &mut state.lesson, step);
            let pass = self.pass(&network, step).inspect_err(|_| rows.truncate(from))?;
            let mut verdicts = vec![all_finite(&pass.loss)];
            verdicts.extend(pass.gradients.iter().map(|(_, gradient)| all_finite(gradient)));
            let mut verdicts = self.numbers(verdicts);
            if first == last {
                look(step, &to_values(&verdicts), usize::MAX, pass.trouble.as_ref())?;
            }
            let gradients = verdicts.dims()[0];
            let rate = optimizer.rate(step, *steps);
            let clipped = self.clipped(pass.gradients);
            let atoms = pass.curvature.zip(lesson.atoms(&network));
            let is_worth_threads =
                atoms.as_ref().is_some_and(|(_, atoms)| atoms.is_worth_threads());
            let rule = (&optimizer.build(), rate.unwrap_or(0.0));
            let update = || update(network, &mut state.memories, (clipped, atoms), rule);
            let moved = match &self.pool {
                Some(pool) if is_worth_threads => pool.install(update),
                _ => update(),
            };
            let moved = moved.project();
            lesson.moved(&mut state.lesson, &state.network, &moved);
            state.network = moved;
            if step == last {
                // What is not finite here shows in the loss of the next step: one look at the end is enough.
                let parameters = self.numbers(finite_parameters(&state.network));
                verdicts = Tensor::cat(vec![verdicts, parameters], 0);
            }
            let count = verdicts.dims()[0];
            sums = pass.sums.as_ref().map_or(0, |sums| sums.dims()[0]);
            let after = lesson.figures(&state.network).map(|figures| figures.cast(self.wide));
            let parts = [pass.loss, pass.reconstruction, verdicts].into_iter();
            let parts: Vec<_> = parts.chain(pass.sums).chain(after).collect();
            figures.push((step, rate, [gradients, count], Tensor::cat(parts, 0), pass.trouble));
            codes = pass.codes;
        }
        let all = Tensor::cat(figures.iter().map(|(.., figures, _)| figures.clone()).collect(), 0);
        let mut all = &to_values(&all)[..];
        for (step, learning_rate, [gradients, verdicts], figures, trouble) in &figures {
            let (own, rest) = all.split_at(figures.dims()[0]);
            all = rest;
            let (head, own) = own.split_at(2 + verdicts);
            let verdicts = &head[2..];
            look(*step, verdicts, *gradients, trouble.as_ref())
                .inspect_err(|_| rows.truncate(from))?;
            let (sums, after) = own.split_at(sums);
            let figures = lesson.record(&mut state.lesson, sums, after);
            let (loss, reconstruction) = (head[0], head[1]);
            let learning_rate = *learning_rate;
            let row =
                Row { step: *step, loss, reconstruction, learning_rate, figures, ..Row::default() };
            rows.push(row);
        }
        state.step = last;
        Ok(codes)
    }

    /// Means over the batch of a step: blocks are added up in order.
    fn pass(&self, network: &L::Network, step: usize) -> Result<Pass, Error> {
        let batch = self.training.lesson.source().batch();
        let block = self.training.block;
        let blocks = batch.div_ceil(block);
        let compute = |index: usize| {
            self.block(network, step, index * block..((index + 1) * block).min(batch))
        };
        let mut all: Option<Pass> = None;
        let mut take = |pass: Pass| {
            all = Some(match all.take() {
                None => pass,
                Some(sum) => sum.add(pass),
            });
            Ok(())
        };
        match (&self.pool, &self.crew) {
            (Some(pool), None) => {
                pool.install(|| (0..blocks).map(compute).try_for_each(|pass| take(pass?)))
            }
            (None, _) => (0..blocks).map(compute).try_for_each(|pass| take(pass?)),
            (Some(_), Some(crew)) => {
                let compute = |index: usize, _: &Reporter<Pass>| compute(index);
                crew.in_order(blocks, || {}, compute, |_| {}, take)
            }
        }?;
        Ok(all.expect("every batch has a block").mean())
    }

    /// Sums over some examples of a step.
    fn block(&self, network: &L::Network, step: usize, range: Range<usize>) -> Result<Pass, Error> {
        let Training { lesson, config, device, .. } = self.training;
        let examples = range.len() as f64;
        let rows = lesson.source().rows(step, range)?;
        let tensor = |array| to_tensor(array, config.precision, device);
        let batch = Batch::new(tensor(&rows.x))
            .with_target(rows.target.as_ref().map(tensor))
            .with_label(rows.label.as_ref().map(tensor));
        let estimate: Estimate = lesson.estimator().estimate_batch(network, &batch);
        let sum = |mean: Tensor<1>| mean.cast(self.wide).mul_scalar(examples);
        let gradients = gradients_of(network, &estimate.gradients).into_iter();
        let curvature = lesson.atoms(network).and_then(|atoms| {
            self.training.optimizer.build().curvature(&atoms, estimate.codes.clone())
        });
        Ok(Pass {
            curvature,
            examples,
            sums: lesson.sums(network, &estimate, &rows).map(|sums| sums.cast(self.wide)),
            loss: sum(estimate.loss),
            reconstruction: sum(estimate.losses.reconstruction),
            gradients: gradients.map(|(name, gradient)| (name, sum(gradient))).collect(),
            codes: vec![estimate.codes],
            trouble: estimate.trouble,
        })
    }

    /// 1 for yes and 0 for no, where sums are.
    fn numbers(&self, verdicts: Vec<Tensor<1, Bool>>) -> Tensor<1> {
        let numbers = verdicts.into_iter().map(|good| good.float().cast(self.wide));
        Tensor::cat(numbers.collect(), 0)
    }

    /// Gradients in the precision of the run, of the norm asked for at most.
    fn clipped(&self, gradients: Gradients) -> Gradients {
        let squares = |gradient: &Tensor<1>| gradient.clone().mul(gradient.clone()).sum();
        let scale = self.training.train.clip_norm.map(|most| {
            let squares: Vec<_> = gradients.iter().map(|(_, gradient)| squares(gradient)).collect();
            let norm = Tensor::cat(squares, 0).sum().sqrt();
            norm.full_like(most).div(norm.clamp_min(most))
        });
        let narrow = self.training.config.precision.dtype();
        let clip = |gradient: Tensor<1>| match &scale {
            Some(scale) => gradient.mul(scale.clone()).cast(narrow),
            None => gradient.cast(narrow),
        };
        gradients.into_iter().map(|(name, gradient)| (name, clip(gradient))).collect()
    }

    /// Why training stopped at a step.
    fn not_finite(&self, Bad { step, what, why }: &Bad) -> Error {
        let source = self.training.lesson.source();
        let remedy = match (*what, why) {
            (_, Some(why)) => why.clone(),
            (UPDATED, None) if self.training.optimizer.is_of_atoms() => {
                "a smaller learning rate keeps it finite".to_owned()
            }
            (UPDATED, None) => {
                "a smaller learning rate, or an `optimizer.epsilon` above 0, keeps it finite"
                    .to_owned()
            }
            _ => "a smaller learning rate or encoder step keeps it finite".to_owned(),
        };
        Error::NotFinite(format!(
            "run `{}`: {what} is not finite at step {step} (epoch {}, {}); the state before that step is \
             kept; {remedy}",
            self.training.name,
            source.epoch_of(*step),
            source.describe(*step)
        ))
    }
}

/// Whether the loss of a step, its gradients (up to `gradients`) and then the parameters after it are finite.
fn look(step: usize, verdicts: &[f64], gradients: usize, why: Option<&String>) -> Result<(), Bad> {
    let what = match verdicts.iter().position(|good| *good != 1.0) {
        None => return Ok(()),
        Some(0) => "the loss",
        Some(place) if place < gradients => "the gradient",
        Some(_) => UPDATED,
    };
    Err(Bad { step, what, why: why.cloned() })
}

impl Pass {
    fn add(mut self, other: Self) -> Self {
        self.codes.extend(other.codes);
        let gradients = self.gradients.into_iter().zip(other.gradients);
        let sums = self.sums.zip(other.sums);
        let precision = self.loss.dtype();
        let wide = |tensor: Tensor<1>| tensor.cast(precision);
        Self {
            examples: self.examples + other.examples,
            loss: self.loss.add(other.loss),
            reconstruction: self.reconstruction.add(other.reconstruction),
            gradients: gradients.map(|((name, a), (_, b))| (name, a.add(b))).collect(),
            curvature: self.curvature.zip(other.curvature).map(|(a, b)| wide(a).add(wide(b))),
            sums: sums.map(|(a, b)| a.add(b)),
            codes: self.codes,
            trouble: self.trouble.or(other.trouble),
        }
    }

    fn mean(self) -> Self {
        let mean = |sum: Tensor<1>| sum.div_scalar(self.examples);
        let gradients = self.gradients.into_iter();
        Self {
            loss: mean(self.loss),
            reconstruction: mean(self.reconstruction),
            gradients: gradients.map(|(name, gradient)| (name, mean(gradient))).collect(),
            curvature: self.curvature.map(mean),
            sums: self.sums.map(mean),
            ..self
        }
    }
}
