//! Solved codes and gradients through the solution, against jaxopt's sparse coding example and finite differences.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use ndarray::{Array1, Array2};
use unrolled::encoder::{Method, Quality, Solution};
use unrolled::fit::{AnyFit, Huber, LeastSquares, Power};
use unrolled::gradient::System;
use unrolled::optimizer::Adam;
use unrolled::prelude::*;
use unrolled::prox::AnyProx;
use unrolled::task::{LinearTask, TaskDriven, TaskKind, TaskLoss};
use unrolled::tensors::{to_array, to_scalar, to_tensor, to_values};

use crate::support::{Fixture, float64, problem, relative};

const FITS: [&str; 3] = ["squared", "abs", "huber"];
const DICTIONARIES: [&str; 2] = ["svd", "row"];
const SYSTEMS: [System; 3] = [System::Auto, System::Dense, System::ConjugateGradients];

type Solver = Solved<AnyProx, AnyFit>;

fn fit(name: &str) -> AnyFit {
    match name {
        "squared" => AnyFit::LeastSquares(LeastSquares),
        "abs" => AnyFit::Power(Power { exponent: 2.1 }),
        _ => AnyFit::Huber(Huber { delta: 0.01 }),
    }
}

fn solver(fixture: &Fixture, fit_name: &str, iterations: usize, tolerance: f64) -> Solver {
    let [penalty, ratio] = ["reg", "elastic"].map(|key| fixture.values(key)[0]);
    let prox = AnyProx::ElasticNet(ElasticNet::new(penalty, ratio, Sided::Two));
    Solved::new(prox, 1.0, iterations, tolerance).with_fit(fit(fit_name))
}

/// Our dictionaries have atoms as columns, the reference's as rows.
fn dictionary(fixture: &Fixture, key: &str) -> DenseDictionary {
    DenseDictionary::new(float64(&fixture.matrix(key).reversed_axes(), &Device::flex()))
}

fn examples(fixture: &Fixture) -> Tensor<2> {
    float64(&fixture.matrix("X"), &Device::flex())
}

/// The reference's task, whose loss is a sum over examples where ours is a mean.
fn task(fixture: &Fixture) -> (LinearTask, Tensor<2>) {
    let device = Device::flex();
    let examples = fixture.matrix("X").nrows();
    let ridge = fixture.values("task_params")[0] / examples as f64;
    let w = Array1::from(fixture.values("w"));
    let mut task =
        LinearTask::new(TaskKind::Logistic, [w.len(), 1], ridge, Precision::Float64, &device);
    let weight = float64(&w.insert_axis(ndarray::Axis(1)), &device);
    task.weight = burn::module::Param::from_tensor(weight);
    let bias = Array1::from(fixture.values("b"));
    let bias = unrolled::tensors::vector_to_tensor(&bias, Precision::Float64, &device);
    task.bias = burn::module::Param::from_tensor(bias);
    let label = Array1::from(fixture.values("label")).insert_axis(ndarray::Axis(1));
    (task, float64(&label, &device))
}

fn largest(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    (a - b).iter().fold(0.0, |largest, v| f64::max(largest, v.abs()))
}

#[test]
fn codes_are_those_of_the_reference() {
    let fixture = Fixture::open("jaxopt");
    let x = examples(&fixture);
    for fit in FITS {
        for of in DICTIONARIES {
            let dictionary = dictionary(&fixture, &format!("dic_{of}"));
            for method in [Method::Auto, Method::Proximal] {
                let solver = solver(&fixture, fit, 100_000, 1e-12).with_method(method);
                let found = solver.solve(&dictionary, &x, None);
                assert_eq!(found.unfinished, 0, "{fit}/{of} {method:?}: {found}");
                let expected = fixture.matrix(&format!("{fit}/{of}/codes"));
                let error = largest(&to_array(&found.codes), &expected);
                let allowed = if fit == "squared" { 1e-6 } else { 1e-5 };
                assert!(error <= allowed, "{fit}/{of} {method:?}: {error:e}, {found}");
                // They are no worse than the reference's own.
                let quality = Quality::of(&solver, &dictionary, &x, &found.codes);
                let worst = quality.residuals.iter().copied().fold(0.0, f64::max);
                assert!(
                    worst <= fixture.values(&format!("{fit}/{of}/codes_residual"))[0].max(1e-12)
                );
                let kkt = quality.kkt.expect("the penalty of the elastic net is known");
                assert!(kkt.iter().all(|v| *v <= 1e-10), "{fit}/{of}: {kkt:?}");
                assert_eq!(quality.gaps.is_some(), fit == "squared");
                assert!(quality.gaps.iter().flatten().all(|gap| *gap <= 1e-9), "{fit}/{of}");
            }
        }
    }
}

