//! What is measured, each by itself.

pub mod contraction;
pub mod near_truth;
pub mod stationarity;
