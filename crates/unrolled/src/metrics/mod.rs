//! Errors of codes, gradients, dictionaries and images, in float64 on the host; those of every training step also on
//! tensors.

mod codes;
mod dictionaries;
mod gradients;
mod images;
mod linear_decoder;
mod on_tensors;
mod optimality;
mod shifts;
mod support;

pub use codes::{distances, total_distance};
pub use dictionaries::{
    Aligned, aligned, dictionary_error, duplicate_atoms, largest_atom_error, matching,
};
pub use gradients::{cosine, frobenius, relative_error};
pub use images::{noise_level, psnr, ssim};
pub use linear_decoder::linear_decoder;
pub use on_tensors::{dictionary_error_tensor, total_distance_tensor};
pub(crate) use optimality::{Judge, largest_violation, relative_gap, sparse_residual};
pub use optimality::{duality_gaps, operator_gaps};
pub use shifts::shifted_cosines;
pub use support::{SupportRecovery, nonzeros, support_recovery};
