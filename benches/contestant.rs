//! One side of `benches/compare.py` and `benches/gpu.py`: this library, fused or by Burn's automatic differentiation,
//! on arrays from a file. Answers every line on standard input with the seconds of one run.
//!
//! `contestant FILE.safetensors fused|autodiff|captured both|forward T one|two [flex|wgpu|vulkan|cuda]`, with X, D of float32
//! in the file, λ = α = 0.2. `captured` is `fused` as one graph of the card, replayed; it says on standard error
//! whether the card has such graphs.

use std::io::{BufRead, Write};
use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use safetensors::SafeTensors;
use unrolled::fused::Engine;
use unrolled::prelude::*;

/// A number of kilobytes from /proc/self/status.
fn kilobytes(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(key));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

/// A device by name, as far as the build has it.
fn open(name: &str) -> Device {
    match name {
        #[cfg(feature = "wgpu")]
        "wgpu" => Device::wgpu(burn::tensor::DeviceKind::DefaultDevice),
        #[cfg(feature = "vulkan")]
        "vulkan" => Device::vulkan(burn::tensor::DeviceKind::DefaultDevice),
        #[cfg(feature = "cuda")]
        "cuda" => Device::cuda(0),
        "flex" => Device::flex(),
        other => panic!("the device {other} is not compiled in"),
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (arguments, device) = match &arguments[..] {
        [first @ .., device] if first.len() == 5 => (first, open(device)),
        all => (all, Device::flex()),
    };
    let [file, engine, what, iterations, sided] = arguments else {
        println!("start it with benches/compare.py or benches/gpu.py");
        return;
    };
    let bytes = std::fs::read(file).expect("the file can be read");
    let file = SafeTensors::deserialize(&bytes).expect("the file is safetensors");
    let tensor = |name: &str| {
        let view = file.tensor(name).expect("the array is there");
        let numbers = view.data().as_chunks::<4>().0.iter();
        let values: Vec<f32> = numbers.map(|b| f32::from_le_bytes(*b)).collect();
        Tensor::<2>::from_data(TensorData::new(values, view.shape().to_vec()), &device)
    };
    let (d, x) = (tensor("D"), tensor("X"));
    let sided = if sided == "one" { Sided::One } else { Sided::Two };
    let captured = engine == "captured";
    let engine = if engine == "autodiff" { Engine::Autodiff } else { Engine::Fused };
    let iterations = iterations.parse().expect("a number of iterations");
    let encoder =
        Unrolled::ista(SoftThreshold::new(0.2, sided), 0.2, iterations).with_engine(engine);
    let network = Autoencoder::new(DenseDictionary::new(d.clone()), encoder);
    drop(bytes);
    let before = kilobytes("VmRSS");
    // Linux counts the peak anew after this.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let compute = || match what.as_str() {
        "forward" => network.encode(&x),
        _ => GAeLs.estimate(&network, &x).dictionary_gradient(&network),
    };
    let mut graph = captured.then(|| burn::tensor::capture(&device, compute));
    if let Some(graph) = &graph {
        eprintln!("captured in hardware: {}", graph.is_hardware());
    }
    let mut out = std::io::stdout();
    let mut answer = |line: String| {
        writeln!(out, "{line}").and_then(|()| out.flush()).expect("somebody listens");
    };
    answer("ready".to_owned());
    for _ in std::io::stdin().lock().lines() {
        let started = Instant::now();
        let result = match &mut graph {
            // SAFETY: the network, the examples and the output live as long as the graph, and nobody else uses them.
            Some(graph) => unsafe { graph.replay() }.clone(),
            None => compute(),
        };
        // Two sums: Burn's over everything at once is slow on cards.
        let norm: f32 = result.abs().sum_dim(1).sum().into_scalar();
        let seconds = started.elapsed().as_secs_f64();
        let peak = kilobytes("VmHWM").saturating_sub(before);
        answer(format!("{seconds} {peak} {norm}"));
    }
}
