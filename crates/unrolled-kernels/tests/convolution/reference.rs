//! Problems, and the same mathematics in plain loops.

use unrolled_kernels::*;

/// Numbers that look random and are the same everywhere.
pub struct Draw(pub u64);

impl Draw {
    pub fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    }

    pub fn many(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.next()).collect()
    }
}

#[derive(Clone, Debug)]
pub struct Problem {
    pub shape: [usize; 4],
    pub image: [usize; 2],
    pub stride: usize,
    pub n: usize,
    pub iterations: usize,
    pub analysis: Vec<Vec<f64>>,
    pub synthesis: Vec<Vec<f64>>,
    pub decoder: Vec<f64>,
    pub weights: Option<(usize, Vec<f64>)>,
    pub thresholds: ([usize; 2], Vec<f64>),
    pub step: f64,
    pub operator: Operator,
    pub sided: Sided,
    pub x: Vec<f64>,
}

impl Problem {
    pub fn new(
        shape: [usize; 4],
        image: [usize; 2],
        stride: usize,
        sets: usize,
        seed: u64,
    ) -> Self {
        let [p, c, h, w] = shape;
        let mut draw = Draw(seed);
        draw.next();
        let size = p * c * h * w;
        let scale = 3.0 / ((c * h * w) as f64).sqrt();
        let mut filters = || draw.many(size).iter().map(|v| scale * v).collect::<Vec<_>>();
        let iterations = 4;
        let (n, m) = (2, c * image[0] * image[1]);
        let (analysis, synthesis) = match sets {
            0 => {
                let both = filters();
                (vec![both.clone()], vec![both])
            }
            1 => (vec![filters()], vec![filters()]),
            _ => (
                (0..iterations).map(|_| filters()).collect(),
                (0..iterations).map(|_| filters()).collect(),
            ),
        };
        let decoder = filters();
        let overlap = (h as f64 / stride as f64).max(1.0) * (w as f64 / stride as f64).max(1.0);
        Self {
            shape,
            image,
            stride,
            n,
            iterations,
            analysis,
            synthesis,
            decoder,
            weights: None,
            thresholds: ([1, 1], vec![0.1]),
            step: 0.3 / overlap.max(p as f64 / 3.0),
            operator: Operator::Soft,
            sided: Sided::Two,
            x: draw.many(n * m).iter().map(|v| 4.0 * v).collect(),
        }
        .thresholded(0)
    }

    /// Thresholds of one of the four shapes.
    pub fn thresholded(mut self, which: usize) -> Self {
        let rows = if which & 1 == 0 { 1 } else { self.iterations };
        let columns = if which & 2 == 0 { 1 } else { self.shape[0] };
        let level = 0.6 * self.step;
        let values = (0..rows * columns).map(|i| level * (0.6 + (i % 5) as f64 / 5.0));
        self.thresholds = ([rows, columns], values.collect());
        self
    }

    pub fn weighted(mut self, rows: usize) -> Self {
        let mut draw = Draw(5 + rows as u64);
        let m = self.m();
        let weights: Vec<f64> =
            draw.many(rows * m).iter().map(|v| if *v < -0.2 { 0.0 } else { 1.0 + *v }).collect();
        self.x.iter_mut().enumerate().for_each(|(i, x)| {
            *x *= weights[if rows == 1 { i % m } else { i }].min(1.0);
        });
        self.weights = Some((rows, weights));
        self
    }

    pub fn m(&self) -> usize {
        self.shape[1] * self.image[0] * self.image[1]
    }

    pub fn positions(&self) -> [usize; 2] {
        let [_, _, h, w] = self.shape;
        [(self.image[0] - h) / self.stride + 1, (self.image[1] - w) / self.stride + 1]
    }

    pub fn q(&self) -> usize {
        self.shape[0] * self.positions()[0] * self.positions()[1]
    }

    pub fn set(sets: &[Vec<f64>], t: usize) -> &[f64] {
        &sets[if sets.len() == 1 { 0 } else { t }]
    }

    pub fn threshold(&self, t: usize, j: usize) -> usize {
        let [rows, columns] = self.thresholds.0;
        (if rows == 1 { 0 } else { t }) * columns + if columns == 1 { 0 } else { j }
    }

    /// Calls `f(code, pixel, tap)` for everything that a filter touches.
    pub fn each(&self, mut f: impl FnMut(usize, usize, usize)) {
        let [p, c, h, w] = self.shape;
        let [rows, columns] = self.positions();
        for j in 0..p {
            for y in 0..rows {
                for x in 0..columns {
                    for k in 0..c {
                        for dy in 0..h {
                            for dx in 0..w {
                                let code = (j * rows + y) * columns + x;
                                let row = k * self.image[0] + y * self.stride + dy;
                                let pixel = row * self.image[1] + x * self.stride + dx;
                                f(code, pixel, ((j * c + k) * h + dy) * w + dx);
                            }
                        }
                    }
                }
            }
        }
    }

