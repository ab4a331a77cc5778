//! What is asked of an unroll, and what comes out.

use pulp::{Arch, Simd, WithSimd};

use crate::block::{Block, block};
use crate::decoder::Direct;
use crate::number::Number;
use crate::prepared::Prepared;
use crate::problem::{Matrix, Misfit, Unroll};
use crate::products::{View, multiply_in_parallel, symmetrise, transpose};
use crate::sparse::Entries;
use crate::{cost, ordered};

/// What is differentiated through all iterations.
#[derive(Clone, Copy, Debug)]
pub enum Derivative<'a, T> {
    /// `Σ ½‖D z_T − x‖² + penalty ‖z_T‖₁` over the examples.
    Loss {
        /// λ; 0 for least squares.
        penalty: T,
    },
    /// Something whose derivative by the codes is given, `[n, p]`.
    Codes(Matrix<'a, T>),
}

/// What is asked for beside the codes.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a, T> {
    /// The losses.
    pub losses: bool,
    /// The part of the gradient of D with the codes held fixed. Needs the losses.
    pub direct: Direct,
    /// The part through the iterations.
    pub derivative: Option<Derivative<'a, T>>,
    /// The gradient of the thresholds (with a derivative).
    pub bias: bool,
    /// The gradient of α (with a derivative).
    pub step: bool,
    /// The gradient of the examples through the codes (with a derivative).
    pub examples: bool,
}

impl<'a, T: Number> Request<'a, T> {
    /// Codes alone.
    pub fn codes() -> Self {
        Self {
            losses: false,
            direct: Direct::None,
            derivative: None,
            bias: false,
            step: false,
            examples: false,
        }
    }

    /// The gradient of D at fixed codes.
    pub fn at_codes(direct: Direct) -> Self {
        Self { losses: true, direct, ..Self::codes() }
    }

    /// The gradient of `½‖D z_T − x‖² + penalty ‖z_T‖₁` through all iterations.
    pub fn loss(penalty: T) -> Self {
        let derivative = Some(Derivative::Loss { penalty });
        Self { derivative, ..Self::at_codes(Direct::Codes) }
    }

    /// The adjoint of the iterations at dL/dz_T, `[n, p]`.
    pub fn adjoint(codes: Matrix<'a, T>) -> Self {
        Self { derivative: Some(Derivative::Codes(codes)), ..Self::codes() }
    }
}

/// What comes out. Losses and gradients are sums over the examples; what was not asked for is empty.
#[derive(Clone, Debug, Default)]
pub struct Outcome<T> {
    /// z_T, `[n, p]`.
    pub codes: Vec<T>,
    /// Σ ½‖D z_T − x‖².
    pub reconstruction: f64,
    /// Σ ‖z_T‖₁.
    pub sparsity: f64,
    /// The gradient of D, `[m, p]`.
    pub dictionary: Vec<T>,
    /// The gradient of the thresholds of the atoms, each the same in all iterations, `[p]`.
    pub bias: Vec<f64>,
    /// The gradient of α.
    pub step: f64,
    /// The gradient of the examples through the codes, `[n, m]`.
    pub examples: Vec<T>,
}

/// Unrolls examples `x` `[n, m]`, from z₀ = 0 or from `start` `[n, p]`, on the threads of the current pool.
///
/// # Errors
/// When shapes do not fit, a dimension is 0, a size overflows, or a threshold is negative. Not-a-number in
/// the data or the dictionary is carried through to codes, losses and gradients.
pub fn run<T: Number>(
    unroll: &Unroll<T>,
    x: Matrix<T>,
    start: Option<Matrix<T>>,
    request: &Request<T>,
) -> Result<Outcome<T>, Misfit> {
    T::run(unroll, x, start, request)
}

pub(crate) fn run_in<T: Number>(
    unroll: &Unroll<T>,
    x: Matrix<T>,
    start: Option<Matrix<T>>,
    request: &Request<T>,
) -> Result<Outcome<T>, Misfit> {
    unroll.check(&x, start.as_ref())?;
    let given = match request.derivative {
        Some(Derivative::Codes(given)) => Some(given),
        _ => None,
    };
    if let Some(given) = &given {
        unroll.check(&x, Some(given))?;
    }
    let prepared = Prepared::new(unroll);
    let n = x.rows;
    let size = cost::block(n);
    let mut outcome = Outcome { codes: vec![T::ZERO; n * prepared.atoms], ..Outcome::default() };
    if request.examples && given.is_some() {
        outcome.examples = vec![T::ZERO; n * prepared.features];
    }
    let adjoint = request.derivative.is_some();
    let with_gradient = adjoint || request.direct != Direct::None;
    let room = |wanted: bool, columns: usize| vec![T::ZERO; if wanted { n * columns } else { 0 }];
    let mut residuals = room(request.losses && with_gradient, prepared.width);
    let mut adjoint_sums = room(adjoint, prepared.stride);
    let (mut scaled_gram, mut atoms) = (Vec::new(), Vec::new());
    let arch = Arch::new();
    let range = |index: usize| index * size..((index + 1) * size).min(n);
    ordered::in_order(
        n.div_ceil(size),
        |index| {
            let range = range(index);
            arch.dispatch(OneBlock {
                prepared: &prepared,
                request,
                x: x.some(range.clone()),
                start: start.map(|start| start.some(range.clone())),
                given: given.map(|given| given.some(range.clone())),
            })
        },
        |index, block: Block<T>| {
            let Block { codes, residuals: of_block, losses, sums, examples } = block;
            let first = range(index).start;
            put(&mut outcome.codes, first * prepared.atoms, &codes);
            put(&mut outcome.examples, first * prepared.features, &examples);
            put(&mut residuals, first * prepared.width, &of_block);
            put(&mut adjoint_sums, first * prepared.stride, &sums.adjoint_sums);
            outcome.reconstruction += losses.reconstruction;
            outcome.sparsity += losses.sparsity;
            outcome.step += sums.step;
            add(&mut outcome.bias, sums.bias);
            add(&mut scaled_gram, sums.scaled_gram);
            add(&mut atoms, sums.atoms);
        },
    );
    outcome.bias.truncate(prepared.atoms);
    if with_gradient {
        let mut dictionary_sums = DictionarySums {
            residuals: &residuals,
            adjoint_sums: &adjoint_sums,
            scaled_gram: &mut scaled_gram,
            atoms: &atoms,
        };
        let codes = std::mem::take(&mut outcome.codes);
        dictionary_sums.gradient(&prepared, request, x, &codes, &mut outcome);
        outcome.codes = codes;
    }
    Ok(outcome)
}

