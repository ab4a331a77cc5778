//! Gradients of all parameters of a module at once.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// The sum of two sets of gradients of a module's parameters; a parameter that only one set names keeps that
/// gradient.
pub fn merge<M: Module>(
    module: &M,
    sum: GradientsParams,
    more: GradientsParams,
) -> GradientsParams {
    if sum.is_empty() {
        return more;
    }
    let mut merging = Merging { sum, more };
    module.visit(&mut merging);
    merging.sum
}

struct Merging {
    sum: GradientsParams,
    more: GradientsParams,
}

impl ModuleVisitor for Merging {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let Some(more) = self.more.remove::<D>(parameter.id) else { return };
        let sum = match self.sum.remove::<D>(parameter.id) {
            Some(sum) => sum.add(more),
            None => more,
        };
        self.sum.register(parameter.id, sum);
    }
}
