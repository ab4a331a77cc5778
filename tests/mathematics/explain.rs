//! Contributions against the reference, against the inverse of the whole system, and polishing.

use burn::tensor::{DType, Device, Tensor, TensorData};
use ndarray::Array2;
use unrolled::dictionary::AnyDictionary;
use unrolled::dictionary::initialisation;
use unrolled::explain::{Contributions, Normalised, Shares, Stationarity, polish, saliency};
use unrolled::metrics::relative_error;
use unrolled::prelude::*;
use unrolled::random::Stream;
use unrolled::tensors::{to_array, to_tensor};

use crate::support::{Fixture, relative};

const GO_ON: &dyn Fn() -> bool = &|| true;

/// Data are columns in the reference, rows here.
struct Reference(Fixture);

impl Reference {
    fn open() -> Self {
        Self(Fixture::open("interpretability"))
    }

    fn rows(&self, name: &str) -> Array2<f64> {
        self.0.matrix(name).t().as_standard_layout().into_owned()
    }

    fn columns(&self, name: &str) -> Array2<f64> {
        self.0.matrix(name)
    }

    fn number(&self, name: &str) -> f64 {
        self.0.values(name)[0]
    }
}

#[test]
fn contributions_are_those_of_the_reference() {
    let reference = Reference::open();
    let (x, z, new) = (reference.rows("X"), reference.rows("Z"), reference.rows("Z_test"));
    let omega = reference.number("omega");
    let contributions = Contributions::new(&z, omega).unwrap();
    let expect = |what: &str, found: &Array2<f64>, expected: &Array2<f64>| {
        let error = relative_error(found, expected);
        assert!(error < 1e-9, "{what}: {error:e}");
    };
    let to_atoms = contributions.to_atoms(&z);
    expect("contributions", &to_atoms, &reference.columns("contrib_atom"));
    let beta = contributions.to_reconstructions(&z, &new);
    expect("β", &beta, &reference.rows("beta_test"));
    expect("reconstructions", &beta.dot(&x), &reference.rows("xhat_test"));
    let d = contributions.dictionary(&x, &z);
    expect("D", &d, &reference.columns("D_from_G"));
    expect("D of the stationary point", &d, &reference.columns("D"));
    // The same from the inverse of the whole system.
    let direct = reference.columns("G_inv").dot(&z);
    expect("the whole inverse", &to_atoms, &direct);
    // And in blocks of examples.
    let half = |from: usize, to: usize| z.slice(ndarray::s![from..to, ..]).to_owned();
    let gram = [half(0, 15), half(15, 40)].iter().map(|b| b.t().dot(b)).reduce(|a, b| a + b);
    let blocks = Contributions::from_gram(&gram.unwrap(), omega).unwrap();
    let last = blocks.to_reconstructions(&half(15, 40), &new);
    expect("a block", &last, &beta.slice(ndarray::s![.., 15..]).to_owned());
}

#[test]
fn the_reference_s_normalised_variants() {
    let reference = Reference::open();
    let (z, new) = (reference.rows("Z"), reference.rows("Z_test"));
    let normalised = Normalised::new(&z, Normalised::RIDGE).unwrap();
    let cosines = normalised.code_cosines(&new);
    assert!(relative_error(&cosines, &reference.rows("repo_code_cosine")) < 1e-9);
    let beta = normalised.to_reconstructions(&new);
    let error = relative_error(&beta, &reference.rows("repo_beta_test"));
    assert!(error < 1e-9, "{error:e}");
    let of_atoms = Normalised::of_atoms(Contributions::new(&z, 0.05).unwrap().to_atoms(&z));
    assert!(relative_error(&of_atoms, &reference.columns("repo_contrib_atom_normalized")) < 1e-9);
    assert!(Normalised::new(&z, 0.0).is_none());
}

