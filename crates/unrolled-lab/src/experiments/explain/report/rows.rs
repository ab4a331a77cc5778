//! Rows of a run's arrays, drawn: pictures of images, curves of signals.

use std::collections::BTreeMap;

use ndarray::Array2;
use unrolled_data::read_matrix;

use super::Explained;
use super::stored::Weighed;
use crate::Error;
use crate::report::Figures;
use crate::report::pictures::{drawable, filters};
use crate::report::signal::Signals;
use crate::report::table::{Cell, number, table};

/// What a run's rows are.
pub(super) struct Rows<'a> {
    pub run: &'a Explained<'a>,
    /// Channels, height and width of an example that can be drawn.
    pub of_examples: Option<[usize; 3]>,
    /// Of an atom.
    pub of_atoms: Option<[usize; 3]>,
    /// Training examples by their number.
    examples: BTreeMap<usize, Vec<f64>>,
}

/// What stands over a drawing, as HTML, and what its file is called.
pub(super) type Named<'a> = (&'a str, String);

impl<'a> Rows<'a> {
    pub fn read(run: &'a Explained<'a>) -> Result<Self, Error> {
        let stored = &run.stored;
        let of_examples = drawable(stored.feature_shape, stored.image_shape);
        let of_atoms = match stored.filter_shape {
            Some(filter) => drawable(None, Some(filter)),
            None => drawable(stored.feature_shape, None),
        };
        let mut rows = Self { run, of_examples, of_atoms, examples: BTreeMap::new() };
        if of_examples.is_some() {
            let (shown, indices) = (rows.array("shown/examples")?, rows.array("shown/indices")?);
            let pairs = indices.iter().zip(shown.rows());
            rows.examples = pairs.map(|(at, row)| (*at as usize, row.to_vec())).collect();
        }
        Ok(rows)
    }

    pub fn array(&self, key: &str) -> Result<Array2<f64>, Error> {
        let path = self.run.found.path.join("arrays.safetensors");
        let key = format!("{}/{key}", self.run.run.name);
        read_matrix(&path, &key).map_err(|error| Error::damaged(&path, &error))
    }

    /// The atoms, `[p, entries]`.
    pub fn atoms(&self) -> Result<Array2<f64>, Error> {
        let polished = self.run.stored.polish_rounds.is_some_and(|rounds| rounds > 0);
        let name = if polished { "polished/dictionary" } else { "dictionary" };
        if self.run.stored.filter_shape.is_none() {
            return Ok(self.array(name)?.reversed_axes());
        }
        let path = self.run.found.path.join("arrays.safetensors");
        let key = format!("{}/{name}", self.run.run.name);
        let damaged = |what: String| Error::damaged(&path, &what);
        let read = unrolled_data::read_array(&path, &key);
        let (shape, values) = read.map_err(|error| damaged(error.to_string()))?;
        let atoms = shape.first().copied().unwrap_or(0);
        let rows = Array2::from_shape_vec((atoms, values.len() / atoms.max(1)), values);
        rows.map_err(|error| damaged(format!("`{key}` {error}")))
    }

    /// Rows of a shape, each with a name; nothing where there is no shape.
    pub fn drawn(
        &self,
        rows: &[(String, &[f64])],
        shape: Option<[usize; 3]>,
        (caption, file): Named,
        figures: &mut Figures,
    ) -> Result<String, Error> {
        let (Some([channels, height, width]), false) = (shape, rows.is_empty()) else {
            return Ok(String::new());
        };
        if height == 1 {
            let numbers = "<code>arrays.safetensors</code>";
            let caption = caption.replace("; zero is grey", "");
            let signals = Signals::new(String::new(), &caption, numbers, rows);
            return Ok(figures.add(&signals, &file));
        }
        let values: Vec<f64> = rows.iter().flat_map(|(_, row)| row.iter().copied()).collect();
        let picture = filters(&[rows.len(), channels, height, width], &values, caption);
        let picture = picture.map_err(|what| {
            Error::damaged(&self.run.found.path.join("arrays.safetensors"), &what)
        })?;
        Ok(figures.mosaic(&picture, &file))
    }

    /// Training examples drawn, and a table of them.
    pub fn weighed(
        &self,
        list: &[Weighed],
        patches: Option<&[Vec<f64>]>,
        (caption, file): Named,
        figures: &mut Figures,
    ) -> Result<String, Error> {
        if list.is_empty() {
            return Ok(format!("<p>{caption}: none.</p>\n"));
        }
        let mut rows: Vec<(String, &[f64])> = Vec::new();
        for (at, weighed) in list.iter().enumerate() {
            let found = match patches {
                Some(patches) => patches.get(at),
                None => self.examples.get(&weighed.example),
            };
            rows.extend(found.map(|found| (format!("example {}", weighed.example), &found[..])));
        }
        let shape = if patches.is_some() { self.of_atoms } else { self.of_examples };
        let picture = self.drawn(&rows, shape, (caption, file), figures)?;
        let caption = if picture.is_empty() { format!("<p>{caption}.</p>\n") } else { picture };
        Ok(format!("<div>{caption}{}</div>\n", listed(list, patches.is_some())))
    }
}

fn listed(list: &[Weighed], patches: bool) -> String {
    let labels = list.iter().any(|weighed| weighed.label.is_some());
    let mut heads = vec!["example"];
    heads.extend(patches.then_some("row, column"));
    heads.push(if patches { "share" } else { "weight" });
    heads.extend(labels.then_some("label"));
    let row = |weighed: &Weighed| -> Vec<Cell> {
        let mut cells = vec![weighed.example.to_string()];
        if patches {
            let corner = weighed.corner.map(|[down, across]| format!("{down}, {across}"));
            cells.push(corner.unwrap_or_default());
        }
        cells.push(number(weighed.weight));
        if labels {
            cells.push(weighed.label.map_or(String::new(), |label| label.to_string()));
        }
        cells.into_iter().map(|cell| (cell, false)).collect()
    };
    let heads: Vec<String> = heads.into_iter().map(str::to_owned).collect();
    table(&heads, &list.iter().map(row).collect::<Vec<_>>())
}
