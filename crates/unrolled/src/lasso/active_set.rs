//! An active set on one example: the lasso solved exactly for the atoms in use, which are added where they are missed most
//! and dropped where their codes would change sign.
//!
//! On atoms A with signs s the minimiser solves `(D_AᵀD_A + ridge) z = D_Aᵀx − λ s`; H is factored once and a row is added
//! with each atom. As M. R. Osborne, B. Presnell, B. A. Turlach, *A new approach to variable selection in least squares
//! problems*, IMA Journal of Numerical Analysis, 2000, section 3, but for several atoms at a time.

use std::cmp::Ordering;

use ndarray::NdFloat;

use super::descent::{Aim, Example, number};
use crate::metrics::largest_violation;
use crate::prox::Sided;

/// Atoms in use, at most: beyond, coordinate descent is cheaper than the factors of H.
const MOST: usize = 96;

/// Atoms that are added at a time, at most, and how much of the largest violation they must have.
const ADDED: usize = 6;
const SHARE: f64 = 0.6;

/// Whether a > b; what is not a number is not.
#[inline(always)]
fn above<T: NdFloat>(a: T, b: T) -> bool {
    a > b
}

/// What is used again for every example.
pub(crate) struct Scratch<T> {
    /// A pivot below this share of the diagonal: atoms that depend on those in use.
    dependent: T,
    /// A.
    atoms: Vec<usize>,
    /// s, of A.
    signs: Vec<T>,
    /// L of H = L Lᵀ, by rows: row i begins at i (i + 1)/2.
    factor: Vec<T>,
    solution: Vec<T>,
    added: Vec<(T, usize)>,
    missed: Vec<T>,
}

impl<T: NdFloat> Default for Scratch<T> {
    fn default() -> Self {
        Self {
            dependent: match size_of::<T>() == size_of::<f32>() {
                true => number(2e-5),
                false => number(1e-10),
            },
            atoms: Vec::new(),
            signs: Vec::new(),
            factor: Vec::new(),
            solution: Vec::new(),
            added: Vec::new(),
            missed: Vec::new(),
        }
    }
}

impl<T: NdFloat> Scratch<T> {
    /// L with a row more; false where the atom depends on the others.
    #[inline(always)]
    fn append(&mut self, example: &Example<T>, atom: usize, sign: T) -> bool {
        let k = self.atoms.len();
        let row = example.gram.row(atom);
        let row = row.as_slice().expect("rows are contiguous");
        let begin = self.factor.len();
        for i in 0..k {
            let at = i * (i + 1) / 2;
            let mut sum = row[self.atoms[i]];
            for j in 0..i {
                sum -= self.factor[at + j] * self.factor[begin + j];
            }
            self.factor.push(sum / self.factor[at + i]);
        }
        let diagonal = row[atom] + example.ridge;
        let rest = self.factor[begin..].iter().fold(diagonal, |rest, v| rest - *v * *v);
        if !above(rest, self.dependent * diagonal) {
            self.factor.truncate(begin);
            return false;
        }
        self.factor.push(rest.sqrt());
        self.atoms.push(atom);
        self.signs.push(sign);
        true
    }

    /// The codes of the atoms in use for their signs.
    #[inline(always)]
    fn solve(&mut self, example: &Example<T>) {
        let k = self.atoms.len();
        self.solution.clear();
        for i in 0..k {
            let at = i * (i + 1) / 2;
            let mut sum = example.at_zero[self.atoms[i]] - example.penalty * self.signs[i];
            for j in 0..i {
                sum -= self.factor[at + j] * self.solution[j];
            }
            self.solution.push(sum / self.factor[at + i]);
        }
        for i in (0..k).rev() {
            let at = i * (i + 1) / 2;
            let value = self.solution[i] / self.factor[at + i];
            self.solution[i] = value;
            for j in 0..i {
                self.solution[j] -= self.factor[at + j] * value;
            }
        }
    }

