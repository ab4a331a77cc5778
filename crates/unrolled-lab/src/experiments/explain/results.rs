//! The figures and arrays of an explanation.

use std::collections::BTreeSet;

use ndarray::{Array2, ArrayView1};
use serde_json::{Map, Value, json};
use unrolled::dictionary::AnyDictionary;

use super::explained::{AtomOf, Explained, Parts, Patch, extremes};
use super::plan::Plan;
use crate::Error;
use crate::arrays::{Arrays, Stored};
use crate::experiments::learn;
use crate::training::State;

/// Training examples that are listed for an atom or a test example, on either side.
pub(super) const LISTED: usize = 8;

/// Its part of results.json: that of learning, and the explanation.
pub(super) fn figures(
    plan: &Plan,
    lesson: &learn::Learning,
    state: &State<learn::Network, learn::Memory>,
    explained: &Explained,
) -> Result<Value, Error> {
    let learned = learn::figures(&plan.learning, lesson, state)?;
    let Value::Object(mut fields) = learned else { return Ok(learned) };
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    let data = &lesson.prepared.data;
    put("examples", json!(data.examples()));
    put("ridge", json!(plan.explain.ridge));
    let s = explained.stationarity;
    put("stationarity", json!({ "gradient": s.gradient, "kkt": s.kkt, "objective": s.objective }));
    put("polish_rounds", json!(explained.rounds));
    put("difference", json!(explained.difference));
    put("tests_of", json!(explained.test.of));
    put("unused_atoms", json!(explained.usage.iter().filter(|used| **used == 0).count()));
    if let Some([channels, height, width]) = data.image {
        put("image_shape", json!([channels, height, width]));
    }
    if let AnyDictionary::Convolutional(filters) = &state.network.dictionary {
        put("filter_shape", json!(filters.filters.dims()[1..]));
    }
    let listing = Listing { labels: data.labels.as_ref().filter(|labels| labels.ncols() == 1) };
    let atoms = explained.atoms.iter().map(|atom| listing.atom(atom, &explained.usage));
    put("atoms", atoms.collect());
    let tests = plan.explain.examples.iter().enumerate();
    put("tests", tests.map(|(at, example)| listing.test(explained, at, *example)).collect());
    Ok(fields.into())
}

/// How training examples are listed.
struct Listing<'a> {
    labels: Option<&'a Array2<f64>>,
}

impl Listing<'_> {
    fn one(&self, example: usize, weight: f64) -> Map<String, Value> {
        let mut of = Map::new();
        of.insert("example".to_owned(), json!(example));
        of.insert("weight".to_owned(), json!(weight));
        if let Some(labels) = self.labels {
            of.insert("label".to_owned(), json!(labels[[example, 0]]));
        }
        of
    }

    fn examples(&self, weights: ArrayView1<f64>, places: Vec<usize>) -> Vec<Value> {
        places.into_iter().map(|example| self.one(example, weights[example]).into()).collect()
    }

    fn patches(&self, patches: &[Patch]) -> Vec<Value> {
        let one = |patch: &Patch| {
            let mut of = self.one(patch.example, patch.share);
            of.insert("corner".to_owned(), json!(patch.corner));
            Value::Object(of)
        };
        patches.iter().map(one).collect()
    }

    fn atom(&self, of: &AtomOf, usage: &[usize]) -> Value {
        let [built, against] = match &of.parts {
            Parts::Examples(weights) => {
                extremes(weights.view(), LISTED).map(|places| self.examples(weights.view(), places))
            }
            Parts::Patches(patches) => patches.each_ref().map(|patches| self.patches(patches)),
        };
        json!({ "atom": of.atom, "used": usage[of.atom], "built": built, "against": against })
    }

    fn test(&self, explained: &Explained, at: usize, example: usize) -> Value {
        let (weights, codes) = (explained.test_contributions.row(at), explained.test_codes.row(at));
        let [most, least] = extremes(weights, LISTED);
        let used: Vec<Value> = by_atom(codes, explained.usage.len())
            .into_iter()
            .map(|(atom, code)| json!({ "atom": atom, "code": code }))
            .collect();
        let cosines = cosines(&explained.codes, codes);
        let [similar, _] = extremes(cosines.view(), LISTED);
        let mut of = Map::new();
        of.insert("example".to_owned(), json!(example));
        if let Some(labels) = &explained.test.labels {
            of.insert("label".to_owned(), json!(labels[at]));
        }
        of.insert("codes".to_owned(), used.into());
        of.insert("most".to_owned(), self.examples(weights, most).into());
        of.insert("least".to_owned(), self.examples(weights, least).into());
        of.insert("similar_by_code".to_owned(), self.examples(cosines.view(), similar).into());
        let salient = explained.salient.iter().enumerate().filter(|(_, one)| one.test == at);
        let salient =
            salient.map(|(row, one)| json!({ "atom": one.atom, "entry": one.entry, "code": one.code, "row": row }));
        of.insert("saliency".to_owned(), salient.collect());
        Value::Object(of)
    }
}

