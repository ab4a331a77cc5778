//! Some rows of the sample, and what the dictionary makes of them.

use super::super::used::Used;
use super::Learned;
use crate::Error;
use crate::report::Figures;
use crate::report::pictures::pairs;
use crate::report::table::{Cell, escape, number, table};

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
