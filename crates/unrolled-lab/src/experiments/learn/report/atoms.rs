//! The learned atoms: how much each is used, and what it looks like.

use ndarray::{Array2, Axis};
use unrolled_data::DataError;

use super::super::used::Used;
use super::Learned;
use crate::Error;
use crate::report::Figures;
use crate::report::chart::{Chart, Series};
use crate::report::pictures::{filters, mosaic};
use crate::report::table::escape;

/// A chart of their use, and pictures of those of every run whose examples are pictures.
pub(super) fn of(
    runs: &[Learned],
    used: &[Option<Used>],
    figures: &mut Figures,
) -> Result<String, Error> {
    let mut html = usage(runs, used, figures);
    for (run, used) in runs.iter().zip(used) {
        html.push_str(&pictures(run, used.as_ref(), figures)?);
    }
    Ok(html)
}

/// From the most used atom to the least.
fn usage(runs: &[Learned], used: &[Option<Used>], figures: &mut Figures) -> String {
    let series: Vec<Series> = runs
        .iter()
        .zip(used)
        .filter_map(|(run, used)| {
            let used = used.as_ref()?;
            let order = used.order();
            let shares = order.iter().enumerate();
            let points = shares.map(|(rank, atom)| ((rank + 1) as f64, 100.0 * used.usage[*atom]));
            Some(Series::new(run.label(), points.collect(), run.style))
        })
        .collect();
    if series.is_empty() {
        return String::new();
    }
    let chart = Chart {
        title: "Use of the atoms.".to_owned(),
        caption: "The share of rows whose code has an atom, from the most used to the least; rows of the sample, as the \
                  encoder of the run codes them at the end."
            .to_owned(),
        numbers: "<code>arrays.safetensors</code>, <code>RUN/usage</code>".to_owned(),
        x: "atom, by its use",
        y: "rows that use it, %",
        log_y: false,
        series,
        marks: Vec::new(),
        level: None,
    };
    format!("<div class=\"figures\">\n{}</div>\n", figures.add(&chart, ""))
}

fn pictures(run: &Learned, used: Option<&Used>, figures: &mut Figures) -> Result<String, Error> {
    let (Some(shape), None) = (run.shape(), &run.stored.failed) else {
        return Ok(String::new());
    };
    let path = run.found.path.join("arrays.safetensors");
    let damaged = |what: String| Error::damaged(&path, &what);
    let mut picture = |array: &str, what: &str, order: Option<&[usize]>| -> Result<String, Error> {
        let key = format!("{}/{array}", run.run.name);
        let found = match unrolled_data::read_array(&path, &key) {
            Err(DataError::Missing { .. }) if array != "dictionary" => return Ok(String::new()),
            found => found.map_err(|error| damaged(error.to_string()))?,
        };
        let by_use = if order.is_some() { ", the most used first" } else { "" };
        let caption = format!(
            "<b>{}</b>: {what} atoms{by_use}; zero is grey. Numbers: <code>arrays.safetensors</code>, <code>{}</code>.",
            run.label(),
            escape(&key)
        );
        let (dimensions, values) = found;
        let wrong = |what: String| damaged(format!("`{key}` {what}"));
        let picture = match dimensions[..] {
            [p, _, _, _] => {
                let atoms = Array2::from_shape_vec((p, values.len() / p.max(1)), values);
                let atoms = sorted(atoms.map_err(|error| wrong(error.to_string()))?, order);
                let values: Vec<f64> = atoms.iter().copied().collect();
                filters(&dimensions, &values, &caption)
            }
            [rows, columns] => {
                let atoms = Array2::from_shape_vec((rows, columns), values);
                let atoms = atoms.map_err(|error| wrong(error.to_string()))?;
                let atoms = sorted(atoms.reversed_axes(), order).reversed_axes();
                mosaic(&atoms, shape, &caption)
            }
            _ => Err(format!("is of shape {dimensions:?}, not atoms")),
        };
        Ok(figures.mosaic(&picture.map_err(wrong)?, &key))
    };
    let order = used.map(Used::order);
    let learned = picture("dictionary", "learned", order.as_deref())?;
    let truth = picture("true_dictionary", "true", None)?;
    Ok(format!("<div class=\"figures\">\n{learned}{truth}</div>\n"))
}

/// Atoms, one a row, in an order, where there is one for so many.
fn sorted(atoms: Array2<f64>, order: Option<&[usize]>) -> Array2<f64> {
    match order.filter(|order| order.len() == atoms.nrows()) {
        Some(order) => atoms.select(Axis(0), order),
        None => atoms,
    }
}
