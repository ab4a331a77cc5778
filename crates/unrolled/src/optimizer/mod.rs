//! Optimisers, as implementations of Burn's [`Optimizer`].
//!
//! Burn's own keep their constants in float32 and scale Adam's epsilon another way; these keep them in
//! float64 and follow PyTorch's conventions, so that published runs can be repeated digit by digit.
//! Each takes one tensor at a time and works under Burn's `ModuleOptimizer` too.

//!
//! Two know that what they move are atoms: [`Online`] and [`Preconditioned`] are told the codes' mean `z zᵀ` beside the
//! gradient, in [`AnyOptimizer::step_of_atoms`].

mod adam;
mod online;
mod preconditioned;
mod schedule;
mod sgd;

pub use adam::Adam;
pub use online::{Online, Surrogate};
pub use preconditioned::Preconditioned;
pub use schedule::Schedule;
pub use sgd::Sgd;

use burn::optim::{Optimizer, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Element, Tensor};
use ndarray::{Array2, NdFloat};
use unrolled_kernels::Number;

use crate::dictionary::Constraint;
use crate::product::product;
use crate::tensors::{
    Precision, from_array, is_on_cpu, to_array, to_array_of, to_values, vector_to_tensor,
};

/// What an optimiser remembers of one parameter.
#[derive(Clone, Debug)]
pub struct Moments<const D: usize> {
    /// Steps taken.
    pub time: usize,
    /// Running averages, each of the parameter's shape; of an optimiser of atoms, of its own.
    pub averages: Vec<Tensor<D>>,
}

impl<const D: usize> Moments<D> {
    fn zeros(count: usize, like: &Tensor<D>) -> Self {
        Self { time: 0, averages: vec![like.zeros_like(); count] }
    }

    fn moved_to(mut self, device: &Device) -> Self {
        self.averages = self.averages.into_iter().map(|a| a.to_device(device)).collect();
        self
    }
}

impl<const D: usize> RecordState for Moments<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_scalar(prefix, "time", self.time.into());
        for (index, average) in self.averages.iter().enumerate() {
            out.push_tensor(prefix, &format!("averages.{index}"), average.to_data());
        }
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, device: &Device) -> Option<Self> {
        let time = src.take_scalar(prefix, "time")?.try_into().ok()?;
        let take = |index| src.take_tensor(prefix, &format!("averages.{index}"));
        let averages = (0..)
            .map_while(take)
            .map(|data| {
                let dtype = data.dtype();
                Tensor::from_data(data, (device, dtype))
            })
            .collect();
        Some(Self { time, averages })
    }
}

/// Every optimiser that a configuration can name.
#[derive(Clone, Debug, PartialEq)]
pub enum AnyOptimizer {
    /// See [`Adam`].
    Adam(Adam),
    /// See [`Sgd`].
    Sgd(Sgd),
    /// See [`Online`].
    Online(Online),
    /// See [`Preconditioned`].
    Preconditioned(Preconditioned),
}

/// What an optimiser of atoms is told of a batch.
#[derive(Clone, Debug)]
pub struct OfAtoms {
    /// The gradient with respect to D, `[m, p]`.
    pub gradient: Tensor<2>,
    /// Mean over the examples of `z zᵀ`, `[p, p]`.
    pub curvature: Tensor<2>,
    /// Where atoms are kept.
    pub constraint: Constraint,
}

/// `Σ over the examples of z zᵀ`, `[p, p]`, of codes `[n, p]`.
pub fn curvature(codes: Tensor<2>) -> Tensor<2> {
    crate::fused::gram_of_codes(&codes).unwrap_or_else(|| product(codes.clone().transpose(), codes))
}

impl AnyOptimizer {
    /// How many numbers there are in each of the running averages that it keeps of a parameter of this shape.
    pub fn averages(&self, shape: &[usize]) -> Vec<usize> {
        let entries: usize = shape.iter().product();
        match (self, shape) {
            (Self::Adam(_), _) => vec![entries; Adam::AVERAGES],
            (Self::Sgd(sgd), _) => vec![entries; sgd.averages()],
            (Self::Online(_), [_, p]) => vec![p * p, entries],
            (Self::Preconditioned(_), [_, p]) => vec![*p],
            (Self::Online(_) | Self::Preconditioned(_), _) => Vec::new(),
        }
    }

