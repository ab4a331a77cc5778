//! One suite over every encoder, proximal operator and estimator, on every device of the build: codes, losses and
//! gradients equal those of automatic differentiation in float64 on flex.
//!
//! A new encoder, operator or estimator is one line in `cases.rs`; a new kind of dictionary is a type that
//! implements `Kind`. A test whose device is not there says that it was skipped; with `UNROLLED_REQUIRE_GPU` set, as
//! in CI, it fails instead.

mod cases;
mod kinds;
mod operators;
mod own_experiment;
mod solved;
mod toy;

use std::io::Write;

use burn::tensor::Device;
use unrolled::fused::Engine;
use unrolled::prelude::Precision;

use cases::{Case, cases};
use kinds::{Convolutional, Dense, Kind, Measured};

/// Every kind of dictionary.
const KINDS: [&dyn Kind; 6] = [
    &Dense,
    &Convolutional { name: "convolutional", with_target: false, ..CONVOLUTIONAL },
    &Convolutional { name: "split, with a border", border: 1, split: 2, ..CONVOLUTIONAL },
    &Convolutional { name: "untied", pairs: 1, ..CONVOLUTIONAL },
    &Convolutional {
        name: "untied by layer, masked",
        pairs: cases::ITERATIONS,
        measured: masked,
        ..CONVOLUTIONAL
    },
    &Convolutional {
        name: "blurred",
        border: 1,
        measured: blurred,
        with_target: false,
        ..CONVOLUTIONAL
    },
];

const CONVOLUTIONAL: Convolutional = Convolutional {
    name: "convolutional",
    border: 0,
    split: 1,
    pairs: 0,
    measured: |_| unrolled::prelude::Measured::All,
    with_target: true,
};

fn masked(device: &Device) -> unrolled::prelude::Measured {
    let weights: Vec<f32> = (0..84).map(|at| f32::from(u8::from(at % 3 != 0))).collect();
    let weights: burn::tensor::Tensor<1> = burn::tensor::Tensor::from_data(&weights[..], device);
    unrolled::prelude::Measured::Mask(weights.reshape([1, 84]))
}

fn blurred(_: &Device) -> unrolled::prelude::Measured {
    unrolled::prelude::Measured::Blur(0.7)
}

pub(crate) fn relative(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let difference: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    let norm: f64 = b.iter().map(|b| b * b).sum();
    (difference / if norm > 0.0 { norm } else { 1.0 }).sqrt()
}

/// The whole suite on a device, by the adjoint by hand and by automatic differentiation.
fn conforms(name: &str, device: &Device) {
    let mut checks = 0;
    for kind in KINDS {
        // A form is a matter of matrices. Away from flex, automatic differentiation is Burn's own, and slow.
        let dense = kind.name() == "dense";
        let engines = match dense || *device == Device::flex() {
            true => &[Engine::Auto, Engine::Autodiff][..],
            false => &[Engine::Auto],
        };
        for case in cases().iter().filter(|case| dense || !case.is_gram()) {
            let reference =
                kind.measure(case, &Device::flex(), Precision::Float64, Engine::Autodiff);
            for (precision, tolerance) in [(Precision::Float32, 1e-4), (Precision::Float64, 1e-10)]
            {
                if !device.supports_dtype(precision.dtype()) {
                    continue;
                }
                for engine in engines.iter().copied() {
                    let ours = kind.measure(case, device, precision, engine);
                    agree(&ours, &reference, tolerance, &|what| {
                        format!(
                            "{name}, {}, {case}, {precision:?}, {engine:?}: {what}",
                            kind.name()
                        )
                    });
                    checks += 1;
                }
            }
        }
    }
    say(&format!("{name}: {checks} combinations agree"));
    solved::conforms(name, device);
}

fn agree(ours: &Measured, reference: &Measured, tolerance: f64, place: &dyn Fn(&str) -> String) {
    assert_eq!(ours.arrays.len(), reference.arrays.len(), "{}", place("how many arrays"));
    for ((what, ours), (same, reference)) in ours.arrays.iter().zip(&reference.arrays) {
        assert_eq!(what, same, "{}", place(what));
        let error = relative(ours, reference);
        assert!(error <= tolerance, "{} differs by {error:e}", place(what));
    }
}

/// To the terminal even where the test harness catches what a test prints.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "conformance: {line}");
}

#[test]
fn flex() {
    conforms("flex", &Device::flex());
}

#[cfg(feature = "ndarray")]
#[test]
#[expect(deprecated, reason = "a second opinion for as long as Burn has it")]
fn ndarray() {
    conforms("ndarray", &Device::ndarray());
}

/// Which graphics device the tests take: `UNROLLED_ADAPTER`, or wgpu.
#[cfg(feature = "wgpu")]
pub(crate) fn adapter_name() -> String {
    std::env::var("UNROLLED_ADAPTER").unwrap_or_else(|_| "wgpu".to_owned())
}

/// The graphics device, opened once for all tests; where there is none, that is said, or fails where one is required.
#[cfg(feature = "wgpu")]
pub(crate) fn adapter() -> Option<Device> {
    match unrolled_lab::devices::open(&adapter_name()) {
        Ok(opened) => Some(opened.device),
        Err(error) if std::env::var_os("UNROLLED_REQUIRE_GPU").is_some() => {
            panic!("an adapter is required here: {error}")
        }
        Err(error) => {
            say(&format!("{} SKIPPED, there is none: {error}", adapter_name()));
            None
        }
    }
}

#[cfg(feature = "wgpu")]
#[test]
fn wgpu() {
    if let Some(device) = adapter() {
        conforms(&adapter_name(), &device);
    }
}

#[test]
fn the_suite_covers_every_combination() {
    let names: Vec<String> = cases().iter().map(Case::to_string).collect();
    let mut unique = names.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), names.len());
    assert_eq!(
        names.len(),
        cases::ENCODERS.len() * cases::OPERATORS.len() * cases::ESTIMATORS.len()
    );
}
