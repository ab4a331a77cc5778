//! Times the convolutional unroll: `cargo bench --bench convolution`, on images and filters of its own.
//!
//! `benches/convolution.py` times it beside PyTorch, on the same arrays: it passes
//! `FILE p h stride height width n T λ α forward|both ROUNDS`, where FILE holds filters `[p, 1, h, h]` and then images
//! `[n, height·width]`, float32. For every line on standard input one run is timed.

use std::io::{BufRead, Write};
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

/// p filters h × h, stride, image, n examples.
#[derive(Clone, Copy)]
struct Sizes {
    p: usize,
    h: usize,
    stride: usize,
    image: [usize; 2],
    n: usize,
    iterations: usize,
    penalty: f32,
    step: f32,
}

/// Oriented edges and bars of norm 1, of several frequencies.
fn filters(Sizes { p, h, .. }: Sizes) -> Vec<f32> {
    let mut draw = Draw(39);
    let mut out = Vec::new();
    for _ in 0..p {
        let (angle, phase) = (std::f64::consts::PI * draw.uniform(), 6.3 * draw.uniform());
        let (frequency, width) = (0.1 + draw.uniform(), h as f64 * (0.15 + 0.3 * draw.uniform()));
        let centre = [h as f64 * draw.uniform(), h as f64 * draw.uniform()];
        let mut filter = Vec::new();
        for y in 0..h {
            for x in 0..h {
                let (y, x) = (y as f64 - centre[0], x as f64 - centre[1]);
                let along = frequency * (angle.cos() * x + angle.sin() * y) + phase;
                let envelope = (-(x * x + y * y) / (2.0 * width * width)).exp();
                filter.push(along.cos() * envelope + 0.01 * draw.normal());
            }
        }
        let norm = filter.iter().map(|v| v * v).sum::<f64>().sqrt();
        out.extend(filter.iter().map(|v| (v / norm) as f32));
    }
    out
}

/// Ramps and discs in [0, 1], with noise of 25/255, without their mean.
fn images(Sizes { image: [height, width], n, .. }: Sizes) -> Vec<f32> {
    let mut draw = Draw(7);
    let mut out = Vec::new();
    for _ in 0..n {
        let [a, b] = [draw.uniform() - 0.5, draw.uniform() - 0.5];
        let discs: Vec<[f64; 4]> = (0..height * width / 600)
            .map(|_| {
                let radius = 2.0 + 15.0 * draw.uniform() * draw.uniform();
                let (y, x) = (height as f64 * draw.uniform(), width as f64 * draw.uniform());
                [y, x, radius, draw.uniform() - 0.5]
            })
            .collect();
        let mut pixels = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let (v, u) = (y as f64, x as f64);
                let mut value = a * v / height as f64 + b * u / width as f64;
                for [y, x, radius, level] in &discs {
                    if (v - y).hypot(u - x) < *radius {
                        value = *level;
                    }
                }
                pixels.push(value + 25.0 / 255.0 * draw.normal());
            }
        }
        let mean = pixels.iter().sum::<f64>() / pixels.len() as f64;
        out.extend(pixels.iter().map(|v| (v - mean) as f32));
    }
    out
}

/// The largest eigenvalue of D Dᵀ: the step is at most one over it.
fn norm(sizes: Sizes, filters: &[f32], images: &[f32]) -> f32 {
    let filters = Filters::new(filters, [sizes.p, 1, sizes.h, sizes.h]).unwrap();
    let unroll = ConvolutionalUnroll {
        image: sizes.image,
        stride: sizes.stride,
        analysis: vec![filters],
        synthesis: vec![filters],
        decoder: filters,
        weights: None,
        step: 1.0,
        operator: Operator::Soft,
        sided: Sided::Two,
        thresholds: Matrix::new(&[0.0], 1, 1).unwrap(),
        iterations: 1,
    };
    let mut image = images[..images.len() / sizes.n].to_vec();
    let mut norm = 0.0;
    for _ in 0..30 {
        let x = Matrix::new(&image, 1, image.len()).unwrap();
        let product = unroll.forward(x, 0).unwrap().images().to_vec();
        norm = product.iter().map(|v| v * v).sum::<f32>().sqrt();
        image = product.iter().map(|v| v / norm).collect();
    }
    norm
}

