//! Who computes an unroll.

/// Who computes the iterations of an encoder and their derivatives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Engine {
    /// The adjoint by hand where the encoder and the proximal operator are known: by the fused kernels on the
    /// CPU's flex, as operations on tensors elsewhere. Burn's automatic differentiation for the rest.
    #[default]
    Auto,
    /// The same; a configuration that asks for it is refused where it is not known.
    Fused,
    /// Burn's operations and its automatic differentiation.
    Autodiff,
}
