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

/// The measurements with one dictionary noise, by λ.
fn with_noise(near: &[NearTruth], noise: f64) -> Vec<&NearTruth> {
    near.iter().filter(|near| near.at.dictionary_noise == noise).collect()
}

/// The measurements with one λ, by dictionary noise: the first is that at the true dictionary.
fn with_penalty(near: &[NearTruth], penalty: f64) -> Vec<&NearTruth> {
    near.iter().filter(|near| near.at.penalty == penalty).collect()
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

    #[test]
    fn slopes_are_of_logarithms() {
        let points = [1.0, 2.0, 4.0].map(|x: f64| (x, 3.0 * x.powi(2)));
        assert!((slope(&points) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [0.0, 0.0394, 1.0, 128.4, 3.94e-4].map(short),
            ["0", "0.0394", "1.00", "128", "3.9e-4"]
        );
    }
}
