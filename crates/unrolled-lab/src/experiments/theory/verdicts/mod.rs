//! Each theorem: what it says, what was measured, whether they agree, and where they do not.

mod codes;
mod descent;
mod gradients;
mod stationary;

use serde::{Deserialize, Serialize};

use super::measure::near_truth::NearTruth;
use super::plan::Measured;

/// One thing that a theorem says, and what was measured of it, in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Verdict {
    /// "II.1" and so on.
    pub theorem: String,
    pub says: String,
    pub measured: String,
    pub agrees: bool,
    /// Where it does not hold, each in a few words.
    pub counter_examples: Vec<String>,
}

impl Verdict {
    fn new(theorem: &str, says: &str, measured: String, agrees: bool) -> Self {
        let [theorem, says] = [theorem, says].map(str::to_owned);
        Self { theorem, says, measured, agrees, counter_examples: Vec::new() }
    }
}

/// Where curves over T are drawn: the encoder's λ, and a dictionary noise.
#[derive(Clone, Copy)]
pub(super) struct Focus<'a> {
    pub penalty: f64,
    pub dictionary_noise: f64,
    pub iterations: &'a [usize],
}

/// All of them, in the order of the theorems.
pub(super) fn all(focus: Focus, measured: &Measured) -> Vec<Verdict> {
    let near = &measured.near_truth;
    [
        codes::all(focus, near),
        descent::all(&measured.contractions),
        gradients::all(focus, near),
        vec![stationary::way(&measured.rounds)],
    ]
    .concat()
}

/// Whether the codes have come so near to those of the lasso that what is left does not count.
fn has_converged(near: &NearTruth) -> bool {
    near.code_error_to_lasso.last().is_some_and(|left| *left < 0.1 * near.lasso_code_error_to_truth)
}

/// The slope of log y in log x, by least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let products: f64 = logs.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    products / logs.iter().map(|p| (p.0 - x).powi(2)).sum::<f64>()
}

/// A number of three digits, as text.
fn short(value: f64) -> String {
    let size = value.abs();
    match size {
        0.0 => "0".to_owned(),
        _ if !(1e-3..1e5).contains(&size) => format!("{value:.1e}"),
        _ => {
            let digits = (2 - size.log10().floor() as i32).max(0) as usize;
            format!("{value:.digits$}")
        }
    }
}

