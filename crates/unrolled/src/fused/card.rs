//! Between Burn and the kernels of `unrolled-card`: all iterations of ISTA, and their adjoint, in one launch each.

use burn::backend::Cube;
use burn::tensor::{DType, Device, Shape, Tensor};
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl::bytes::Bytes;
use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::server::Handle;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use unrolled_card::{Forward, Kind, Prox, Settings, dense, gathered};
use unrolled_kernels::Operator;

use super::description::{ThresholdsDescription, UnrollDescription};
use crate::encoder::Momentum;
use crate::prox::Sided;

/// Which kernels.
#[derive(Clone, Copy, Debug)]
enum Which {
    Dense(dense::Sizes),
    Gathered(gathered::Sizes),
}

/// A call of kernels.
#[derive(Debug)]
pub(super) struct Card {
    which: Which,
    settings: Settings,
    thresholds: Handle,
    threshold_count: usize,
    /// α DᵀD, `[p, p]`.
    gram: CubeTensor,
    /// α X D, `[n, p]`.
    correlations: CubeTensor,
}

/// What the way back leaves.
pub(super) struct Cotangents {
    /// `Σ_t z_tᵀ s`, `[p, p]`.
    pub products: Tensor<2>,
    /// `Σ_t s`, `[n, p]`.
    pub cotangents: Tensor<2>,
    /// `−Σ sign(z) s`, `[1, p]`.
    pub thresholds: Tensor<2>,
}

/// Whether it is what the kernels compute, for m features, p atoms and n examples that lie where `like` does.
pub(super) fn serves(
    unroll: &UnrollDescription,
    like: &Tensor<2>,
    [p, n]: [usize; 2],
    window: usize,
) -> bool {
    if like.dtype() != DType::F32 || unroll.momentum != Momentum::None || !unroll.least_squares {
        return false;
    }
    let Ok(tensor) = like.clone().try_into_primitive::<Cube>() else { return false };
    unroll.count() > 0 && which(&tensor.client, unroll, [p, n], window).is_some()
}

fn which(
    client: &Client,
    unroll: &UnrollDescription,
    [p, n]: [usize; 2],
    window: usize,
) -> Option<Which> {
    if p * n == 0 || matches!(unroll.prox.thresholds, ThresholdsDescription::Layered(_)) {
        return None;
    }
    let iterations = unroll.count();
    let sizes = dense::Sizes { examples: n, iterations, window };
    if dense::serves(client, p, sizes) {
        return Some(Which::Dense(sizes));
    }
    let sizes = gathered::Sizes { examples: n, atoms: p, iterations, window };
    gathered::serves(client, sizes).then_some(Which::Gathered(sizes))
}

impl Card {
    /// For α DᵀD `[p, p]` and α X D `[n, p]`; `window` is how far it will go back.
    pub fn prepare(
        unroll: &UnrollDescription,
        gram: &Tensor<2>,
        correlations: &Tensor<2>,
        window: usize,
    ) -> Option<Self> {
        let [n, p] = correlations.dims();
        if !serves(unroll, gram, [p, n], window) {
            return None;
        }
        let [gram, correlations] = [gram, correlations].map(primitive);
        let client = gram.client.clone();
        let which = which(&client, unroll, [p, n], window)?;
        let mut settings = Settings {
            atoms: p,
            prox: Prox {
                kind: match unroll.prox.operator {
                    Operator::Soft => Kind::Soft,
                    Operator::Hard => Kind::Hard,
                },
                one_sided: unroll.prox.sided == Sided::One,
            },
            by_iteration: false,
            by_atom: false,
        };
        // Filled on the card: a transfer could not be part of a captured graph.
        let target = (&Device::from(gram.device.clone()), DType::F32);
        let fill = |threshold| (primitive(&Tensor::full([1, 1], threshold, target)).handle, 1);
        let (thresholds, threshold_count) = match unroll.prox.thresholds {
            ThresholdsDescription::Constant(threshold) => fill(threshold),
            ThresholdsDescription::Scheduled(schedule) => {
                let at = |t| unroll.step * schedule.at(unroll.first + t);
                let all: Vec<f64> = (0..unroll.count()).map(at).collect();
                match all.iter().all(|threshold| *threshold == all[0]) {
                    true => fill(all[0]),
                    false => {
                        settings.by_iteration = true;
                        let count = all.len();
                        (give(&client, all), count)
                    }
                }
            }
            ThresholdsDescription::Learned(bias) => {
                let [count] = bias.dims();
                settings.by_atom = count > 1;
                let by_entry = crate::prox::by_entry(bias.val().inner(), p);
                let count = by_entry.dims()[1];
                (primitive(&by_entry).handle, count)
            }
            ThresholdsDescription::Layered(_) => return None,
        };
        Some(Self { which, settings, thresholds, threshold_count, gram, correlations })
    }

