//! The pairwise method of Arora, Ge, Ma and Moitra, *Simple, Efficient, and Neural Algorithms for Sparse
//! Coding* (COLT 2015), Algorithm "Pairwise Initialization".

use ndarray::{Array1, Array2, Axis, s};

use super::random;
use crate::random::Stream;

/// How the pairwise method looks for atoms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pairwise {
    /// Pairs of examples to try for each atom asked for.
    pub pairs_per_atom: usize,
    /// A candidate is kept where the second singular value is below this share of the first.
    pub gap: f64,
    /// A candidate is new where its |cosine| with every atom found is below this.
    pub distinct: f64,
}

/// The sums over examples take the first so many.
const MOST_EXAMPLES: usize = 5000;

impl Default for Pairwise {
    fn default() -> Self {
        Self { pairs_per_atom: 100, gap: 0.35, distinct: 0.6 }
    }
}

/// For a pair of examples u, v that share one atom, the matrix
/// `M_{u,v} = 1/n Σ_i ⟨x_i, u⟩ ⟨x_i, v⟩ x_i x_iᵀ` has that atom as its leading singular vector, well apart from
/// the second. Pairs are drawn until `atoms` different directions are found, `pairs_per_atom` times `atoms`
/// pairs at most; atoms that are missing then are random. Nothing of the true codes is used.
///
/// X is `[n, m]`. Each pair costs one product of Xᵀ with the weighted X, over 5000 examples at
/// most: 2·n·m² operations.
pub fn pairwise(
    x: &Array2<f64>,
    atoms: usize,
    settings: &Pairwise,
    stream: &mut Stream,
) -> Array2<f64> {
    let (examples, features) = x.dim();
    let mut found: Vec<Array1<f64>> = Vec::new();
    if examples >= 2 {
        let estimation = x.slice(s![..examples.min(MOST_EXAMPLES), ..]);
        for _ in 0..settings.pairs_per_atom * atoms {
            if found.len() == atoms {
                break;
            }
            let (u, v) = (x.row(stream.below(examples)), x.row(stream.below(examples)));
            // A pair without a common atom is all but uncorrelated.
            let scale = (u.dot(&u) * v.dot(&v)).sqrt();
            if scale == 0.0 || u.dot(&v).abs() < 0.1 * scale {
                continue;
            }
            let weights = estimation.dot(&u) * estimation.dot(&v) / estimation.nrows() as f64;
            let weighted = &estimation * &weights.insert_axis(Axis(1));
            let matrix = estimation.t().dot(&weighted);
            let apply = |z: &Array1<f64>| matrix.dot(z);
            let start = Array1::from_shape_simple_fn(features, || stream.normal());
            let (first, direction) = leading(&apply, start, None, 60);
            let start = Array1::from_shape_simple_fn(features, || stream.normal());
            let (second, _) = leading(&apply, start, Some(&direction), 30);
            let is_clear = first > 0.0 && second < settings.gap * first;
            let is_new = || {
                found
                    .iter()
                    .all(|atom: &Array1<f64>| atom.dot(&direction).abs() < settings.distinct)
            };
            if is_clear && is_new() {
                found.push(direction);
            }
        }
    }
    let mut dictionary = random(features, atoms, stream);
    for (mut column, atom) in dictionary.axis_iter_mut(Axis(1)).zip(&found) {
        column.assign(atom);
    }
    dictionary
}

/// The magnitude of the leading eigenvalue of a symmetric map and its eigenvector, orthogonal to `without`.
fn leading(
    apply: &impl Fn(&Array1<f64>) -> Array1<f64>,
    mut direction: Array1<f64>,
    without: Option<&Array1<f64>>,
    iterations: usize,
) -> (f64, Array1<f64>) {
    let mut magnitude = 0.0;
    for _ in 0..iterations {
        if let Some(without) = without {
            let share = without.dot(&direction);
            direction.scaled_add(-share, without);
        }
        let norm = direction.dot(&direction).sqrt();
        if norm == 0.0 || !norm.is_finite() {
            return (0.0, direction);
        }
        direction /= norm;
        let image = apply(&direction);
        magnitude = image.dot(&image).sqrt();
        direction = image;
    }
    let norm = direction.dot(&direction).sqrt().max(f64::MIN_POSITIVE);
    (magnitude, direction / norm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::aligned;

    #[test]
    fn it_finds_true_atoms_without_seeing_a_code() {
        let (m, p, n) = (30, 40, 4000);
        let truth = random(m, p, &mut Stream::new(3, "truth", 0));
        let mut x = Array2::zeros((n, m));
        for (example, mut row) in x.rows_mut().into_iter().enumerate() {
            let mut stream = Stream::new(3, "code", example as u64);
            for atom in stream.sample_without_replacement(p, 2) {
                let value = stream.sign() * stream.uniform_between(1.0, 2.0);
                row.scaled_add(value, &truth.column(atom));
            }
        }
        let mut stream = Stream::new(3, "start", 0);
        let settings = Pairwise { pairs_per_atom: 40, ..Pairwise::default() };
        let start = pairwise(&x, p, &settings, &mut stream);
        let chance = aligned(&random(m, p, &mut stream), &truth).unwrap();
        let found = aligned(&start, &truth).unwrap();
        assert!(found.sine < 0.7 * chance.sine, "{found:?}, by chance {chance:?}");
    }
}
