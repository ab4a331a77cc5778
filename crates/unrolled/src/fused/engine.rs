//! Who computes an unroll.

/// Who computes the iterations of an encoder and their derivatives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Engine {
    /// The fused kernels where they know the encoder, the proximal operator, the device and the precision;
    /// Burn's operations elsewhere.
    #[default]
    Auto,
    /// The same; a configuration that asks for it is refused where the kernels cannot serve.
    Fused,
    /// Burn's operations and its automatic differentiation.
    Autodiff,
}
