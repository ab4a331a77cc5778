//! Nesterov's momentum.

use burn::tensor::Tensor;

/// How an iteration uses the iterate before the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Momentum {
    /// Not at all: ISTA.
    #[default]
    None,
    /// FISTA (Beck and Teboulle, 2009): with `t₁ = 1`, `t_{k+1} = (1 + √(1 + 4 t_k²))/2`, the gradient step starts
    /// from `y_k = z_k + ((t_k − 1)/t_{k+1}) (z_k − z_{k−1})`.
    Nesterov,
}

impl Momentum {
    /// The weights of iterations 0, 1, …; the first two are 0.
    pub fn weights(self) -> impl Iterator<Item = f64> {
        let next = |t: &f64| Some((1.0 + (1.0 + 4.0 * t * t).sqrt()) / 2.0);
        let times = std::iter::successors(Some(1.0), next);
        let momenta = times.clone().zip(times.skip(1)).map(|(now, next)| (now - 1.0) / next);
        std::iter::once(0.0).chain(momenta).map(move |weight| match self {
            Self::None => 0.0,
            Self::Nesterov => weight,
        })
    }
}

/// `y = z + μ (z − z')` for the last iterate and the one before; what is not there yet is z₀ = 0.
pub(crate) fn extrapolated(
    codes: Option<&Tensor<2>>,
    previous: Option<&Tensor<2>>,
    weight: f64,
) -> Option<Tensor<2>> {
    let codes = codes?;
    if weight == 0.0 {
        return Some(codes.clone());
    }
    Some(match previous {
        Some(previous) => {
            let change = codes.clone().sub(previous.clone());
            codes.clone().add(change.mul_scalar(weight))
        }
        None => codes.clone().mul_scalar(1.0 + weight),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_momentum_grows_from_zero_towards_one() {
        let first: Vec<f64> = Momentum::Nesterov.weights().take(4).collect();
        let t2 = (1.0 + 5f64.sqrt()) / 2.0;
        assert_eq!(first[..2], [0.0, 0.0]);
        let expected = (t2 - 1.0) / ((1.0 + (1.0 + 4.0 * t2 * t2).sqrt()) / 2.0);
        assert!((first[2] - expected).abs() < 1e-15);
        assert!(Momentum::Nesterov.weights().nth(1000).unwrap() > 0.99);
        assert!(Momentum::None.weights().take(1000).all(|weight| weight == 0.0));
    }
}