    /// Whether it moves atoms by [`Self::step_of_atoms`], and other parameters by plain steps.
    pub fn is_of_atoms(&self) -> bool {
        matches!(self, Self::Online(_) | Self::Preconditioned(_))
    }

    /// A step of a dictionary `[m, p]`, of the optimisers that [`Self::is_of_atoms`] names; the averages are flat.
    pub fn step_of_atoms(
        &self,
        rate: f64,
        dictionary: Tensor<2>,
        batch: OfAtoms,
        state: Option<Moments<1>>,
    ) -> (Tensor<2>, Moments<1>) {
        let OfAtoms { gradient, curvature, constraint } = batch;
        let (device, precision) = (dictionary.device(), Precision::of(&dictionary));
        let [m, p] = dictionary.dims();
        let time = state.as_ref().map_or(0, |state| state.time) + 1;
        let averages = state.map(|state| state.averages);
        match self {
            Self::Online(online) => {
                let weights = online.weights(rate, time);
                let step = (online, weights, constraint);
                let (after, averages) = match precision {
                    Precision::Float32 => {
                        online_step::<f32>(step, dictionary, gradient, curvature, averages)
                    }
                    Precision::Float64 => {
                        online_step::<f64>(step, dictionary, gradient, curvature, averages)
                    }
                };
                (after, Moments { time, averages })
            }
            Self::Preconditioned(rule) => {
                let diagonal = curvature.mul(Tensor::<2>::eye(p, &device).cast(precision.dtype()));
                let of_batch = diagonal.sum_dim(0).reshape([p]);
                let mean = averages.and_then(|mut averages| averages.pop());
                let mean = mean.unwrap_or_else(|| of_batch.zeros_like());
                let (after, mean) = rule.step(rate, dictionary, gradient, of_batch, (mean, time));
                (after, Moments { time, averages: vec![mean] })
            }
            Self::Adam(_) | Self::Sgd(_) => {
                let [gradient, dictionary] = [gradient, dictionary].map(|t| t.reshape([m * p]));
                let state = averages.map(|averages| Moments { time: time - 1, averages });
                let (after, state) = self.step(rate, dictionary, gradient, state);
                let state = state.unwrap_or_else(|| Moments { time, averages: Vec::new() });
                (after.reshape([m, p]), state)
            }
        }
    }

    /// Forgets what it remembers of some atoms of a dictionary `[m, p]`: they have been replaced.
    pub fn forget(&self, memory: &mut Moments<1>, [m, p]: [usize; 2], atoms: &[usize]) {
        let rows: &[usize] = match self {
            Self::Online(_) => &[p, m],
            Self::Preconditioned(_) => &[1],
            Self::Adam(_) | Self::Sgd(_) => &[m; 2],
        };
        for (index, (average, rows)) in memory.averages.iter_mut().zip(rows).enumerate() {
            let mut values = to_values(average);
            for atom in atoms {
                (0..*rows).for_each(|row| values[row * p + atom] = 0.0);
                // A has a row of each too.
                if matches!(self, Self::Online(_)) && index == 0 {
                    values[atom * p..(atom + 1) * p].fill(0.0);
                }
            }
            let (device, precision) = (average.device(), Precision::of(&*average));
            *average = vector_to_tensor(&values.into(), precision, &device);
        }
    }
}

