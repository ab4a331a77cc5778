//! The explanation: codes, what each training example contributes, and how far that holds.

mod dense;
mod filters;
mod salient;

use burn::tensor::Device;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, concatenate};
use unrolled::dictionary::{AnyDictionary, Dictionary};
use unrolled::encoder::{Encoder, StepVerdict, automatic_step};
use unrolled::explain::Stationarity;
use unrolled::prelude::Precision;
use unrolled::tensors::{to_array, to_tensor};

use super::plan::{Plan, Test};
use crate::Error;
use crate::config::Unrolling;
use crate::experiments::learn;
use crate::progress::Stop;
use crate::training::{Lesson, State};
pub(super) use salient::Salient;

/// What an explanation consists of.
pub(super) struct Explained {
    /// D as it is explained, `[entries, p]`: polished where that was asked for.
    pub dictionary: Array2<f64>,
    /// Z, `[n, q]`.
    pub codes: Array2<f64>,
    pub stationarity: Stationarity,
    /// Rounds of polishing.
    pub rounds: usize,
    /// How many training examples use each atom.
    pub usage: Vec<usize>,
    /// The atoms that are shown, and what they are made of.
    pub atoms: Vec<AtomOf>,
    /// `G⁻¹ Z`, `[n, p]`, of a dense dictionary.
    pub to_atoms: Option<Array2<f64>>,
    pub test: Test,
    /// ẑ, `[k, q]`.
    pub test_codes: Array2<f64>,
    /// β, or shares of training examples in the reconstructions, `[k, n]`.
    pub test_contributions: Array2<f64>,
    /// D ẑ, `[k, m]`.
    pub test_reconstructions: Array2<f64>,
    /// How far what is made of the training examples is from what it should be, relative: 0 at a stationary point.
    pub difference: f64,
    /// What the shown examples do to the atoms that they use most.
    pub salient: Vec<Salient>,
}

/// What an atom is made of.
pub(super) struct AtomOf {
    pub atom: usize,
    pub parts: Parts,
}

/// Weights of training examples, or shares of their patches.
pub(super) enum Parts {
    /// A weight for every example.
    Examples(Array1<f64>),
    /// The patches with the largest shares, and with those furthest below 0.
    Patches([Vec<Patch>; 2]),
}

/// A patch of a training example.
#[derive(Clone, Debug)]
pub(super) struct Patch {
    pub example: usize,
    /// Its upper left corner: row and column of the image.
    pub corner: [usize; 2],
    /// Its share of the filter.
    pub share: f64,
    /// Its entries, channels one after the other.
    pub values: Vec<f64>,
}

/// Explains the dictionary of a state.
pub(super) fn explain(
    plan: &Plan,
    lesson: &learn::Learning,
    state: &State<learn::Network, learn::Memory>,
    stop: &Stop,
) -> Result<Explained, Error> {
    let work = Work { plan, lesson, state, stop };
    let explained = match plan.learning.sections().dictionary.is_convolutional() {
        true => filters::explain(&work)?,
        false => dense::explain(&work)?,
    };
    work.interrupted()?;
    if !plan.explain.saliency {
        return Ok(explained);
    }
    let network = match explained.rounds {
        0 => work.network(),
        _ => work.network_with(&explained.dictionary, WhereItDiverges::Automatic)?,
    };
    Ok(Explained { salient: salient::of(&work, &network, &explained.test)?, ..explained })
}

/// What an explanation is made from.
struct Work<'a> {
    plan: &'a Plan<'a>,
    lesson: &'a learn::Learning<'a>,
    state: &'a State<learn::Network, learn::Memory>,
    stop: &'a Stop,
}

/// What is done where a fixed step is too large for a polished dictionary, whose atoms may have grown.
#[derive(Clone, Copy)]
enum WhereItDiverges {
    /// The slope of converged codes does not depend on the step: one is taken that converges.
    Automatic,
    /// Codes would not be those of the encoder that was asked for.
    Refuse,
}

/// Numbers of codes that an encoder computes at a time.
const AT_A_TIME: usize = 1 << 19;

/// A code counts an atom as used where it is larger than that.
const USED: f64 = 1e-2;

/// Atoms that are shown where none are asked for.
const ATOMS: usize = 6;