#[test]
fn implicit_gradients_are_those_of_the_reference() {
    let fixture = Fixture::open("jaxopt");
    let (x, examples_count) = (examples(&fixture), fixture.matrix("X").nrows() as f64);
    let (task, label) = task(&fixture);
    let task_batch = Batch::new(x.clone()).with_label(Some(label));
    for fit in FITS {
        for of in DICTIONARIES {
            let solver = solver(&fixture, fit, 100_000, 1e-13);
            let dictionary = dictionary(&fixture, &format!("dic_{of}"));
            let check = |gradient: Tensor<2>, value: &Tensor<1>, what: &str, how: &str| {
                let scaled = gradient.transpose().mul_scalar(examples_count);
                let key = format!("{fit}/{of}/{what}");
                let expected = fixture.values(&format!("{key}/{how}"));
                let error = relative(&to_values(&scaled), &expected);
                let allowed = if fit == "squared" { 1e-5 } else { 1e-3 };
                assert!(error <= allowed, "{key}/{how}: {error:e}");
                let value = to_scalar(value) * examples_count;
                let error = relative(&[value], &fixture.values(&format!("{key}/value")));
                assert!(error <= 1e-6, "{key}/value: {error:e}");
            };
            let network = Autoencoder::new(dictionary.clone(), solver.clone());
            let reconstruction = Batch::new(x.clone());
            let driven = TaskDriven::new(dictionary.clone(), solver, task.clone());
            let of_task = TaskLoss { weight: 1.0 };
            for system in SYSTEMS {
                let implicit = GImplicit { system, ..GImplicit::new(Loss::LeastSquares) };
                let found = implicit.estimate_batch(&network, &reconstruction);
                assert_eq!(found.trouble, None);
                let gradient = found.dictionary_gradient(&network);
                check(gradient, &found.loss, "recon", "grad_implicit");
                let implicit = GImplicit { system, ..GImplicit::new(of_task) };
                let found = implicit.estimate_batch(&driven, &task_batch);
                let gradient = found.gradients.get::<2>(dictionary.matrix.id).unwrap();
                check(gradient, &found.loss, "task", "grad_implicit");
            }
            // With the codes held fixed a task does not see the dictionary.
            let direct = GTruncated { loss: Loss::LeastSquares, window: 0 };
            let found = direct.estimate_batch(&network, &reconstruction);
            check(found.dictionary_gradient(&network), &found.loss, "recon", "grad_direct_only");
        }
    }
}

/// The learner of the example: 1 or 10 steps of Adam on D and the task, D scaled to norm 1 at the end; the task's loss with
/// its D and with that of a projected proximal gradient descent on the reconstruction.
#[test]
fn the_learner_s_losses_are_those_of_the_reference() {
    let fixture = Fixture::open("jaxopt");
    let (x, n) = (examples(&fixture), fixture.matrix("X").nrows() as f64);
    let (mut start, label) = task(&fixture);
    start.weight = burn::module::Param::from_tensor(start.weight.val().zeros_like());
    start.bias = burn::module::Param::from_tensor(start.bias.val().zeros_like());
    let batch = Batch::new(x.clone()).with_label(Some(label.clone()));
    let normalised = |d: Tensor<2>| {
        let norm = to_values(&d).iter().map(|v| v * v).sum::<f64>().sqrt();
        d.mul_scalar(1.0 / norm)
    };
    for fit in FITS {
        for steps in [1, 10] {
            let solver = solver(&fixture, fit, 10_000, 1e-8);
            let dictionary = dictionary(&fixture, "dic_svd");
            let mut network = TaskDriven::new(dictionary, solver.clone(), start.clone()).train();
            let mut optimizer = burn::optim::ModuleOptimizer::from(Adam::default());
            for _ in 0..steps {
                let implicit = GImplicit::new(TaskLoss { weight: 1.0 });
                let found = implicit.estimate_batch(&network, &batch);
                network = optimizer.step(1e-3, network, found.gradients);
            }
            let with = normalised(network.dictionary.matrix.val().inner());
            let task = network.task.valid();
            let without = descend(&fixture, &solver, &x, steps);
            let final_solver = self::solver(&fixture, "squared", 10_000, 1e-8);
            let expected = fixture.values(&format!("learner/{fit}/it{steps}/losses_notask_task"));
            for ((d, allowed), expected) in
                [(without, 1e-3), (with, 1e-5)].into_iter().zip(expected)
            {
                let codes = final_solver.solve(&DenseDictionary::new(d), &x, None).codes;
                let loss = task.loss(task.scores(&codes), &label);
                let found = to_scalar(&loss) * n;
                assert!(
                    (found / expected - 1.0).abs() <= allowed,
                    "{fit}, {steps} steps: {found} where the reference has {expected}"
                );
            }
        }
    }
}

