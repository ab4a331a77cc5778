//! The kernels against the same mathematics in plain loops, and against finite differences.

mod reference;

use proptest::prelude::*;
use reference::{Of, Reference, reference};
use unrolled_kernels::*;

/// Numbers that look random and are the same everywhere.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    }

    fn many(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.next()).collect()
    }
}

/// A problem whose atoms have norm 1 and whose examples are sums of `nonzeros` atoms.
struct Problem {
    sizes: [usize; 3],
    d: Vec<f64>,
    x: Vec<f64>,
    step: f64,
}

impl Problem {
    fn new([n, m, p]: [usize; 3], nonzeros: usize, seed: u64) -> Self {
        let mut draw = Draw(seed.wrapping_mul(7919).wrapping_add(17));
        let mut d = draw.many(m * p);
        for j in 0..p {
            let norm = (0..m).map(|i| d[i * p + j] * d[i * p + j]).sum::<f64>().sqrt();
            (0..m).for_each(|i| d[i * p + j] /= norm);
        }
        let mut x = vec![0.0; n * m];
        for e in 0..n {
            for _ in 0..nonzeros {
                let atom = ((draw.next() + 0.5) * p as f64) as usize;
                let code = 1.5 + draw.next() * if draw.next() > 0.2 { 1.0 } else { -5.0 };
                (0..m).for_each(|i| x[e * m + i] += code * d[i * p + atom]);
            }
        }
        // ‖D‖² is about (1 + √(p/m))².
        let step = 0.7 / (1.0 + (p as f64 / m as f64).sqrt()).powi(2);
        Self { sizes: [n, m, p], d, x, step }
    }
}

#[derive(Clone, Copy, Debug)]
struct Choice {
    operator: Operator,
    sided: Sided,
    form: Form,
    thresholds: &'static str,
}

const EVERY: [Choice; 16] = {
    let mut all = [Choice {
        operator: Operator::Soft,
        sided: Sided::Two,
        form: Form::Gram,
        thresholds: "constant",
    }; 16];
    let mut i = 0;
    while i < 16 {
        if i & 1 == 1 {
            all[i].sided = Sided::One;
        }
        if i & 2 == 2 {
            all[i].form = Form::Residual;
        }
        all[i].thresholds = ["constant", "decaying", "atoms", "hard"][i >> 2];
        if i >> 2 == 3 {
            all[i].operator = Operator::Hard;
        }
        i += 1;
    }
    all
};

fn thresholds(choice: Choice, iterations: usize, atoms: usize, level: f64) -> Vec<f64> {
    match choice.thresholds {
        "decaying" => (0..iterations).map(|t| level * 0.95f64.powi(t as i32)).collect(),
        "atoms" => (0..atoms).map(|j| level * (0.5 + (j % 7) as f64 / 7.0)).collect(),
        _ => vec![level; iterations],
    }
}

fn unroll<'a, T>(
    choice: Choice,
    dictionary: Matrix<'a, T>,
    step: T,
    values: &'a [T],
    iterations: usize,
) -> Unroll<'a, T> {
    Unroll {
        dictionary,
        step,
        operator: choice.operator,
        sided: choice.sided,
        thresholds: match choice.thresholds {
            "atoms" => Thresholds::Atoms(values),
            _ => Thresholds::Iterations(values),
        },
        iterations,
        form: choice.form,
    }
}

fn relative(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|v| v * v).sum::<f64>().sqrt();
    let scale = norm(&mut b.iter().copied());
    norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / if scale == 0.0 { 1.0 } else { scale }
}

