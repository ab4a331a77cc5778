//! How well codes tell labels that are made from the data, beside principal components of the same number.

use ndarray::Array2;
use unrolled::one_layer::OneLayer;
use unrolled::random::Stream;
use unrolled::task::TaskKind;

use super::decode::{codes, scores};
use super::median;
use crate::experiments::one_layer::lesson::Learning;
use crate::linear_model::{fit, with_ones};
use crate::principal::Principal;

/// Shares of test examples whose label a logistic model tells.
#[derive(Clone, Copy, Debug)]
pub struct Classes {
    /// Of codes.
    pub codes: f64,
    /// Of as many principal components, or of all where there are fewer.
    pub principal: f64,
}

/// For two labels of x in a direction u drawn at random: on which side x lies, ⟨u, x⟩ > 0; and how far from the middle,
/// |⟨u, x⟩| above its median, which no linear model of x can tell.
pub fn classes(lesson: &Learning, network: &OneLayer) -> [Classes; 2] {
    let (data, test) = (&lesson.prepared.data.x, &lesson.prepared.test.x);
    let units = network.weight.val().dims()[0];
    let of_network = [data, test].map(|x| codes(network.activation, &scores(lesson, network, x)));
    let principal = Principal::of(data, units);
    let of_principal = [data, test].map(|x| principal.coordinates(x));
    let mut stream = Stream::new(lesson.plan.config().seed, "one-layer/label", 0);
    let direction: Vec<f64> = (0..data.ncols()).map(|_| stream.normal()).collect();
    let direction = ndarray::Array1::from(direction);
    // Around the mean of the data, so that both sides are as likely.
    let [side, of_test] = [data, test].map(|x| (x - &principal.mean).dot(&direction));
    let middle = median(&side.iter().map(|v| v.abs()).collect::<Vec<_>>());
    let rules: [&dyn Fn(f64) -> bool; 2] = [&|v| v > 0.0, &|v| v.abs() > middle];
    rules.map(|rule| {
        let labels = |values: &ndarray::Array1<f64>| {
            let column: Vec<f64> = values.iter().map(|v| f64::from(u8::from(rule(*v)))).collect();
            Array2::from_shape_vec((values.len(), 1), column).expect("a label for each example")
        };
        let (first, last) = (labels(&side), labels(&of_test));
        let accuracy = |[trained, tested]: &[Array2<f64>; 2]| told(trained, &first, tested, &last);
        Classes { codes: accuracy(&of_network), principal: accuracy(&of_principal) }
    })
}

/// The share of labels that a logistic model of rows tells.
fn told(x: &Array2<f64>, labels: &Array2<f64>, test: &Array2<f64>, truth: &Array2<f64>) -> f64 {
    // So that the same ridge is as small for all.
    let scale = (x.iter().map(|v| v * v).sum::<f64>() / x.len().max(1) as f64).sqrt();
    let scale = if scale > 0.0 { scale } else { 1.0 };
    let (x, test) = (with_ones(&(x / scale)), with_ones(&(test / scale)));
    let (weights, _) = fit(&x, labels, TaskKind::Logistic, 1e-4);
    let scores = test.dot(&weights);
    let right = scores.iter().zip(truth).filter(|(s, t)| (**s > 0.0) == (**t > 0.5)).count();
    right as f64 / truth.nrows().max(1) as f64
}
