//! `source = "gaussians"`: examples around some means.

use serde::{Deserialize, Serialize};
use unrolled_data::Gaussians;

use crate::config::reader::Reader;
use crate::config::values::finite;
use crate::words::bytes;

/// Normal examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GaussiansConfig {
    /// The means, each of m numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub means: Vec<Vec<f64>>,
    /// m, where there is but one mean, at 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    features: Option<usize>,
    /// The standard deviation of every feature.
    pub std: f64,
    /// ρ of the correlation ρ^|i − j| between features.
    correlation: f64,
    /// n.
    examples: usize,
}

impl Default for GaussiansConfig {
    fn default() -> Self {
        Self { means: Vec::new(), features: None, std: 0.1, correlation: 0.0, examples: 2000 }
    }
}

impl GaussiansConfig {
    /// Reads the section but for its source, and checks it.
    pub(super) fn read(reader: Reader) -> Self {
        let problems = reader.problems();
        let mut section: Self = reader.rest();
        if section.means.is_empty() && section.features.is_none() {
            section.means = vec![vec![1.0, 0.0], vec![0.0, 1.0]];
        }
        let both = !section.means.is_empty() && section.features.is_some();
        problems.require(!both, "data.features", || {
            "`data.features` is of a single mean at 0, and `data.means` says how long they are; keep one of them"
                .to_owned()
        });
        problems.require(section.features != Some(0), "data.features", || {
            "`data.features` is 0; write 1 or more".to_owned()
        });
        let lengths: Vec<usize> = section.means.iter().map(Vec::len).collect();
        let first = lengths.first().copied().unwrap_or(1);
        let other = lengths.iter().find(|length| **length != first);
        problems.require(other.is_none() && first > 0, "data.means", || match other {
            Some(other) => format!(
                "`data.means` has means of {first} and of {other} numbers; give all of them as many"
            ),
            None => "`data.means` has a mean without numbers; write one or more".to_owned(),
        });
        let all_finite = section.means.iter().flatten().all(|value| value.is_finite());
        problems.require(all_finite, "data.means", || {
            "`data.means` holds what is not finite; write numbers".to_owned()
        });
        finite(problems, "data.std", section.std, 0.0);
        problems.require(section.std != 0.0, "data.std", || {
            "`data.std` is 0, and every example would be its mean; write a number above 0"
                .to_owned()
        });
        let correlation = section.correlation;
        problems.require(correlation.abs() < 1.0, "data.correlation", || {
            format!("`data.correlation` is {correlation}; write a number between -1 and 1")
        });
        problems.require(section.examples > 0, "data.examples", || {
            "`data.examples` is 0; write 1 or more".to_owned()
        });
        let free = crate::memory::available().unwrap_or(u64::MAX);
        let features = section.features.unwrap_or(first);
        let needed = (16.0 * section.examples as f64 * features as f64) as u64;
        problems.require(needed <= free, "data.examples", || {
            format!(
                "`data.examples` is {}: the data would take about {}, and {} are free; write fewer",
                section.examples,
                bytes(needed),
                bytes(free)
            )
        });
        section
    }

    /// What it says, checked.
    pub(super) fn checked(&self) -> Gaussians {
        Gaussians {
            means: match self.features {
                Some(features) => vec![vec![0.0; features]],
                None => self.means.clone(),
            },
            std: self.std,
            correlation: self.correlation,
            examples: self.examples,
        }
    }
}
