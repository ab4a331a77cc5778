//! What is done to all examples alike.

use std::sync::Arc;

use ndarray::{Array1, Array2, Axis, s};
use serde::Serialize;
use unrolled_data::DataSet;

use crate::Error;
use crate::config::reader::Reader;
use crate::principal::Principal;
use crate::words::bytes;

/// `standardise`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standardise {
    /// As they are.
    #[default]
    None,
    /// The mean of every feature is taken off.
    Center,
    /// And all are divided by their common standard deviation.
    CenterAndScale,
    /// The mean is taken off, and features are mixed so that they are uncorrelated, of variance 1.
    Whiten,
}

const STANDARDISE: [&str; 4] = ["none", "center", "center-and-scale", "whiten"];

impl Standardise {
    pub(super) fn read(reader: &mut Reader) -> Self {
        match reader.choice("standardise", &STANDARDISE) {
            0 => Self::None,
            1 => Self::Center,
            2 => Self::CenterAndScale,
            _ => Self::Whiten,
        }
    }
}

/// A direction in which examples vary less than this share of the most is not stretched to variance 1, but as if it had
/// this share: what varies so little is rounding and noise.
const LEAST_VARIANCE: f64 = 1e-3;

/// Rows that are mixed at a time.
const BLOCK: usize = 4096;

/// What was done to the examples, so that it can be done to others: `(x − mean) / scale`, and then `W` of that.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocessing {
    /// What is taken off every example, `[m]`.
    pub mean: Array1<f64>,
    /// What it is then divided by.
    pub scale: f64,
    /// W, `[m, m]`, symmetric: V diag(1/√max(λ, 10⁻³ λ₁)) Vᵀ, where V diag(λ) Vᵀ is the covariance (ZCA: A. J. Bell and
    /// T. J. Sejnowski, Vision Research 37, 1997).
    pub whitening: Option<Arc<Array2<f64>>>,
}

impl Preprocessing {
    /// From examples `[n, m]`. An error where they are to be whitened and are all the same.
    pub fn fit(x: &Array2<f64>, standardise: Standardise) -> Result<Option<Self>, Error> {
        let Some(mean) = x.mean_axis(Axis(0)) else { return Ok(None) };
        let variance = match standardise {
            Standardise::CenterAndScale => {
                let centered = x - &mean;
                centered.iter().map(|v| v * v).sum::<f64>() / x.len() as f64
            }
            Standardise::Whiten => return Self::whitening(x).map(Some),
            _ => 0.0,
        };
        Ok(Self::of(mean, variance, standardise))
    }

    /// From the mean of every feature, and the mean square of all entries after it is taken off, which do for all but
    /// whitening.
    pub fn of(mean: Array1<f64>, variance: f64, standardise: Standardise) -> Option<Self> {
        let scale = match standardise {
            Standardise::None | Standardise::Whiten => return None,
            Standardise::CenterAndScale if variance > 0.0 => variance.sqrt(),
            Standardise::Center | Standardise::CenterAndScale => 1.0,
        };
        Some(Self { mean, scale, whitening: None })
    }

    fn whitening(x: &Array2<f64>) -> Result<Self, Error> {
        let m = x.ncols();
        let needed = 48 * (m * m) as u64;
        let free = crate::memory::available().unwrap_or(u64::MAX);
        if needed > free {
            return Err(Error::at(
                "data.standardise",
                format!(
                    "`data.standardise` is \"whiten\": the covariance of {m} features and what comes of it would take about \
                     {}, and {} are free; write \"center-and-scale\"",
                    bytes(needed),
                    bytes(free)
                ),
            ));
        }
        let Principal { mean, directions, variances, .. } = Principal::of(x, x.ncols());
        let largest = variances.iter().copied().fold(0.0, f64::max);
        // Equal rows differ by what rounding makes of their mean.
        let entries = mean.iter().fold(0.0, |most: f64, entry| most.max(entry.abs()));
        if largest <= (1e-12 * entries).powi(2) {
            return Err(Error::at(
                "data.standardise",
                "`data.standardise` is \"whiten\", but the rows have no variance: all are the same; give others, or \
                 write \"none\"",
            ));
        }
        let factor = |variance: f64| 1.0 / variance.max(LEAST_VARIANCE * largest).sqrt();
        let mut stretched = directions.clone();
        for (mut direction, variance) in stretched.rows_mut().into_iter().zip(variances) {
            direction *= factor(variance);
        }
        let whitening = Some(Arc::new(directions.t().dot(&stretched)));
        Ok(Self { mean, scale: 1.0, whitening })
    }

