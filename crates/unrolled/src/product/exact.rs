//! Products of float32 matrices on graphics cards by ordinary multiply-adds.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, Backend, Dispatch, DispatchDevice, TensorMetadata, backend_extension,
};
use burn::tensor::{DType, Tensor};
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl::ir::{ElemType, FloatKind};
use burn_cubecl::kernel::matmul::init_matmul_output;
use burn_cubecl::tensor::CubeTensor;
use cubek::matmul::definition::{MatmulElems, MatmulGlobalElems};
use cubek::matmul::launch::launch_ref;
use cubek::matmul::multi_level::Strategy;
use cubek::std::InputBinding;

/// Whether it is a matrix of float32 on a card.
pub(super) fn serves(a: &Tensor<2>) -> bool {
    let device = a.device().inner();
    a.dtype() == DType::F32 && matches!(device.as_dispatch(), DispatchDevice::Cube(_))
}

/// Into how many parts the inner length k of a product `[m, k]` times `[k, p]` is cut: a card computes a tile of the
/// result on one multiprocessor, so that few tiles of long sums (gradients: sums over examples) would leave most idle.
fn parts([m, k, p]: [usize; 3]) -> usize {
    const TILE: usize = 64;
    const TILES: usize = 128;
    const SHORTEST: usize = 32;
    let most = TILES / (m.div_ceil(TILE) * p.div_ceil(TILE)).max(1);
    (2..=most).rev().find(|parts| k % parts == 0 && k / parts >= SHORTEST).unwrap_or(1)
}

/// `a b`, and a graph where one of them has one.
pub(super) fn product(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    let (a, b) = crate::tensors::together(a, b);
    Tensor::from_dispatch(<Dispatch as Products>::exact_product(
        a.into_dispatch(),
        b.into_dispatch(),
    ))
}

/// What the backends implement.
#[backend_extension(Autodiff, Cube)]
pub trait Products: Backend {
    /// `a b` of float32.
    fn exact_product(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl Products for CubeBackend {
    fn exact_product(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        let ([m, k], [_, p]) = (a.shape().dims::<2>(), b.shape().dims::<2>());
        match parts([m, k, p]) {
            1 => multiply(a, b),
            parts => {
                let of_a =
                    Self::float_reshape(Self::float_transpose(a), [parts, k / parts, m].into());
                let of_b = Self::float_reshape(b, [parts, k / parts, p].into());
                let products = multiply(Self::float_swap_dims(of_a, 1, 2), of_b);
                Self::float_reshape(Self::float_sum_dim(products, 0), [m, p].into())
            }
        }
    }
}

/// Matrices, or as many of one as of the other.
fn multiply(a: CubeTensor, b: CubeTensor) -> CubeTensor {
    let single = ElemType::Float(FloatKind::F32);
    let out = init_matmul_output(&a, &b, DType::F32);
    let client = out.client.clone();
    let mut types =
        MatmulElems::from_globals(&MatmulGlobalElems { lhs: single, rhs: single, out: single });
    let strategy = Strategy::DoubleUnit(Default::default());
    let [a, b] = [a, b].map(|tensor| InputBinding::new(tensor.binding(), single));
    launch_ref(&strategy.into(), &client, a, b, out.clone().binding(), &mut types)
        .expect("multiply-adds of float32 run on every card");
    out
}

impl<B: Products, C: CheckpointStrategy> Products for Autodiff<B, C> {
    fn exact_product(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        /// `g bᵀ` and `aᵀ g`.
        #[derive(Debug)]
        struct ProductBackward;

        impl<B: Products> Backward<B, 2> for ProductBackward {
            type State = [NodeId; 2];

            fn backward(
                self,
                ops: Ops<Self::State, 2>,
                grads: &mut Gradients,
                checkpointer: &mut Checkpointer,
            ) {
                let given = grads.consume::<B>(&ops.node);
                let [a, b] = ops.state;
                let a: FloatTensor<B> = checkpointer.retrieve_node_output(a);
                let b: FloatTensor<B> = checkpointer.retrieve_node_output(b);
                let [of_a, of_b] = ops.parents;
                if let Some(node) = of_a {
                    let cotangent = B::exact_product(given.clone(), B::float_transpose(b));
                    grads.register::<B>(node.id, cotangent);
                }
                if let Some(node) = of_b {
                    let cotangent = B::exact_product(B::float_transpose(a), given);
                    grads.register::<B>(node.id, cotangent);
                }
            }
        }

        let value = |a: &FloatTensor<Self>, b: &FloatTensor<Self>| {
            B::exact_product(a.primitive().clone(), b.primitive().clone())
        };
        match ProductBackward.prepare::<C>([a.node(), b.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = [prep.checkpoint(&a), prep.checkpoint(&b)];
                prep.finish(state, value(&a, &b))
            }
            OpsKind::UnTracked(prep) => prep.finish(value(&a, &b)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sums_are_cut_where_few_tiles_would_be() {
        assert_eq!(parts([50, 500, 100]), 10);
        assert_eq!(parts([1000, 4096, 1500]), 1);
        assert_eq!(parts([50, 499, 100]), 1);
    }
}
