//! What a learned dictionary makes of rows, in the report of learning.

use safetensors::SafeTensors;

use super::{page, rows, run};
use crate::support::{folder, unrolled};

const LEARN: &str = r#"
experiment = "learn-dictionary"
precision = "float64"
[data]
source = "file"
path = "rows.safetensors"
feature_shape = [3, 1, 2]
[dictionary]
atoms = 9
init = "data"
[encoder]
kind = "solved"
tolerance = 1e-6
prox = { kind = "soft", penalty = 0.3 }
[train]
estimator = "g_dec"
steps = 20
batch_size = 10
measure_every = 5
validation = 0.25
objective_gap = 1e-6
[optimizer]
kind = "online"
"#;

#[test]
fn use_and_reconstructions_are_those_of_the_rows_held_out() {
    // What was done to rows is done to them again when they are encoded.
    for standardise in ["none", "center-and-scale", "whiten"] {
        expect_use_of_rows_held_out(standardise);
    }
}

fn expect_use_of_rows_held_out(standardise: &str) {
    let folder = folder();
    rows(&folder.path().join("rows.safetensors"));
    run(folder.path(), LEARN, "out", &[&format!("data.standardise=\"{standardise}\"")]);
    let mut encode = unrolled(folder.path());
    encode.args([
        "encode",
        "--dictionary",
        "out",
        "--data",
        "rows.safetensors",
        "--penalty",
        "0.3",
    ]);
    encode.args(["--gap", "1e-9", "--out", "codes.safetensors"]).assert().success();
    let numbers = |file: &str, name: &str| -> Vec<f64> {
        let bytes = std::fs::read(folder.path().join(file)).unwrap();
        let view = SafeTensors::deserialize(&bytes).unwrap();
        let view = view.tensor(name).unwrap();
        view.data().as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
    };
    let learned = |name: &str| numbers("out/arrays.safetensors", &format!("main/{name}"));
    let codes = numbers("codes.safetensors", "codes");
    // Rows 30 to 39 are held out.
    let held_out = &codes[30 * 9..];
    let expected: Vec<f64> = (0..9)
        .map(|atom| held_out.chunks(9).filter(|code| code[atom] != 0.0).count() as f64 / 10.0)
        .collect();
    assert_eq!(learned("usage"), expected);
    let indices = learned("sample/indices");
    assert_eq!(indices, [0.0, 1.0, 2.0, 3.0, 5.0, 6.0, 7.0, 8.0]);
    let (x, dictionary) = (numbers("rows.safetensors", "X"), learned("dictionary"));
    let (shown, made) = (learned("sample/rows"), learned("sample/reconstructions"));
    let nonzeros = learned("sample/nonzeros");
    for (at, index) in indices.iter().enumerate() {
        let row = 30 + *index as usize;
        let is_raw = shown[6 * at..6 * (at + 1)] == x[6 * row..6 * (row + 1)];
        assert_eq!(is_raw, standardise == "none");
        let code = &codes[9 * row..9 * (row + 1)];
        assert_eq!(nonzeros[at], code.iter().filter(|z| **z != 0.0).count() as f64);
        for feature in 0..6 {
            let value: f64 = (0..9).map(|atom| dictionary[9 * feature + atom] * code[atom]).sum();
            assert!((value - made[6 * at + feature]).abs() < 1e-3, "{value}");
        }
    }
    let html = page(&folder.path().join("out/report.html"));
    for part in [
        "<b>Objective against time.</b>",
        "<b>Use of the atoms.</b>",
        "the most used first",
        "9 atoms as pictures",
        "8 rows as pictures, and their reconstructions below them",
        "error of the reconstruction",
    ] {
        assert!(html.contains(part), "{part}");
    }
}
