//! The dictionary to encode with, and what was done to the data that it was learned from.

use ndarray::Array2;
use unrolled_data::{DataError, read_matrix};

use super::Encode;
use super::request::wrong;
use crate::config::Preprocessing;
use crate::{Error, RunDirectory};

/// D, and how examples are prepared for it.
pub(super) struct Dictionary {
    /// D, `[m, p]`.
    pub matrix: Array2<f64>,
    /// What was done to the examples that it was learned from.
    preprocessing: Option<Preprocessing>,
}

/// What is wrong with a file.
pub(super) fn data_error(error: DataError) -> Error {
    Error::Config(vec![error.to_string()])
}

impl Dictionary {
    /// Of a file, or of a run in its folder.
    pub fn read(request: &Encode) -> Result<Self, Error> {
        let Encode { dictionary: place, key, .. } = request;
        if !place.is_dir() {
            let key = key.as_deref().unwrap_or("dictionary");
            let matrix = read_matrix(place, key).map_err(data_error)?;
            return Ok(Self { matrix, preprocessing: None });
        }
        let directory = RunDirectory::existing(place)?;
        let path = directory.path().join("arrays.safetensors");
        let arrays = unrolled_data::read_arrays(&path).map_err(data_error)?;
        let run = key.as_deref().unwrap_or("main");
        let name = format!("{run}/dictionary");
        if !arrays.contains_key(&name) {
            let runs = arrays.keys().filter_map(|name| name.strip_suffix("/dictionary"));
            return wrong(runs_there(&place.display().to_string(), key.as_deref(), runs.collect()));
        }
        let matrix = read_matrix(&path, &name).map_err(data_error)?;
        let values = |name: &str| arrays.get(&format!("{run}/{name}"))?.values.clone().ok();
        let preprocessing = Preprocessing::of_arrays(values, matrix.nrows());
        let preprocessing = preprocessing.or_else(|what| {
            wrong(format!(
                "{}: {what} in `{run}`, but the dictionary has {} features; run the experiment again",
                path.display(),
                matrix.nrows()
            ))
        })?;
        Ok(Self { matrix, preprocessing })
    }

    /// Examples as those that it was learned from.
    pub fn prepare(&self, mut x: Array2<f64>) -> Array2<f64> {
        if let Some(preprocessing) = &self.preprocessing {
            preprocessing.apply_in_place(&mut x);
        }
        x
    }
}

/// What there is instead of the run that was asked for.
fn runs_there(place: &str, asked: Option<&str>, runs: Vec<&str>) -> String {
    let Some(first) = runs.first() else {
        return format!(
            "{place}: holds no learned dictionary; name the folder of a finished learn-dictionary run"
        );
    };
    let holds = match asked {
        Some(asked) => format!("holds no run {asked}, but"),
        None => "holds".to_owned(),
    };
    let several = if runs.len() == 1 { "the run" } else { "the runs" };
    format!("{place}: {holds} {several} {}; choose one, as in --key {first}", runs.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runs_that_are_there_are_named() {
        assert_eq!(
            runs_there("runs/r", None, vec!["a", "b"]),
            "runs/r: holds the runs a, b; choose one, as in --key a"
        );
        assert_eq!(
            runs_there("runs/r", Some("c"), vec!["a"]),
            "runs/r: holds no run c, but the run a; choose one, as in --key a"
        );
    }
}