/// The entry of a code that is largest for each of p atoms, where there is one that is not 0; the largest first.
fn by_atom(code: ArrayView1<f64>, atoms: usize) -> Vec<(usize, f64)> {
    let places = code.len() / atoms.max(1);
    let mut largest: Vec<(usize, f64)> = code
        .exact_chunks(places.max(1))
        .into_iter()
        .map(|of_atom| of_atom.iter().fold(0.0, |a: f64, b| if b.abs() > a.abs() { *b } else { a }))
        .enumerate()
        .filter(|(_, code)| *code != 0.0)
        .collect();
    largest.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
    largest
}

/// Cosines of codes of training examples with another code.
fn cosines(codes: &Array2<f64>, other: ArrayView1<f64>) -> ndarray::Array1<f64> {
    let norm = |v: ArrayView1<f64>| v.dot(&v).sqrt();
    let size = norm(other);
    let of = |code: ArrayView1<f64>| {
        let both = norm(code) * size;
        if both > 0.0 { code.dot(&other) / both } else { 0.0 }
    };
    codes.rows().into_iter().map(of).collect()
}

/// The training examples that figures list as a whole, in order.
fn shown(figures: &Value, found: &mut BTreeSet<usize>) {
    match figures {
        Value::Array(entries) => entries.iter().for_each(|entry| shown(entry, found)),
        Value::Object(fields) => {
            let example = fields.get("example").and_then(Value::as_u64);
            let is_whole = fields.contains_key("weight") && !fields.contains_key("corner");
            if let (Some(example), true) = (example, is_whole) {
                found.insert(example as usize);
            }
            fields.values().for_each(|field| shown(field, found));
        }
        _ => {}
    }
}

/// Its arrays beside those of learning; what the report shows of the training data lies under `shown/`.
pub(super) fn put_arrays(
    plan: &Plan,
    lesson: &learn::Learning,
    (explained, figures): (&Explained, &Value),
    dictionary: &AnyDictionary,
    arrays: &mut Arrays,
) {
    let mut listed = BTreeSet::new();
    shown(figures, &mut listed);
    let listed: Vec<usize> = listed.into_iter().collect();
    let rows = lesson.prepared.data.x.select(ndarray::Axis(0), &listed);
    let indices = Array2::from_shape_fn((1, listed.len()), |(_, at)| listed[at] as f64);

    let run = plan.learning.run;
    let width = plan.learning.config().precision.bytes();
    let mut put_as = |name: &str, array: &Array2<f64>, row: &[usize]| {
        // Codes are as large as the data: they are not copied where they lie in order.
        let array = array.as_standard_layout();
        let values = array.as_slice().expect("an array in order is a slice");
        let stored = Stored::new([&[array.nrows()], row].concat(), values, width);
        arrays.insert(format!("{}/{name}", run.name), stored);
    };
    let code_shape = dictionary.code_shape();
    put_as("codes", &explained.codes, &code_shape);
    put_as("test/codes", &explained.test_codes, &code_shape);
    let mut put = |name: &str, array: &Array2<f64>| put_as(name, array, &[array.ncols()]);
    if let Some(to_atoms) = &explained.to_atoms {
        put("contributions_to_atoms", to_atoms);
    }
    put("shown/examples", &rows);
    put("shown/indices", &indices);
    for of in &explained.atoms {
        let Parts::Patches(patches) = &of.parts else { continue };
        let all: Vec<&Patch> = patches.iter().flatten().collect();
        let Some(first) = all.first() else { continue };
        let values = |(row, at): (usize, usize)| all[row].values[at];
        let patches = Array2::from_shape_fn((all.len(), first.values.len()), values);
        put(&format!("shown/patches_of_atom_{}", of.atom), &patches);
    }
    put("test/examples", &explained.test.x);
    put("test/contributions", &explained.test_contributions);
    put("test/reconstructions", &explained.test_reconstructions);
    if let Some(first) = explained.salient.first() {
        let shape = (explained.salient.len(), first.slope.len());
        let slopes = Array2::from_shape_fn(shape, |(row, at)| explained.salient[row].slope[at]);
        put("test/saliency", &slopes);
    }
    if explained.rounds > 0 {
        let (shape, values) = dictionary.stored(&explained.dictionary);
        let stored = Stored::new(shape, &values, width);
        arrays.insert(format!("{}/polished/dictionary", run.name), stored);
    }
}