/// Everything that can be asked for, against the plain loops. Returns the worst relative difference.
fn worst(
    choice: Choice,
    problem: &Problem,
    iterations: usize,
    level: f64,
    with_start: bool,
) -> f64 {
    let [n, m, p] = problem.sizes;
    let values = thresholds(choice, iterations, p, level);
    let d = Matrix::new(&problem.d, m, p).unwrap();
    let x = Matrix::new(&problem.x, n, m).unwrap();
    let unroll = unroll(choice, d, problem.step, &values, iterations);
    let start: Vec<f64> =
        Draw(5).many(n * p).iter().map(|v| if *v > 0.3 { *v } else { 0.0 }).collect();
    let start = with_start.then_some(&start[..]);
    let from = start.map(|start| Matrix::new(start, n, p).unwrap());
    let all = |request: Request<'static, f64>| Request { bias: true, step: true, ..request };
    let of = |of: &Of| reference(&unroll, &problem.d, &problem.x, start, [m, p], of);

    let mut worst: f64 = 0.0;
    let mut compare = |what: &str, a: &[f64], b: &[f64]| {
        let error = relative(a, b);
        assert!(!error.is_nan(), "{what}");
        if error > 1e-9 {
            eprintln!("{what}: {error:e}");
        }
        worst = worst.max(error);
    };
    for penalty in [0.0, 0.3] {
        let expected: Reference = of(&Of::Loss(penalty));
        let outcome = run(&unroll, x, from, &all(Request::loss(penalty))).unwrap();
        compare("codes", &outcome.codes, &expected.codes);
        compare(
            "losses",
            &[outcome.reconstruction, outcome.sparsity],
            &[expected.reconstruction, expected.sparsity],
        );
        let total: Vec<f64> =
            expected.dictionary.iter().zip(&expected.direct).map(|(a, b)| a + b).collect();
        compare("dictionary", &outcome.dictionary, &total);
        compare("step", &[outcome.step], &[expected.step]);
        match choice.operator {
            Operator::Soft => compare("bias", &outcome.bias, &expected.bias),
            Operator::Hard => assert!(outcome.bias.is_empty()),
        }
        for (direct, expected) in
            [(Direct::Codes, &expected.direct), (Direct::Signs, &expected.signs)]
        {
            let outcome = run(&unroll, x, from, &Request::at_codes(direct)).unwrap();
            compare("at codes", &outcome.dictionary, expected);
        }
    }
    let given = Draw(9).many(n * p);
    let expected = of(&Of::Codes(&given));
    let request = Request::adjoint(Matrix::new(&given, n, p).unwrap());
    let request = Request { bias: true, step: true, examples: true, ..request };
    let outcome = run(&unroll, x, from, &request).unwrap();
    compare("dictionary of an adjoint", &outcome.dictionary, &expected.dictionary);
    compare("examples of an adjoint", &outcome.examples, &expected.examples);
    compare("step of an adjoint", &[outcome.step], &[expected.step]);
    worst
}

