//! In the place of [`super::card`] in a build without graphics cards: nothing is served.

use burn::tensor::Tensor;

use super::description::UnrollDescription;

/// There is none.
pub(super) enum Card {}

pub(super) struct Cotangents {
    pub products: Tensor<2>,
    pub cotangents: Tensor<2>,
    pub thresholds: Tensor<2>,
}

pub(super) fn serves(_: &UnrollDescription, _: &Tensor<2>, _: [usize; 2], _window: usize) -> bool {
    false
}

impl Card {
    pub fn prepare(
        _: &UnrollDescription,
        _gram: &Tensor<2>,
        _correlations: &Tensor<2>,
        _window: usize,
    ) -> Option<Self> {
        None
    }

    pub fn forward(&self) -> (Tensor<2>, ()) {
        match *self {}
    }

    pub fn backward(&self, _iterates: (), _of_codes: &Tensor<2>) -> Cotangents {
        match *self {}
    }
}
