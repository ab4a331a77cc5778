//! The figures of one repeat, as curves over T.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use unrolled::metrics::{cosine, frobenius};

use super::implicit::tends_to_implicit;
use super::plan::Plan;
use super::sums::Sums;

/// Curves over T by the name of the figure, for what all estimators share or for one of them.
pub(super) type Curves = BTreeMap<String, Curve>;

/// The values of a figure over T. One that does not exist is not-a-number here and null in JSON.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Option<f64>>", into = "Vec<Option<f64>>")]
pub(super) struct Curve(pub Vec<f64>);

impl From<Vec<Option<f64>>> for Curve {
    fn from(values: Vec<Option<f64>>) -> Self {
        Self(values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect())
    }
}

impl From<Curve> for Vec<Option<f64>> {
    fn from(curve: Curve) -> Self {
        curve.0.into_iter().map(|value| value.is_finite().then_some(value)).collect()
    }
}

/// One repeat.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Repeat {
    /// Codes and losses.
    pub shared: Curves,
    /// Single numbers.
    pub scalars: BTreeMap<String, f64>,
    /// By estimator.
    pub estimators: BTreeMap<String, Curves>,
    /// How long it took.
    pub seconds: f64,
}

impl Repeat {
    /// From the sums over all examples. `workers` is how many blocks ran side by side.
    pub fn new(plan: &Plan, sums: &Sums, workers: usize, seconds: f64) -> Self {
        let examples = sums.examples as f64;
        let mean = |sums: &[f64]| -> Vec<f64> { sums.iter().map(|v| v / examples).collect() };
        let lasso = &sums.lasso_gradient / examples;
        let truth = sums.true_gradient.as_ref().map(|sum| sum / examples);

        let mut repeat = Self { seconds, ..Self::default() };
        let mut shared =
            |name: &str, curve: Vec<f64>| repeat.shared.insert(name.to_owned(), Curve(curve));
        shared("code_error_to_lasso", mean(&sums.code_error_to_lasso));
        shared("reconstruction", mean(&sums.reconstruction));
        shared("lasso", mean(&sums.lasso));
        if truth.is_some() {
            shared("code_error_to_truth", mean(&sums.code_error_to_truth));
        }
        if !sums.unsolved.is_empty() {
            shared("unsolved", sums.unsolved.clone());
        }
        let mut scalar = |name: &str, value| repeat.scalars.insert(name.to_owned(), value);
        scalar("lasso_gradient_norm", frobenius(&lasso));
        if let Some(truth) = &truth {
            scalar("truth_gradient_norm", frobenius(truth));
            scalar("lasso_gradient_error_to_truth", frobenius(&(&lasso - truth)));
        }
        let implicit = sums.implicit_gradient.as_ref().map(|sum| sum / examples);
        if let Some(norm) = implicit.as_ref().map(frobenius).filter(|norm| norm.is_finite()) {
            scalar("implicit_gradient_norm", norm);
        }
        let estimators = plan.estimators.iter().zip(&plan.labels).zip(&sums.estimators);
        for ((estimator, label), sums) in estimators {
            let implicit = implicit.as_ref().filter(|_| tends_to_implicit(estimator.as_ref()));
            let gradients: Vec<_> = sums.gradients.iter().map(|sum| sum / examples).collect();
            let mut curves = Curves::new();
            for (name, reference) in
                [("lasso", Some(&lasso)), ("truth", truth.as_ref()), ("implicit", implicit)]
            {
                let Some(reference) = reference else { continue };
                let norm = frobenius(reference);
                let errors: Vec<f64> =
                    gradients.iter().map(|g| frobenius(&(g - reference))).collect();
                let relative = errors.iter().map(|error| error / norm).collect();
                let cosines = gradients.iter().map(|g| cosine(g, reference)).collect();
                curves.insert(format!("error_to_{name}"), Curve(errors));
                curves.insert(format!("relative_error_to_{name}"), Curve(relative));
                curves.insert(format!("cosine_to_{name}"), Curve(cosines));
            }
            let scale = 1e3 * examples / (sums.timed as f64 * workers as f64);
            let milliseconds = sums.seconds.iter().map(|seconds| scale * seconds).collect();
            curves.insert("milliseconds".to_owned(), Curve(milliseconds));
            let peaks: Option<Vec<f64>> =
                sums.peak_bytes.iter().map(|peak| peak.map(|bytes| bytes as f64)).collect();
            if let Some(peaks) = peaks {
                curves.insert("peak_bytes".to_owned(), Curve(peaks));
            }
            repeat.estimators.insert(label.clone(), curves);
        }
        repeat
    }
}
