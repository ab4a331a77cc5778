//! Modules by their parameters: kept in their sets, and their gradients added up.

use burn::module::{Module, ModuleDisplay, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Whatever has parameters. Each module keeps its own constraint.
pub trait Network: Module + ModuleDisplay {
    /// The network with every parameter in its set: what is done after each step of an optimiser.
    fn project(self) -> Self {
        self
    }
}

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
