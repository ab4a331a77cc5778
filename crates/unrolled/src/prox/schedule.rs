//! The penalty as a function of the iteration.

/// `λ_t = λ βᵗ` for t = 0, 1, …: constant for β = 1, decaying for β < 1.
///
/// Decay is the remedy for the bias of the lasso: the first iterations find the support with a
/// strong penalty, the last ones shrink hardly at all (Tolooshams and Ba, TMLR 2022).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PenaltySchedule {
    /// λ, the penalty of iteration 0.
    pub initial: f64,
    /// β, the factor from one iteration to the next.
    pub decay: f64,
}

impl PenaltySchedule {
    /// λ in every iteration.
    pub fn constant(penalty: f64) -> Self {
        Self { initial: penalty, decay: 1.0 }
    }

    /// `λ βᵗ`.
    pub fn decaying(penalty: f64, decay: f64) -> Self {
        Self { initial: penalty, decay }
    }

    /// Whether it is λ in every iteration.
    pub fn is_constant(&self) -> bool {
        self.decay == 1.0
    }

    /// λ_t. The power is taken by repeated squaring, so every machine computes the same bits.
    pub fn at(&self, iteration: usize) -> f64 {
        let (mut power, mut base, mut exponent) = (1.0, self.decay, iteration);
        while exponent > 0 {
            if exponent & 1 == 1 {
                power *= base;
            }
            base *= base;
            exponent >>= 1;
        }
        self.initial * power
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_penalty_of_iteration_t_is_lambda_beta_to_the_t() {
        let schedule = PenaltySchedule::decaying(0.2, 0.97);
        assert_eq!(schedule.at(0), 0.2);
        let mut expected = 0.2;
        for iteration in 0..200 {
            assert!((schedule.at(iteration) / expected - 1.0).abs() < 1e-13);
            expected *= 0.97;
        }
        assert_eq!(PenaltySchedule::constant(0.3).at(1000), 0.3);
    }
}
