//! Errors of codes, gradients and dictionaries, in float64 on the host.

mod codes;
mod dictionaries;
mod gradients;

pub use codes::{distances, total_distance};
pub use dictionaries::dictionary_error;
pub use gradients::{cosine, frobenius, relative_error};