    pub fn analyse(&self, filters: &[f64], image: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.q()];
        self.each(|code, pixel, tap| out[code] += filters[tap] * image[pixel]);
        out
    }

    pub fn synthesise(&self, filters: &[f64], codes: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; self.m()];
        self.each(|code, pixel, tap| out[pixel] += filters[tap] * codes[code]);
        out
    }

    pub fn correlate(&self, image: &[f64], codes: &[f64], factor: f64, out: &mut [f64]) {
        self.each(|code, pixel, tap| out[tap] += factor * image[pixel] * codes[code]);
    }

    pub fn weight(&self, example: usize, pixel: usize) -> f64 {
        let Some((rows, weights)) = &self.weights else { return 1.0 };
        weights[if *rows == 1 { 0 } else { example } * self.m() + pixel]
    }

    pub fn prox(&self, t: usize, j: usize, v: f64) -> f64 {
        let b = self.thresholds.1[self.threshold(t, j)];
        let size = if self.sided == Sided::Two { v.abs() } else { v };
        match self.operator {
            _ if size <= b => 0.0,
            Operator::Hard => v,
            Operator::Soft => v - b * v.signum(),
        }
    }

    /// z_0 … z_T and d_0 … d_{T−1} of an example.
    pub fn iterate(&self, example: usize) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let x = &self.x[example * self.m()..][..self.m()];
        let (mut iterates, mut residuals) = (vec![vec![0.0; self.q()]], Vec::new());
        let per_map = self.positions()[0] * self.positions()[1];
        for t in 0..self.iterations {
            let z = &iterates[t];
            let mut d = self.synthesise(Self::set(&self.synthesis, t), z);
            for (i, d) in d.iter_mut().enumerate() {
                let w = self.weight(example, i);
                *d = w * (w * *d - x[i]);
            }
            let g = self.analyse(Self::set(&self.analysis, t), &d);
            let next = (0..self.q()).map(|i| self.prox(t, i / per_map, z[i] - self.step * g[i]));
            let next = next.collect();
            iterates.push(next);
            residuals.push(d);
        }
        (iterates, residuals)
    }

    /// `(codes, images)`.
    pub fn forward(&self) -> (Vec<f64>, Vec<f64>) {
        let (mut codes, mut images) = (Vec::new(), Vec::new());
        for example in 0..self.n {
            let z = self.iterate(example).0.pop().unwrap();
            images.extend(self.synthesise(&self.decoder, &z));
            codes.extend(z);
        }
        (codes, images)
    }

    pub fn adjoint(&self, window: usize, of: &Of) -> Gradients {
        let size = self.decoder.len();
        let p = self.shape[0];
        let per_map = self.positions()[0] * self.positions()[1];
        let mut out = Gradients {
            decoder: vec![0.0; size],
            analysis: vec![vec![0.0; size]; self.analysis.len()],
            synthesis: vec![vec![0.0; size]; self.synthesis.len()],
            thresholds: vec![0.0; self.iterations * p],
            step: 0.0,
        };
        for example in 0..self.n {
            let (iterates, residuals) = self.iterate(example);
            let last = &iterates[self.iterations];
            let mut q = vec![0.0; self.q()];
            if let Some(images) = &of.images {
                let g = &images[example * self.m()..][..self.m()];
                self.correlate(g, last, 1.0, &mut out.decoder);
                q = self.analyse(&self.decoder, g);
            }
            for (i, q) in q.iter_mut().enumerate() {
                *q += of.penalty * if last[i] == 0.0 { 0.0 } else { last[i].signum() };
                *q += of.codes.as_ref().map_or(0.0, |codes| codes[example * self.q() + i]);
            }
            for t in (self.iterations - window..self.iterations).rev() {
                let (z, d) = (&iterates[t], &residuals[t]);
                let a = if self.analysis.len() == 1 { 0 } else { t };
                let b = if self.synthesis.len() == 1 { 0 } else { t };
                let s: Vec<f64> = q
                    .iter()
                    .zip(&iterates[t + 1])
                    .map(|(q, z)| if *z == 0.0 { 0.0 } else { *q })
                    .collect();
                if self.operator == Operator::Soft {
                    for (i, s) in s.iter().enumerate() {
                        out.thresholds[t * p + i / per_map] -= s * iterates[t + 1][i].signum();
                    }
                }
                self.correlate(d, &s, -self.step, &mut out.analysis[a]);
                let g = self.analyse(&self.analysis[a], d);
                out.step -= s.iter().zip(&g).map(|(s, g)| s * g).sum::<f64>();
                let mut v = self.synthesise(&self.analysis[a], &s);
                for (i, v) in v.iter_mut().enumerate() {
                    *v *= -self.step * self.weight(example, i).powi(2);
                }
                self.correlate(&v, z, 1.0, &mut out.synthesis[b]);
                let back = self.analyse(&self.synthesis[b], &v);
                q = s.iter().zip(&back).map(|(s, b)| s + b).collect();
            }
        }
        out
    }

    /// `⟨images, x̂⟩ + penalty ‖z‖₁ + ⟨codes, z⟩`.
    pub fn loss(&self, of: &Of) -> f64 {
        let (codes, images) = self.forward();
        let dot = |a: &Option<Vec<f64>>, b: &[f64]| -> f64 {
            a.as_ref().map_or(0.0, |a| a.iter().zip(b).map(|(a, b)| a * b).sum())
        };
        let l1: f64 = codes.iter().map(|z| z.abs()).sum();
        dot(&of.images, &images) + of.penalty * l1 + dot(&of.codes, &codes)
    }
}

pub struct Of {
    pub images: Option<Vec<f64>>,
    pub penalty: f64,
    pub codes: Option<Vec<f64>>,
}

impl Of {
    pub fn everything(problem: &Problem) -> Self {
        let mut draw = Draw(77);
        Self {
            images: Some(draw.many(problem.n * problem.m())),
            penalty: 0.3,
            codes: Some(draw.many(problem.n * problem.q())),
        }
    }
}

pub struct Gradients {
    pub decoder: Vec<f64>,
    pub analysis: Vec<Vec<f64>>,
    pub synthesis: Vec<Vec<f64>>,
    pub thresholds: Vec<f64>,
    pub step: f64,
}
