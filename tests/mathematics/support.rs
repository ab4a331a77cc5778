//! What the tests share: devices, networks, fixtures.

use std::ops::Deref;
use std::path::Path;

use burn::tensor::{Device, Tensor};
use ndarray::Array2;
use safetensors::{Dtype, SafeTensors};
use unrolled::dictionary::initialisation;
use unrolled::fused::Engine;
use unrolled::prelude::*;
use unrolled::prox::{AnyProx, PenaltySchedule};
use unrolled::random::Stream;
use unrolled::tensors::to_tensor;

/// Where, and by whom, an encoder is computed.
#[derive(Clone, Debug)]
pub struct Place {
    pub device: Device,
    pub engine: Engine,
}

impl Deref for Place {
    type Target = Device;

    fn deref(&self) -> &Device {
        &self.device
    }
}

/// The CPU devices of this build, flex by the fused kernels and by automatic differentiation.
#[cfg_attr(feature = "ndarray", expect(deprecated, reason = "a second opinion"))]
pub fn devices() -> Vec<Place> {
    vec![
        Place { device: Device::flex(), engine: Engine::Fused },
        Place { device: Device::flex(), engine: Engine::Autodiff },
        #[cfg(feature = "ndarray")]
        Place { device: Device::ndarray(), engine: Engine::Auto },
    ]
}

/// An adapter of wgpu (or, with `UNROLLED_ADAPTER=cuda`, that), where the build and the machine have one; that there is none is said. With
/// `UNROLLED_REQUIRE_GPU` set, as in CI, it must be there.
pub fn adapter() -> Option<Place> {
    #[cfg(feature = "wgpu")]
    {
        use std::io::Write;
        use std::sync::LazyLock;
        static ADAPTER: LazyLock<Option<Device>> = LazyLock::new(|| {
            #[cfg(feature = "cuda")]
            if std::env::var_os("UNROLLED_ADAPTER").is_some_and(|name| name == "cuda") {
                return Some(Device::cuda(0));
            }
            let opened = Device::wgpu_options().init();
            if let Err(error) = &opened {
                assert!(std::env::var_os("UNROLLED_REQUIRE_GPU").is_none(), "{error}");
                let _ = writeln!(std::io::stderr(), "wgpu SKIPPED, there is no adapter: {error}");
            }
            opened.ok()
        });
        ADAPTER.clone().map(|device| Place { device, engine: Engine::Auto })
    }
    #[cfg(not(feature = "wgpu"))]
    None
}

pub fn float64(array: &Array2<f64>, device: &Device) -> Tensor<2> {
    to_tensor(array, Precision::Float64, device)
}

/// The four networks of the reference arrays.
pub const NETWORKS: [&str; 4] = ["AE", "AEdecay", "AEhard", "AElearnbias"];

pub fn prox(name: &str, sided: Sided, precision: Precision, device: &Device) -> AnyProx {
    let (penalty, step) = (0.2, 0.2);
    match name {
        "AE" => AnyProx::Soft(SoftThreshold::new(penalty, sided)),
        "AEdecay" => {
            let schedule = PenaltySchedule::decaying(penalty, 0.97);
            AnyProx::Soft(SoftThreshold::scheduled(schedule, sided))
        }
        "AEhard" => AnyProx::Hard(HardThreshold::new(0.1, penalty, sided)),
        "AElearnbias" => {
            let bias = Tensor::from_data([step * penalty], (device, precision.dtype()));
            AnyProx::LearnedSoft(LearnedSoftThreshold::new(bias, penalty, sided))
        }
        _ => unreachable!("no network of that name"),
    }
}

/// The estimators that are defined for any codes. `g_implicit` is not: supports of unfinished codes may be larger than
/// there are features, and its system singular. It has tests of its own, on solved codes.
pub const OF_ANY_CODES: [&str; 5] = ["g_dec", "g_ae_lasso", "g_ae_ls", "g_noodl", "g_one_step"];

/// A small problem: dictionary `[m, p]` and examples `[n, m]`.
pub fn problem(m: usize, p: usize, n: usize, seed: u64) -> (Array2<f64>, Array2<f64>) {
    let dictionary = initialisation::random(m, p, &mut Stream::new(seed, "dictionary", 0));
    let mut stream = Stream::new(seed, "examples", 0);
    let x = Array2::from_shape_simple_fn((n, m), || stream.normal());
    (dictionary, x)
}

/// Reference arrays computed by independent implementations.
pub struct Fixture {
    bytes: Vec<u8>,
}

impl Fixture {
    pub fn open(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/fixtures")
            .join(format!("{name}.safetensors"));
        Self { bytes: std::fs::read(path).expect("the fixture is part of the repository") }
    }

    pub fn values(&self, key: &str) -> Vec<f64> {
        let file = SafeTensors::deserialize(&self.bytes).expect("the fixture is well formed");
        let view = file.tensor(key).unwrap_or_else(|_| panic!("no array {key}"));
        assert_eq!(view.dtype(), Dtype::F64, "{key}");
        let (numbers, []) = view.data().as_chunks::<8>() else { panic!("{key} is cut short") };
        numbers.iter().map(|b| f64::from_le_bytes(*b)).collect()
    }

    pub fn matrix(&self, key: &str) -> Array2<f64> {
        let file = SafeTensors::deserialize(&self.bytes).expect("the fixture is well formed");
        let shape = file.tensor(key).expect("the array is there").shape().to_vec();
        Array2::from_shape_vec((shape[0], shape[1]), self.values(key)).expect("a matrix")
    }

    pub fn has(&self, key: &str) -> bool {
        let file = SafeTensors::deserialize(&self.bytes).expect("the fixture is well formed");
        file.tensor(key).is_ok()
    }
}

/// ‖a − b‖ / ‖b‖ of two lists of numbers; ‖a‖ where b is zero.
pub fn relative(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let difference = norm(&mut a.iter().zip(b).map(|(a, b)| a - b));
    let scale = norm(&mut b.iter().copied());
    if scale == 0.0 { difference } else { difference / scale }
}