/// FISTA on the reconstruction, its prox the projection on matrices of norm 1, with the reference's line search: the step
/// is halved until the quadratic bound holds, and doubled after every iteration.
fn descend(fixture: &Fixture, solver: &Solver, x: &Tensor<2>, steps: usize) -> Tensor<2> {
    let n = x.dims()[0] as f64;
    let dot =
        |a: &Tensor<2>, b: &Tensor<2>| to_values(&a.clone().mul(b.clone())).iter().sum::<f64>();
    let value = |d: &Tensor<2>| {
        let network = Autoencoder::new(DenseDictionary::new(d.clone()), solver.clone());
        let found = GImplicit::new(Loss::LeastSquares).estimate(&network, x);
        (to_scalar(&found.loss) * n, found.dictionary_gradient(&network).mul_scalar(n))
    };
    let mut d = dictionary(fixture, "dic_svd").matrix.val();
    let (mut y, mut step, mut t) = (d.clone(), 1.0, 1.0f64);
    for _ in 0..steps {
        let (now, gradient) = value(&y);
        let next = loop {
            let next = y.clone().sub(gradient.clone().mul_scalar(step));
            let next = next.clone().mul_scalar(1.0 / dot(&next, &next).sqrt());
            let moved = next.clone().sub(y.clone());
            let bound = step * dot(&gradient, &moved) + 0.5 * dot(&moved, &moved);
            if step * (value(&next).0 - now) <= bound || step < 1e-5 {
                break next;
            }
            step *= 0.5;
        };
        step = if step <= 1e-6 { 1.0 } else { 2.0 * step };
        let following = 0.5 * (1.0 + (1.0 + 4.0 * t * t).sqrt());
        let change = next.clone().sub(d);
        y = next.clone().add(change.mul_scalar((t - 1.0) / following));
        (d, t) = (next, following);
    }
    d
}

fn proxes() -> [AnyProx; 6] {
    let two = Sided::Two;
    [
        AnyProx::Soft(SoftThreshold::new(0.2, two)),
        AnyProx::Soft(SoftThreshold::new(0.2, Sided::One)),
        AnyProx::ElasticNet(ElasticNet::new(0.2, 0.5, two)),
        AnyProx::ElasticNet(ElasticNet::new(0.2, 0.5, Sided::One)),
        AnyProx::GroupSoft(GroupSoftThreshold::new(0.3, 3, two)),
        AnyProx::GroupSoft(GroupSoftThreshold::new(0.3, 3, Sided::One)),
    ]
}

fn fits() -> [AnyFit; 3] {
    FITS.map(|name| match name {
        "huber" => AnyFit::Huber(Huber { delta: 0.5 }),
        name => fit(name),
    })
}

