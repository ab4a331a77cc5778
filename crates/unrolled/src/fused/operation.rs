//! The unroll as one differentiable operation of Burn.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{DType, Tensor, TensorData};
use unrolled_kernels::{Matrix, Request};

use super::description::{ThresholdsDescription, UnrollDescription};
use super::host::{self, Element, Settings, serves};

/// z_T `[n, p]` of examples `x` `[n, m]`, from z₀ = 0 or from codes that carry no graph. `None` where the kernels
/// cannot serve.
pub(crate) fn encode(
    unroll: &UnrollDescription,
    dictionary: &Tensor<2>,
    x: &Tensor<2>,
    start: Option<&Tensor<2>>,
) -> Option<Tensor<2>> {
    let fits = serves(dictionary) && serves(x) && dictionary.dtype() == x.dtype();
    let ([m, p], [n, width]) = (dictionary.dims(), x.dims());
    if !fits || !unroll.suits_kernels() || m * p * n == 0 || width != m {
        return None;
    }
    if start.is_some_and(|start| start.dtype() != x.dtype() || start.dims() != [n, p]) {
        return None;
    }
    let settings = Settings::new(unroll, [m, p, n]);
    if settings.thresholds.iter().any(|b| *b < 0.0) {
        return None;
    }
    let dtype = x.dtype();
    let constant = || Tensor::<1>::zeros([1], (&x.device().inner(), dtype));
    let bias = match unroll.prox.thresholds {
        ThresholdsDescription::Learned(bias) => bias.val(),
        _ => constant(),
    };
    let step = unroll.learned_step.map_or_else(constant, |step| step.val());
    let start = start.map(|start| start.clone().inner().into_data());
    Some(Tensor::from_dispatch(<Dispatch as FusedOps>::fused_unroll(
        dictionary.clone().into_dispatch(),
        x.clone().into_dispatch(),
        bias.into_dispatch(),
        step.into_dispatch(),
        Call { settings, start },
    )))
}

/// Everything of a call that is not differentiated.
#[derive(Clone, Debug)]
pub struct Call {
    settings: Settings,
    start: Option<TensorData>,
}

/// What the backends implement.
#[backend_extension(Autodiff, Flex)]
pub trait FusedOps: Backend {
    /// z_T `[n, p]` for a dictionary `[m, p]` and examples `[n, m]`. `bias` and `step` are there to be
    /// differentiated; their values are in `call`.
    fn fused_unroll(
        dictionary: FloatTensor<Self>,
        x: FloatTensor<Self>,
        _bias: FloatTensor<Self>,
        _step: FloatTensor<Self>,
        call: Call,
    ) -> FloatTensor<Self> {
        let device = x.device();
        let [dictionary, x] = [data::<Self>(dictionary), data::<Self>(x)];
        let codes = match x.dtype() {
            DType::F64 => codes::<f64>(&call, &dictionary, &x),
            _ => codes::<f32>(&call, &dictionary, &x),
        };
        Self::float_from_data(codes, &device)
    }
}

impl FusedOps for Flex {}

/// The values of a tensor. Those of the CPU are at hand.
fn data<B: Backend>(tensor: FloatTensor<B>) -> TensorData {
    burn::tensor::try_read_sync(B::float_into_data(tensor))
        .expect("tensors of the CPU are read at once")
        .expect("tensors of the CPU can be read")
}

fn codes<T: Element>(call: &Call, dictionary: &TensorData, x: &TensorData) -> TensorData {
    let request = Request::<T>::codes();
    let outcome = host::run(&call.settings, dictionary, x, call.start.as_ref(), &request)
        .expect("the shapes were looked at before");
    TensorData::new(outcome.codes, [x.shape()[0], dictionary.shape()[1]])
}

/// What the backward pass asks for: of the dictionary, the examples, the bias and the step.
struct Cotangents {
    dictionary: TensorData,
    examples: Option<TensorData>,
    bias: TensorData,
    step: TensorData,
}