    /// As examples were done to, of other examples.
    pub fn apply(&self, x: &Array2<f64>) -> Array2<f64> {
        let mut x = x.to_owned();
        self.apply_in_place(&mut x);
        x
    }

    /// The same to examples and their targets, where they are.
    pub fn apply_to(&self, data: &mut DataSet) {
        self.apply_in_place(&mut data.x);
        if let Some(target) = &mut data.target {
            self.apply_in_place(target);
        }
    }

    /// The same, where the examples are.
    pub fn apply_in_place(&self, x: &mut Array2<f64>) {
        for mut row in x.rows_mut() {
            row.zip_mut_with(&self.mean, |value, mean| *value = (*value - mean) / self.scale);
        }
        let Some(whitening) = &self.whitening else { return };
        for from in (0..x.nrows()).step_by(BLOCK) {
            let range = from..(from + BLOCK).min(x.nrows());
            let mixed = x.slice(s![range.clone(), ..]).dot(&**whitening);
            x.slice_mut(s![range, ..]).assign(&mixed);
        }
    }

    /// Name, shape and values of the arrays that travel with a dictionary.
    pub fn arrays(&self) -> Vec<(&'static str, Vec<usize>, Vec<f64>)> {
        let m = self.mean.len();
        let mut arrays = vec![
            ("data_mean", vec![m], self.mean.to_vec()),
            ("data_scale", vec![1], vec![self.scale]),
        ];
        if let Some(whitening) = &self.whitening {
            arrays.push(("data_whitening", vec![m, m], whitening.iter().copied().collect()));
        }
        arrays
    }

    /// Of those arrays, where they are there; an error says which does not fit m features.
    pub fn of_arrays(
        values: impl Fn(&str) -> Option<Vec<f64>>,
        m: usize,
    ) -> Result<Option<Self>, String> {
        let Some((mean, scale)) = values("data_mean").zip(values("data_scale")) else {
            return Ok(None);
        };
        let wrong = |name: &str, count: usize| format!("`{name}` has {count} numbers");
        if mean.len() != m {
            return Err(wrong("data_mean", mean.len()));
        }
        let scale = scale.first().copied().unwrap_or(1.0);
        let whitening = values("data_whitening").map(|values| {
            let count = values.len();
            let matrix = Array2::from_shape_vec((m, m), values);
            matrix.map(Arc::new).map_err(|_| wrong("data_whitening", count))
        });
        Ok(Some(Self { mean: mean.into(), scale, whitening: whitening.transpose()? }))
    }
}

#[cfg(test)]
mod tests {
    use unrolled::random::Stream;

    use super::*;

    fn examples() -> Array2<f64> {
        let mut stream = Stream::new(5, "test", 0);
        let mixing = Array2::from_shape_simple_fn((6, 6), || stream.normal());
        Array2::from_shape_simple_fn((5000, 6), || stream.normal()).dot(&mixing) + 3.0
    }

    #[test]
    fn whitened_features_are_uncorrelated_and_of_variance_one() {
        let x = examples();
        let preprocessing = Preprocessing::fit(&x, Standardise::Whiten).unwrap().unwrap();
        let white = preprocessing.apply(&x);
        let covariance = white.t().dot(&white) / 5000.0;
        // But where there is less than the share that is stretched; with six features of one scale there is not.
        let error =
            (&covariance - &Array2::<f64>::eye(6)).iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        assert!(error < 1e-10, "{covariance}");
        let whitening = preprocessing.whitening.as_ref().unwrap();
        let skew = (&**whitening - &whitening.t()).iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        assert!(
            skew < 1e-12,
            "of all that whiten, the one that changes examples least is symmetric"
        );
        let kept: std::collections::BTreeMap<_, _> =
            preprocessing.arrays().into_iter().map(|(name, _, values)| (name, values)).collect();
        let again = Preprocessing::of_arrays(|name| kept.get(name).cloned(), 6).unwrap();
        assert_eq!(again, Some(preprocessing));
    }

    #[test]
    fn a_direction_without_variance_stays_and_rows_without_any_are_refused() {
        let mut x = examples();
        x.rows_mut().into_iter().for_each(|mut row| row -= row.sum() / 6.0);
        let preprocessing = Preprocessing::fit(&x, Standardise::Whiten).unwrap().unwrap();
        let white = preprocessing.apply(&x);
        assert!(white.rows().into_iter().all(|row| row.sum().abs() < 1e-9));
        let error = Preprocessing::fit(&Array2::from_elem((9, 3), 0.1), Standardise::Whiten);
        assert!(error.unwrap_err().to_string().contains("no variance"));
    }
}
