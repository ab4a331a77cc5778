//! Rows as pictures, where examples are.

use ndarray::Array2;
use unrolled_data::read_matrix;

use super::Drawn;
use crate::Error;
use crate::report::Figures;
use crate::report::pictures::mosaic;
use crate::report::table::escape;

/// The rows of every run whose examples are pictures.
pub(super) fn all(runs: &[Drawn], figures: &mut Figures) -> Result<String, Error> {
    let mut html = String::new();
    for run in runs.iter().filter(|run| run.stored.failed.is_none()) {
        let Some([height, width]) = run.stored.feature_shape else { continue };
        let path = run.found.path.join("arrays.safetensors");
        let key = format!("{}/weight", run.run.name);
        let weight: Array2<f64> =
            read_matrix(&path, &key).map_err(|error| Error::damaged(&path, &error))?;
        let caption = format!(
            "<b>{}</b>: the rows of W; zero is grey. Numbers: <code>arrays.safetensors</code>, <code>{}</code>.",
            run.label(),
            escape(&key)
        );
        let picture = mosaic(&weight.reversed_axes(), [1, height, width], &caption);
        let picture = picture.map_err(|what| Error::damaged(&path, &format!("`{key}` {what}")))?;
        html += &figures.mosaic(&picture, &key);
    }
    Ok(if html.is_empty() { html } else { format!("<div class=\"figures\">\n{html}</div>\n") })
}
