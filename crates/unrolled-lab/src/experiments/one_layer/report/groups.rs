//! Runs that are the same but for their seeds, as one.

use super::Drawn;
use crate::report::over_seeds;
use crate::statistics::mean_and_std;

/// Some runs under one name, as HTML.
pub(super) struct Group<'r, 'a> {
    pub name: String,
    pub runs: Vec<&'r Drawn<'a>>,
}

/// Runs that did not fail: by seeds where every run has others that differ in the seed alone, else each by itself.
pub(super) fn groups<'r, 'a>(runs: &'r [Drawn<'a>]) -> Vec<Group<'r, 'a>> {
    let runs: Vec<&Drawn> = runs.iter().filter(|run| run.stored.failed.is_none()).collect();
    let pairs: Vec<_> = runs.iter().map(|run| (run.found, run.run)).collect();
    let seeds = over_seeds(&pairs);
    let grouped: usize = seeds.iter().map(|(_, group)| group.len()).sum();
    if grouped == runs.len() && grouped > 0 {
        let group = |(name, at): (String, Vec<usize>)| Group {
            name,
            runs: at.into_iter().map(|at| runs[at]).collect(),
        };
        return seeds.into_iter().map(group).collect();
    }
    runs.into_iter().map(|run| Group { name: run.label(), runs: vec![run] }).collect()
}

impl Group<'_, '_> {
    /// Mean and standard deviation of a figure that every run has.
    pub fn figure(&self, of: impl Fn(&Drawn) -> Option<f64>) -> Option<(f64, Option<f64>)> {
        let values = self.runs.iter().map(|run| Some([of(run)?])).collect::<Option<Vec<_>>>()?;
        let curves: Vec<&[f64]> = values.iter().map(|value| &value[..]).collect();
        let (mean, std) = mean_and_std(&curves);
        Some((mean[0], std.map(|std| std[0])))
    }

    /// The mean of a column over the runs, and its standard deviation, at the steps that all of them have.
    pub fn curve(&self, column: &str) -> (Vec<(f64, f64)>, Option<Vec<f64>>) {
        let curves: Vec<Vec<(f64, f64)>> = self.runs.iter().map(|run| run.curve(column)).collect();
        let length = curves.iter().map(Vec::len).min().unwrap_or(0);
        let steps: Vec<f64> =
            curves.first().map_or(Vec::new(), |c| c.iter().map(|p| p.0).collect());
        let values: Vec<Vec<f64>> =
            curves.iter().map(|c| c.iter().take(length).map(|p| p.1).collect()).collect();
        let (mean, std) = mean_and_std(&values.iter().map(Vec::as_slice).collect::<Vec<_>>());
        (steps.into_iter().zip(mean).collect(), std)
    }
}