/// Every penalty and fit: solved codes are fixed points, and implicit gradients the derivative of the loss at them.
#[test]
fn implicit_gradients_are_the_derivative_of_the_solution() {
    let (d, x) = problem(8, 12, 6, 3);
    let device = Device::flex();
    let x = float64(&x, &device);
    for prox in proxes() {
        for fit in fits() {
            let solver = Solved::new(prox.clone(), 0.5, 200_000, 1e-14).with_fit(fit);
            let network = |d: &Array2<f64>| {
                Autoencoder::new(DenseDictionary::new(float64(d, &device)), solver.clone())
            };
            for loss in [Loss::LeastSquares, Loss::Lasso] {
                let at = network(&d);
                let found = solver.solve(&at.dictionary, &x, None);
                assert_eq!(found.unfinished, 0, "{prox:?} {fit:?}: {found}");
                let mut value = |d: &Array2<f64>| {
                    let network = network(d);
                    let found = GTruncated { loss, window: 0 }.estimate(&network, &x);
                    to_scalar(&found.loss)
                };
                let mut stream = unrolled::random::Stream::new(7, "direction", 0);
                let direction = Array2::from_shape_simple_fn(d.dim(), || stream.normal());
                let expected = unrolled::gradient::finite_differences::directional(
                    &mut value, &d, &direction, 1e-6,
                );
                for system in SYSTEMS {
                    let implicit = GImplicit { system, ..GImplicit::new(loss) };
                    let found = implicit.estimate(&at, &x);
                    let gradient = to_array(&found.dictionary_gradient(&at));
                    let actual = (&gradient * &direction).sum();
                    let error = (actual - expected).abs() / expected.abs().max(1e-3);
                    assert!(error <= 1e-6, "{prox:?} {fit:?} {loss:?} {system:?}: {error:e}");
                }
            }
        }
    }
}

/// As T grows the unrolled gradients become the implicit one.
#[test]
fn unrolled_gradients_tend_to_the_implicit_one() {
    let (d, x) = problem(10, 16, 8, 5);
    let device = Device::flex();
    let x = float64(&x, &device);
    let prox = SoftThreshold::new(0.3, Sided::Two);
    let dictionary = DenseDictionary::new(float64(&d, &device));
    let solver = Solved::new(prox.clone(), 0.2, 100_000, 1e-14);
    let network = Autoencoder::new(dictionary.clone(), solver);
    for loss in [Loss::LeastSquares, Loss::Lasso] {
        let implicit = GImplicit::new(loss).estimate(&network, &x).dictionary_gradient(&network);
        let implicit = to_values(&implicit);
        let errors = [10, 100, 1000, 10_000].map(|iterations| {
            let unrolled = Unrolled::ista(prox.clone(), 0.2, iterations);
            let unrolled = Autoencoder::new(dictionary.clone(), unrolled);
            let through: &dyn Estimator<_> = if loss == Loss::Lasso { &GAeLasso } else { &GAeLs };
            let found = through.estimate(&unrolled, &x);
            relative(&to_values(&found.dictionary_gradient(&unrolled)), &implicit)
        });
        assert!(errors.is_sorted_by(|a, b| b <= a), "{loss:?}: {errors:?}");
        assert!(errors[0] > 1e-3 && errors[3] < 1e-10, "{loss:?}: {errors:?}");
    }
}

/// Atoms that are the same make a singular system, which is said; a ridge is added where it is asked for.
#[test]
fn a_singular_support_is_said() {
    let device = Device::flex();
    let d = ndarray::array![[0.6, 0.6, 1.0], [0.8, 0.8, 0.0]];
    let x = float64(&ndarray::array![[1.0, 1.0]], &device);
    let dictionary = DenseDictionary::new(float64(&d, &device));
    let solver = Solved::new(SoftThreshold::new(0.1, Sided::Two), 0.3, 10_000, 1e-12)
        .with_method(Method::Proximal);
    let network = Autoencoder::new(dictionary, solver);
    for system in SYSTEMS {
        // q is not in the range of H: only one of the two atoms counts.
        let loss = |_: &Autoencoder<Solved<SoftThreshold>>, _: &Batch, codes: &Tensor<2>| {
            codes.clone().narrow(1, 0, 1).sum().reshape([1])
        };
        let implicit = GImplicit { loss, ridge: 0.0, system };
        let found = implicit.estimate(&network, &x);
        let said = found.trouble.clone().unwrap_or_default();
        assert!(said.contains("singular for 1 of 1 examples"), "{system:?}: {said}");
        assert!(to_values(&found.dictionary_gradient(&network)).iter().any(|v| v.is_nan()));
        let found = GImplicit { ridge: 1e-3, ..implicit }.estimate(&network, &x);
        assert_eq!(found.trouble, None, "{system:?}");
        assert!(to_values(&found.dictionary_gradient(&network)).iter().all(|v| v.is_finite()));
    }
}