#[test]
fn the_reference_is_stationary_and_polishing_gets_there() {
    let reference = Reference::open();
    let (x, d, z) = (reference.rows("X"), reference.columns("D"), reference.rows("Z"));
    let weights = [reference.number("lam"), reference.number("omega")];
    let there = Stationarity::of(&x, &d, &z, weights, Sided::Two);
    assert!(there.gradient < 1e-9 && there.kkt < 1e-9, "{there:?}");
    assert!((there.objective / reference.number("objective") - 1.0).abs() < 1e-12);
    let start = reference.columns("D_init");
    let polished = polish(&x, &start, weights, Sided::Two, (2000, 1e-10), GO_ON).unwrap();
    let found = polished.stationarity;
    assert!(found.gradient < 1e-9 && found.kkt < 1e-9, "{found:?} in {}", polished.rounds);
    assert!((found.objective / there.objective - 1.0).abs() < 1e-9, "{found:?}");
    let error = relative(
        &polished.dictionary.iter().copied().collect::<Vec<_>>(),
        &d.iter().copied().collect::<Vec<_>>(),
    );
    assert!(error < 1e-6, "{error:e}");
    // On the way every round lowers the objective.
    let mut before = f64::INFINITY;
    for rounds in 0..8 {
        let found = polish(&x, &start, weights, Sided::Two, (rounds, 0.0), GO_ON).unwrap();
        assert!(found.stationarity.objective < before);
        before = found.stationarity.objective;
    }
    // One-sided codes have conditions of their own; here the way to where they all hold is longer.
    let one = polish(&x, &start, weights, Sided::One, (300, 1e-10), GO_ON).unwrap();
    assert!(one.codes.iter().all(|code| *code >= 0.0) && one.stationarity.kkt < 1e-9);
    let at_start = polish(&x, &start, weights, Sided::One, (1, 0.0), GO_ON).unwrap();
    assert!(one.stationarity.gradient < 0.01 * at_start.stationarity.gradient);
    assert!(one.stationarity.objective < at_start.stationarity.objective);
}

#[test]
fn weights_that_are_not_unique_are_refused() {
    let mut z = Reference::open().rows("Z");
    z.column_mut(3).fill(0.0);
    assert!(Contributions::new(&z, 0.0).is_none());
    let with_ridge = Contributions::new(&z, 0.05).unwrap();
    // An atom that nobody uses is made of nothing.
    assert!(with_ridge.to_atoms(&z).column(3).iter().all(|weight| *weight == 0.0));
}

/// z_T[e] of single examples against the derivative by each of their entries.
fn expect_slopes<D: LinearOperator + Network, E: Encoder>(
    dictionary: D,
    encoder: E,
    features: usize,
) {
    let network = Autoencoder::new(dictionary, encoder);
    let mut stream = Stream::new(3, "saliency", 0);
    let x = Array2::from_shape_simple_fn((3, features), || stream.normal());
    let tensor = |array: &Array2<f64>| to_tensor(array, Precision::Float64, &Device::flex());
    let codes = to_array(&network.encode(&tensor(&x)));
    let entries: Vec<usize> = codes
        .rows()
        .into_iter()
        .map(|row| (0..row.len()).max_by(|a, b| row[*a].abs().total_cmp(&row[*b].abs())).unwrap())
        .collect();
    let slopes = to_array(&saliency(&network, &tensor(&x), &entries).unwrap());
    assert!(codes.iter().any(|z| *z != 0.0));
    let h = 1e-6;
    let moved = |feature: usize, by: f64| {
        let mut x = x.clone();
        x.column_mut(feature).iter_mut().for_each(|v| *v += by);
        to_array(&network.encode(&tensor(&x)))
    };
    for feature in 0..features {
        let (ahead, behind) = (moved(feature, h), moved(feature, -h));
        for (row, entry) in entries.iter().enumerate() {
            let slope = (ahead[[row, *entry]] - behind[[row, *entry]]) / (2.0 * h);
            let found = slopes[[row, feature]];
            assert!(
                (found - slope).abs() < 1e-7,
                "example {row}, feature {feature}: {found} {slope}"
            );
        }
    }
}

