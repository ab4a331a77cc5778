//! The soft threshold of groups.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::relu;

use super::{ProximalOperator, Sided};

/// `prox(v)_g = relu(1 − α λ / ‖v_g‖) v_g` for groups g of `size` consecutive entries, of the penalty `λ Σ_g ‖z_g‖₂`
/// (M. Yuan, Y. Lin, *Model selection and estimation in regression with grouped variables*, Journal of the Royal
/// Statistical Society B, 2006). One-sided, of `relu(v)`. A group is used as a whole or not at all.
#[derive(Module, Debug)]
pub struct GroupSoftThreshold {
    /// λ.
    pub penalty: f64,
    /// Entries of a group; it divides the width of a code.
    pub size: usize,
    /// Which signs the codes may have.
    #[module(skip)]
    pub sided: Sided,
}

impl GroupSoftThreshold {
    /// With λ, for groups of `size` entries.
    pub fn new(penalty: f64, size: usize, sided: Sided) -> Self {
        Self { penalty, size, sided }
    }

    /// ‖v_g‖² of every group, `[n · groups, 1]`.
    fn squares(&self, v: &Tensor<2>) -> Tensor<2> {
        let [n, q] = v.dims();
        assert!(q.is_multiple_of(self.size), "groups of {} for codes of {q}", self.size);
        let groups = v.clone().reshape([n * q / self.size, self.size]);
        groups.clone().mul(groups).sum_dim(1)
    }

    /// Every group times its factor, `[n · groups, 1]`.
    fn scaled(&self, v: Tensor<2>, factors: Tensor<2>) -> Tensor<2> {
        let shape = v.dims();
        v.reshape([factors.dims()[0], self.size]).mul(factors).reshape(shape)
    }
}

/// √s with its first derivative, 1/(2√s), by one step of Heron's method from the root as a constant: the derivative of
/// Burn's own root is a power, which graphics adapters do not compute in float64.
fn root(squares: Tensor<2>) -> Tensor<2> {
    let root = squares.clone().inner().sqrt();
    match squares.is_autodiff() {
        false => root,
        true => {
            let root = root.autodiff();
            squares.div(root.clone()).add(root).mul_scalar(0.5)
        }
    }
}

impl ProximalOperator for GroupSoftThreshold {
    fn apply(&self, v: Tensor<2>, step: f64, _iteration: usize) -> Tensor<2> {
        let bias = step * self.penalty;
        let v = match self.sided {
            Sided::Two => v,
            Sided::One => relu(v),
        };
        // A group of norm 0 has no direction: whatever stands in for its norm, it stays 0, and so does its derivative.
        let squares = self.squares(&v);
        let nothing = squares.clone().inner().equal_elem(0.0);
        let nothing = if squares.is_autodiff() { nothing.autodiff() } else { nothing };
        let instead = if bias > 0.0 { 0.25 * bias * bias } else { 1.0 };
        let norms = root(squares.mask_fill(nothing, instead));
        let factors = relu(norms.recip().mul_scalar(-bias).add_scalar(1.0));
        self.scaled(v, factors)
    }

    fn penalty(&self) -> f64 {
        self.penalty
    }

    fn sided(&self) -> Sided {
        self.sided
    }

    fn value(&self, codes: &Tensor<2>) -> Tensor<1> {
        let examples = codes.dims()[0] as f64;
        let squares = self.squares(codes);
        let nothing = squares.clone().inner().equal_elem(0.0);
        let nothing = if squares.is_autodiff() { nothing.autodiff() } else { nothing };
        // The derivative of a norm at 0 is 0 here, as that of |z| is.
        let norms = root(squares.mask_fill(nothing.clone(), 1.0)).mask_fill(nothing, 0.0);
        norms.sum().mul_scalar(self.penalty / examples)
    }

    /// `λ/‖z_g‖ (d_g − ẑ_g ⟨ẑ_g, d_g⟩)` with `ẑ_g = z_g/‖z_g‖`.
    fn curvature(&self, codes: &Tensor<2>, direction: Tensor<2>) -> Option<Tensor<2>> {
        let squares = self.squares(codes);
        let inverse = squares.clone().recip().mask_fill(squares.equal_elem(0.0), 0.0);
        let products = codes.clone().mul(direction.clone());
        let [groups, _] = inverse.dims();
        let along = products.reshape([groups, self.size]).sum_dim(1).mul(inverse.clone());
        let across = direction.sub(self.scaled(codes.clone(), along));
        Some(self.scaled(across, inverse.sqrt()).mul_scalar(self.penalty))
    }
}
