//! The learning rate as a function of the step.

use std::f64::consts::PI;

/// How the rate changes, as a factor of the rate asked for. Steps are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    /// The same in every step.
    Constant,
    /// Multiplied by `factor` after every `every` steps.
    Step {
        /// Steps between two changes.
        every: usize,
        /// What the rate is multiplied by.
        factor: f64,
    },
    /// From 1 down to `least` along half a cosine over `steps` steps.
    Cosine {
        /// Steps until the least rate.
        steps: usize,
        /// The least factor.
        least: f64,
    },
}

impl Schedule {
    /// The factor of step `step`, with a linear warm-up over the first `warm_up` steps.
    pub fn factor(self, step: usize, warm_up: usize) -> f64 {
        let ramp = match warm_up {
            0 => 1.0,
            warm_up => (step as f64 / warm_up as f64).min(1.0),
        };
        let past = (step - 1) as f64;
        ramp * match self {
            Self::Constant => 1.0,
            Self::Step { every, factor } => libm::pow(factor, ((step - 1) / every) as f64),
            Self::Cosine { steps, least } => {
                let progress = (past / (steps.max(2) - 1) as f64).min(1.0);
                least + (1.0 - least) * 0.5 * (1.0 + libm::cos(PI * progress))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_schedule_has_its_shape() {
        assert_eq!(Schedule::Constant.factor(1000, 0), 1.0);
        let step = Schedule::Step { every: 10, factor: 0.5 };
        assert_eq!([1, 10, 11, 21].map(|k| step.factor(k, 0)), [1.0, 1.0, 0.5, 0.25]);
        let cosine = Schedule::Cosine { steps: 11, least: 0.1 };
        assert_eq!(cosine.factor(1, 0), 1.0);
        assert!((cosine.factor(6, 0) - 0.55).abs() < 1e-12);
        assert!((cosine.factor(11, 0) - 0.1).abs() < 1e-12);
        assert!((cosine.factor(50, 0) - 0.1).abs() < 1e-12);
        assert_eq!([1, 2, 4, 9].map(|k| Schedule::Constant.factor(k, 4)), [0.25, 0.5, 1.0, 1.0]);
    }
}
