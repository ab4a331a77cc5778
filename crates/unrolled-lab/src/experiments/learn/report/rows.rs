//! Some rows of the sample, and what the dictionary makes of them.

use ndarray::Array2;
use unrolled_data::{DataError, read_array};

use super::Learned;
use crate::Error;
use crate::report::Figures;
use crate::report::pictures::pairs;
use crate::report::table::{Cell, escape, number, table};

/// What a run has written of the sample, as [`crate::experiments::learn`] writes it.
pub(super) struct Used {
    /// The share of rows that use each atom.
    pub usage: Vec<f64>,
    /// The atoms, the most used first.
    pub order: Vec<usize>,
    indices: Vec<f64>,
    nonzeros: Vec<f64>,
    rows: Array2<f64>,
    reconstructions: Array2<f64>,
}

impl Used {
    /// Of a run; `None` where it failed, or an earlier version has written it.
    pub fn read(run: &Learned) -> Result<Option<Self>, Error> {
        if run.stored.failed.is_some() {
            return Ok(None);
        }
        let path = run.found.path.join("arrays.safetensors");
        if !path.exists() {
            return Ok(None);
        }
        let damaged = |what: &dyn std::fmt::Display| Error::damaged(&path, what);
        let read = |name: &str| match read_array(&path, &format!("{}/{name}", run.run.name)) {
            Err(DataError::Missing { .. }) => Ok(None),
            found => found.map(Some).map_err(|error| damaged(&error)),
        };
        let (Some((_, usage)), Some((_, indices)), Some((_, nonzeros)), Some(rows), Some(made)) = (
            read("usage")?,
            read("sample/indices")?,
            read("sample/nonzeros")?,
            read("sample/rows")?,
            read("sample/reconstructions")?,
        ) else {
            return Ok(None);
        };
        let matrix = |name: &str, (shape, values): (Vec<usize>, Vec<f64>)| match shape[..] {
            [rows, columns] if rows == indices.len() && rows == nonzeros.len() => {
                let matrix = Array2::from_shape_vec((rows, columns), values);
                matrix.map_err(|error| damaged(&error))
            }
            _ => Err(damaged(&format!("`{}/{name}` is of shape {shape:?}", run.run.name))),
        };
        let rows = matrix("sample/rows", rows)?;
        let reconstructions = matrix("sample/reconstructions", made)?;
        if rows.dim() != reconstructions.dim() {
            return Err(damaged(&"rows and reconstructions differ in shape"));
        }
        let mut order: Vec<usize> = (0..usage.len()).collect();
        order.sort_by(|a, b| usage[*b].total_cmp(&usage[*a]));
        Ok(Some(Self { usage, order, indices, nonzeros, rows, reconstructions }))
    }
}

/// A table for every run, and pictures where rows are pictures.
pub(super) fn of(
    runs: &[Learned],
    used: &[Option<Used>],
    figures: &mut Figures,
) -> Result<String, Error> {
    let mut html = String::new();
    for (run, used) in runs.iter().zip(used) {
        let Some(used) = used else { continue };
        if let Some(shape) = run.shape() {
            let key = format!("{}/sample", run.run.name);
            let caption = format!(
                "<b>{}</b>: rows of the sample, and below them what their codes make of them, on one scale. Numbers: \
                 <code>arrays.safetensors</code>, <code>{}/rows</code> and <code>…/reconstructions</code>.",
                run.label(),
                escape(&key)
            );
            let picture = pairs([&used.rows, &used.reconstructions], shape, &caption);
            let path = run.found.path.join("arrays.safetensors");
            let picture =
                picture.map_err(|what| Error::damaged(&path, &format!("`{key}/rows` {what}")))?;
            html.push_str(&format!(
                "<div class=\"figures\">\n{}</div>\n",
                figures.mosaic(&picture, &key)
            ));
        }
        html.push_str(&listed(run, used));
    }
    Ok(html)
}

fn listed(run: &Learned, used: &Used) -> String {
    let heads =
        ["row of the sample", "its norm", "error of the reconstruction", "non-zero entries"];
    let rows = used.rows.rows().into_iter().zip(used.reconstructions.rows());
    let cells: Vec<Vec<Cell>> = rows
        .zip(used.indices.iter().zip(&used.nonzeros))
        .map(|((row, made), (index, nonzeros))| {
            let norm = row.dot(&row).sqrt();
            let rest = &row - &made;
            let error = match norm > 0.0 {
                true => format!("{:.1} %", 100.0 * rest.dot(&rest).sqrt() / norm),
                false => String::new(),
            };
            [index.to_string(), number(norm), error, nonzeros.to_string()]
                .map(|text| (text, false))
                .to_vec()
        })
        .collect();
    let table = table(&heads.map(str::to_owned), &cells);
    format!("<p><b>{}</b>, ‖x − D z‖/‖x‖ of some rows (counted from 0):</p>\n{table}", run.label())
}
