//! What is asked of an unroll, and what comes out.

use pulp::{Arch, Simd, WithSimd};

use crate::block::{Block, block};
use crate::decoder::Direct;
use crate::number::Number;
use crate::prepared::Prepared;
use crate::problem::{Form, Matrix, Misfit, Unroll};
use crate::products::{View, multiply_in_parallel, symmetrise, transpose};
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
    let mut total: Option<(Vec<T>, Vec<T>)> = None;
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
            let Block { codes, losses, sums, examples } = block;
            let range = range(index);
            let (from, to) = (range.start * prepared.atoms, range.end * prepared.atoms);
            outcome.codes[from..to].copy_from_slice(&codes);
            if !examples.is_empty() {
                let (from, to) = (range.start * prepared.features, range.end * prepared.features);
                outcome.examples[from..to].copy_from_slice(&examples);
            }
            outcome.reconstruction += losses.reconstruction;
            outcome.sparsity += losses.sparsity;
            outcome.step += sums.step;
            match outcome.bias.is_empty() {
                true => outcome.bias = sums.bias,
                false => outcome.bias.iter_mut().zip(sums.bias).for_each(|(a, b)| *a += b),
            }
            match &mut total {
                None => total = Some((sums.transition, sums.atoms)),
                Some((transition, atoms)) => {
                    transition.iter_mut().zip(&sums.transition).for_each(|(a, b)| *a += *b);
                    atoms.iter_mut().zip(&sums.atoms).for_each(|(a, b)| *a += *b);
                }
            }
        },
    );
    outcome.bias.truncate(prepared.atoms);
    let (mut transition, mut atoms) = total.expect("there is a block");
    if request.derivative.is_some() && unroll.form == Form::Gram {
        add_transition(&prepared, request.step, &mut transition, &mut atoms, &mut outcome.step);
    }
    if !atoms.is_empty() {
        let shape = [prepared.atoms, prepared.features];
        outcome.dictionary = transpose(&atoms, shape, prepared.width, prepared.atoms);
    }
    Ok(outcome)
}

/// Adds what follows from G = Σ z ⊗ s: `−α D (G + Gᵀ)` to the gradient of D, `−⟨D G, D⟩` to that of α.
fn add_transition<T: Number>(
    prepared: &Prepared<T>,
    with_step: bool,
    transition: &mut [T],
    atoms: &mut [T],
    step: &mut f64,
) {
    symmetrise(transition, prepared.atoms, prepared.stride);
    let symmetric = View::rows(transition, prepared.atoms, prepared.atoms, prepared.stride);
    let dictionary = prepared.transposed_view();
    let width = prepared.width;
    let alpha = prepared.unroll.step;
    if !with_step {
        multiply_in_parallel(atoms, width, T::ONE, -alpha, symmetric, dictionary);
        return;
    }
    let mut product = vec![T::ZERO; atoms.len()];
    multiply_in_parallel(&mut product, width, T::ZERO, T::ONE, symmetric, dictionary);
    let mut inner = 0.0;
    for ((sum, product), entry) in atoms.iter_mut().zip(&product).zip(&prepared.transposed) {
        *sum -= alpha * *product;
        inner += product.to_f64() * entry.to_f64();
    }
    *step -= 0.5 * inner;
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