    /// z_T, `[n, p]`, and what [`Self::backward`] asks for.
    pub fn forward(&self) -> (Tensor<2>, Handle) {
        let client = &self.gram.client;
        let given = Forward {
            gram: self.gram.handle.clone(),
            correlations: self.correlations.handle.clone(),
            thresholds: self.thresholds.clone(),
            threshold_count: self.threshold_count,
        };
        let made = match self.which {
            Which::Dense(sizes) => dense::forward(client, self.settings, sizes, &given),
            Which::Gathered(sizes) => gathered::forward(client, self.settings, sizes, &given),
        };
        let shape = [self.examples(), self.settings.atoms];
        (self.tensor(made.codes, shape), made.iterates)
    }

    /// Back from `of_codes` = ∂ loss / ∂ z_T, `[n, p]`.
    pub fn backward(&self, iterates: Handle, of_codes: &Tensor<2>) -> Cotangents {
        let client = &self.gram.client;
        let gram = self.gram.handle.clone();
        let of_codes = primitive(of_codes).handle;
        let [n, p] = [self.examples(), self.settings.atoms];
        match self.which {
            Which::Dense(sizes) => {
                let given = dense::Backward { gram, iterates, of_codes };
                let made = dense::backward(client, self.settings, sizes, &given);
                let cubes = sizes.cubes();
                let layers = if self.settings.by_iteration { sizes.iterations } else { 1 };
                let sum = |handle, count| self.tensor(handle, [cubes, count]).sum_dim(0);
                Cotangents {
                    products: sum(made.products, p * p).reshape([p, p]),
                    cotangents: self.tensor(made.cotangents, [n, p]),
                    thresholds: match layers {
                        1 => sum(made.thresholds, p),
                        // Nobody learns the thresholds of a schedule.
                        _ => Tensor::zeros([1, p], &self.device_of()),
                    },
                }
            }
            Which::Gathered(sizes) => {
                let zeros = Tensor::<2>::zeros([p, p], (&self.device_of(), DType::F32));
                let products = primitive(&zeros).handle;
                drop(zeros);
                let given =
                    gathered::Backward { gram, iterates, of_codes, products: products.clone() };
                let made = gathered::backward(client, self.settings, sizes, &given);
                Cotangents {
                    products: self.tensor(products, [p, p]),
                    cotangents: self.tensor(made.cotangents, [n, p]),
                    thresholds: self.tensor(made.thresholds, [n, p]).sum_dim(0),
                }
            }
        }
    }

    fn examples(&self) -> usize {
        match self.which {
            Which::Dense(sizes) => sizes.examples,
            Which::Gathered(sizes) => sizes.examples,
        }
    }

    fn device_of(&self) -> Device {
        Device::from(self.gram.device.clone())
    }

    fn tensor(&self, handle: Handle, shape: [usize; 2]) -> Tensor<2> {
        let client = self.gram.client.clone();
        let device = self.gram.device.clone();
        let tensor =
            CubeTensor::new_contiguous(client, device, Shape::from(shape), handle, DType::F32);
        Tensor::from_primitive::<CubeBackend>(tensor)
    }
}

/// A tensor of a card without gaps between its rows.
fn primitive(tensor: &Tensor<2>) -> CubeTensor {
    let tensor = tensor.clone().try_into_primitive::<Cube>();
    into_contiguous(tensor.expect("its device was looked at before"))
}

fn give(client: &Client, values: Vec<f64>) -> Handle {
    let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
    client.create(Bytes::from_elems(values))
}