#[test]
fn saliency_is_the_slope_of_an_entry_of_a_code() {
    let mut stream = Stream::new(5, "saliency", 0);
    let columns = initialisation::random(9, 14, &mut stream);
    let tensor = |array: &Array2<f64>| to_tensor(array, Precision::Float64, &Device::flex());
    let soft = || SoftThreshold::new(0.1, Sided::Two);
    let dense = || DenseDictionary::new(tensor(&columns));
    expect_slopes(dense(), Unrolled::ista(soft(), 0.2, 30), 9);
    let hard = HardThreshold::new(0.05, 0.1, Sided::Two);
    expect_slopes(dense(), Unrolled::fista(hard, 0.1, 8), 9);
    let filters = Array2::from_shape_simple_fn((9, 3), || stream.normal() / 3.0);
    let values = filters.t().iter().copied().collect::<Vec<f64>>();
    let filters = TensorData::new(values, [3, 1, 3, 3]);
    let filters = Tensor::<4>::from_data(filters, (&Device::flex(), DType::F64));
    let convolution = ConvolutionalDictionary::new(filters, [7, 6], 1);
    expect_slopes(convolution, Unrolled::ista(soft(), 0.1, 12), 42);
}

#[test]
fn converged_saliency_is_a_row_of_the_pseudo_inverse() {
    let columns = initialisation::random(12, 16, &mut Stream::new(6, "saliency", 0));
    let tensor = |array: &Array2<f64>| to_tensor(array, Precision::Float64, &Device::flex());
    let encoder = Unrolled::ista(SoftThreshold::new(0.3, Sided::Two), 0.2, 5000);
    let network = Autoencoder::new(DenseDictionary::new(tensor(&columns)), encoder);
    let mut stream = Stream::new(7, "saliency", 0);
    let x = Array2::from_shape_simple_fn((1, 12), || stream.normal());
    let codes = to_array(&network.encode(&tensor(&x)));
    let active: Vec<usize> = (0..16).filter(|atom| codes[[0, *atom]] != 0.0).collect();
    assert!(active.len() > 1);
    let atoms = columns.select(ndarray::Axis(1), &active);
    for (at, entry) in active.iter().enumerate() {
        let slope = to_array(&saliency(&network, &tensor(&x), &[*entry]).unwrap());
        // It tells this atom from the others: its product with each is 1 or 0.
        for (other, product) in slope.dot(&atoms).iter().enumerate() {
            let expected = if other == at { 1.0 } else { 0.0 };
            assert!((product - expected).abs() < 1e-9, "{product}");
        }
    }
    let none = (0..16).find(|atom| codes[[0, *atom]] == 0.0).unwrap();
    let slope = to_array(&saliency(&network, &tensor(&x), &[none]).unwrap());
    assert!(slope.iter().all(|v| *v == 0.0));
    assert!(saliency(&network, &tensor(&x), &[16]).is_none());
}

#[test]
fn shares_of_a_matrix_are_the_contributions_along_what_they_build() {
    let reference = Reference::open();
    let (x, z, new) = (reference.rows("X"), reference.rows("Z"), reference.rows("Z_test"));
    let omega = reference.number("omega");
    let tensor = |array: &Array2<f64>| to_tensor(array, Precision::Float64, &Device::flex());
    let contributions = Contributions::new(&z, omega).unwrap();
    let best = contributions.dictionary(&x, &z);
    let dictionary = AnyDictionary::Dense(DenseDictionary::new(tensor(&best)));
    let shares = Shares::new(&dictionary, &x, &z, omega);
    let judged = Stationarity::of_dictionary(&dictionary, &x, &z, [0.1, omega], Sided::Two);
    let expected = Stationarity::of(&x, &best, &z, [0.1, omega], Sided::Two);
    assert!(judged.gradient < 1e-10 && (judged.kkt - expected.kkt).abs() < 1e-12);
    assert!((judged.objective / expected.objective - 1.0).abs() < 1e-12);
    assert!(relative_error(&shares.best(GO_ON).unwrap().0, &best.t().to_owned()) < 1e-9);
    let to_atoms = contributions.to_atoms(&z);
    let to_new = contributions.to_reconstructions(&z, &new);
    let reconstructions = new.dot(&best.t());
    for at in 0..3 {
        let expect = |share: &unrolled::explain::Share,
                      weights: ndarray::ArrayView1<f64>,
                      of: ndarray::ArrayView1<f64>| {
            assert!((share.examples.sum() - 1.0).abs() < 1e-9, "{}", share.examples.sum());
            for (i, weight) in weights.iter().enumerate() {
                let expected = weight * x.row(i).dot(&of) / of.dot(&of);
                assert!(
                    (share.examples[i] - expected).abs() < 1e-9,
                    "{i}: {} {expected}",
                    share.examples[i]
                );
            }
        };
        let of_atom = shares.of_atom(at, GO_ON).unwrap();
        expect(&of_atom, to_atoms.column(at), best.column(at));
        let of_new = shares.of_reconstruction(&new.row(at).to_owned(), GO_ON).unwrap();
        expect(&of_new, to_new.row(at), reconstructions.row(at));
    }
    assert!(shares.of_atom(0, &|| false).is_none());
}

