//! Dictionaries whose atoms are as far from each other as two bases allow.

use ndarray::{Array2, s};

use super::random;
use crate::random::Stream;

/// The first p columns of `R [I, C]`: R is a random rotation, C Sylvester's Hadamard matrix over √m where m is a power of
/// two, else the cosines of the DCT-II, each an orthonormal basis.
///
/// No two atoms have a cosine above `1/√m`, or `√(2/m)` with cosines (M. Elad and A. Bruckstein, *A generalized uncertainty
/// principle and sparse representation in pairs of bases*, IEEE Transactions on Information Theory, 2002); up to m of them
/// are orthonormal. Random atoms come as close as about `√(4 log(p)/m)`.
///
/// # Panics
/// When `atoms` is above `2 features`.
pub fn incoherent(features: usize, atoms: usize, stream: &mut Stream) -> Array2<f64> {
    assert!(atoms <= 2 * features, "two bases have {} atoms, not {atoms}", 2 * features);
    let rotation = rotation(features, stream);
    let mut dictionary = Array2::zeros((features, atoms));
    let first = atoms.min(features);
    dictionary.slice_mut(s![.., ..first]).assign(&rotation.slice(s![.., ..first]));
    if atoms > first {
        let second = rotation.dot(&basis(features).slice(s![.., ..atoms - first]));
        dictionary.slice_mut(s![.., first..]).assign(&second);
    }
    dictionary
}

/// Orthonormal columns, by Gram and Schmidt on normal ones, twice.
fn rotation(size: usize, stream: &mut Stream) -> Array2<f64> {
    let mut columns = random(size, size, stream);
    for at in 0..size {
        let (before, mut rest) = columns.view_mut().split_at(ndarray::Axis(1), at);
        let mut column = rest.column_mut(0);
        for _ in 0..2 {
            let shares = before.t().dot(&column);
            column -= &before.dot(&shares);
        }
        let norm = column.dot(&column).sqrt();
        column /= norm;
    }
    columns
}

/// An orthonormal basis every vector of which is spread evenly over the entries.
fn basis(size: usize) -> Array2<f64> {
    let scale = 1.0 / (size as f64).sqrt();
    Array2::from_shape_fn((size, size), |(row, column)| match size.is_power_of_two() {
        true => scale * if (row & column).count_ones() % 2 == 0 { 1.0 } else { -1.0 },
        false => {
            let angle = std::f64::consts::PI * (row as f64 + 0.5) * column as f64 / size as f64;
            let scale = if column == 0 { scale } else { scale * std::f64::consts::SQRT_2 };
            scale * libm::cos(angle)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_atoms_are_closer_than_two_bases_allow() {
        for (features, atoms, most) in
            [(64, 128, 1.0 / 8.0), (12, 24, (2.0f64 / 12.0).sqrt()), (20, 20, 0.0), (9, 4, 0.0)]
        {
            let atoms = incoherent(features, atoms, &mut Stream::new(3, "incoherent", 0));
            let gram = atoms.t().dot(&atoms);
            for ((i, j), cosine) in gram.indexed_iter() {
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((cosine - expected).abs() < most + 1e-12, "{features} {i} {j}: {cosine}");
            }
        }
    }
}
