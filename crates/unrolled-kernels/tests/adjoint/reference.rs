//! The same mathematics in plain loops: one example at a time, every product written out, no blocks, no index
//! lists, no DᵀD.

#![expect(clippy::needless_range_loop, reason = "written as the formulas are")]

use unrolled_kernels::{Operator, Sided, Thresholds, Unroll};

pub struct Reference {
    pub codes: Vec<f64>,
    pub reconstruction: f64,
    pub sparsity: f64,
    /// `(D z_T − x) z_Tᵀ`, `[m, p]`.
    pub direct: Vec<f64>,
    /// `(D z_T − x) sign(z_T)ᵀ`.
    pub signs: Vec<f64>,
    /// The gradient of D through the iterations.
    pub dictionary: Vec<f64>,
    pub bias: Vec<f64>,
    pub step: f64,
    pub examples: Vec<f64>,
}

/// What is differentiated.
pub enum Of<'a> {
    Loss(f64),
    Codes(&'a [f64]),
}

pub fn prox(unroll: &Unroll<f64>, t: usize, atom: usize, v: f64) -> f64 {
    let b = match unroll.thresholds {
        Thresholds::Iterations(values) => values[t],
        Thresholds::Atoms(values) => values[atom],
    };
    match (unroll.operator, unroll.sided) {
        (Operator::Soft, Sided::Two) => v.signum() * (v.abs() - b).max(0.0),
        (Operator::Soft, Sided::One) => (v - b).max(0.0),
        (Operator::Hard, Sided::Two) if v.abs() > b => v,
        (Operator::Hard, Sided::One) if v > b => v,
        (Operator::Hard, _) => 0.0,
    }
}

pub fn reference(
    unroll: &Unroll<f64>,
    d: &[f64],
    x: &[f64],
    start: Option<&[f64]>,
    [m, p]: [usize; 2],
    of: &Of,
) -> Reference {
    let n = x.len() / m;
    let mut out = Reference {
        codes: Vec::new(),
        reconstruction: 0.0,
        sparsity: 0.0,
        direct: vec![0.0; m * p],
        signs: vec![0.0; m * p],
        dictionary: vec![0.0; m * p],
        bias: vec![0.0; p],
        step: 0.0,
        examples: vec![0.0; n * m],
    };
    let residual = |z: &[f64], x: &[f64]| -> Vec<f64> {
        (0..m).map(|i| (0..p).map(|j| d[i * p + j] * z[j]).sum::<f64>() - x[i]).collect()
    };
    let correlate = |r: &[f64]| -> Vec<f64> {
        (0..p).map(|j| (0..m).map(|i| d[i * p + j] * r[i]).sum()).collect()
    };
    for e in 0..n {
        let x = &x[e * m..(e + 1) * m];
        let mut iterates = vec![start.map_or(vec![0.0; p], |s| s[e * p..(e + 1) * p].to_vec())];
        for t in 0..unroll.iterations {
            let z = iterates.last().unwrap();
            let gradient = correlate(&residual(z, x));
            let step = |j: usize| z[j] - unroll.step * gradient[j];
            iterates.push((0..p).map(|j| prox(unroll, t, j, step(j))).collect());
        }
        let z = iterates.last().unwrap();
        let r = residual(z, x);
        out.codes.extend(z);
        out.reconstruction += 0.5 * r.iter().map(|r| r * r).sum::<f64>();
        out.sparsity += z.iter().map(|z| z.abs()).sum::<f64>();
        for i in 0..m {
            for j in 0..p {
                out.direct[i * p + j] += r[i] * z[j];
                out.signs[i * p + j] += if z[j] == 0.0 { 0.0 } else { r[i] * z[j].signum() };
            }
        }
        let mut q = match of {
            Of::Codes(q) => q[e * p..(e + 1) * p].to_vec(),
            Of::Loss(penalty) => {
                let mut q = correlate(&r);
                let sign = |z: f64| if z == 0.0 { 0.0 } else { z.signum() };
                q.iter_mut().zip(z).for_each(|(q, z)| *q += penalty * sign(*z));
                q
            }
        };
        for t in (0..unroll.iterations).rev() {
            let (z, next) = (&iterates[t], &iterates[t + 1]);
            let s: Vec<f64> = (0..p).map(|j| if next[j] == 0.0 { 0.0 } else { q[j] }).collect();
            let r = residual(z, x);
            let v = residual(&s, &vec![0.0; m]);
            for j in 0..p {
                if unroll.operator == Operator::Soft && next[j] != 0.0 {
                    out.bias[j] -= s[j] * next[j].signum();
                }
                for i in 0..m {
                    out.dictionary[i * p + j] -= unroll.step * (r[i] * s[j] + v[i] * z[j]);
                }
            }
            out.step -= v.iter().zip(&r).map(|(v, r)| v * r).sum::<f64>();
            for i in 0..m {
                out.examples[e * m + i] += unroll.step * v[i];
            }
            let back = correlate(&v);
            q = (0..p).map(|j| s[j] - unroll.step * back[j]).collect();
        }
    }
    out
}
