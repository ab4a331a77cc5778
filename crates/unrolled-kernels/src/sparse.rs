//! Products of codes, of which most are 0: an atom at a time, over the examples that use it.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::number::Number;
use crate::problem::Matrix;
use crate::vectors;

/// An entry that is not 0 costs about as much as so many of a dense product: codes with more than one entry in so many are
/// left to those.
pub const DENSE: usize = 8;

/// Atoms that one task takes.
const ATOMS: usize = 16;

/// Multiplications of which fewer are not worth waking a thread for.
const FEW: usize = 1 << 17;

/// Where codes `[n, p]` are not 0, by rows or by columns.
pub(crate) struct Entries<T> {
    /// Column or row, and code.
    entries: Vec<(u32, T)>,
    /// Where in `entries` a row or column begins; one more than there are of them.
    begins: Vec<usize>,
}

impl<T: Number> Entries<T> {
    /// By example: atoms and codes. `None` where a dense product is cheaper.
    pub fn of(codes: Matrix<T>) -> Option<Self> {
        /// Codes that are looked at together: most have nothing else.
        const TOGETHER: usize = 16;
        if codes.columns == 0 || u32::try_from(codes.rows.max(codes.columns)).is_err() {
            return None;
        }
        let most = codes.data.len() / DENSE;
        let (mut entries, mut begins) = (Vec::new(), vec![0]);
        for row in codes.data.chunks_exact(codes.columns) {
            for (chunk, codes) in row.chunks(TOGETHER).enumerate() {
                if codes.iter().fold(false, |any, z| any | used(*z)) {
                    let atoms = (chunk * TOGETHER) as u32..;
                    let pairs = atoms.zip(codes.iter().copied());
                    entries.extend(pairs.filter(|(_, z)| used(*z)));
                }
            }
            if entries.len() > most {
                return None;
            }
            begins.push(entries.len());
        }
        Some(Self { entries, begins })
    }

    /// Of one row or column.
    fn row(&self, row: usize) -> &[(u32, T)] {
        &self.entries[self.begins[row]..self.begins[row + 1]]
    }

    fn rows(&self) -> usize {
        self.begins.len() - 1
    }

    /// The same by atom: examples and codes.
    pub fn by_atom(&self, atoms: usize) -> Self {
        let mut begins = vec![0; atoms + 1];
        self.entries.iter().for_each(|(atom, _)| begins[*atom as usize + 1] += 1);
        (1..=atoms).for_each(|atom| begins[atom] += begins[atom - 1]);
        let mut next = begins.clone();
        let mut entries = vec![(0, T::ZERO); self.entries.len()];
        for example in 0..self.rows() {
            for (atom, code) in self.row(example) {
                let next = &mut next[*atom as usize];
                entries[*next] = (example as u32, *code);
                *next += 1;
            }
        }
        Self { entries, begins }
    }

    /// `Σ over the entries of a row of code · rows[entry]`, for every row, `[·, width]`: by atom `Zᵀ R`. Rows are padded.
    pub fn times(&self, rows: &[T], width: usize) -> Vec<T> {
        let mut out = vec![T::ZERO; self.rows() * width];
        let some = |first, out| {
            Arch::new().dispatch(SomeRows { entries: self, first, rows, width, out });
        };
        if self.entries.len() * width < FEW {
            some(0, &mut out);
        } else {
            let chunks = out.par_chunks_mut(ATOMS * width).enumerate();
            chunks.for_each(|(chunk, out)| some(chunk * ATOMS, out));
        }
        out
    }
}

/// What is not a number counts.
#[inline(always)]
fn used<T: Number>(code: T) -> bool {
    code != T::ZERO
}

struct SomeRows<'a, T> {
    entries: &'a Entries<T>,
    first: usize,
    rows: &'a [T],
    width: usize,
    out: &'a mut [T],
}

impl<T: Number> WithSimd for SomeRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { entries, first, rows, width, out } = self;
        for (row, out) in (first..).zip(out.chunks_exact_mut(width)) {
            for (entry, code) in entries.row(row) {
                let from = *entry as usize * width;
                vectors::add_scaled(simd, out, *code, &rows[from..from + width]);
            }
        }
    }
}

/// `Zᵀ Z`, `[p, p]`, of codes `[n, p]`; `None` where they have so many entries that a dense product is cheaper.
pub fn gram_of_codes<T: Number>(codes: Matrix<T>) -> Option<Vec<T>> {
    let examples = Entries::of(codes)?;
    let atoms = codes.columns;
    let mut gram = vec![T::ZERO; atoms * atoms];
    let add = |row: &mut [T], example: usize, code: T| {
        for (other, of_other) in examples.row(example) {
            row[*other as usize] += code * *of_other;
        }
    };
    let pairs: usize = (0..examples.rows()).map(|row| examples.row(row).len().pow(2)).sum();
    if pairs < FEW {
        for example in 0..examples.rows() {
            for (atom, code) in examples.row(example) {
                let row = *atom as usize * atoms;
                add(&mut gram[row..row + atoms], example, *code);
            }
        }
        return Some(gram);
    }
    // Each entry is the same sum over the examples in their order.
    let uses = examples.by_atom(atoms);
    gram.par_chunks_mut(ATOMS * atoms).enumerate().for_each(|(chunk, gram)| {
        for (atom, row) in (chunk * ATOMS..).zip(gram.chunks_exact_mut(atoms)) {
            uses.row(atom).iter().for_each(|(example, code)| add(row, *example as usize, *code));
        }
    });
    Some(gram)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every ninth code is not 0, and atom 3 is not used.
    fn codes(n: usize, p: usize) -> Vec<f64> {
        let code = |at: usize| match at.is_multiple_of(9) && at % p != 3 {
            true => (at % 17) as f64 - 8.5,
            false => 0.0,
        };
        (0..n * p).map(code).collect()
    }

    /// Few pairs of entries, and so many that they are worth threads.
    #[test]
    fn sums_over_entries_are_the_products() {
        [50, 12_000].into_iter().for_each(agrees);
    }

    fn agrees(n: usize) {
        let (p, width) = (2 * ATOMS + 3, 32);
        let codes = codes(n, p);
        let rows: Vec<f64> = (0..n * width).map(|at| ((at * 7919) % 101) as f64 - 50.0).collect();
        let matrix = Matrix::new(&codes, n, p).unwrap();
        let product = Entries::of(matrix).unwrap().by_atom(p).times(&rows, width);
        let gram = gram_of_codes(matrix).unwrap();
        for j in 0..p {
            for k in 0..width {
                let sum: f64 = (0..n).map(|i| codes[i * p + j] * rows[i * width + k]).sum();
                assert_eq!(product[j * width + k], sum);
            }
            for l in 0..p {
                let sum: f64 = (0..n).map(|i| codes[i * p + j] * codes[i * p + l]).sum();
                assert_eq!(gram[j * p + l], sum);
            }
        }
    }

    #[test]
    fn many_entries_are_left_to_a_dense_product_and_no_number_counts() {
        let mut codes = vec![1.0; 20];
        assert!(gram_of_codes(Matrix::new(&codes, 4, 5).unwrap()).is_none());
        codes.fill(0.0);
        codes[7] = f64::NAN;
        let gram = gram_of_codes(Matrix::new(&codes, 4, 5).unwrap()).unwrap();
        assert!(gram[2 * 5 + 2].is_nan());
        assert_eq!(gram[0], 0.0);
    }
}
