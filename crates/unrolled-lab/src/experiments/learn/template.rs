//! A configuration for the rows of a file.

use std::path::Path;

use ndarray::Axis;
use toml::Value;
use unrolled_data::{Rows, read_matrix};

use crate::Error;

/// Rows that are looked at.
const LOOKED_AT: usize = 1000;

/// Bytes of rows as float64 that are read into memory at once; more are streamed.
const IN_MEMORY: usize = 1 << 30;

/// Rows that are held out, at most: more cost time and tell little more.
const HELD_OUT: usize = 2000;

/// What is said of the values that are chosen here; the template has every other key.
pub(super) fn for_rows(path: &Path, key: &str, rows: &Rows) -> Result<String, Error> {
    let data_error = |message: String| Error::Config(vec![message]);
    let [n, m] = rows.shape();
    if n < 2 || m == 0 {
        let shown = path.display();
        return Err(data_error(format!("{shown}: `{key}` is [{n}, {m}]; give rows to learn from")));
    }
    let is_streamed = rows.files() > 1 || !is_array_file(path) || 8 * n * m > IN_MEMORY;
    let x = rows.read(0, n.min(LOOKED_AT)).map_err(|error| data_error(error.to_string()))?;
    let x = &x - &x.mean_axis(Axis(0)).expect("there are rows");
    let norm = x.rows().into_iter().map(|row| row.dot(&row).sqrt()).sum::<f64>() / x.nrows() as f64;
    let penalty = rounded(0.1 * norm);
    let held_out = (n / 10).min(HELD_OUT);
    let training = n - held_out;
    // The array of an .npy file answers to any name.
    let named = !is_streamed && path.extension().is_none_or(|extension| extension != "npy");
    let truth = |key: &str| {
        let matrix = if named { read_matrix(path, key).ok() } else { None };
        matrix.map(|matrix| matrix.ncols())
    };
    let atoms = truth("D_star").or_else(|| truth("Z_star")).unwrap_or((2 * m).min(training));
    // Two rows for each atom, so that what a step costs by its atoms is spread over many rows.
    let batch = (training / 10).clamp(16, (2 * atoms).clamp(256, 1024)).min(training);
    // Some hundred thousand rows are enough, and so are twenty passes.
    let of_an_epoch = (training / batch).max(1);
    let epochs = ((400 * 256 / batch) / of_an_epoch).clamp(1, 20);
    let measure_every = (epochs * of_an_epoch / 20).max(1);
    let side = m.isqrt();
    let shape = match side * side == m {
        true => format!("# feature_shape = [{side}, {side}]"),
        false => "# feature_shape = [height, width]".to_owned(),
    };
    let [path, key] = [path.to_string_lossy().into_owned(), key.to_owned()]
        .map(|text| Value::from(text).to_string());
    let source = match is_streamed {
        true => format!(
            r#"source = "shards"               # read as they are needed; they need not fit into memory
path = {path}
key = {key}"#
        ),
        false => format!(
            r#"source = "file"
path = {path}
keys = {{ X = {key} }}              # and D_star, Z_star where the truth is known"#
        ),
    };
    Ok(format!(
        r#"# Learn a dictionary of the {n} rows of {m} features in {path}.
#
#   unrolled check THIS.toml     what it will take
#   unrolled run THIS.toml       run it; the report is runs/NAME/report.html
#
# `unrolled init learn-dictionary` shows every other key with its default.

experiment = "learn-dictionary"
precision = "float32"

[data]
{source}
standardise = "center"          # the mean of every feature is taken off; "center-and-scale" divides by the standard deviation too; or "none"
{shape}       # where rows are pictures: then the report draws the atoms

[dictionary]
atoms = {atoms}
init = "data"                   # atoms are rows at the start; or "random", "svd"

[encoder]
kind = "solved"                 # or "ista" with `iterations`, for gradients through the encoder
tolerance = {tolerance:?}                # a hundredth of λ
prox = {{ kind = "soft", penalty = {penalty:?} }}   # λ: a tenth of the mean norm of a row; larger for sparser codes

[train]
estimator = "g_dec"             # codes held fixed; "g_ae_lasso", "g_ae_ls" go through an unrolled encoder
epochs = {epochs}
batch_size = {batch}
validation = {validation:?}                # the fraction held out, on which runs are compared
measure_every = {measure_every}
objective_gap = 1e-3            # measured: the lasso on those rows, its codes solved to that gap

[optimizer]
kind = "online"                 # statistics of the codes, and a minimum over one atom after the other
learning_rate = {weight:?}            # the weight of a batch, a quarter of its rows for each atom; it falls to 0 by a cosine
"#,
        weight = weight(batch, atoms),
        tolerance = rounded(0.01 * penalty),
        validation = (1e9 * held_out as f64 / n as f64).round() / 1e9,
    ))
}

/// Whether it is a file that `source = "file"` reads.
fn is_array_file(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    path.is_file() && ["safetensors", "npy", "npz", "pt", "pth"].contains(&extension)
}

/// The weight of a batch: where an atom has few rows of it, its statistics need many batches.
fn weight(batch: usize, atoms: usize) -> f64 {
    let quarter = batch as f64 / (4.0 * atoms.max(1) as f64);
    ((100.0 * quarter).round() / 100.0).clamp(0.01, 0.5)
}

/// To one digit, above 0.
fn rounded(value: f64) -> f64 {
    match value > 0.0 && value.is_finite() {
        true => format!("{value:.0e}").parse().unwrap_or(value),
        false => 0.1,
    }
}