/// On the host, with the products of matrices in the precision of the dictionary.
fn online_step<T: Number + NdFloat + Element>(
    (online, weights, constraint): (&Online, [f64; 2], Constraint),
    dictionary: Tensor<2>,
    gradient: Tensor<2>,
    curvature: Tensor<2>,
    averages: Option<Vec<Tensor<1>>>,
) -> (Tensor<2>, Vec<Tensor<1>>) {
    let (device, [m, p]) = (dictionary.device(), dictionary.dims());
    let precision = Precision::of(&dictionary);
    // Statistics are sums of many batches: in float64 where there is one.
    let wide = if is_on_cpu(&device) { Precision::Float64 } else { precision };
    let mut surrogate = match averages.as_deref() {
        Some([curvature, products]) => Surrogate {
            curvature: to_array(&curvature.clone().reshape([p, p])),
            products: to_array(&products.clone().reshape([m, p])),
        },
        _ => Surrogate::zeros([m, p]),
    };
    let [before, gradient, curvature] =
        [dictionary, gradient, curvature].map(|tensor| to_array_of::<T>(&tensor));
    surrogate.add(weights, &before, &gradient, &curvature);
    let after = surrogate.minimised(&before, constraint, online.sweeps);
    let flat = |array: Array2<f64>| {
        let entries = array.len();
        from_array(array, wide, &device).reshape([entries])
    };
    let averages = vec![flat(surrogate.curvature), flat(surrogate.products)];
    (from_array(after, precision, &device), averages)
}

impl Optimizer for AnyOptimizer {
    type State<const D: usize> = Moments<D>;

    fn step<const D: usize>(
        &self,
        rate: f64,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Moments<D>>,
    ) -> (Tensor<D>, Option<Moments<D>>) {
        match self {
            Self::Adam(adam) => adam.step(rate, parameter, gradient, state),
            Self::Sgd(sgd) => sgd.step(rate, parameter, gradient, state),
            Self::Online(_) | Self::Preconditioned(_) => {
                Sgd::default().step(rate, parameter, gradient, state)
            }
        }
    }

    fn to_device<const D: usize>(state: Moments<D>, device: &Device) -> Moments<D> {
        state.moved_to(device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::tensors::to_tensor;

    /// What each remembers of some atoms is what it would if their gradients had always been 0.
    #[test]
    fn what_is_forgotten_never_was() {
        let (device, [m, p]) = (Device::flex(), [4, 4]);
        let mut stream = Stream::new(3, "forget", 0);
        let mut draw = |shape| Array2::from_shape_simple_fn(shape, || stream.normal());
        let (d, gradients, codes) = (draw([m, p]), [draw([m, p]), draw([m, p])], draw([30, p]));
        let tensor = |array: &Array2<f64>| to_tensor(array, Precision::Float64, &device);
        let online = Online { forgetting: Some(1.0), sweeps: 1 };
        for optimizer in [
            AnyOptimizer::Adam(Adam::default()),
            AnyOptimizer::Online(online),
            AnyOptimizer::Preconditioned(Preconditioned::default()),
        ] {
            let after_two = |forgotten: &[usize]| {
                let mut state = None;
                for gradient in &gradients {
                    let (mut gradient, mut codes) = (gradient.clone(), codes.clone());
                    for j in forgotten {
                        gradient.column_mut(*j).fill(0.0);
                        codes.column_mut(*j).fill(0.0);
                    }
                    let batch = OfAtoms {
                        gradient: tensor(&gradient),
                        curvature: tensor(&codes.t().dot(&codes)),
                        constraint: Constraint::None,
                    };
                    state = Some(optimizer.step_of_atoms(0.0, tensor(&d), batch, state).1);
                }
                state.unwrap()
            };
            let mut ours = after_two(&[]);
            optimizer.forget(&mut ours, [m, p], &[1, 3]);
            let flat =
                |state: &Moments<1>| state.averages.iter().map(to_values).collect::<Vec<_>>();
            let lengths: Vec<usize> = flat(&ours).iter().map(Vec::len).collect();
            assert_eq!(lengths, optimizer.averages(&[m, p]));
            if optimizer.is_of_atoms() {
                // Of the other atoms Adam's averages are the same anyhow; A of the rest is, and B's columns are not.
                let zero = |average: &[f64], rows: usize| {
                    (0..rows).all(|row| [1, 3].iter().all(|j| average[row * p + j] == 0.0))
                };
                assert_eq!(flat(&ours)[0], flat(&after_two(&[1, 3]))[0]);
                assert!(flat(&ours).iter().all(|average| zero(average, average.len() / p)));
            } else {
                assert_eq!(flat(&ours), flat(&after_two(&[1, 3])));
            }
        }
    }
}