    /// L anew for the atoms whose codes are not 0; false where one depends on the others.
    #[inline(always)]
    fn rebuild(&mut self, example: &Example<T>, keep: impl Fn(usize) -> bool) -> bool {
        let atoms = std::mem::take(&mut self.atoms);
        let signs = std::mem::take(&mut self.signs);
        self.factor.clear();
        let kept = atoms.into_iter().zip(signs).enumerate().filter(|(at, _)| keep(*at));
        kept.fold(true, |whole, (_, (atom, sign))| whole && self.append(example, atom, sign))
    }
}

impl<T: NdFloat> Example<'_, T> {
    /// Descends to what is aimed at, for `most` rounds at most: how many it took, and whether the aim is reached, as far
    /// as what is at hand can tell. Where it is not, codes and correlations are what coordinate descent may go on from.
    #[inline(always)]
    pub(super) fn active_set(
        &mut self,
        scratch: &mut Scratch<T>,
        aim: Aim,
        most: usize,
    ) -> (usize, bool) {
        scratch.atoms.clear();
        scratch.signs.clear();
        scratch.factor.clear();
        for j in 0..self.codes.len() {
            let code = self.codes[j];
            if code.is_zero() {
                continue;
            }
            let usable = scratch.atoms.len() < MOST;
            if !(usable && scratch.append(self, j, code.signum())) {
                return (0, false);
            }
        }
        let mut one_at_a_time = false;
        for round in 0..most {
            let largest = self.largest_missed(scratch);
            if !above(largest, self.penalty) {
                return (round, self.has_reached(aim, &scratch.atoms));
            }
            if round > 0 && self.has_reached(aim, &scratch.atoms) {
                return (round, true);
            }
            self.choose(scratch, largest, one_at_a_time);
            let before = scratch.atoms.len();
            let added = std::mem::take(&mut scratch.added);
            for (size, j) in &added {
                let sign = self.correlations[*j].signum();
                if scratch.atoms.len() == MOST || !above(*size, self.penalty) {
                    break;
                }
                scratch.append(self, *j, sign);
            }
            scratch.added = added;
            if scratch.atoms.len() == before || scratch.atoms.len() == MOST {
                return (round, false);
            }
            let Some(moved) = self.settle(scratch) else {
                self.refresh(&self.used());
                return (round, false);
            };
            if !moved {
                if one_at_a_time {
                    return (round, false);
                }
                one_at_a_time = true;
            }
            self.refresh(&scratch.atoms);
        }
        (most, false)
    }

    /// The largest entry of `Dᵀ(x − D z)` of atoms that are not in use. Of those that are it is λ, but with a ridge more.
    #[inline(always)]
    fn largest_missed(&self, scratch: &mut Scratch<T>) -> T {
        if self.ridge.is_zero() {
            return largest_violation(self.correlations, self.sided);
        }
        scratch.missed.clear();
        let pairs = self.correlations.iter().zip(&*self.codes);
        scratch.missed.extend(pairs.map(|(c, z)| if z.is_zero() { *c } else { T::zero() }));
        largest_violation(&scratch.missed, self.sided)
    }

    /// The atoms to add, the most missed first.
    #[inline(always)]
    fn choose(&self, scratch: &mut Scratch<T>, largest: T, one: bool) {
        let bound = self.penalty + number::<T>(SHARE) * (largest - self.penalty);
        scratch.added.clear();
        for (j, c) in self.correlations.iter().enumerate() {
            let size = match self.sided {
                Sided::Two => c.abs(),
                Sided::One => *c,
            };
            if size >= bound && self.codes[j].is_zero() && self.norms[j] >= T::min_positive_value()
            {
                scratch.added.push((size, j));
            }
        }
        // None of them is not a number: those are at no bound.
        let order =
            |a: &(T, usize), b: &(T, usize)| b.0.partial_cmp(&a.0).map(|o| o.then(a.1.cmp(&b.1)));
        scratch.added.sort_by(|a, b| order(a, b).unwrap_or(Ordering::Equal));
        scratch.added.truncate(if one { 1 } else { ADDED });
    }

    /// To the minimiser over the atoms in use, less those whose codes would change sign on the way. Whether any code
    /// moved; `None` where atoms depend on each other.
    #[inline(always)]
    fn settle(&mut self, scratch: &mut Scratch<T>) -> Option<bool> {
        let mut moved = false;
        loop {
            scratch.solve(self);
            let mut share = T::one();
            for (at, &j) in scratch.atoms.iter().enumerate() {
                let (goal, code) = (scratch.solution[at], self.codes[j]);
                if !above(goal * scratch.signs[at], T::zero()) {
                    let possible = if code.is_zero() { T::zero() } else { code / (code - goal) };
                    share = share.min(possible);
                }
            }
            let whole = share >= T::one();
            moved |= share > T::zero();
            let mut dropped = false;
            for (at, &j) in scratch.atoms.iter().enumerate() {
                let (goal, code) = (scratch.solution[at], self.codes[j]);
                let ends = !above(goal * scratch.signs[at], T::zero())
                    && (code.is_zero() || code / (code - goal) <= share);
                self.codes[j] = match (whole, ends) {
                    (_, true) => T::zero(),
                    (true, false) => goal,
                    (false, false) => code + share * (goal - code),
                };
                // New atoms that have not moved yet stay in use.
                scratch.signs[at] = if ends { T::zero() } else { scratch.signs[at] };
                dropped |= ends;
            }
            if !dropped {
                return Some(moved);
            }
            let signs = scratch.signs.clone();
            if !scratch.rebuild(self, |at| !signs[at].is_zero()) {
                return None;
            }
            if scratch.atoms.is_empty() {
                return Some(moved);
            }
        }
    }

    /// `Dᵀ(x − D z)` anew, from `Dᵀx`.
    #[inline(always)]
    pub(super) fn refresh(&mut self, atoms: &[usize]) {
        let at_zero = self.at_zero.as_slice().expect("rows are contiguous");
        self.correlations.copy_from_slice(at_zero);
        for &j in atoms {
            let code = self.codes[j];
            let row = self.gram.row(j);
            let row = row.as_slice().expect("rows are contiguous");
            self.correlations.iter_mut().zip(row).for_each(|(c, g)| *c -= code * *g);
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::dictionary::initialisation;
    use crate::random::Stream;

    /// Whatever it leaves undone coordinate descent mends, so that codes would not tell: here it is alone. (Without a
    /// ridge, codes that use as many atoms as there are features are left to coordinate descent.)
    #[test]
    fn it_solves_alone() {
        let (m, p) = (30, 60);
        let mut stream = Stream::new(5, "active set", 0);
        let dictionary = initialisation::random(m, p, &mut stream);
        let gram = dictionary.t().dot(&dictionary);
        let norms = gram.diag().to_vec();
        let x = Array2::from_shape_simple_fn((200, m), || stream.normal());
        let at_zero = x.dot(&dictionary);
        let mut scratch = Scratch::default();
        for sided in [Sided::Two, Sided::One] {
            for (penalty, ridge) in [(1.0, 0.0), (0.6, 0.0), (0.1, 0.05)] {
                for (x, at_zero) in x.rows().into_iter().zip(at_zero.rows()) {
                    let mut correlations = at_zero.to_vec();
                    let mut codes = vec![0.0; p];
                    let mut example = Example {
                        gram: &gram,
                        norms: &norms,
                        sided,
                        penalty,
                        ridge,
                        squares: x.dot(&x),
                        at_zero,
                        correlations: &mut correlations,
                        codes: &mut codes,
                    };
                    let (rounds, reached) =
                        example.active_set(&mut scratch, Aim::Residual(1e-10), 60);
                    assert!(reached, "{sided:?} {penalty} {ridge}: {rounds} rounds");
                    assert!(example.residual() <= 1e-10);
                }
            }
        }
    }
}
