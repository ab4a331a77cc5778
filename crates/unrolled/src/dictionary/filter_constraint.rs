//! Where the filters of a convolutional dictionary may lie.

use burn::tensor::Tensor;
use unrolled_kernels::{Number, sum};

use super::Constraint;

/// The set that filters are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FilterConstraint {
    /// Each filter as a whole, over all its channels.
    Whole(Constraint),
    /// Each channel of a filter has norm 1 / channels: of grey images the unit sphere, of others smaller. It is what the
    /// reference code of *Stable and Interpretable Unrolled Dictionary Learning* does.
    UnitSpherePerChannel,
}

impl Default for FilterConstraint {
    fn default() -> Self {
        Self::Whole(Constraint::None)
    }
}

impl FilterConstraint {
    /// Filters `[p, c, h, w]` within the constraint.
    pub fn project(self, filters: Tensor<4>) -> Tensor<4> {
        let shape @ [atoms, channels, height, width] = filters.dims();
        let entries = height * width;
        // A constraint takes atoms as columns.
        let columns =
            |count: usize, entries: usize| filters.clone().reshape([count, entries]).transpose();
        let back = |columns: Tensor<2>| columns.transpose().reshape(shape);
        match self {
            Self::Whole(Constraint::None) => filters,
            Self::Whole(constraint) => {
                back(constraint.project_in_place(columns(atoms, channels * entries)))
            }
            Self::UnitSpherePerChannel => {
                let slices =
                    Constraint::UnitSphere.project_in_place(columns(atoms * channels, entries));
                back(slices).div_scalar(channels as f64)
            }
        }
    }

    /// One filter `[c · h · w]` within the constraint. What would be 0 is as it was `before`, since no code would use it again.
    pub(crate) fn project_filter<T: Number>(self, filter: &mut [T], before: &[T], channels: usize) {
        let (constraint, parts, share) = match self {
            Self::Whole(constraint) => (constraint, 1, T::ONE),
            Self::UnitSpherePerChannel => {
                (Constraint::UnitSphere, channels, T::from_f64(channels as f64))
            }
        };
        let entries = filter.len() / parts;
        for (part, before) in filter.chunks_exact_mut(entries).zip(before.chunks_exact(entries)) {
            let length = sum(part, |v| v * v).sqrt().to_f64();
            if length == 0.0 {
                part.copy_from_slice(before);
                continue;
            }
            let scale = T::from_f64(constraint.excess(length)) * share;
            part.iter_mut().for_each(|v| *v = *v / scale);
        }
    }
}
