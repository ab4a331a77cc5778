//! Examples and atoms, each with what it is made of: pictures where rows are pictures, and tables.

use std::collections::BTreeMap;

use ndarray::{Array2, Axis};
use unrolled_data::read_matrix;

use super::Explained;
use super::stored::Weighed;
use crate::Error;
use crate::report::pictures::mosaic;
use crate::report::table::{Cell, escape, number, table};

/// Codes of an example that are listed.
const CODES: usize = 12;

/// The rows of a run's arrays that pictures are drawn of.
struct Rows<'a> {
    run: &'a Explained<'a>,
    shape: Option<[usize; 2]>,
    /// Training examples by their number.
    examples: BTreeMap<usize, Vec<f64>>,
}

impl<'a> Rows<'a> {
    fn read(run: &'a Explained<'a>) -> Result<Self, Error> {
        let shape = run.stored.feature_shape;
        let mut rows = Self { run, shape, examples: BTreeMap::new() };
        if shape.is_some() {
            let (shown, indices) = (rows.array("shown/examples")?, rows.array("shown/indices")?);
            let pairs = indices.iter().zip(shown.rows());
            rows.examples = pairs.map(|(at, row)| (*at as usize, row.to_vec())).collect();
        }
        Ok(rows)
    }

    fn array(&self, key: &str) -> Result<Array2<f64>, Error> {
        let path = self.run.found.path.join("arrays.safetensors");
        let key = format!("{}/{key}", self.run.run.name);
        read_matrix(&path, &key).map_err(|error| Error::damaged(&path, &error))
    }

    /// Pictures side by side, of rows.
    fn pictures(&self, rows: &[&[f64]], caption: &str) -> Result<String, Error> {
        let (Some(shape), Some(first)) = (self.shape, rows.first()) else {
            return Ok(String::new());
        };
        let columns =
            Array2::from_shape_fn((first.len(), rows.len()), |(entry, row)| rows[row][entry]);
        mosaic(&columns, shape, caption)
            .map_err(|what| Error::damaged(&self.run.found.path.join("arrays.safetensors"), &what))
    }

    /// Training examples in a picture, and a table of them.
    fn weighed(&self, list: &[Weighed], caption: &str) -> Result<String, Error> {
        if list.is_empty() {
            return Ok(format!("<p>{caption}: none.</p>\n"));
        }
        let rows: Vec<&[f64]> =
            list.iter().filter_map(|w| Some(self.examples.get(&w.example)?.as_slice())).collect();
        let picture = self.pictures(&rows, caption)?;
        let labels = list.iter().any(|weighed| weighed.label.is_some());
        let heads = ["example", "weight", "label"].map(str::to_owned);
        let heads = &heads[..if labels { 3 } else { 2 }];
        let row = |weighed: &Weighed| -> Vec<Cell> {
            let mut cells =
                vec![(weighed.example.to_string(), false), (number(weighed.weight), false)];
            if labels {
                cells.push((weighed.label.map_or(String::new(), |label| label.to_string()), false));
            }
            cells
        };
        let lines: Vec<Vec<Cell>> = list.iter().map(row).collect();
        let caption = if picture.is_empty() { format!("<p>{caption}.</p>\n") } else { picture };
        Ok(format!("<div>{caption}{}</div>\n", table(heads, &lines)))
    }
}

/// Every test example that is shown.
pub(super) fn tests(run: &Explained) -> Result<String, Error> {
    let rows = Rows::read(run)?;
    let (x, reconstructions) = (rows.array("test/examples")?, rows.array("test/reconstructions")?);
    let mut html = String::new();
    for (at, test) in run.stored.tests.iter().enumerate() {
        let label = test.label.map_or(String::new(), |label| format!(", label {label}"));
        html += &format!("<h3>Example {}{label}</h3>\n", test.example);
        let pair = [x.row(at).to_vec(), reconstructions.row(at).to_vec()];
        let pair: Vec<&[f64]> = pair.iter().map(Vec::as_slice).collect();
        html += &rows.pictures(&pair, "The example and its reconstruction; zero is grey.")?;
        let codes: Vec<String> = test
            .codes
            .iter()
            .take(CODES)
            .map(|code| format!("{} ({})", code.atom, number(code.code)))
            .collect();
        html += &format!(
            "<p>It uses {} atoms, by their codes: {}{}</p>\n",
            test.codes.len(),
            codes.join(", "),
            if test.codes.len() > CODES { ", …" } else { "." }
        );
        html += "<div class=\"figures\">\n";
        html += &rows.weighed(&test.most, "Training examples that build it most")?;
        html += &rows.weighed(&test.least, "And that work against it most")?;
        html += &rows.weighed(&test.similar_by_code, "Most similar by code (cosines)")?;
        html += "</div>\n";
    }
    if !html.is_empty() {
        html += &format!(
            "<p class=\"source\">Numbers: <code>contributions.csv</code>; all weights in \
             <code>arrays.safetensors</code>, <code>{}/test/contributions</code>.</p>\n",
            escape(&run.run.name)
        );
    }
    Ok(html)
}

/// Every atom that is shown.
pub(super) fn atoms(run: &Explained) -> Result<String, Error> {
    let rows = Rows::read(run)?;
    let polished = run.stored.polish_rounds.is_some_and(|rounds| rounds > 0);
    let dictionary = rows.array(if polished { "polished/dictionary" } else { "dictionary" })?;
    let mut html = String::new();
    for atom in &run.stored.atoms {
        if atom.atom >= dictionary.ncols() {
            let path = run.found.path.join("results.json");
            return Err(Error::damaged(&path, &format!("it shows atom {}", atom.atom)));
        }
        let used = match atom.used {
            0 => "used by no training example, so that none contributes to it".to_owned(),
            used => format!("used by {used} training examples"),
        };
        html += &format!("<h3>Atom {}, {used}</h3>\n", atom.atom);
        let column = dictionary.index_axis(Axis(1), atom.atom).to_vec();
        html += &rows.pictures(&[&column], "The atom; zero is grey.")?;
        html += "<div class=\"figures\">\n";
        html += &rows.weighed(&atom.built, "Training examples that built it")?;
        html += &rows.weighed(&atom.against, "And that worked against it")?;
        html += "</div>\n";
    }
    Ok(html)
}