#[test]
fn every_choice_agrees_with_plain_loops() {
    for choice in EVERY {
        // Few and many atoms active, one and several blocks, from 0 and from elsewhere.
        for (sizes, nonzeros, iterations, level) in [
            ([9, 20, 40], 3, 60, 0.02),
            ([70, 12, 30], 2, 25, 0.001),
            ([3, 40, 150], 4, 80, 0.03),
            ([2, 5, 3], 1, 1, 0.05),
            // DᵀD beyond the cache of a core, in panels.
            ([3, 60, 420], 4, 60, 0.03),
        ] {
            let problem = Problem::new(sizes, nonzeros, 3);
            for with_start in [false, true] {
                let worst = worst(choice, &problem, iterations, level, with_start);
                assert!(worst < 1e-10, "{choice:?} {sizes:?} start {with_start}: {worst:e}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_shape_agrees_with_plain_loops(
        which in 0usize..16,
        n in 1usize..80,
        m in 1usize..40,
        p in 1usize..90,
        nonzeros in 1usize..6,
        iterations in 0usize..50,
        level in 0.0f64..0.1,
        seed in 0u64..1000,
    ) {
        let problem = Problem::new([n, m, p], nonzeros, seed);
        let choice = EVERY[which];
        let level = if choice.thresholds == "hard" { level + 1e-3 } else { level };
        let worst = worst(choice, &problem, iterations, level, false);
        prop_assert!(worst < 1e-10, "{choice:?}: {worst:e}");
    }
}

/// Steps at the edge of divergence make codes swing from one sign to the other, so that atoms fall out of
/// the working set with a large code behind them.
#[test]
fn swinging_codes_agree_with_plain_loops() {
    for seed in 0..60 {
        let mut problem = Problem::new([8, 30, 90], 3, seed);
        problem.step *= 2.6;
        let choice = EVERY[0];
        for (iterations, level) in [(12, 0.15), (40, 0.08)] {
            let worst = worst(choice, &problem, iterations, level, seed % 2 == 1);
            assert!(worst < 1e-9, "seed {seed}, {iterations} iterations: {worst:e}");
        }
    }
}

/// An atom that has just fallen out comes back by its own weight, `(1 − α) z`, which no bound on the other
/// atoms covers: with orthonormal atoms and α near 2 it does so every other time.
#[test]
fn an_atom_that_just_fell_out_is_still_watched() {
    let mut d = vec![0.0; 9];
    (0..3).for_each(|i| d[4 * i] = 1.0);
    let problem = Problem { sizes: [1, 3, 3], d, x: vec![1.0, 0.0, 0.0], step: 1.9 };
    let hard = EVERY[12];
    assert_eq!((hard.operator, hard.form), (Operator::Hard, Form::Gram));
    for iterations in 1..9 {
        let worst = worst(hard, &problem, iterations, 0.5, false);
        assert!(worst < 1e-12, "{iterations} iterations: {worst:e}");
    }
}

/// With one active atom the bound on the others is sharp: an atom that leans against it becomes active just when the
/// active one has grown enough, long after it was left out of the working set.
#[test]
fn an_atom_that_comes_in_late_is_noticed() {
    let p = 50;
    let mut d = vec![0.0; p * p];
    (0..p).for_each(|i| d[(p + 1) * i] = 1.0);
    (d[1], d[p + 1]) = (-0.8, 0.6);
    for choice in EVERY.into_iter().filter(|choice| choice.form == Form::Gram) {
        for late in 0..20 {
            let mut x = vec![0.0; p];
            (x[0], x[1]) = (1.0, 0.3 + 0.06 * late as f64);
            let problem = Problem { sizes: [1, p, p], d: d.clone(), x, step: 0.02 };
            for (iterations, level) in [(40, 0.002), (200, 0.002), (200, 0.006)] {
                let worst = worst(choice, &problem, iterations, level, false);
                assert!(worst < 1e-10, "{choice:?} {late}: {worst:e}");
            }
        }
    }
}

/// Where the iterates of a block would not fit, some are kept and the others computed again: 2200 iterations of a block
/// of 64 examples with dense codes are beyond what is kept.
#[test]
fn iterates_that_are_computed_again_are_the_same() {
    let problem = Problem::new([128, 40, 40], 40, 5);
    let [n, m, p] = problem.sizes;
    let values = vec![1e-3; 2200];
    let d = Matrix::new(&problem.d, m, p).unwrap();
    let x = Matrix::new(&problem.x, n, m).unwrap();
    for form in [Form::Gram, Form::Residual] {
        let unroll = unroll(Choice { form, ..EVERY[0] }, d, problem.step, &values, 2200);
        let of = Of::Loss(0.3);
        let expected = reference(&unroll, &problem.d, &problem.x, None, [m, p], &of);
        let active = expected.codes.iter().filter(|z| **z != 0.0).count();
        assert!(active > 3 * n * p / 4, "codes must be dense: {active}");
        let outcome = run(&unroll, x, None, &Request { step: true, ..Request::loss(0.3) }).unwrap();
        let pairs = expected.dictionary.iter().zip(&expected.direct);
        let total: Vec<f64> = pairs.map(|(a, b)| a + b).collect();
        for (what, error) in [
            ("codes", relative(&outcome.codes, &expected.codes)),
            ("dictionary", relative(&outcome.dictionary, &total)),
            ("step", relative(&[outcome.step], &[expected.step])),
        ] {
            assert!(error < 1e-9, "{form:?} {what}: {error:e}");
        }
    }
}

/// At a fixed point, exact in binary, the adjoint halves with every iteration: one too many or too few shows.
#[test]
fn iterations_at_a_fixed_point_are_counted() {
    let p = 40;
    let (mut d, mut x, mut start) = (vec![0.0; p * p], vec![0.0; p], vec![0.0; p]);
    (0..p).for_each(|i| d[(p + 1) * i] = 1.0);
    (x[0], start[0]) = (1.0, 0.5);
    for iterations in 1..9 {
        let values = vec![0.25; iterations];
        let matrix = |data, rows| Matrix::new(data, rows, p).unwrap();
        let unroll = unroll(EVERY[0], matrix(&d, p), 0.5, &values, iterations);
        let expected = reference(&unroll, &d, &x, Some(&start), [p, p], &Of::Loss(0.0));
        assert_eq!(expected.codes, start);
        let request = Request { bias: true, ..Request::loss(0.0) };
        let outcome = run(&unroll, matrix(&x, 1), Some(matrix(&start, 1)), &request).unwrap();
        assert_eq!(outcome.codes, start);
        assert_eq!(outcome.bias, expected.bias, "{iterations} iterations");
    }
}

/// Every T and loss of many is what a run for it alone gives.
#[test]
fn many_iterations_agree_with_runs_of_every_length() {
    // Many T within fixed points, working sets and dense iterations; several blocks.
    for (sizes, nonzeros, level) in [
        ([9, 20, 40], 3, 0.02),
        ([70, 12, 30], 2, 0.02),
        ([3, 40, 150], 4, 0.03),
        ([5, 30, 600], 3, 0.05),
    ] {
        let problem = Problem::new(sizes, nonzeros, 3);
        let [n, m, p] = sizes;
        let d = Matrix::new(&problem.d, m, p).unwrap();
        let x = Matrix::new(&problem.x, n, m).unwrap();
        for choice in EVERY.into_iter().filter(|choice| choice.form == Form::Gram) {
            let at = [0, 1, 2, 3, 5, 8, 13, 30, 60, 61, 150];
            let values = thresholds(choice, 150, p, level);
            let all = unroll(choice, d, problem.step, &values, 150);
            let penalties = [0.0, 0.3];
            let Some(swept) = at_iterations(&all, x, &at, &penalties, true).unwrap() else {
                panic!("{choice:?} {sizes:?}: cannot be shared")
            };
            let pairs = at.iter().flat_map(|t| penalties.iter().map(move |l| (*t, *l)));
            for ((iterations, penalty), swept) in pairs.zip(swept) {
                let some = match choice.thresholds {
                    "atoms" => &values[..],
                    _ => &values[..iterations],
                };
                let alone = unroll(choice, d, problem.step, some, iterations);
                let request = Request { bias: true, ..Request::loss(penalty) };
                let alone = run(&alone, x, None, &request).unwrap();
                for (what, a, b) in [
                    ("dictionary", &swept.dictionary, &alone.dictionary),
                    ("bias", &swept.bias, &alone.bias),
                    (
                        "losses",
                        &vec![swept.reconstruction, swept.sparsity],
                        &vec![alone.reconstruction, alone.sparsity],
                    ),
                ] {
                    let error = relative(a, b);
                    assert!(
                        error < 1e-11,
                        "{choice:?} {sizes:?} T = {iterations} {what}: {error:e}"
                    );
                }
            }
        }
    }
    let problem = Problem::new([2, 5, 3], 1, 1);
    let (d, x) = (Matrix::new(&problem.d, 5, 3).unwrap(), Matrix::new(&problem.x, 2, 5).unwrap());
    let residual = unroll(EVERY[2], d, 0.1, &[0.1; 4], 4);
    assert!(at_iterations(&residual, x, &[4], &[0.0], false).unwrap().is_none());
    let beyond = at_iterations(&residual, x, &[5], &[0.0], false).unwrap_err().to_string();
    assert_eq!(beyond, "the largest number of iterations should be 4, but is 5");
}

#[test]
fn threads_change_no_bit() {
    let problem = Problem::new([200, 20, 40], 3, 6);
    let of = |threads: usize, form: Form| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let values = vec![0.02; 50];
        let (d, x) = (&problem.d[..], &problem.x[..]);
        let (d, x) = (Matrix::new(d, 20, 40).unwrap(), Matrix::new(x, 200, 20).unwrap());
        let unroll = unroll(Choice { form, ..EVERY[0] }, d, problem.step, &values, 50);
        let request = Request { bias: true, step: true, ..Request::loss(0.2) };
        pool.install(|| run(&unroll, x, None, &request).unwrap())
    };
    for form in [Form::Gram, Form::Residual] {
        let one = of(1, form);
        for threads in [2, 3, 9] {
            let several = of(threads, form);
            assert_eq!(several.codes, one.codes);
            assert_eq!(several.dictionary, one.dictionary);
            assert_eq!((several.bias, several.step), (one.bias.clone(), one.step));
            assert_eq!(several.reconstruction, one.reconstruction);
        }
    }
}

/// What does not fit is said, in a sentence, before anything is computed.
#[test]
fn misfits_are_said() {
    let said = |d: [usize; 2], x: [usize; 2], thresholds: &[f64]| {
        let (data, rows) = (vec![0.1; d[0] * d[1]], vec![0.1; x[0] * x[1]]);
        let d = Matrix::new(&data, d[0], d[1]).unwrap();
        let unroll = unroll(EVERY[0], d, 0.1, thresholds, 3);
        let x = Matrix::new(&rows, x[0], x[1]).unwrap();
        run(&unroll, x, None, &Request::codes()).unwrap_err().to_string()
    };
    let b = [0.1; 3];
    assert_eq!(said([0, 2], [1, 0], &b), "the number of features is 0; give at least one");
    assert_eq!(said([2, 2], [0, 2], &b), "the number of examples is 0; give at least one");
    assert_eq!(said([2, 3], [4, 5], &b), "the width of the examples should be 2, but is 5");
    assert_eq!(said([2, 3], [4, 2], &b[..2]), "the number of thresholds should be 3, but is 2");
    let negative = [0.1, -0.1, 0.1];
    assert_eq!(
        said([2, 3], [4, 2], &negative),
        "a threshold is negative; thresholds are 0 or more"
    );
    let few = Matrix::new(&b, 2, 2).unwrap_err().to_string();
    assert_eq!(few, "an array of 2 × 2 numbers was given 3");
    let huge = Matrix::new(&b, usize::MAX, 2).unwrap_err().to_string();
    assert!(huge.ends_with("is larger than this machine can address"), "{huge}");
}
