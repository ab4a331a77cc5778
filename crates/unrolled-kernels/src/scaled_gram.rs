//! N = −α DᵀD, which takes a code to the next one's `v − z − α Dᵀx`.

use pulp::Simd;
use rayon::prelude::*;

use crate::number::{Number, padded};
use crate::products::{View, multiply};
use crate::{cost, vectors};

/// N, `[p, stride]`, in *panels* of columns: each panel is a matrix of its own with all p rows, so that a core's cache
/// holds it where it does not hold N. A small N is one panel. The identity is not added: entries near 1
/// would round four times as coarsely as those near α.
pub(crate) struct ScaledGram<T> {
    data: Vec<T>,
    /// p.
    atoms: usize,
    /// p padded.
    stride: usize,
    /// Columns of a panel; the last one may have fewer.
    panel: usize,
    /// The largest norm of a row without its diagonal.
    pub coupling: T,
}

impl<T: Number> ScaledGram<T> {
    /// `−step · DᵀD` for a dictionary `[m, p]`.
    pub fn new(dictionary: View<T>, step: T) -> Self {
        let atoms = dictionary.columns();
        let stride = padded(atoms);
        let panel = cost::panel(stride, size_of::<T>());
        let mut data = vec![T::ZERO; atoms * stride];
        // Tiles of rows on and below the diagonal, of panels or of parts of them; the rest is mirrored.
        let rows = dictionary.transposed();
        data.par_chunks_mut(atoms * panel).enumerate().for_each(|(index, out)| {
            let first = index * panel;
            let width = out.len() / atoms;
            let columns = dictionary.some_columns(first, width.min(atoms - first));
            let tile = (atoms - first).div_ceil(8).clamp(64, 256);
            out[first * width..].par_chunks_mut(tile * width).enumerate().for_each(
                |(tile_index, out)| {
                    let from = first + tile_index * tile;
                    let some = rows.some_rows(from, tile.min(atoms - from));
                    let until = columns.columns().min(from + tile - first);
                    multiply(out, width, T::ZERO, -step, some, columns.some_columns(0, until));
                },
            );
        });
        let mut scaled_gram = Self { data, atoms, stride, panel, coupling: T::ZERO };
        scaled_gram.mirror();
        scaled_gram.coupling = scaled_gram.largest_row();
        scaled_gram
    }

    /// Copies what is below the diagonal to above it.
    fn mirror(&mut self) {
        const SQUARE: usize = 32;
        for top in (0..self.atoms).step_by(SQUARE) {
            for left in (0..=top).step_by(SQUARE) {
                for i in top..(top + SQUARE).min(self.atoms) {
                    for j in left..(left + SQUARE).min(i) {
                        let (from, to) = (self.place(i, j), self.place(j, i));
                        self.data[to] = self.data[from];
                    }
                }
            }
        }
    }

    fn largest_row(&self) -> T {
        let of_panel = |(index, panel): (usize, &[T])| -> Vec<T> {
            let width = panel.len() / self.atoms;
            let row = |(atom, row): (usize, &[T])| {
                let all = row.iter().fold(T::ZERO, |sum, v| sum + *v * *v);
                let place = atom.wrapping_sub(index * self.panel);
                all - row.get(place).map_or(T::ZERO, |v| *v * *v)
            };
            panel.chunks_exact(width).enumerate().map(row).collect()
        };
        let panels = self.data.par_chunks(self.atoms * self.panel).enumerate();
        let panels: Vec<Vec<T>> = panels.map(of_panel).collect();
        let norm = |atom| panels.iter().fold(T::ZERO, |sum, panel| sum + panel[atom]);
        let norms = (0..self.atoms).map(norm);
        norms.fold(T::ZERO, |most, norm| if norm > most { norm } else { most }).sqrt()
    }

    fn place(&self, row: usize, column: usize) -> usize {
        let first = column / self.panel * self.panel;
        let width = self.panel.min(self.stride - first);
        first * self.atoms + row * width + (column - first)
    }

    /// How many panels there are.
    pub fn panels(&self) -> usize {
        self.stride.div_ceil(self.panel)
    }

    /// A panel, `[p, width]`: its first column, its width, its numbers.
    #[inline(always)]
    pub fn panel(&self, index: usize) -> (usize, usize, &[T]) {
        let first = index * self.panel;
        let width = self.panel.min(self.stride - first);
        (first, width, &self.data[first * self.atoms..(first + width) * self.atoms])
    }