/// A run, and how many codes are not 0.
fn go(sizes: Sizes, filters: &[f32], images: &[f32], both: bool) -> (f64, usize) {
    let filters = Filters::new(filters, [sizes.p, 1, sizes.h, sizes.h]).unwrap();
    let thresholds = [sizes.penalty * sizes.step];
    let unroll = ConvolutionalUnroll {
        image: sizes.image,
        stride: sizes.stride,
        analysis: vec![filters],
        synthesis: vec![filters],
        decoder: filters,
        weights: None,
        step: sizes.step,
        operator: Operator::Soft,
        sided: Sided::Two,
        thresholds: Matrix::new(&thresholds, 1, 1).unwrap(),
        iterations: sizes.iterations,
    };
    let x = Matrix::new(images, sizes.n, images.len() / sizes.n).unwrap();
    let started = Instant::now();
    let passed = unroll.forward(x, if both { sizes.iterations } else { 0 }).unwrap();
    if both {
        // Of ½‖x̂ − x‖² + λ‖z‖₁.
        let g: Vec<f32> = passed.images().iter().zip(images).map(|(a, b)| a - b).collect();
        let images = Matrix::new(&g, sizes.n, g.len() / sizes.n).unwrap();
        let of = Cotangents { images: Some(images), penalty: sizes.penalty, codes: None };
        let gradients = unroll.adjoint(&passed, of).unwrap();
        std::hint::black_box(gradients);
    }
    (started.elapsed().as_secs_f64(), passed.nonzeros())
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    1e3 * seconds[seconds.len() / 2]
}

/// Answers every line with the milliseconds of a run.
fn answer(arguments: &[String]) {
    let number = |i: usize| arguments[i].parse::<usize>().expect("a number");
    let real = |i: usize| arguments[i].parse::<f32>().expect("a number");
    let sizes = Sizes {
        p: number(1),
        h: number(2),
        stride: number(3),
        image: [number(4), number(5)],
        n: number(6),
        iterations: number(7),
        penalty: real(8),
        step: real(9),
    };
    let bytes = std::fs::read(&arguments[0]).expect("the file can be read");
    let numbers: Vec<f32> =
        bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let (filters, images) = numbers.split_at(sizes.p * sizes.h * sizes.h);
    let mut out = std::io::stdout();
    for _ in std::io::stdin().lock().lines() {
        let (seconds, nonzeros) = go(sizes, filters, images, arguments[10] == "both");
        writeln!(out, "{} {nonzeros}", 1e3 * seconds).and_then(|()| out.flush()).unwrap();
    }
}

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    if arguments.len() == 11 {
        return answer(&arguments);
    }
    for (name, p, h, stride, image, n) in [
        ("9x9 s4 129 n1", 64, 9, 4, [129, 129], 1),
        ("9x9 s4 129 n8", 64, 9, 4, [129, 129], 8),
        ("9x9 s4 481x321 n1", 64, 9, 4, [481, 321], 1),
        ("7x7 s2 128 n8 p32", 32, 7, 2, [127, 127], 8),
        ("7x7 s2 128 n8 p64", 64, 7, 2, [127, 127], 8),
        ("11x11 s8 128 n8 p175", 175, 11, 8, [131, 131], 8),
        ("7x7 s1 128 n1 p64", 64, 7, 1, [128, 128], 1),
    ] {
        if !arguments.is_empty() && !arguments.iter().any(|a| name.contains(a.as_str())) {
            continue;
        }
        let mut sizes = Sizes { p, h, stride, image, n, iterations: 15, penalty: 0.16, step: 0.1 };
        let (filters, images) = (filters(sizes), images(sizes));
        sizes.step = (1.0 / norm(sizes, &filters, &images)).min(0.1);
        let several = |both| {
            (0..15).map(|_| go(sizes, &filters, &images, both).0).skip(2).collect::<Vec<_>>()
        };
        let (forward, both) = (median(several(false)), median(several(true)));
        let nonzeros = go(sizes, &filters, &images, false).1;
        let of = |size: usize| (size - h) / stride + 1;
        let density = nonzeros as f64 / (n * p * of(image[0]) * of(image[1])) as f64;
        println!(
            "{name:22} forward {forward:8.2} ms, forward and backward {both:8.2} ms, {:.1} % of codes",
            100.0 * density
        );
    }
}
