//! The atoms, and what the task changed in them.

use ndarray::{Array2, Axis};

use super::Drawn;
use super::pairs::{Pair, pairs};
use crate::Error;
use crate::report::Figures;
use crate::report::chart::{Chart, Series, thinned};
use crate::report::pictures::{filters, mosaic};
use crate::report::table::{Cell, escape, table};

/// Pairs of runs whose atoms are compared, at most.
const MOST_PAIRS: usize = 8;

/// Atoms that are shown as the most moved.
const SHOWN: usize = 12;

/// An array of atoms as columns, and the shape in which the file has it.
struct Atoms {
    columns: Array2<f64>,
    shape: Vec<usize>,
}

fn read(run: &Drawn) -> Result<Atoms, Error> {
    let path = run.found.path.join("arrays.safetensors");
    let key = format!("{}/dictionary", run.run.name);
    let damaged = |what: String| Error::damaged(&path, &what);
    let (shape, values) =
        unrolled_data::read_array(&path, &key).map_err(|error| damaged(error.to_string()))?;
    let columns = match shape[..] {
        [m, p] => Array2::from_shape_vec((m, p), values).ok(),
        [p, c, h, w] => {
            let rows = Array2::from_shape_vec((p, c * h * w), values);
            rows.ok().map(|rows| rows.t().as_standard_layout().into_owned())
        }
        _ => None,
    };
    let columns =
        columns.ok_or_else(|| damaged(format!("`{key}` is of shape {shape:?}, not atoms")))?;
    Ok(Atoms { columns, shape })
}

/// Angles between atoms of the same place, in degrees; none where one of them is 0.
fn angles(a: &Array2<f64>, b: &Array2<f64>) -> Vec<Option<f64>> {
    let pairs = a.columns().into_iter().zip(b.columns());
    let angle = |(a, b): (ndarray::ArrayView1<f64>, ndarray::ArrayView1<f64>)| {
        let [aa, bb, ab] = [a.dot(&a), b.dot(&b), a.dot(&b)];
        let size = (aa * bb).sqrt();
        (size > 0.0).then(|| (ab / size).clamp(-1.0, 1.0).acos().to_degrees())
    };
    pairs.map(angle).collect()
}

/// How far the task has turned every atom, from the run without it.
pub(super) fn changes(runs: &[Drawn], figures: &mut Figures) -> Result<String, Error> {
    let pairs = pairs(runs);
    let (mut series, mut rows, mut pictures) = (Vec::new(), Vec::new(), String::new());
    for Pair { without, with } in pairs.iter().take(MOST_PAIRS) {
        let [before, after] = [read(without)?, read(with)?];
        if before.shape != after.shape {
            continue;
        }
        let found = angles(&before.columns, &after.columns);
        let mut order: Vec<(usize, f64)> =
            found.iter().enumerate().filter_map(|(at, angle)| Some((at, (*angle)?))).collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        if order.is_empty() {
            continue;
        }
        let mean = order.iter().map(|(_, angle)| angle).sum::<f64>() / order.len() as f64;
        let most: Vec<String> =
            order.iter().take(5).map(|(at, angle)| format!("{at} ({angle:.1}°)")).collect();
        let cells = [
            format!("{} against {}", with.label(), without.label()),
            format!("{mean:.2}°"),
            format!("{:.2}°", order[order.len() / 2].1),
            most.join(", "),
        ];
        rows.push(cells.map(|text| -> Cell { (text, false) }).to_vec());
        let sorted = order.iter().enumerate().map(|(rank, (_, angle))| ((rank + 1) as f64, *angle));
        series.push(Series::new(with.label(), thinned(sorted.collect()), with.style));
        let moved: Vec<usize> = order.iter().take(SHOWN).map(|(at, _)| *at).collect();
        pictures.push_str(&most_moved(without, with, [&before, &after], &moved, figures)?);
    }
    if rows.is_empty() {
        return Ok(String::new());
    }
    let heads = ["runs", "mean angle", "median", "the most turned (atom, counted from 0)"];
    let chart = Chart {
        title: "How far the task turned the atoms.".to_owned(),
        caption: "The angle between every atom and the atom of the same place in the run without the task, the \
                  largest first; both began as the same."
            .to_owned(),
        numbers: "<code>arrays.safetensors</code>, <code>dictionary</code> of both runs".to_owned(),
        x: "atoms, by their angle",
        y: "angle in degrees",
        log_y: false,
        series,
        marks: Vec::new(),
        level: None,
    };
    let chart = figures.add(&chart, "");
    let left = pairs.len().saturating_sub(MOST_PAIRS);
    let note = match left {
        0 => String::new(),
        more => format!("<p>{more} more pairs of runs are not shown.</p>\n"),
    };
    Ok(format!(
        "{}{note}<div class=\"figures\">\n{chart}</div>\n{pictures}",
        table(&heads.map(str::to_owned), &rows)
    ))
}

