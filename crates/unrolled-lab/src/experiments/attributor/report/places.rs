//! Where the data are, and how the atoms came to where they are.

use unrolled_data::{DataError, read_array};

use super::Drawn;
use crate::Error;
use crate::report::Figures;
use crate::report::plane::Plane;
use crate::report::table::escape;

/// A picture of every run.
pub(super) fn all(runs: &[Drawn], figures: &mut Figures) -> Result<String, Error> {
    let mut html = String::new();
    for run in runs.iter().filter(|run| run.stored.failed.is_none()) {
        html.push_str(&figures.add(&of(run)?, "data and atoms of"));
    }
    Ok(format!("<div class=\"figures\">\n{html}</div>\n"))
}

fn of(run: &Drawn) -> Result<Plane, Error> {
    let path = run.found.path.join("arrays.safetensors");
    let name = &run.run.name;
    let damaged = |error: DataError| Error::damaged(&path, &error);
    let array = |key: &str| read_array(&path, &format!("{name}/plane/{key}"));
    let pairs = |values: &[f64]| values.chunks_exact(2).map(|p| [p[0], p[1]]).collect::<Vec<_>>();
    let (_, points) = array("points").map_err(damaged)?;
    let (shape, places) = array("path").map_err(damaged)?;
    let means = match array("means") {
        Ok((_, means)) => means,
        Err(DataError::Missing { .. }) => Vec::new(),
        Err(error) => return Err(damaged(error)),
    };
    let terms = shape.get(1).copied().unwrap_or(1).max(1);
    let places = pairs(&places);
    let of_term = |term: usize| places.iter().skip(term).step_by(terms).copied().collect();
    let (axes, what) = match run.stored.plane_share {
        None => (["feature 1", "feature 2"], String::new()),
        Some(share) => (
            ["first direction", "second direction"],
            format!(
                " The directions are those in which the examples vary most; they hold {:.0} % of their variance.",
                100.0 * share
            ),
        ),
    };
    Ok(Plane {
        title: format!("{}.", run.run.label),
        caption: format!(
            "Examples, and every atom’s way from the start to its end, the dot.{what}"
        ),
        numbers: format!(
            "<code>arrays.safetensors</code>, <code>{0}/plane/points</code>, <code>{0}/plane/path</code>",
            escape(name)
        ),
        axes: axes.map(str::to_owned),
        points: pairs(&points),
        crosses: pairs(&means),
        paths: (0..terms).map(of_term).collect(),
        names: ["example", "mean of the data", "atom"].map(str::to_owned),
    })
}