    /// `out += rows · N`, where `out` has rows of `stride` numbers.
    pub fn multiply(&self, out: &mut [T], rows: View<T>) {
        for index in 0..self.panels() {
            let (first, width, panel) = self.panel(index);
            let panel = View::rows(panel, self.atoms, width, width);
            multiply(&mut out[first..], self.stride, T::ONE, T::ONE, rows, panel);
        }
    }

    /// `out = start + Σ_k weights[k] · N[atoms[k]]`.
    #[inline(always)]
    pub fn combine<S: Simd>(
        &self,
        simd: S,
        out: &mut [T],
        start: &[T],
        atoms: &[u32],
        weights: &[T],
    ) {
        for index in 0..self.panels() {
            self.combine_panel(simd, index, out, start, atoms, weights);
        }
    }

    /// The same for the columns of a panel.
    #[inline(always)]
    pub fn combine_panel<S: Simd>(
        &self,
        simd: S,
        index: usize,
        out: &mut [T],
        start: &[T],
        atoms: &[u32],
        weights: &[T],
    ) {
        let (first, width, panel) = self.panel(index);
        let columns = first..first + width;
        vectors::combine(simd, &mut out[columns.clone()], &start[columns], panel, atoms, weights);
    }

    /// `out = Σ_k N[atoms[k]]²`, the squares entry by entry: how strongly those atoms together act on each.
    #[inline(always)]
    pub fn squares<S: Simd>(&self, simd: S, out: &mut [T], atoms: &[u32]) {
        for index in 0..self.panels() {
            let (first, width, panel) = self.panel(index);
            vectors::squares(simd, &mut out[first..first + width], panel, atoms);
        }
    }

    /// Row `atom` of N at the `others`, which are ascending.
    #[inline(always)]
    pub fn gather(&self, atom: usize, others: &[u32], out: &mut [T]) {
        if self.panel >= self.stride {
            let row = &self.data[atom * self.stride..(atom + 1) * self.stride];
            for (out, other) in out.iter_mut().zip(others) {
                *out = row[*other as usize];
            }
            return;
        }
        let mut at = 0;
        while let Some(other) = others.get(at) {
            let (first, width, panel) = self.panel(*other as usize / self.panel);
            let row = &panel[atom * width..(atom + 1) * width];
            let next = others[at..].iter().zip(&mut out[at..]);
            let inside = next.take_while(|(other, _)| (**other as usize) < first + width);
            for (other, out) in inside {
                *out = row[*other as usize - first];
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_hold_the_same_as_rows() {
        // Wide enough for several panels in float64.
        for (m, p) in [(3, 5), (7, 420), (2, 1030)] {
            let d: Vec<f64> = (0..m * p).map(|i| ((i * 7919) % 101) as f64 / 50.0 - 1.0).collect();
            let scaled_gram = ScaledGram::new(View::rows(&d, m, p, p), 0.5);
            let entry = |i: usize, j: usize| {
                -0.5 * (0..m).map(|k| d[k * p + i] * d[k * p + j]).sum::<f64>()
            };
            let others: Vec<u32> = (0..p as u32).filter(|j| j % 3 != 1).collect();
            let mut row = vec![0.0; others.len()];
            let mut norm: f64 = 0.0;
            for i in 0..p {
                scaled_gram.gather(i, &others, &mut row);
                for (value, j) in row.iter().zip(&others) {
                    assert!((value - entry(i, *j as usize)).abs() < 1e-12);
                }
                norm = norm.max((0..p).filter(|j| *j != i).map(|j| entry(i, j).powi(2)).sum());
            }
            assert!((scaled_gram.coupling - norm.sqrt()).abs() < 1e-9);
            let z: Vec<f64> = (0..2 * p).map(|i| (i % 5) as f64 - 2.0).collect();
            let mut out = vec![1.0; 2 * padded(p)];
            scaled_gram.multiply(&mut out, View::rows(&z, 2, p, p));
            for (r, j) in [(0, 0), (1, p - 1), (1, p / 2)] {
                let expected: f64 = (0..p).map(|k| z[r * p + k] * entry(k, j)).sum();
                assert!((out[r * padded(p) + j] - 1.0 - expected).abs() < 1e-9);
            }
        }
    }
}
