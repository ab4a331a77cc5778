//! Times the fused unroll by itself, on the sizes of the comparison with PyTorch and JAX (which is
//! `benches/compare.py`): `cargo bench --bench unroll`.

use std::time::Instant;

use unrolled_kernels::*;

struct Draw(u64);

impl Draw {
    fn uniform(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// Columns of norm 1.
fn normalise(d: &mut [f64], p: usize) {
    for j in 0..p {
        let norm = d[j..].iter().step_by(p).map(|v| v * v).sum::<f64>().sqrt();
        d[j..].iter_mut().step_by(p).for_each(|v| *v /= norm);
    }
}

fn problem(m: usize, p: usize, n: usize, nonzeros: usize, noise: f64) -> (Vec<f64>, Vec<f64>) {
    let mut draw = Draw(39);
    let mut d: Vec<f64> = (0..m * p).map(|_| draw.normal()).collect();
    normalise(&mut d, p);
    let mut x = vec![0.0; n * m];
    for x in x.chunks_exact_mut(m) {
        let mut atoms: Vec<usize> = Vec::new();
        while atoms.len() < nonzeros {
            let atom = (draw.uniform() * p as f64) as usize;
            if !atoms.contains(&atom) {
                atoms.push(atom);
            }
        }
        let sign = if draw.uniform() < 0.5 { -1.0 } else { 1.0 };
        for atom in atoms {
            let code = sign * (1.0 + draw.uniform());
            x.iter_mut().enumerate().for_each(|(i, x)| *x += code * d[i * p + atom]);
        }
    }
    d.iter_mut().for_each(|v| *v += noise * draw.normal());
    normalise(&mut d, p);
    (d, x)
}

fn time<T: Number>(
    name: &str,
    d: &[f64],
    x: &[f64],
    [m, p, n, iterations]: [usize; 4],
    form: Form,
) {
    let d: Vec<T> = d.iter().map(|v| T::from_f64(*v)).collect();
    let x: Vec<T> = x.iter().map(|v| T::from_f64(*v)).collect();
    let thresholds = vec![T::from_f64(0.04); iterations];
    let unroll = Unroll {
        dictionary: Matrix::new(&d, m, p).unwrap(),
        step: T::from_f64(0.2),
        operator: Operator::Soft,
        sided: Sided::Two,
        thresholds: Thresholds::Iterations(&thresholds),
        iterations,
        form,
    };
    let x = Matrix::new(&x, n, m).unwrap();
    let median = |request: &Request<T>| {
        let mut seconds: Vec<f64> = (0..31)
            .map(|_| {
                let started = Instant::now();
                let _ = run(&unroll, x, None, request).unwrap();
                started.elapsed().as_secs_f64()
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        seconds[seconds.len() / 2] * 1e3
    };
    let forward = median(&Request::codes());
    let both = median(&Request::loss(T::ZERO));
    println!("{name:10} {form:?} forward {forward:8.2} ms, forward and backward {both:8.2} ms");
}

fn main() {
    for (name, m, p, n, nonzeros, iterations) in [
        ("W1", 50, 100, 500, 5, 100),
        ("W1b", 100, 150, 1000, 5, 100),
        ("W1b T1000", 100, 150, 1000, 5, 1000),
        ("W2 s10", 1000, 1500, 100, 10, 100),
        ("W2 s20", 1000, 1500, 100, 20, 100),
        ("W2 s40", 1000, 1500, 100, 40, 100),
        ("W4", 784, 500, 32, 20, 15),
    ] {
        let only = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect::<Vec<_>>();
        if !only.is_empty() && !only.iter().any(|o| name == o) {
            continue;
        }
        let (d, x) = problem(m, p, n, nonzeros, 0.02);
        time::<f32>(name, &d, &x, [m, p, n, iterations], Form::Gram);
        if p < 1000 && std::env::var_os("BRIEF").is_none() {
            time::<f64>(&format!("{name} f64"), &d, &x, [m, p, n, iterations], Form::Gram);
            time::<f32>(name, &d, &x, [m, p, n, iterations], Form::Residual);
        }
    }
}
