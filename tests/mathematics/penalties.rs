//! Proximal operators against what they are the minimum of, and losses of tasks against finite differences.

use burn::tensor::{Device, Tensor};
use ndarray::{Array1, Array2, array};
use unrolled::encoder::Solved;
use unrolled::gradient::finite_differences;
use unrolled::prelude::*;
use unrolled::prox::AnyProx;
use unrolled::random::Stream;
use unrolled::task::{LinearTask, TaskDriven, TaskKind, TaskLoss};
use unrolled::tensors::{to_array, to_scalar, to_tensor, to_values};

use crate::support::{float64, problem, relative};

const ALPHA: f64 = 0.7;

fn draw(rows: usize, columns: usize, seed: u64) -> Array2<f64> {
    let mut stream = Stream::new(seed, "penalties", 0);
    Array2::from_shape_simple_fn((rows, columns), || stream.normal())
}

/// prox(v) is where ½‖z − v‖² + α penalty(z) is least, among codes of the side.
#[test]
fn a_proximal_operator_is_the_minimum_that_defines_it() {
    let device = Device::flex();
    let mut proxes = Vec::new();
    for sided in [Sided::Two, Sided::One] {
        proxes.extend([
            (AnyProx::Soft(SoftThreshold::new(1.2, sided)), sided),
            (AnyProx::ElasticNet(ElasticNet::new(1.2, 1.5, sided)), sided),
            (AnyProx::GroupSoft(GroupSoftThreshold::new(2.6, 3, sided)), sided),
        ]);
    }
    for (prox, sided) in proxes {
        let v = draw(1, 6, 1);
        let value = |z: &Array2<f64>| {
            let distance: f64 = (z - &v).iter().map(|d| 0.5 * d * d).sum();
            distance + ALPHA * to_scalar(&prox.value(&float64(z, &device)))
        };
        let z = to_array(&prox.apply(float64(&v, &device), ALPHA, 0));
        assert!(z.iter().any(|z| *z == 0.0) && z.iter().any(|z| *z != 0.0), "{prox:?}: {z}");
        let least = value(&z);
        for seed in 0..200 {
            let size = 10f64.powi(-1 - (seed % 4) as i32);
            let mut other = &z + &(draw(1, 6, 2 + seed) * size);
            if sided == Sided::One {
                other.mapv_inplace(|z| z.max(0.0));
            }
            assert!(value(&other) >= least, "{prox:?}: {other} is better than {z}");
        }
    }
}

#[test]
fn the_largest_are_kept_and_what_is_not_a_number_is_not_dropped() {
    let device = Device::flex();
    let largest = |count, sided, v: &Array2<f64>| {
        to_array(&TopK::new(count, 0.1, sided).apply(float64(v, &device), 0.3, 0))
    };
    let v = array![[0.5, -3.0, 2.0, -0.1], [1.0, 1.0, -1.0, 0.2]];
    let two = largest(2, Sided::Two, &v);
    // Those that tie with the last are kept.
    assert_eq!(two, array![[0.0, -3.0, 2.0, 0.0], [1.0, 1.0, -1.0, 0.0]]);
    let one = largest(1, Sided::One, &v);
    assert_eq!(one, array![[0.0, 0.0, 2.0, 0.0], [1.0, 1.0, 0.0, 0.0]]);
    assert_eq!(largest(9, Sided::Two, &v), v);
    let broken = largest(1, Sided::Two, &array![[f64::NAN, 1.0, 5.0]]);
    assert!(broken[[0, 0]].is_nan(), "{broken}");
    let groups = GroupSoftThreshold::new(0.5, 2, Sided::Two);
    let broken =
        to_array(&groups.apply(float64(&array![[f64::NAN, 1.0, 0.1, 0.1]], &device), 1.0, 0));
    assert!(broken[[0, 0]].is_nan() && broken[[0, 2]] == 0.0, "{broken}");
}

/// (1 − β) reconstruction + β task by D; the whole task, whatever β, by its own parameters.
#[test]
fn a_mixed_loss_drives_the_dictionary_by_beta_and_the_task_by_all_of_it() {
    let device = Device::flex();
    let (d, x) = problem(6, 9, 12, 4);
    let labels = Array2::from_shape_fn((12, 3), |(i, j)| f64::from(u8::from(i % 3 == j)));
    let weight = draw(9, 3, 5);
    let solver = Solved::new(ElasticNet::new(0.2, 0.3, Sided::Two), 0.2, 100_000, 1e-13);
    let network = |d: &Array2<f64>, weight: &Array2<f64>| {
        let mut task =
            LinearTask::new(TaskKind::Softmax, [9, 3], 0.02, Precision::Float64, &device);
        task.weight = burn::module::Param::from_tensor(float64(weight, &device));
        TaskDriven::new(DenseDictionary::new(float64(d, &device)), solver.clone(), task)
    };
    let batch = Batch::new(float64(&x, &device)).with_label(Some(float64(&labels, &device)));
    for beta in [0.0, 0.3, 1.0] {
        let loss = TaskLoss { weight: beta };
        let value = |d: &Array2<f64>, weight: &Array2<f64>, loss: TaskLoss| {
            let fixed = GTruncated { loss, window: 0 };
            to_scalar(&fixed.estimate_batch(&network(d, weight), &batch).loss)
        };
        let at = network(&d, &weight);
        let found = GImplicit::new(loss).estimate_batch(&at, &batch);
        assert_eq!(found.trouble, None);
        let gradient = found.gradients.get::<2>(at.dictionary.matrix.id).expect("of D");
        let expected = finite_differences::full(&mut |d| value(d, &weight, loss), &d, 1e-6);
        let error = relative(&to_values(&gradient), expected.as_slice().unwrap());
        assert!(error < 1e-6, "β = {beta}, D: {error:e}");
        // Its own parameters: as with β = 1.
        let whole = TaskLoss { weight: 1.0 };
        let gradient = found.gradients.get::<2>(at.task.weight.id).expect("of W");
        let expected = finite_differences::full(&mut |w| value(&d, w, whole), &weight, 1e-6);
        let error = relative(&to_values(&gradient), expected.as_slice().unwrap());
        assert!(error < 1e-6, "β = {beta}, W: {error:e}");
        let reconstruction = to_scalar(&found.losses.reconstruction);
        let mixed = (1.0 - beta) * reconstruction + beta * value(&d, &weight, whole);
        assert!((to_scalar(&found.loss) - mixed).abs() < 1e-12, "β = {beta}");
    }
}

/// Atoms scaled as one keep their directions and their lengths to each other.
#[test]
fn the_whole_matrix_is_scaled_to_norm_1() {
    let d = draw(4, 5, 9);
    let scaled = Constraint::UnitFrobenius.project(d.clone());
    let norm = |d: &Array2<f64>| d.iter().map(|v| v * v).sum::<f64>().sqrt();
    assert!((norm(&scaled) - 1.0).abs() < 1e-14);
    let ratios: Array1<f64> = (&scaled / &d).iter().copied().collect();
    assert!(ratios.iter().all(|ratio| (ratio - ratios[0]).abs() < 1e-14));
    let as_tensor =
        Constraint::UnitFrobenius
            .project_tensor(to_tensor(&d, Precision::Float64, &Device::flex()) as Tensor<2>);
    assert!(relative(&to_values(&as_tensor), scaled.as_slice().unwrap()) < 1e-14);
}
