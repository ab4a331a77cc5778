//! Every example runs.

#[path = "../../examples/check_a_gradient.rs"]
mod check_a_gradient;
#[path = "../../examples/own_proximal_operator.rs"]
mod own_proximal_operator;
#[path = "../../examples/three_gradients.rs"]
mod three_gradients;

#[test]
fn three_gradients() {
    three_gradients::main();
}

#[test]
fn own_proximal_operator() {
    own_proximal_operator::main();
}

#[test]
fn check_a_gradient() {
    check_a_gradient::main();
}
