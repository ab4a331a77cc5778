//! What part of an atom, or of a reconstruction, each training example accounts for, whatever the dictionary.

use std::ops::Range;

use burn::tensor::Tensor;
use ndarray::{Array1, Array2, Axis, concatenate, s};

use crate::dictionary::{AnyDictionary, Dictionary};
use crate::metrics::frobenius;
use crate::operator::LinearOperator;
use crate::tensors::{Precision, to_array, to_tensor};

/// The normal equations of a dictionary at fixed codes.
///
/// At a stationary point of `½‖X − D Z‖² + λ‖Z‖₁ + ω/2 ‖θ‖²`, where D is linear in its atoms θ `[p, entries]`, these solve
/// `H θ = Σ_i b_i`, with `⟨b_i, θ'⟩ = ⟨x_i, D_θ' z_i⟩` and `⟨θ, H θ'⟩ = Σ_i ⟨D_θ z_i, D_θ' z_i⟩ + ω ⟨θ, θ'⟩`. So θ is a sum over training
/// examples, `Σ_i H⁻¹ b_i`. Of a matrix, `H⁻¹ b_i` in an atom is the example times a weight, see
/// [`super::Contributions`]; of a convolution, overlapping patches mix entries, and what an example gives to a filter is a
/// filter. Its part along the filter itself, divided by the filter's square, is its share: shares of all examples sum to 1.
pub struct Shares<'a> {
    dictionary: &'a AnyDictionary,
    x: &'a Array2<f64>,
    codes: &'a Array2<f64>,
    ridge: f64,
    /// The diagonal of H, by atom: what the system is scaled by.
    scale: Array1<f64>,
}

/// Shares of an atom or of a reconstruction.
#[derive(Clone, Debug)]
pub struct Share {
    /// Of every training example, `[n]`.
    pub examples: Array1<f64>,
    /// Those of the entries of its code, `[n, q]`: of a convolution, of an atom at a place, and so of the patch there.
    pub entries: Array2<f64>,
    /// ‖H y − r‖/‖r‖ of the system that was solved.
    pub residual: f64,
}

/// Examples that are taken at a time.
const BLOCK: usize = 64;

/// The system is solved where its relative residual is below.
const TOLERANCE: f64 = 1e-11;

/// Rounds of conjugate gradients, at most.
const ROUNDS: usize = 5000;

impl<'a> Shares<'a> {
    /// Of a dictionary, training examples `[n, m]`, their codes `[n, q]` and ω.
    ///
    /// Nothing is computed yet. A system is solved by conjugate gradients, each round of which costs a reconstruction and a
    /// derivative by the atoms of all examples.
    ///
    /// # Panics
    /// When ω is not above 0, or codes and examples are not of the dictionary's sizes.
    pub fn new(
        dictionary: &'a AnyDictionary,
        x: &'a Array2<f64>,
        codes: &'a Array2<f64>,
        ridge: f64,
    ) -> Self {
        let sizes = [x.ncols(), codes.ncols()];
        assert!(sizes == dictionary.shape() && x.nrows() == codes.nrows(), "sizes go together");
        assert!(ridge > 0.0, "a ridge is above 0");
        let entries = codes.ncols() / dictionary.atoms().max(1);
        let squares = codes.map(|z| z * z).sum_axis(Axis(0));
        let by_atom = squares.exact_chunks(entries.max(1)).into_iter().map(|atom| atom.sum());
        let scale = by_atom.map(|sum| sum + ridge).collect();
        Self { dictionary, x, codes, ridge, scale }
    }

    fn tensor(&self, array: &Array2<f64>) -> Tensor<2> {
        let device = self.dictionary.columns().device();
        to_tensor(array, Precision::Float64, &device)
    }

    fn with_atoms(&self, rows: &Array2<f64>) -> AnyDictionary {
        self.dictionary.clone().with_atom_rows(self.tensor(rows))
    }

    /// `∂⟨x, D_θ z⟩/∂θ`, `[p, entries]`.
    fn atoms_gradient(&self, x: &Tensor<2>, z: &Tensor<2>) -> Array2<f64> {
        let gradients = self.dictionary.weight_gradient(x, z);
        let gradient = self.dictionary.columns_gradient(&gradients);
        to_array(&gradient.expect("a dictionary has the gradient of its atoms")).reversed_axes()
    }

    fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let n = self.x.nrows();
        (0..n).step_by(BLOCK).map(move |from| from..(from + BLOCK).min(n))
    }

    fn examples(&self, range: Range<usize>) -> Tensor<2> {
        self.tensor(&self.x.slice(s![range, ..]).to_owned())
    }

    fn codes_of(&self, range: Range<usize>) -> Tensor<2> {
        self.tensor(&self.codes.slice(s![range, ..]).to_owned())
    }

    /// H θ.
    fn product(&self, rows: &Array2<f64>) -> Array2<f64> {
        let with = self.with_atoms(rows);
        let mut sum = rows * self.ridge;
        for range in self.blocks() {
            let codes = self.codes_of(range);
            sum += &self.atoms_gradient(&with.forward(codes.clone()), &codes);
        }
        sum
    }

    /// Σ b_i.
    fn right(&self) -> Array2<f64> {
        let mut sum = Array2::zeros((self.dictionary.atoms(), self.atoms().ncols()));
        for range in self.blocks() {
            sum += &self.atoms_gradient(&self.examples(range.clone()), &self.codes_of(range));
        }
        sum
    }

    fn atoms(&self) -> Array2<f64> {
        to_array(&self.dictionary.columns()).reversed_axes()
    }

    /// The derivative of the objective by the atoms, `[p, entries]`: `H θ − Σ b_i`.
    pub fn gradient(&self) -> Array2<f64> {
        self.product(&self.atoms()) - self.right()
    }

    /// D Z − X, `[n, m]`.
    pub(super) fn residual(&self) -> Array2<f64> {
        let part = |range| to_array(&self.dictionary.forward(self.codes_of(range)));
        self.stacked(self.x.ncols(), part) - self.x
    }

    /// Dᵀ of rows `[n, m]`.
    pub(super) fn adjoint(&self, rows: &Array2<f64>) -> Array2<f64> {
        let rows = |range: Range<usize>| self.tensor(&rows.slice(s![range, ..]).to_owned());
        self.stacked(self.codes.ncols(), |range| to_array(&self.dictionary.adjoint(rows(range))))
    }

    fn stacked(&self, width: usize, part: impl Fn(Range<usize>) -> Array2<f64>) -> Array2<f64> {
        let parts: Vec<Array2<f64>> = self.blocks().map(part).collect();
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        match views.is_empty() {
            true => Array2::zeros((0, width)),
            false => concatenate(Axis(0), &views).expect("parts have the same width"),
        }
    }

    /// The atoms that are best for the codes, `[p, entries]`: `H⁻¹ Σ b_i`; and the relative residual of the system. `None` once
    /// `go_on` says no.
    pub fn best(&self, go_on: &dyn Fn() -> bool) -> Option<(Array2<f64>, f64)> {
        self.solve(&self.right(), go_on)
    }

    /// Shares of an atom, counted from 0. `None` once `go_on` says no; an atom that is 0 has shares of 0.
    ///
    /// # Panics
    /// When there is no such atom.
    pub fn of_atom(&self, atom: usize, go_on: &dyn Fn() -> bool) -> Option<Share> {
        let rows = self.atoms();
        let mut against = Array2::zeros(rows.dim());
        against.row_mut(atom).assign(&rows.row(atom));
        self.share(&against, rows.row(atom).dot(&rows.row(atom)), go_on)
    }

    /// Shares of the reconstruction of a new code `[q]`. `None` once `go_on` says no.
    ///
    /// # Panics
    /// When the code is not of the dictionary's size.
    pub fn of_reconstruction(&self, code: &Array1<f64>, go_on: &dyn Fn() -> bool) -> Option<Share> {
        let code = self.tensor(&code.clone().insert_axis(Axis(0)));
        let reconstruction = self.dictionary.forward(code.clone());
        let against = self.atoms_gradient(&reconstruction, &code);
        let square = to_array(&reconstruction).iter().map(|v| v * v).sum();
        self.share(&against, square, go_on)
    }

    /// `⟨x_i, D_y z_i⟩/square` with H y = r.
    fn share(&self, r: &Array2<f64>, square: f64, go_on: &dyn Fn() -> bool) -> Option<Share> {
        let (y, residual) = self.solve(r, go_on)?;
        let with = self.with_atoms(&y);
        let scale = if square > 0.0 { 1.0 / square } else { 0.0 };
        let entries = self.stacked(self.codes.ncols(), |range| {
            let codes = self.codes.slice(s![range.clone(), ..]);
            to_array(&with.adjoint(self.examples(range))) * codes * scale
        });
        Some(Share { examples: entries.sum_axis(Axis(1)), entries, residual })
    }

    /// Conjugate gradients, scaled by the diagonal; the best that rounding allows.
    fn solve(&self, r: &Array2<f64>, go_on: &dyn Fn() -> bool) -> Option<(Array2<f64>, f64)> {
        let scaled = |rows: &Array2<f64>| rows / &self.scale.view().insert_axis(Axis(1));
        let inner = |a: &Array2<f64>, b: &Array2<f64>| a.iter().zip(b).map(|(a, b)| a * b).sum();
        let size = frobenius(r);
        let mut y = Array2::zeros(r.dim());
        let mut left = r.clone();
        let mut direction = scaled(&left);
        let mut square: f64 = inner(&left, &direction);
        let mut rounds = 0;
        while frobenius(&left) > TOLERANCE * size && rounds < ROUNDS {
            if !go_on() {
                return None;
            }
            let image = self.product(&direction);
            let along: f64 = inner(&direction, &image);
            // Rounding, or nothing left.
            if along.is_nan() || along <= 0.0 {
                break;
            }
            let step = square / along;
            y.scaled_add(step, &direction);
            left.scaled_add(-step, &image);
            let next = scaled(&left);
            let other: f64 = inner(&left, &next);
            direction = next + &direction * (other / square);
            square = other;
            rounds += 1;
        }
        Some((y, frobenius(&left) / size.max(f64::MIN_POSITIVE)))
    }
}
