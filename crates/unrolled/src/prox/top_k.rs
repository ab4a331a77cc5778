//! The k largest entries.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::relu;

use super::{ProximalOperator, Sided};

/// `prox(v)` keeps the `count` entries of an example that are largest in size, and those that tie with the last of them;
/// one-sided, of `relu(v)`. It is the projection on codes with at most `count` non-zero entries (T. Blumensath,
/// M. E. Davies, *Iterative hard thresholding for compressed sensing*, Applied and Computational Harmonic Analysis, 2009).
///
/// λ serves the lasso loss alone. Its derivative is 1 where an entry is kept and 0 elsewhere.
#[derive(Module, Debug)]
pub struct TopK {
    /// k.
    pub count: usize,
    /// λ of the lasso loss.
    pub penalty: f64,
    /// Which signs the codes may have.
    #[module(skip)]
    pub sided: Sided,
}

impl TopK {
    /// Keeps `count` entries; `penalty` is λ of the lasso loss.
    pub fn new(count: usize, penalty: f64, sided: Sided) -> Self {
        Self { count, penalty, sided }
    }
}

impl ProximalOperator for TopK {
    fn apply(&self, v: Tensor<2>, _step: f64, _iteration: usize) -> Tensor<2> {
        let v = match self.sided {
            Sided::Two => v,
            Sided::One => relu(v),
        };
        let [_, width] = v.dims();
        if self.count >= width {
            return v;
        }
        let sizes = v.clone().inner().abs();
        // Asking what to drop rather than what to keep lets not-a-number through.
        let dropped = match self.count {
            0 => sizes.clone().greater_equal_elem(0.0),
            count => {
                let last = sizes.clone().topk(count, 1).narrow(1, count - 1, 1);
                sizes.lower(last.expand(v.dims()))
            }
        };
        let dropped = if v.is_autodiff() { dropped.autodiff() } else { dropped };
        v.mask_fill(dropped, 0.0)
    }

    fn penalty(&self) -> f64 {
        self.penalty
    }

    fn sided(&self) -> Sided {
        self.sided
    }

    fn curvature(&self, _codes: &Tensor<2>, direction: Tensor<2>) -> Option<Tensor<2>> {
        Some(direction.zeros_like())
    }
}