/// A place in a few words.
fn place(near: &NearTruth) -> String {
    match near.at.dictionary_noise {
        0.0 => format!("D*, λ {}", near.at.penalty),
        noise => format!("dictionary noise {noise}, λ {}", near.at.penalty),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::theory::measure::contraction::Contraction;
    use crate::experiments::theory::measure::near_truth::{At, Errors};

    #[test]
    fn slopes_are_of_logarithms() {
        let points = [1.0, 2.0, 4.0].map(|x: f64| (x, 3.0 * x.powi(2)));
        assert!((slope(&points) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn numbers_are_short() {
        let short = [0.0, 0.0394, 1.0, 128.4, 3.94e-4].map(short);
        assert_eq!(short, ["0", "0.0394", "1.00", "128", "3.9e-4"]);
    }

    const ITERATIONS: [usize; 3] = [1, 10, 100];

    /// Codes that converge, and gradients whose last errors are given.
    fn near(dictionary_noise: f64, penalty: f64, code: f64, [dec, ls]: [f64; 2]) -> NearTruth {
        let errors = |first: f64, last: f64| Errors {
            error_to_lasso: vec![1.0, 0.1, 1e-3],
            error_to_truth: vec![first, first.min(2.0 * last), last],
        };
        let estimators = [
            ("g_dec", errors(1.0, dec)),
            ("g_ae_lasso", errors(2.0, dec)),
            ("g_ae_ls", errors(3.0, ls)),
        ];
        NearTruth {
            at: At { dictionary_noise, penalty },
            dictionary_error: 7.0 * dictionary_noise,
            code_error_to_lasso: vec![1.0, 0.1, 1e-3 * code],
            code_error_to_truth: vec![1.0, 1.1 * code, code],
            lasso_code_error_to_truth: code,
            lasso_gradient_error_to_truth: dec,
            lasso_to_decoder: vec![0.5, 0.1, 1e-4 * dec],
            estimators: estimators.map(|(name, errors)| (name.to_owned(), errors)).into(),
        }
    }

    fn gradients_of(near: &[NearTruth]) -> Vec<Verdict> {
        let focus = Focus { penalty: 0.2, dictionary_noise: 0.02, iterations: &ITERATIONS };
        gradients::all(focus, near)
    }

    #[test]
    fn gradients_that_behave_as_proven_agree_and_those_that_do_not_are_told() {
        let lawful = |noise: f64, penalty: f64| {
            near(noise, penalty, 2.5 * penalty, [0.7 * penalty, 0.6 * penalty * penalty])
        };
        let all: Vec<NearTruth> = [0.0, 0.02]
            .iter()
            .flat_map(|noise| [0.1, 0.2].map(|penalty| lawful(*noise, penalty)))
            .collect();
        let verdicts = gradients_of(&all);
        assert!(verdicts.iter().all(|verdict| verdict.agrees), "{verdicts:?}");
        assert!(verdicts.iter().all(|verdict| verdict.counter_examples.is_empty()));
        assert!(verdicts[3].measured.contains("holds at every place"), "{}", verdicts[3].measured);

        // Far from the truth, where codes err by more than the penalty makes them, the order reverses.
        let far = near(0.1, 0.2, 1.5, [0.3, 0.4]);
        let verdicts = gradients_of(&[all.clone(), vec![far]].concat());
        assert!(verdicts[3].agrees && verdicts[3].counter_examples.len() == 1);
        assert!(
            verdicts[3].measured.contains("3.00 times that and more"),
            "{}",
            verdicts[3].measured
        );

        // At the place that is looked at.
        let mut reversed = all.clone();
        reversed[3] = near(0.02, 0.2, 0.5, [0.1, 0.2]);
        assert!(!gradients_of(&reversed)[3].agrees);
        // A bias of g_ae_ls in proportion to λ.
        let linear: Vec<NearTruth> = all
            .iter()
            .map(|n| {
                near(
                    n.at.dictionary_noise,
                    n.at.penalty,
                    2.5 * n.at.penalty,
                    [0.7 * n.at.penalty, 0.1 * n.at.penalty],
                )
            })
            .collect();
        assert!(!gradients_of(&linear)[1].agrees);
        // Gradients that stay apart.
        let mut apart = all.clone();
        apart[3].lasso_to_decoder[2] = 0.1;
        let verdicts = gradients_of(&apart);
        assert!(!verdicts[0].agrees && verdicts[0].counter_examples.len() == 1);
        // Codes that have not converged say nothing.
        let mut open = all;
        open.iter_mut().for_each(|near| near.code_error_to_lasso[2] = 1.0);
        let verdicts = gradients_of(&open);
        assert!(!verdicts[1].agrees && verdicts[1].measured.contains("a larger T"));
    }

    #[test]
    fn a_floor_is_one_that_the_error_stays_at() {
        let falling = |penalty: f64, floor: f64| Contraction {
            penalty,
            dictionary_error: (0..60).map(|at| floor + 0.5f64.powi(at)).collect(),
            largest_atom_error: Vec::new(),
        };
        let agree = |descents: &[Contraction]| -> Vec<bool> {
            descent::all(descents).iter().map(|verdict| verdict.agrees).collect()
        };
        assert_eq!(agree(&[falling(0.1, 0.02), falling(0.2, 0.04)]), [true, true]);
        assert_eq!(agree(&[falling(0.1, 0.02), falling(0.2, 0.015)]), [true, false]);
        let mut short = falling(0.2, 0.04);
        short.dictionary_error.truncate(4);
        assert_eq!(agree(&[falling(0.1, 0.02), short]), [true, false]);
        let mut rising = falling(0.2, 0.04);
        rising.dictionary_error.reverse();
        assert_eq!(agree(&[falling(0.1, 0.02), rising]), [false, false]);
    }
}