fn cotangents<T: Element>(
    call: &Call,
    [dictionary, x, given]: [&TensorData; 3],
    bias_shape: &[usize],
    wanted: [bool; 3],
) -> Cotangents {
    let [m, p] = [dictionary.shape()[0], dictionary.shape()[1]];
    let n = x.shape()[0];
    let given =
        Matrix::new(host::slice::<T>(given), n, p).expect("a gradient has its tensor's shape");
    let [examples, bias, step] = wanted;
    let request = Request { examples, bias, step, ..Request::adjoint(given) };
    let outcome = host::run(&call.settings, dictionary, x, call.start.as_ref(), &request)
        .expect("the shapes were looked at before");
    let count = bias_shape.iter().product();
    let bias = match outcome.bias.is_empty() {
        true => vec![T::ZERO; count],
        false => host::bias_gradient(&outcome.bias, count, 1.0),
    };
    Cotangents {
        dictionary: TensorData::new(outcome.dictionary, [m, p]),
        examples: examples.then(|| TensorData::new(outcome.examples, [n, m])),
        bias: TensorData::new(bias, bias_shape.to_vec()),
        step: TensorData::new(vec![T::from_f64(outcome.step)], [1]),
    }
}

impl<B: FusedOps, C: CheckpointStrategy> FusedOps for Autodiff<B, C> {
    fn fused_unroll(
        dictionary: FloatTensor<Self>,
        x: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        step: FloatTensor<Self>,
        call: Call,
    ) -> FloatTensor<Self> {
        /// The backward pass: the iterations again, block by block, each followed by its adjoint.
        #[derive(Debug)]
        struct FusedUnrollBackward;

        impl<B: FusedOps> Backward<B, 4> for FusedUnrollBackward {
            type State = (NodeId, NodeId, Vec<usize>, Call);

            fn backward(
                self,
                ops: Ops<Self::State, 4>,
                grads: &mut Gradients,
                checkpointer: &mut Checkpointer,
            ) {
                let given = grads.consume::<B>(&ops.node);
                let (dictionary, x, bias_shape, call) = ops.state;
                let dictionary: FloatTensor<B> = checkpointer.retrieve_node_output(dictionary);
                let x: FloatTensor<B> = checkpointer.retrieve_node_output(x);
                let device = x.device();
                let [given, dictionary, x] = [given, dictionary, x].map(data::<B>);
                let [of_dictionary, of_x, of_bias, of_step] = ops.parents;
                let wanted = [of_x.is_some(), of_bias.is_some(), of_step.is_some()];
                let arrays = [&dictionary, &x, &given];
                let cotangents = match x.dtype() {
                    DType::F64 => cotangents::<f64>(&call, arrays, &bias_shape, wanted),
                    _ => cotangents::<f32>(&call, arrays, &bias_shape, wanted),
                };
                let all = [
                    (of_dictionary, Some(cotangents.dictionary)),
                    (of_x, cotangents.examples),
                    (of_bias, Some(cotangents.bias)),
                    (of_step, Some(cotangents.step)),
                ];
                for (node, cotangent) in all {
                    if let (Some(node), Some(cotangent)) = (node, cotangent) {
                        grads.register::<B>(node.id, B::float_from_data(cotangent, &device));
                    }
                }
            }
        }

        let parents = [dictionary.node(), x.node(), bias.node(), step.node()];
        let values = |call: Call| {
            B::fused_unroll(
                dictionary.primitive().clone(),
                x.primitive().clone(),
                bias.primitive().clone(),
                step.primitive().clone(),
                call,
            )
        };
        match FusedUnrollBackward.prepare::<C>(parents).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let shape = bias.shape().to_vec();
                let state =
                    (prep.checkpoint(&dictionary), prep.checkpoint(&x), shape, call.clone());
                prep.finish(state, values(call))
            }
            OpsKind::UnTracked(prep) => prep.finish(values(call)),
        }
    }
}