#[test]
fn shares_of_filters_are_those_of_the_whole_system() {
    // Two filters of 2 × 2 on images of 4 × 3, and the system of their eight entries written out.
    let mut stream = Stream::new(8, "shares", 0);
    let mut drawn = |rows: usize, columns: usize| {
        Array2::from_shape_simple_fn((rows, columns), || stream.normal())
    };
    let (x, codes, omega) = (drawn(70, 12), drawn(70, 2 * 3 * 2), 0.3);
    let tensor = |array: &Array2<f64>| to_tensor(array, Precision::Float64, &Device::flex());
    let with = |rows: &Array2<f64>| {
        let filters = tensor(rows).reshape([2, 1, 2, 2]);
        AnyDictionary::Convolutional(ConvolutionalDictionary::new(filters, [4, 3], 1))
    };
    // Column (a, e) of the map from filters to reconstructions of example i.
    let images: Vec<Array2<f64>> = (0..8)
        .map(|at| {
            let one = Array2::from_shape_fn((2, 4), |(a, e)| f64::from(u8::from(4 * a + e == at)));
            to_array(&with(&one).forward(tensor(&codes)))
        })
        .collect();
    let inner = |a: &Array2<f64>, b: &Array2<f64>| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let system = small_system(&images, omega, &inner);
    let right: Vec<f64> = images.iter().map(|image| inner(image, &x)).collect();
    let best = system.solve(&right);
    let best = Array2::from_shape_vec((2, 4), best).unwrap();
    let dictionary = with(&best);
    let shares = Shares::new(&dictionary, &x, &codes, omega);
    assert!(shares.gradient().iter().all(|v| v.abs() < 1e-10));
    assert!(relative_error(&shares.best(GO_ON).unwrap().0, &best) < 1e-9);
    let share = shares.of_atom(1, GO_ON).unwrap();
    assert!((share.examples.sum() - 1.0).abs() < 1e-9);
    assert!((share.entries.sum() - 1.0).abs() < 1e-9);
    for i in [0, 13, 69] {
        let given: Vec<f64> = images.iter().map(|image| image.row(i).dot(&x.row(i))).collect();
        let given = system.solve(&given);
        let filter = best.row(1);
        let along: f64 = (0..4).map(|e| given[4 + e] * filter[e]).sum();
        let expected = along / filter.dot(&filter);
        assert!((share.examples[i] - expected).abs() < 1e-9, "{} {expected}", share.examples[i]);
    }
}

/// A small positive system, solved by elimination.
struct System(Vec<Vec<f64>>);

fn small_system(
    images: &[Array2<f64>],
    ridge: f64,
    inner: &dyn Fn(&Array2<f64>, &Array2<f64>) -> f64,
) -> System {
    let entry =
        |i: usize, j: usize| inner(&images[i], &images[j]) + if i == j { ridge } else { 0.0 };
    System((0..images.len()).map(|i| (0..images.len()).map(|j| entry(i, j)).collect()).collect())
}

impl System {
    fn solve(&self, right: &[f64]) -> Vec<f64> {
        let n = right.len();
        let mut rows: Vec<Vec<f64>> =
            self.0.iter().zip(right).map(|(row, b)| [row.clone(), vec![*b]].concat()).collect();
        for i in 0..n {
            let pivot = rows[i].clone();
            for (k, row) in rows.iter_mut().enumerate().filter(|(k, _)| *k != i) {
                let _ = k;
                let factor = row[i] / pivot[i];
                row.iter_mut().zip(&pivot).for_each(|(v, p)| *v -= factor * p);
            }
        }
        (0..n).map(|i| rows[i][n] / rows[i][i]).collect()
    }
}
