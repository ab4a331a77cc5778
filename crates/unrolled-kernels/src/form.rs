//! How an iteration computes `z − α Dᵀ(D z − x)`.

/// The two ways to write one gradient step. They agree up to rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// `z − α Dᵀ(D z − x)`: two products of n·m·p multiplications in every iteration.
    Residual,
    /// `z − α (DᵀD) z + α Dᵀx`: one product of n·p² in every iteration, after one of m·p² for DᵀD and
    /// one of n·m·p for Dᵀx. Its rounding errors are larger in float32 (about 2·10⁻⁵ relative
    /// instead of 4·10⁻⁷ on a small problem).
    Gram,
}

impl Form {
    /// The form with fewer multiplications for `iterations` iterations on `examples` examples,
    /// `features` m and `atoms` p. On a tie, Gram: it makes half as many calls.
    pub fn cheapest(features: usize, atoms: usize, iterations: usize, examples: usize) -> Self {
        let [m, p, t, n] = [features, atoms, iterations, examples].map(|count| count as f64);
        // z₀ = 0 saves a product of the first iteration in either form.
        let residual = (2.0 * t - 1.0) * n * m * p;
        let gram = (t - 1.0) * n * p * p + m * p * p + n * m * p;
        if gram <= residual { Self::Gram } else { Self::Residual }
    }

    /// The form with fewer multiplications for the fused kernels, which exploit sparse codes in Gram form:
    /// from [`Form::cheapest`] it differs in what an iteration costs once codes are sparse, and in that the
    /// derivative needs a product of DᵀD's size too.
    pub fn cheapest_fused(
        features: usize,
        atoms: usize,
        iterations: usize,
        examples: usize,
    ) -> Self {
        // About a fifth of the dense products remains, in a usual unroll.
        const DENSE_SHARE: f64 = 0.2;
        let [m, p, t, n] = [features, atoms, iterations, examples].map(|count| count as f64);
        let residual = 6.0 * t * n * m * p;
        let gram = 3.0 * DENSE_SHARE * t * n * p * p + 1.5 * m * p * p + 2.0 * n * m * p;
        if gram <= residual { Self::Gram } else { Self::Residual }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_atoms_or_much_work_favour_the_gram_form() {
        assert_eq!(Form::cheapest(100, 150, 100, 1000), Form::Gram);
        assert_eq!(Form::cheapest(50, 200, 100, 1000), Form::Residual);
        assert_eq!(Form::cheapest(1000, 1500, 1, 1), Form::Residual);
        assert_eq!(Form::cheapest(100, 50, 1, 1000), Form::Residual);
        assert_eq!(Form::cheapest_fused(1000, 1500, 100, 100), Form::Gram);
        assert_eq!(Form::cheapest_fused(784, 500, 15, 32), Form::Gram);
        assert_eq!(Form::cheapest_fused(1000, 1500, 15, 1), Form::Residual);
        assert_eq!(Form::cheapest_fused(100, 10_000, 15, 100), Form::Residual);
    }
}