/// The most turned atoms of both runs, where they are pictures.
fn most_moved(
    without: &Drawn,
    with: &Drawn,
    [before, after]: [&Atoms; 2],
    moved: &[usize],
    figures: &mut Figures,
) -> Result<String, Error> {
    let [from, to] = [before, after].map(|atoms| atoms.columns.select(Axis(1), moved));
    let mut of = |run: &Drawn, columns: &Array2<f64>| {
        let caption = format!("<b>{}</b>: the {} most turned atoms.", run.label(), moved.len());
        let file = format!("{} most turned atoms", run.run.name);
        picture(run, (&before.shape, columns), (&caption, &file), figures)
    };
    let pictures = [of(without, &from)?, of(with, &to)?].concat();
    Ok(match pictures.is_empty() {
        true => String::new(),
        false => format!("<div class=\"figures\">\n{pictures}</div>\n"),
    })
}

/// Atoms as pictures; nothing where rows are none.
fn picture(
    run: &Drawn,
    (shape, columns): (&[usize], &Array2<f64>),
    (caption, file): (&str, &str),
    figures: &mut Figures,
) -> Result<String, Error> {
    let drawn = match (shape, run.stored.feature_shape) {
        ([_, channels, height, width], _) => {
            let rows: Vec<f64> = columns.t().iter().copied().collect();
            filters(&[columns.ncols(), *channels, *height, *width], &rows, caption)
        }
        (_, Some([height, width])) => mosaic(columns, [1, height, width], caption),
        _ => return Ok(String::new()),
    };
    let drawn = drawn.map_err(|what| {
        let path = run.found.path.join("arrays.safetensors");
        Error::damaged(&path, &format!("`{}/dictionary` {what}", run.run.name))
    })?;
    Ok(figures.mosaic(&drawn, file))
}

/// All atoms of every run, side by side, where rows are pictures.
pub(super) fn all(runs: &[Drawn], figures: &mut Figures) -> Result<String, Error> {
    let mut html = String::new();
    for run in runs.iter().filter(|run| !run.has_failed()) {
        let is_picture = run.stored.feature_shape.is_some();
        if !is_picture && run.run.setting("dictionary.kind") != Some("convolutional") {
            continue;
        }
        let atoms = read(run)?;
        let caption = format!(
            "<b>{}</b>: atoms; zero is grey. Numbers: <code>arrays.safetensors</code>, \
             <code>{}/dictionary</code>.",
            run.label(),
            escape(&run.run.name)
        );
        let file = format!("{} dictionary", run.run.name);
        let shown = (&*atoms.shape, &atoms.columns);
        html.push_str(&picture(run, shown, (&caption, &file), figures)?);
    }
    Ok(match html.is_empty() {
        true => String::new(),
        false => format!("<div class=\"figures\">\n{html}</div>\n"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn angles_are_between_directions() {
        let a = array![[1.0, 2.0, 0.0], [0.0, 0.0, 0.0]];
        let b = array![[0.0, 3.0, 1.0], [1.0, 0.0, 0.0]];
        let found = angles(&a, &b);
        assert!((found[0].unwrap() - 90.0).abs() < 1e-12);
        assert_eq!((found[1], found[2]), (Some(0.0), None));
    }
}
