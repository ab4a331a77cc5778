//! Which steps an encoder can take.

/// The range of steps α of an encoder, in units of 1/‖D‖² times a constant of the method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepLimits {
    /// Above this, descent of the lasso is no longer guaranteed in every iteration.
    pub warn_above: f64,
    /// Above this, the iterations diverge on some input.
    pub refuse_above: f64,
}

/// What to think of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepVerdict {
    /// Within the guaranteed range.
    Fine,
    /// Converges in practice, but beyond the classical guarantee.
    Warn,
    /// Diverges on some input.
    Refuse,
}

impl StepLimits {
    /// The limits of a method that is guaranteed up to `guaranteed`/‖D‖² and diverges beyond
    /// `divergent`/‖D‖².
    pub fn scaled(guaranteed: f64, divergent: f64, spectral_norm_squared: f64) -> Self {
        Self {
            warn_above: guaranteed / spectral_norm_squared,
            refuse_above: divergent / spectral_norm_squared,
        }
    }

    /// The verdict on a step. A step that is not a number is refused.
    pub fn judge(&self, step: f64) -> StepVerdict {
        if step.is_nan() || step > self.refuse_above {
            StepVerdict::Refuse
        } else if step > self.warn_above {
            StepVerdict::Warn
        } else {
            StepVerdict::Fine
        }
    }
}

/// The step that `step = "auto"` stands for: 0.99/‖D‖². A constant to the gradient.
pub fn automatic_step(spectral_norm_squared: f64) -> f64 {
    0.99 / spectral_norm_squared
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_judged_against_both_limits() {
        let limits = StepLimits::scaled(1.0, 2.0, 4.0);
        assert_eq!(limits.judge(automatic_step(4.0)), StepVerdict::Fine);
        assert_eq!(limits.judge(0.25), StepVerdict::Fine);
        assert_eq!(limits.judge(0.3), StepVerdict::Warn);
        assert_eq!(limits.judge(0.51), StepVerdict::Refuse);
        assert_eq!(limits.judge(f64::NAN), StepVerdict::Refuse);
    }
}
