//! Products of code maps at all shifts, of which most entries are 0: an entry at a time, over those near it.

use rayon::prelude::*;

use crate::number::Number;
use crate::problem::Matrix;

/// Maps with more than one entry in so many that is not 0 are left to a dense product: 16 examples of 32 maps of 42 × 42, filters
/// of 7 × 7, took 21 ms with one in twenty, 84 ms with one in five and 158 ms with three in ten; densely 210 to 320 ms.
const DENSE: usize = 3;

/// Where maps are not 0, by place: all atoms of a place lie together, and places in the order of rows.
struct Places<T> {
    /// Column of the place, atom and code.
    entries: Vec<(u32, u32, T)>,
    /// Where in `entries` a place begins; one more than there are of them.
    begins: Vec<u32>,
}

impl<T: Number> Places<T> {
    /// Of one example `[atoms, height · width]`.
    fn of(codes: &[T], [atoms, height, width]: [usize; 3]) -> Self {
        let area = height * width;
        let mut begins = vec![0; area + 1];
        for map in codes.chunks_exact(area) {
            for (count, code) in begins[1..].iter_mut().zip(map) {
                *count += u32::from(*code != T::ZERO);
            }
        }
        (1..=area).for_each(|place| begins[place] += begins[place - 1]);
        let mut next = begins.clone();
        let mut entries = vec![(0, 0, T::ZERO); begins[area] as usize];
        for (atom, map) in (0..atoms as u32).zip(codes.chunks_exact(area)) {
            for (place, code) in map.iter().enumerate().filter(|(_, code)| **code != T::ZERO) {
                let next = &mut next[place];
                entries[*next as usize] = ((place % width) as u32, atom, *code);
                *next += 1;
            }
        }
        Self { entries, begins }
    }

    /// Those at the places `from..to`.
    fn between(&self, from: usize, to: usize) -> &[(u32, u32, T)] {
        &self.entries[self.begins[from] as usize..self.begins[to] as usize]
    }
}

/// `C_ij(δ) = Σ over examples and places u of z_i(u) z_j(u + δ)`, `[p, p, 2·reach_y + 1, 2·reach_x + 1]`, of codes that are maps
/// `[n, p · H' · W']`, for all shifts δ up to the reach each way. What is beyond a map is 0. `None` where codes have so many
/// entries that a dense product is cheaper, or are not such maps. Each number is the same sum in the same order on any number
/// of threads.
pub fn gram_of_maps<T: Number>(
    codes: Matrix<T>,
    maps @ [atoms, height, width]: [usize; 3],
    [down, right]: [usize; 2],
) -> Option<Vec<T>> {
    let columns = atoms * height * width;
    if columns == 0 || columns != codes.columns || u32::try_from(columns).is_err() {
        return None;
    }
    let most = codes.data.len() / DENSE;
    if codes.data.par_iter().filter(|code| **code != T::ZERO).count() > most {
        return None;
    }
    let examples: Vec<_> =
        codes.data.par_chunks_exact(columns).map(|example| Places::of(example, maps)).collect();
    // Half of the shifts, from no shift on in the order of rows: the others are those of (j, i) backwards.
    let across = 2 * right + 1;
    let (shifts, centre) = ((2 * down + 1) * across, down * across + right);
    let half = shifts - centre;
    let mut forward = vec![T::ZERO; atoms * atoms * half];
    forward.par_chunks_exact_mut(atoms * half).enumerate().for_each(|(atom, sums)| {
        let area = height * width;
        for (places, example) in examples.iter().zip(codes.data.chunks_exact(columns)) {
            let map = example[atom * area..(atom + 1) * area].iter().enumerate();
            for (place, code) in map.filter(|(_, code)| **code != T::ZERO) {
                let [y, x] = [place / width, place % width];
                let end = (x + right + 1).min(width);
                for row in y..(y + down + 1).min(height) {
                    let first = if row == y { x } else { x.saturating_sub(right) };
                    // Of the shift (row − y, −x).
                    let from = (row - y) * across;
                    for (column, other, of_other) in
                        places.between(row * width + first, row * width + end)
                    {
                        let at = *other as usize * half + from + *column as usize - x;
                        sums[at] += *code * *of_other;
                    }
                }
            }
        }
    });
    let mut gram = vec![T::ZERO; atoms * atoms * shifts];
    gram.par_chunks_exact_mut(atoms * shifts).enumerate().for_each(|(atom, gram)| {
        for (other, gram) in gram.chunks_exact_mut(shifts).enumerate() {
            let of = |i: usize, j: usize| &forward[(i * atoms + j) * half..][..half];
            gram[centre..].copy_from_slice(of(atom, other));
            gram[..centre].iter_mut().rev().zip(&of(other, atom)[1..]).for_each(|(a, b)| *a = *b);
        }
    });
    Some(gram)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every eleventh code is not 0.
    fn codes(count: usize) -> Vec<f64> {
        let code = |at: usize| if at.is_multiple_of(11) { (at % 17) as f64 - 8.5 } else { 0.0 };
        (0..count).map(code).collect()
    }

    #[test]
    fn sums_over_entries_are_the_definition() {
        // Maps larger and smaller than the reach, and one place alone.
        for (maps @ [p, h, w], reach @ [down, right]) in
            [([3, 7, 9], [2, 1]), ([4, 2, 3], [3, 4]), ([14, 1, 1], [0, 0]), ([2, 5, 30], [0, 2])]
        {
            let n = 5;
            let codes = codes(n * p * h * w);
            let at = |i: usize, j: usize, y: isize, x: isize| {
                let inside = (0..h as isize).contains(&y) && (0..w as isize).contains(&x);
                let place = || (y as usize) * w + x as usize;
                if inside { codes[(i * p + j) * h * w + place()] } else { 0.0 }
            };
            let matrix = Matrix::new(&codes, n, p * h * w).unwrap();
            let mut gram = gram_of_maps(matrix, maps, reach).unwrap().into_iter();
            let [down, right] = [down as isize, right as isize];
            for (i, j) in (0..p).flat_map(|i| (0..p).map(move |j| (i, j))) {
                for (dy, dx) in (-down..=down).flat_map(|y| (-right..=right).map(move |x| (y, x))) {
                    let mut sum = 0.0;
                    for (example, y, x) in (0..n).flat_map(|e| {
                        (0..h as isize).flat_map(move |y| (0..w as isize).map(move |x| (e, y, x)))
                    }) {
                        sum += at(example, i, y, x) * at(example, j, y + dy, x + dx);
                    }
                    assert_eq!(gram.next(), Some(sum), "{i} {j} {dy} {dx} {maps:?}");
                }
            }
            assert_eq!(gram.next(), None);
        }
    }

    #[test]
    fn many_entries_are_left_to_a_dense_product_and_no_number_counts() {
        let mut codes = vec![1.0; 24];
        let gram =
            |codes: &[f64]| gram_of_maps(Matrix::new(codes, 2, 12).unwrap(), [3, 2, 2], [1; 2]);
        assert!(gram(&codes).is_none());
        codes.fill(0.0);
        codes[7] = f64::NAN;
        // Atom 1 at its last place, next to itself alone.
        let gram = gram(&codes).unwrap();
        assert!(gram[(3 + 1) * 9 + 4].is_nan());
        assert_eq!(gram.iter().filter(|value| value.is_nan()).count(), 1);
        let zeros = [0.0; 24];
        let matrix = Matrix::new(&zeros, 2, 12).unwrap();
        assert!(gram_of_maps(matrix, [3, 2, 3], [1; 2]).is_none());
    }
}