/// Copies to where there is room.
fn put<T: Copy>(to: &mut [T], at: usize, values: &[T]) {
    if !to.is_empty() {
        to[at..at + values.len()].copy_from_slice(values);
    }
}

/// Adds, or takes over where there is nothing yet.
pub(crate) fn add<T: Copy + std::ops::AddAssign>(to: &mut Vec<T>, values: Vec<T>) {
    match to.is_empty() {
        true => *to = values,
        false => to.iter_mut().zip(values).for_each(|(a, b)| *a += b),
    }
}

/// What the gradient of D is made of.
pub(crate) struct DictionarySums<'a, T> {
    /// R = D z_T − x, `[n, width]`.
    pub residuals: &'a [T],
    /// S = Σ s over the iterations, `[n, stride]`.
    pub adjoint_sums: &'a [T],
    /// G = Σ z ⊗ s, `[p, stride]`, in Gram form. G + Gᵀ afterwards.
    pub scaled_gram: &'a mut [T],
    /// The gradient of Dᵀ through the iterations, `[p, width]`, in residual form.
    pub atoms: &'a [T],
}

impl<T: Number> DictionarySums<'_, T> {
    /// The gradient of D, `Rᵀ Z + α Xᵀ S − α D (G + Gᵀ)`, and what it says of that of α: `−⟨D G, D⟩`.
    pub fn gradient(
        &mut self,
        prepared: &Prepared<T>,
        request: &Request<T>,
        x: Matrix<T>,
        codes: &[T],
        outcome: &mut Outcome<T>,
    ) {
        let Prepared { features, atoms, stride, .. } = *prepared;
        let step = prepared.unroll.step;
        let n = x.rows;
        let mut gradient = match self.atoms.is_empty() {
            true => vec![T::ZERO; features * atoms],
            false => transpose(self.atoms, [atoms, features], prepared.width, atoms),
        };
        if !self.scaled_gram.is_empty() {
            symmetrise(self.scaled_gram, atoms, stride);
            let symmetric = View::rows(self.scaled_gram, atoms, atoms, stride);
            let dictionary = prepared.dictionary();
            multiply_in_parallel(&mut gradient, atoms, T::ZERO, T::ONE, dictionary, symmetric);
            if request.step {
                let products = gradient.iter().zip(prepared.unroll.dictionary.data);
                let inner: f64 = products.map(|(g, d)| g.to_f64() * d.to_f64()).sum();
                outcome.step -= 0.5 * inner;
            }
            gradient.iter_mut().for_each(|g| *g = -(step * *g));
            let examples = View::rows(x.data, n, features, features).transposed();
            let s = View::rows(self.adjoint_sums, n, atoms, stride);
            multiply_in_parallel(&mut gradient, atoms, T::ONE, step, examples, s);
        }
        if request.direct != Direct::None {
            let residuals = View::rows(self.residuals, n, features, prepared.width).transposed();
            let signs: Vec<T>;
            let codes = match request.direct {
                Direct::Signs => {
                    signs = codes.iter().map(|z| sign(*z)).collect();
                    &signs
                }
                _ => codes,
            };
            let codes = Matrix { data: codes, rows: n, columns: atoms };
            match Entries::of(codes) {
                Some(entries) => {
                    let width = prepared.width;
                    let sums = entries.by_atom(atoms).times(self.residuals, width);
                    let sums = transpose(&sums, [atoms, features], width, atoms);
                    gradient.iter_mut().zip(sums).for_each(|(g, sum)| *g += sum);
                }
                None => {
                    let codes = View::rows(codes.data, n, atoms, atoms);
                    multiply_in_parallel(&mut gradient, atoms, T::ONE, T::ONE, residuals, codes);
                }
            }
        }
        outcome.dictionary = gradient;
    }
}

/// −1, 0 or 1; not-a-number stays what it is.
fn sign<T: Number>(value: T) -> T {
    if value > T::ZERO {
        T::ONE
    } else if value < T::ZERO {
        -T::ONE
    } else {
        value
    }
}

/// One block, compiled for the registers of the machine.
struct OneBlock<'a, T> {
    prepared: &'a Prepared<'a, T>,
    request: &'a Request<'a, T>,
    x: Matrix<'a, T>,
    start: Option<Matrix<'a, T>>,
    given: Option<Matrix<'a, T>>,
}

impl<T: Number> WithSimd for OneBlock<'_, T> {
    type Output = Block<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Block<T> {
        block(simd, self.prepared, self.request, self.x, self.start, self.given)
    }
}
