//! What is made of a score.

use burn::tensor::{Bool, Tensor};

/// φ, entry by entry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// s.
    Linear,
    /// max(s, 0).
    Relu,
    /// sign(s) max(|s| − θ, 0).
    Soft(f64),
    /// s where |s| > θ, else 0.
    Hard(f64),
    /// sign(s) where |s| > θ, else 0.
    Sign(f64),
}

impl Activation {
    /// φ(s).
    pub fn apply(self, scores: Tensor<2>) -> Tensor<2> {
        let Some(silent) = self.silent(&scores) else { return scores };
        let active = match self {
            Self::Linear | Self::Relu | Self::Hard(_) => scores,
            Self::Soft(threshold) => {
                let signs = scores.clone().sign();
                scores.sub(signs.mul_scalar(threshold))
            }
            Self::Sign(_) => scores.sign(),
        };
        active.mask_fill(silent, 0.0)
    }

    /// `δ φ′(s)`: the derivative is 1 where a unit is active and 0 where it is not, at a kink too.
    ///
    /// None for signs, whose derivative is 0 wherever it exists.
    pub fn pull_back(self, scores: &Tensor<2>, delta: Tensor<2>) -> Option<Tensor<2>> {
        match (self, self.silent(scores)) {
            (Self::Sign(_), _) => None,
            (_, Some(silent)) => Some(delta.mask_fill(silent, 0.0)),
            (_, None) => Some(delta),
        }
    }

    /// Where codes are 0 because the score is small.
    fn silent(self, scores: &Tensor<2>) -> Option<Tensor<2, Bool>> {
        match self {
            Self::Linear => None,
            Self::Relu => Some(scores.clone().lower_equal_elem(0.0)),
            Self::Soft(threshold) | Self::Hard(threshold) | Self::Sign(threshold) => {
                Some(scores.clone().abs().lower_equal_elem(threshold))
            }
        }
    }

    /// θ, where there is one.
    pub fn threshold(self) -> Option<f64> {
        match self {
            Self::Linear | Self::Relu => None,
            Self::Soft(threshold) | Self::Hard(threshold) | Self::Sign(threshold) => {
                Some(threshold)
            }
        }
    }

    /// The same with another θ, where there is one.
    pub fn with_threshold(self, threshold: f64) -> Self {
        match self {
            Self::Linear | Self::Relu => self,
            Self::Soft(_) => Self::Soft(threshold),
            Self::Hard(_) => Self::Hard(threshold),
            Self::Sign(_) => Self::Sign(threshold),
        }
    }
}
