//! Every example runs.

#[path = "../../examples/check_a_gradient.rs"]
mod check_a_gradient;
#[path = "../../examples/own_operator.rs"]
mod own_operator;
#[path = "../../examples/own_proximal_operator.rs"]
mod own_proximal_operator;
#[path = "../../examples/own_task.rs"]
mod own_task;
#[path = "../../examples/own_training_loop.rs"]
mod own_training_loop;
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

#[test]
fn own_operator() {
    own_operator::main();
}

#[test]
fn own_training_loop() {
    own_training_loop::main();
}

#[test]
fn own_task() {
    own_task::main();
}