#[test]
fn a_solution_says_what_it_is() {
    let (d, x) = problem(10, 16, 8, 5);
    let device = Device::flex();
    let (d, x) = (float64(&d, &device), float64(&x, &device));
    let dictionary = DenseDictionary::new(d);
    for method in [Method::Auto, Method::Proximal] {
        let prox = SoftThreshold::new(0.05, Sided::Two);
        let solver = Solved::new(prox, 0.2, 3, 1e-10).with_method(method);
        let short: Solution = solver.solve(&dictionary, &x, None);
        assert!(short.unfinished > 0 && short.iterations <= 3, "{short}");
        assert!(short.to_string().contains("are not solved to 1e-10 after 3 iterations"));
        let solver = Solved { iterations: 100_000, ..solver };
        let cold = solver.solve(&dictionary, &x, None);
        assert_eq!(cold.unfinished, 0, "{cold}");
        assert!(cold.to_string().starts_with("all 8 examples are solved to 1e-10"), "{cold}");
        // Near the solution there is little left to do.
        let warm = solver.solve(&dictionary, &x, Some(&cold.codes));
        assert!(warm.iterations <= 1 && warm.unfinished == 0, "{warm}");
        let error = relative(&to_values(&warm.codes), &to_values(&cold.codes));
        assert!(error < 1e-8, "{error:e}");
    }
    // What is not a number stays visible, and the others are solved.
    let mut broken = to_array(&x);
    broken[[2, 0]] = f64::NAN;
    let broken = float64(&broken, &device);
    for method in [Method::Auto, Method::Proximal] {
        let solver = Solved::new(SoftThreshold::new(0.05, Sided::Two), 0.2, 1000, 1e-8);
        let found = solver.with_method(method).solve(&dictionary, &broken, None);
        let codes = to_array(&found.codes);
        assert!(codes.row(2).iter().all(|v| v.is_nan()) && found.unfinished == 1, "{method:?}");
        assert_eq!(codes.iter().filter(|v| v.is_nan()).count(), 16);
    }
}

/// The same in float32, and for an operator that is no matrix.
#[test]
fn other_precisions_and_operators_are_solved_too() {
    let (d, x) = problem(10, 16, 8, 5);
    let device = Device::flex();
    let prox = SoftThreshold::new(0.1, Sided::Two);
    let solver = Solved::new(prox, 0.2, 100_000, 1e-10);
    let exact = solver.solve(&float64(&d, &device), &float64(&x, &device), None);
    let exact = to_values(&exact.codes);
    for method in [Method::Auto, Method::Proximal] {
        let [d, x] = [&d, &x].map(|a| to_tensor(a, Precision::Float32, &device));
        let found = solver.clone().with_method(method).solve(&d, &x, None);
        assert_eq!(found.unfinished, 0, "{found}");
        let error = relative(&to_values(&found.codes), &exact);
        // FISTA ends at a hundred roundings, which the conditioning of the supports magnifies; coordinate descent
        // computes in float64.
        let allowed = if method == Method::Auto { 1e-5 } else { 1e-3 };
        assert!(error < allowed, "{method:?}: {error:e}");
    }
    let filters = Tensor::<4>::from_data(
        burn::tensor::TensorData::new(
            to_values(&float64(&d, &device))[..72].to_vec(),
            [4, 2, 3, 3],
        ),
        (&device, Precision::Float64.dtype()),
    );
    let filters = ConvolutionalDictionary::new(filters, [9, 9], 2);
    let mut stream = unrolled::random::Stream::new(1, "images", 0);
    let images = Array2::from_shape_simple_fn((3, 162), || stream.normal());
    let images = float64(&images, &device);
    let found = solver.solve(&filters, &images, None);
    assert_eq!(found.unfinished, 0, "{found}");
    let network = Autoencoder::new(filters, solver);
    let estimate = GImplicit::new(Loss::Lasso).estimate(&network, &images);
    let by_fixed_codes = GDec.estimate(&network, &images);
    // At the solution of the lasso they are the same.
    let id = network.dictionary.filters.id;
    let [a, b] = [estimate, by_fixed_codes]
        .map(|found| to_values(&found.gradients.get::<4>(id).expect("a gradient of the filters")));
    assert!(relative(&a, &b) < 1e-6, "{:e}", relative(&a, &b));
}