impl Work<'_> {
    fn go_on(&self) -> bool {
        !self.stop.is_requested()
    }

    fn interrupted(&self) -> Result<(), Error> {
        match self.stop.is_requested() {
            true => Err(Error::Interrupted(String::new())),
            false => Ok(()),
        }
    }

    /// The network as it codes.
    fn network(&self) -> learn::Network {
        let Self { lesson, state, .. } = self;
        let (network, step) = (state.network.clone(), state.step.max(1));
        lesson.prepare(network, &mut state.lesson.clone(), step)
    }

    /// The same with other atoms, `[entries, p]`, and an automatic step taken for them.
    fn network_with(
        &self,
        columns: &Array2<f64>,
        diverging: WhereItDiverges,
    ) -> Result<learn::Network, Error> {
        let (learning, before) = (&self.plan.learning, self.network());
        let (sections, coding) = (learning.sections(), &learning.coding);
        let (precision, image) = (learning.config().precision, self.lesson.prepared.data.image);
        let dictionary = built(sections, columns, image, (precision, &coding.device));
        let norm = dictionary.norm_squared(false);
        let (atoms, device) = (columns.ncols(), &coding.device);
        let with_step = |step: f64| {
            let unrolling = Unrolling {
                iterations: sections.encoder.iterations,
                step,
                train_step: self.state.step.max(1),
                form: coding.form,
                noise: None,
            };
            let before = before.encoder.clone();
            sections.encoder.rebuild(unrolling, atoms, precision, device, before)
        };
        let step = sections.encoder.step_for(norm);
        let mut encoder = with_step(step);
        let limits = encoder.step_limits(norm);
        if limits.judge(step) == StepVerdict::Refuse {
            match diverging {
                WhereItDiverges::Automatic => encoder = with_step(automatic_step(norm)),
                WhereItDiverges::Refuse => {
                    return Err(Error::at(
                        "encoder.step",
                        format!(
                            "`encoder.step` is {step}, but the encoder diverges above {:.4} for the polished filters; write \"auto\"",
                            limits.refuse_above
                        ),
                    ));
                }
            }
        }
        Ok(learn::Network::new(dictionary, encoder))
    }

    fn tensor(&self, rows: ArrayView2<f64>) -> burn::tensor::Tensor<2> {
        let learning = &self.plan.learning;
        to_tensor(&rows.to_owned(), learning.config().precision, &learning.coding.device)
    }

    /// z_T of a network, `[n, q]`.
    fn encoded(&self, network: &learn::Network, x: &Array2<f64>) -> Result<Array2<f64>, Error> {
        let width = unrolled::operator::LinearOperator::shape(&network.dictionary)[1];
        let block = (AT_A_TIME / width.max(1)).clamp(1, 1024);
        let mut codes = Vec::new();
        for rows in x.axis_chunks_iter(Axis(0), block) {
            self.interrupted()?;
            codes.push(to_array(&network.encode(&self.tensor(rows)).inner()));
        }
        let views: Vec<_> = codes.iter().map(|block| block.view()).collect();
        Ok(match views.is_empty() {
            true => Array2::zeros((0, width)),
            false => concatenate(Axis(0), &views).expect("codes have q columns"),
        })
    }

    /// How many rows of codes `[n, q]` use each of p atoms.
    fn usage(codes: &Array2<f64>, atoms: usize) -> Vec<usize> {
        let places = codes.ncols() / atoms.max(1);
        let uses = |atom: &usize| {
            let of_atom = |row: &ArrayView1<f64>| {
                (atom * places..(atom + 1) * places).any(|at| row[at].abs() > USED)
            };
            codes.rows().into_iter().filter(of_atom).count()
        };
        (0..atoms).map(|atom| uses(&atom)).collect()
    }

    /// The atoms that are shown: those asked for, or the most used.
    fn shown(&self, usage: &[usize]) -> Vec<usize> {
        let asked = &self.plan.explain.atoms;
        if !asked.is_empty() {
            return asked.clone();
        }
        let mut order: Vec<usize> = (0..usage.len()).collect();
        order.sort_by(|a, b| usage[*b].cmp(&usage[*a]).then(a.cmp(b)));
        order.truncate(ATOMS);
        order
    }
}

/// The places of the largest entries of a row, at most so many, and of the smallest below 0.
pub(super) fn extremes(row: ArrayView1<f64>, most: usize) -> [Vec<usize>; 2] {
    let mut order: Vec<usize> = (0..row.len()).filter(|at| row[*at] != 0.0).collect();
    order.sort_by(|a, b| row[*b].total_cmp(&row[*a]).then(a.cmp(b)));
    let above = order.iter().copied().filter(|at| row[*at] > 0.0).take(most).collect();
    let below = order.iter().rev().copied().filter(|at| row[*at] < 0.0).take(most).collect();
    [above, below]
}

/// A dictionary with these atoms, `[entries, p]`, whatever its constraint.
fn built(
    sections: &learn::Sections,
    columns: &Array2<f64>,
    image: Option<[usize; 3]>,
    (precision, device): (Precision, &Device),
) -> AnyDictionary {
    let dictionary = sections.dictionary.build(columns, image, precision, device);
    dictionary.with_atom_rows(to_tensor(&columns.t().to_owned(), precision, device))
}
