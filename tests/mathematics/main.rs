//! The mathematics against independent witnesses: reference arrays, finite differences, closed forms.

mod attributor;
mod card;
mod convolution;
mod edge_cases;
mod encoders;
mod examples;
mod explain;
mod finite_differences;
mod fused;
mod golden;
mod layers;
mod one_layer;
mod penalties;
mod properties;
mod solved;
mod support;
