//! One side of `benches/solved.py`: codes at a fixed dictionary, arrays in memory, and what the implicit gradient costs
//! beside them.
//!
//! `solver FILE.safetensors codes PENALTY GAP THREADS` solves for the codes of X, D of float64 in the file, to a relative
//! duality gap, and prints seconds, the worst gap and the share of codes that are not 0; `solver FILE.safetensors implicit
//! PENALTY TOLERANCE ROUNDS` prints the seconds of solving alone and of `g_implicit`, solving included.

use std::time::Instant;

use burn::tensor::{Device, Tensor};
use ndarray::{Array2, Axis};
use safetensors::SafeTensors;
use unrolled::lasso::Lasso;
use unrolled::prelude::*;
use unrolled::tensors::to_tensor;

/// Examples in a block, as `unrolled encode` has them.
const BLOCK: usize = 256;

fn codes(d: &Array2<f64>, x: &Array2<f64>, penalty: f64, gap: f64, threads: usize) {
    let started = Instant::now();
    let lasso = Lasso::new(d, penalty, Sided::Two);
    let blocks: Vec<_> = x.axis_chunks_iter(Axis(0), BLOCK).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(block) = blocks.get(at) else { return done };
            done.push((at, lasso.solve(&block.to_owned(), gap, 100_000, &|| true)));
        }
    };
    let found: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no worker panics")).collect()
    });
    let seconds = started.elapsed().as_secs_f64();
    let solutions = found.iter().map(|(_, solution)| solution);
    let worst = solutions.clone().flat_map(|s| &s.gaps).copied().fold(0.0, f64::max);
    let used: usize = solutions.map(|s| s.codes.iter().filter(|z| **z != 0.0).count()).sum();
    println!("{seconds} {worst:e} {}", used as f64 / (x.nrows() * d.ncols()) as f64);
}

fn implicit(d: &Array2<f64>, x: &Array2<f64>, penalty: f64, tolerance: f64, rounds: usize) {
    let device = Device::flex();
    let [d, x]: [Tensor<2>; 2] = [d, x].map(|a| to_tensor(a, Precision::Float64, &device));
    let prox = SoftThreshold::new(penalty, Sided::Two);
    let network =
        Autoencoder::new(DenseDictionary::new(d), Solved::new(prox, 0.1, 100_000, tolerance));
    for _ in 0..rounds {
        let started = Instant::now();
        let solution = network.encoder.solve(&network.dictionary, &x, None);
        let alone = started.elapsed().as_secs_f64();
        assert_eq!(solution.unfinished, 0, "{solution}");
        let started = Instant::now();
        let found = GImplicit::new(Loss::LeastSquares).estimate(&network, &x);
        let both = started.elapsed().as_secs_f64();
        assert_eq!(found.trouble, None);
        println!("{alone} {both}");
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, what, penalty, tolerance, count] = &arguments[..] else {
        println!("start it with benches/solved.py");
        return;
    };
    let bytes = std::fs::read(file).expect("the file can be read");
    let file = SafeTensors::deserialize(&bytes).expect("the file is safetensors");
    let array = |name: &str| {
        let view = file.tensor(name).expect("the array is there");
        let numbers = view.data().as_chunks::<8>().0.iter();
        let values = numbers.map(|b| f64::from_le_bytes(*b)).collect();
        Array2::from_shape_vec((view.shape()[0], view.shape()[1]), values).expect("a matrix")
    };
    let (d, x) = (array("D"), array("X"));
    let number = |text: &str| text.parse::<f64>().expect("a number");
    let (penalty, tolerance) = (number(penalty), number(tolerance));
    let count = count.parse().expect("a whole number");
    match what.as_str() {
        "codes" => codes(&d, &x, penalty, tolerance, count),
        _ => implicit(&d, &x, penalty, tolerance, count),
    }
}
