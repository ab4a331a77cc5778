//! The fused unroll: T iterations of `z ← prox(z − α Dᵀ(D z − x))` and their exact adjoint, on slices.
//!
//! Nothing here knows of tensors, graphs or files. Examples are rows: `X` is `[n, m]`, codes `Z` are `[n, p]`,
//! the dictionary `D` is `[m, p]`, all row-major.
//!
//! Examples go through all iterations, and back, in blocks that one thread keeps in its cache. The first
//! iterations of a block, in which many codes are not 0, are products of matrices; then each example goes on
//! by itself over its active atoms alone (all together through panels of DᵀD where that is large). [`at_iterations`] gives
//! the gradients at many T from one forward pass. What is dense and what is sparse is decided by counts, so results
//! do not depend on the number of threads, nor on time.
//!
//! ```
//! use unrolled_kernels::*;
//!
//! let unroll = Unroll {
//!     dictionary: Matrix::new(&[1.0, 0.6, 0.0, 0.8], 2, 2)?,
//!     step: 0.5,
//!     operator: Operator::Soft,
//!     sided: Sided::Two,
//!     thresholds: Thresholds::Iterations(&[0.05; 30]),
//!     iterations: 30,
//!     form: Form::Gram,
//! };
//! let x = Matrix::new(&[1.0, 0.5], 1, 2)?;
//! // The gradient of ½‖D z_T − x‖², through all 30 iterations.
//! let outcome = run(&unroll, x, None, &Request::loss(0.0))?;
//! assert_eq!(outcome.dictionary.len(), 4);
//! # Ok::<(), Misfit>(())
//! ```

mod at_iterations;
mod block;
mod convolution;
mod cost;
mod decoder;
mod form;
mod gram;
mod lockstep;
mod look;
mod maps;
mod number;
mod ordered;
mod prepared;
mod problem;
mod products;
mod request;
mod residual;
mod scaled_gram;
mod sparse;
mod sums;
mod vectors;

pub use at_iterations::at_iterations;
pub use convolution::{ConvolutionalGradients, ConvolutionalUnroll, Cotangents, Filters, Passed};
pub use decoder::Direct;
pub use form::Form;
pub use maps::gram_of_maps;
pub use number::{Number, sum};
pub use problem::{Matrix, Misfit, Operator, Sided, Thresholds, Unroll};
pub use products::{LEAST_WORK, View, product, transpose};
pub use request::{Derivative, Outcome, Request, run};
pub use sparse::{DENSE, gram_of_codes};
