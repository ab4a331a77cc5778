//! The figures and arrays of an explanation.

use std::collections::BTreeSet;

use ndarray::Array2;
use serde_json::{Map, Value, json};

use super::explained::{Explained, extremes};
use super::plan::Plan;
use crate::arrays::{Arrays, Stored};
use crate::experiments::learn;
use crate::training::State;

/// Training examples that are listed for an atom or a test example, on either side.
const LISTED: usize = 8;

/// Atoms that are shown where none are asked for.
const ATOMS: usize = 6;

/// A code counts an atom as used where it is larger than that.
const USED: f64 = 1e-2;

/// Its part of results.json: that of learning, and the explanation.
pub(super) fn figures(
    plan: &Plan,
    lesson: &learn::Learning,
    state: &State<learn::Network, learn::Memory>,
    explained: &Explained,
) -> Value {
    let learned = learn::figures(&plan.learning, lesson, state);
    let Value::Object(mut fields) = learned else { return learned };
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    let data = &lesson.prepared.data;
    let label = |example: usize| {
        let labels = data.labels.as_ref().filter(|labels| labels.ncols() == 1);
        labels.map(|labels| labels[[example, 0]])
    };
    let listed = |weights: ndarray::ArrayView1<f64>, places: Vec<usize>| -> Vec<Value> {
        let one = |example: usize| {
            let mut of = Map::new();
            of.insert("example".to_owned(), json!(example));
            of.insert("weight".to_owned(), json!(weights[example]));
            if let Some(label) = label(example) {
                of.insert("label".to_owned(), json!(label));
            }
            Value::Object(of)
        };
        places.into_iter().map(one).collect()
    };
    put("examples", json!(data.examples()));
    put("ridge", json!(plan.explain.ridge));
    let s = explained.stationarity;
    put("stationarity", json!({ "gradient": s.gradient, "kkt": s.kkt, "objective": s.objective }));
    put("polish_rounds", json!(explained.rounds));
    put("difference", json!(explained.difference));
    put("tests_of", json!(explained.test.of));
    let usage = usage(&explained.codes);
    put("unused_atoms", json!(usage.iter().filter(|used| **used == 0).count()));
    let atoms = match plan.explain.atoms.is_empty() {
        false => plan.explain.atoms.clone(),
        true => {
            let mut order: Vec<usize> = (0..usage.len()).collect();
            order.sort_by(|a, b| usage[*b].cmp(&usage[*a]).then(a.cmp(b)));
            order.truncate(ATOMS);
            order
        }
    };
    let of_atom = |atom: &usize| {
        let weights = explained.to_atoms.column(*atom);
        let [built, against] = extremes(weights, LISTED);
        json!({
            "atom": atom,
            "used": usage[*atom],
            "built": listed(weights, built),
            "against": listed(weights, against),
        })
    };
    put("atoms", atoms.iter().map(of_atom).collect());
    let of_test = |(at, example): (usize, &usize)| {
        let (weights, codes) = (explained.test_contributions.row(at), explained.test_codes.row(at));
        let [most, least] = extremes(weights, LISTED);
        let mut order: Vec<usize> = (0..codes.len()).filter(|atom| codes[*atom] != 0.0).collect();
        order.sort_by(|a, b| codes[*b].abs().total_cmp(&codes[*a].abs()).then(a.cmp(b)));
        let used: Vec<Value> =
            order.iter().map(|atom| json!({ "atom": atom, "code": codes[*atom] })).collect();
        let cosines = cosines(&explained.codes, codes);
        let [similar, _] = extremes(cosines.view(), LISTED);
        let mut of = Map::new();
        of.insert("example".to_owned(), json!(example));
        if let Some(labels) = &explained.test.labels {
            of.insert("label".to_owned(), json!(labels[at]));
        }
        of.insert("codes".to_owned(), used.into());
        of.insert("most".to_owned(), listed(weights, most).into());
        of.insert("least".to_owned(), listed(weights, least).into());
        of.insert("similar_by_code".to_owned(), listed(cosines.view(), similar).into());
        Value::Object(of)
    };
    put("tests", plan.explain.examples.iter().enumerate().map(of_test).collect());
    fields.into()
}

/// How many examples use each atom.
fn usage(codes: &Array2<f64>) -> Vec<usize> {
    let column =
        |column: ndarray::ArrayView1<f64>| column.iter().filter(|z| z.abs() > USED).count();
    codes.columns().into_iter().map(column).collect()
}

/// Cosines of codes of training examples with another code.
fn cosines(codes: &Array2<f64>, other: ndarray::ArrayView1<f64>) -> ndarray::Array1<f64> {
    let norm = |v: ndarray::ArrayView1<f64>| v.dot(&v).sqrt();
    let size = norm(other);
    let of = |code: ndarray::ArrayView1<f64>| {
        let both = norm(code) * size;
        if both > 0.0 { code.dot(&other) / both } else { 0.0 }
    };
    codes.rows().into_iter().map(of).collect()
}

/// The training examples that figures list, in order.
fn shown(figures: &Value, found: &mut BTreeSet<usize>) {
    match figures {
        Value::Array(entries) => entries.iter().for_each(|entry| shown(entry, found)),
        Value::Object(fields) => {
            let example = fields.get("example").and_then(Value::as_u64);
            if let (Some(example), true) = (example, fields.contains_key("weight")) {
                found.insert(example as usize);
            }
            fields.values().for_each(|field| shown(field, found));
        }
        _ => {}
    }
}

/// Its arrays beside those of learning; training examples that the report shows lie under `shown/`.
pub(super) fn put_arrays(
    plan: &Plan,
    lesson: &learn::Learning,
    (explained, figures): (&Explained, &Value),
    arrays: &mut Arrays,
) {
    let mut listed = BTreeSet::new();
    shown(figures, &mut listed);
    let listed: Vec<usize> = listed.into_iter().collect();
    let rows = lesson.prepared.data.x.select(ndarray::Axis(0), &listed);
    let indices = Array2::from_shape_fn((1, listed.len()), |(_, at)| listed[at] as f64);

    let run = plan.learning.run;
    let width = plan.learning.config().precision.bytes();
    let mut put = |name: &str, array: &Array2<f64>| {
        // Codes are as large as the data: they are not copied where they lie in order.
        let array = array.as_standard_layout();
        let values = array.as_slice().expect("an array in order is a slice");
        let stored = Stored::new(array.shape().to_vec(), values, width);
        arrays.insert(format!("{}/{name}", run.name), stored);
    };
    put("codes", &explained.codes);
    put("contributions_to_atoms", &explained.to_atoms);
    put("shown/examples", &rows);
    put("shown/indices", &indices);
    put("test/examples", &explained.test.x);
    put("test/codes", &explained.test_codes);
    put("test/contributions", &explained.test_contributions);
    put("test/reconstructions", &explained.test_reconstructions);
    if explained.rounds > 0 {
        put("polished/dictionary", &explained.dictionary);
    }
}
