//! Codes of blocks of examples.

use std::ops::ControlFlow;

use burn::tensor::{Device, Tensor};
use ndarray::Array2;
use unrolled::dictionary::spectral_norm_squared;
use unrolled::encoder::{Encoder, Unrolled, automatic_step};
use unrolled::lasso::Lasso;
use unrolled::metrics::duality_gaps;
use unrolled::prelude::{Precision, Sided, SoftThreshold};
use unrolled::scale::{exponent, scaled, scaled_penalty};
use unrolled::tensors::{to_array, to_tensor};

use super::request::wrong;
use super::{Encode, Until};
use crate::Error;
use crate::progress::Stop;

/// The most passes over all atoms, or iterations, on the way to a gap.
pub(super) const MOST_PASSES: usize = 100_000;
/// Iterations between two looks at the gap.
const CHECK_EVERY: usize = 10;

/// Codes blocks of examples.
pub(super) struct Coder<'a> {
    request: &'a Encode,
    dictionary: &'a Array2<f64>,
    sided: Sided,
    stop: &'a Stop,
    by: By<'a>,
}

/// By which algorithm.
enum By<'a> {
    /// Coordinate descent to a gap.
    Descent(Box<Lasso>, f64),
    /// FISTA.
    Fista(Box<Fista<'a>>),
}

struct Fista<'a> {
    /// D / 2ᵈ.
    tensor: Tensor<2>,
    /// d.
    exponent: i32,
    /// 0.99 2²ᵈ/‖D‖².
    step: f64,
    device: &'a Device,
}

/// The codes of a block.
pub(super) struct Coded {
    pub codes: Array2<f64>,
    pub gaps: Vec<f64>,
    /// The most iterations, or passes over all atoms, that an example took.
    pub iterations: usize,
    /// Examples whose gap rounding keeps above the one asked for.
    pub stalled: usize,
    /// Examples that had not reached the gap after all iterations allowed.
    pub unfinished: usize,
}

impl<'a> Coder<'a> {
    pub fn new(
        request: &'a Encode,
        dictionary: &'a Array2<f64>,
        device: &'a Device,
        on_cpu: bool,
        stop: &'a Stop,
    ) -> Result<Self, Error> {
        let sided = if request.one_sided { Sided::One } else { Sided::Two };
        if dictionary.iter().all(|v| *v == 0.0) {
            return wrong("the dictionary is zero; give another".to_owned());
        }
        let by = match request.until {
            Until::Gap(gap) if on_cpu => {
                By::Descent(Box::new(Lasso::new(dictionary, request.penalty, sided)), gap)
            }
            _ => {
                let exponent = exponent(dictionary);
                let near = dictionary.mapv(|v| scaled(v, -exponent));
                let tensor = to_tensor(&near, Precision::Float64, device);
                let step = automatic_step(spectral_norm_squared(&near));
                By::Fista(Box::new(Fista { tensor, exponent, step, device }))
            }
        };
        Ok(Self { request, dictionary, sided, stop, by })
    }

    /// The codes of a block whose first example is number `first` of all.
    pub fn encode(&self, x: &Array2<f64>, first: usize) -> Result<Coded, Error> {
        let coded = match &self.by {
            By::Descent(lasso, gap) => {
                let found = lasso.solve(x, *gap, MOST_PASSES, &|| !self.stop.is_requested());
                Coded {
                    codes: found.codes,
                    gaps: found.gaps,
                    iterations: found.passes,
                    stalled: found.stalled,
                    unfinished: found.unfinished,
                }
            }
            By::Fista(fista) => self.unroll(fista, x, self.request.until),
        };
        if self.stop.is_requested() {
            let written = match self.request.shard_rows {
                None => "no codes are written",
                Some(_) => "shards of codes that are whole are kept",
            };
            return Err(Error::Interrupted(format!("stopped; {written}")));
        }
        match coded.codes.indexed_iter().find(|(_, code)| !code.is_finite()) {
            None => Ok(coded),
            Some(((example, _), _)) => Err(Error::NotFinite(format!(
                "the code of example {} (counted from 0) is beyond float64; scale the dictionary up or the data down",
                first + example
            ))),
        }
    }

    /// By FISTA on a block that is divided by a power of two, so that its scale does not matter.
    fn unroll(&self, fista: &Fista, x: &Array2<f64>, until: Until) -> Coded {
        let e = exponent(x);
        let penalty = scaled_penalty(self.request.penalty, -(e + fista.exponent));
        let prox = SoftThreshold::new(penalty, self.sided);
        let iterations = match until {
            Until::Iterations(iterations) => iterations,
            Until::Gap(_) => MOST_PASSES,
        };
        let encoder = Unrolled::fista(prox, fista.step, iterations);
        let examples = to_tensor(&x.mapv(|v| scaled(v, -e)), Precision::Float64, fista.device);
        let given = |codes: &Tensor<2>| to_array(codes).mapv(|z| scaled(z, e - fista.exponent));
        let mut taken = 0;
        let codes = encoder.unroll(&fista.tensor, &examples, &mut |iteration, codes| {
            taken = iteration;
            let is_done = match until {
                Until::Gap(target) if iteration.is_multiple_of(CHECK_EVERY) => {
                    self.gaps(x, &given(codes)).iter().all(|gap| *gap <= target)
                }
                _ => false,
            };
            match is_done || self.stop.is_requested() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        let codes = given(&codes);
        let gaps = self.gaps(x, &codes);
        let unfinished = match until {
            Until::Gap(target) => gaps.iter().filter(|gap| **gap > target).count(),
            Until::Iterations(_) => 0,
        };
        Coded { codes, gaps, iterations: taken, stalled: 0, unfinished }
    }

    fn gaps(&self, x: &Array2<f64>, codes: &Array2<f64>) -> Vec<f64> {
        duality_gaps(self.dictionary, x, codes, self.request.penalty, self.sided)
    }
}
