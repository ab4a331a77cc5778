//! How wide the basin of attraction is.

use super::Drawn;
use super::groups::{Group, groups};
use crate::report::Figures;
use crate::report::heat::{Heat, Share};

/// What goes across, and what may go up, with their names.
const ACROSS: (&str, &str) =
    ("layer.init.distance", "distance of the rows from their atoms at the start");
const UP: [(&str, &str); 4] = [
    ("data.nonzeros", "s, non-zero entries of h"),
    ("data.noise", "standard deviation of the noise"),
    ("layer.threshold", "θ"),
    ("data.atoms", "p, atoms"),
];

/// A grid of runs over the distance and another setting.
pub(super) struct Grid {
    pub up: (&'static str, &'static str),
    pub distances: Vec<f64>,
    pub values: Vec<f64>,
    /// The share of rows that were recovered: mean and deviation over the seeds, a row for each value that goes up.
    pub cells: Vec<Vec<Share>>,
    /// The least and the most runs in a cell.
    pub seeds: [usize; 2],
}

fn varying(groups: &[Group], key: &str) -> Vec<f64> {
    let mut values: Vec<f64> =
        groups.iter().filter_map(|group| group.runs[0].number(key)).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

/// The grid, where there is one.
pub(super) fn grid(runs: &[Drawn]) -> Option<Grid> {
    let groups = groups(runs);
    let distances = varying(&groups, ACROSS.0);
    let up = *UP.iter().find(|(key, _)| varying(&groups, key).len() > 1)?;
    let values = varying(&groups, up.0);
    if distances.len() < 2 {
        return None;
    }
    let found = |distance: f64, value: f64| {
        groups.iter().find(|group| {
            let run = group.runs[0];
            run.number(ACROSS.0) == Some(distance) && run.number(up.0) == Some(value)
        })
    };
    let mut seeds = [usize::MAX, 0];
    let mut cells = Vec::new();
    for value in &values {
        let row = distances.iter().map(|distance| {
            let group = found(*distance, *value)?;
            seeds = [seeds[0].min(group.runs.len()), seeds[1].max(group.runs.len())];
            group.figure(|run| run.stored.recovered)
        });
        cells.push(row.collect());
    }
    Some(Grid { up, distances, values, cells, seeds })
}

impl Grid {
    /// For every value that goes up, the distance from which half of the rows are recovered: between the last cell that
    /// has half of them or more and the next, on a straight line. None where every cell has, or none.
    pub fn edges(&self) -> Vec<(f64, Option<f64>)> {
        let edge = |cells: &Vec<Share>| {
            let shares: Vec<(f64, f64)> = self
                .distances
                .iter()
                .zip(cells)
                .filter_map(|(distance, cell)| Some((*distance, cell.as_ref()?.0)))
                .collect();
            shares.windows(2).rev().find(|w| w[0].1 >= 0.5 && w[1].1 < 0.5).map(|w| {
                let [(from, high), (to, low)] = [w[0], w[1]];
                from + (to - from) * (high - 0.5) / (high - low)
            })
        };
        self.values.iter().copied().zip(self.cells.iter().map(edge)).collect()
    }
}

/// The heat map, where runs make a grid.
pub(super) fn of(runs: &[Drawn], figures: &mut Figures) -> String {
    let Some(grid) = grid(runs) else { return String::new() };
    let written = |values: &[f64]| values.iter().map(f64::to_string).collect();
    let seeds = match grid.seeds {
        [1, 1] => String::new(),
        [least, most] if least == most => {
            format!(", mean ± standard deviation over {most} seeds, in points")
        }
        [least, most] => {
            format!(", mean ± standard deviation over {least} to {most} seeds, in points")
        }
    };
    let heat = Heat {
        title: "Rows that find their atom.".to_owned(),
        caption: format!(
            "The share of rows that end near their atom, with a cosine of 0.9 or more{seeds}."
        ),
        numbers: "<code>results.json</code>, <code>recovered</code>".to_owned(),
        axes: [ACROSS.1.to_owned(), grid.up.1.to_owned()],
        across: written(&grid.distances),
        up: written(&grid.values),
        cells: grid.cells,
    };
    figures.add(&heat, "")
}
