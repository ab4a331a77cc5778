//! The convolutional unroll against the same mathematics in plain loops, and against finite differences.

mod reference;

use reference::{Draw, Of, Problem};
use unrolled_kernels::*;

fn convert<T: Number>(values: &[f64]) -> Vec<T> {
    values.iter().map(|v| T::from_f64(*v)).collect()
}

/// A problem in the numbers of the kernel.
struct Arrays<T> {
    analysis: Vec<Vec<T>>,
    synthesis: Vec<Vec<T>>,
    decoder: Vec<T>,
    weights: Vec<T>,
    thresholds: Vec<T>,
    x: Vec<T>,
    images: Vec<T>,
    codes: Vec<T>,
}

/// What the kernel makes of `problem`.
fn kernel<T: Number>(
    problem: &Problem,
    window: usize,
    of: &Of,
) -> (Passed<T>, ConvolutionalGradients<T>) {
    let several = |sets: &[Vec<f64>]| sets.iter().map(|set| convert::<T>(set)).collect::<Vec<_>>();
    let optional = |values: &Option<Vec<f64>>| convert::<T>(values.as_deref().unwrap_or(&[]));
    let arrays = Arrays {
        analysis: several(&problem.analysis),
        synthesis: several(&problem.synthesis),
        decoder: convert(&problem.decoder),
        weights: convert(problem.weights.as_ref().map_or(&[], |(_, weights)| weights)),
        thresholds: convert(&problem.thresholds.1),
        x: convert(&problem.x),
        images: optional(&of.images),
        codes: optional(&of.codes),
    };
    fn one<T: Number>(data: &[T], shape: [usize; 4]) -> Filters<'_, T> {
        Filters::new(data, shape).unwrap()
    }
    let shape = problem.shape;
    let tied = problem.analysis == problem.synthesis;
    let unroll = ConvolutionalUnroll {
        image: problem.image,
        stride: problem.stride,
        analysis: arrays.analysis.iter().map(|set| one(set, shape)).collect(),
        synthesis: if tied { &arrays.analysis } else { &arrays.synthesis }
            .iter()
            .map(|set| one(set, shape))
            .collect(),
        decoder: one(&arrays.decoder, shape),
        weights: problem
            .weights
            .as_ref()
            .map(|(rows, _)| Matrix::new(&arrays.weights, *rows, problem.m()).unwrap()),
        step: T::from_f64(problem.step),
        operator: problem.operator,
        sided: problem.sided,
        thresholds: {
            let [rows, columns] = problem.thresholds.0;
            Matrix::new(&arrays.thresholds, rows, columns).unwrap()
        },
        iterations: problem.iterations,
    };
    let x = Matrix::new(&arrays.x, problem.n, problem.m()).unwrap();
    let passed = unroll.forward(x, window).unwrap();
    let images = Matrix::new(&arrays.images, problem.n, problem.m());
    let codes = Matrix::new(&arrays.codes, problem.n, problem.q());
    let of = Cotangents {
        images: of.images.as_ref().map(|_| images.unwrap()),
        penalty: T::from_f64(of.penalty),
        codes: of.codes.as_ref().map(|_| codes.unwrap()),
    };
    let gradients = unroll.adjoint(&passed, of).unwrap();
    (passed, gradients)
}

fn close<T: Number>(what: &str, ours: &[T], theirs: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let scale = theirs.iter().fold(1e-3, |scale: f64, v| scale.max(v.abs()));
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        let a = a.to_f64();
        let same = (a - b).abs() <= tolerance * scale || (a.is_nan() && b.is_nan());
        assert!(same, "{what}[{i}]: {a} is not {b} (of {scale})");
    }
}

fn compare<T: Number>(problem: &Problem, window: usize, of: &Of, tolerance: [f64; 2]) {
    let (passed, ours) = kernel::<T>(problem, window, of);
    let (codes, images) = problem.forward();
    close("codes", &passed.codes(), &codes, tolerance[0]);
    close("images", passed.images(), &images, tolerance[0]);
    let l1: f64 = codes.iter().map(|z| z.abs()).sum();
    close("sparsity", &[passed.sparsity()], &[l1], tolerance[0]);
    let theirs = problem.adjoint(window, of);
    close("decoder", &ours.decoder, &theirs.decoder, tolerance[1]);
    assert_eq!(ours.analysis.len(), theirs.analysis.len());
    assert_eq!(ours.synthesis.len(), theirs.synthesis.len());
    for (ours, theirs) in ours.analysis.iter().zip(&theirs.analysis) {
        close("analysis", ours, theirs, tolerance[1]);
    }
    for (ours, theirs) in ours.synthesis.iter().zip(&theirs.synthesis) {
        close("synthesis", ours, theirs, tolerance[1]);
    }
    close("thresholds", &ours.thresholds, &theirs.thresholds, tolerance[1]);
    close("step", &[ours.step], &[theirs.step], tolerance[1]);
}

/// Problems of every kind.
fn problems() -> Vec<Problem> {
    let mut all = Vec::new();
    for (i, (shape, image, stride)) in [
        ([5, 1, 3, 3], [9, 12], 1),
        ([20, 1, 4, 3], [11, 15], 2),
        ([3, 3, 5, 4], [23, 17], 3),
        ([17, 1, 9, 9], [38, 41], 4),
        ([6, 3, 2, 2], [9, 7], 2),
        ([70, 1, 3, 3], [13, 30], 3),
        ([2, 1, 1, 1], [3, 4], 1),
        ([4, 1, 2, 18], [9, 40], 3),
        ([4, 1, 3, 5], [3, 5], 1),
        ([4, 1, 2, 3], [12, 13], 4),
    ]
    .into_iter()
    .enumerate()
    {
        for sets in 0..3 {
            let which = i + sets;
            let mut problem =
                Problem::new(shape, image, stride, sets, which as u64).thresholded(which % 4);
            if which % 3 != 0 {
                problem = problem.weighted(which % 3);
            }
            if which % 2 == 1 {
                problem.sided = Sided::One;
            }
            if which % 5 >= 3 {
                problem.operator = Operator::Hard;
            }
            all.push(problem);
        }
    }
    all
}

#[test]
fn codes_images_and_gradients_are_those_of_plain_loops() {
    for problem in problems() {
        for window in [0, 1, 3, problem.iterations] {
            compare::<f64>(&problem, window, &Of::everything(&problem), [1e-12, 1e-11]);
        }
    }
}

#[test]
fn problems_are_neither_dense_nor_empty() {
    let (mut codes, mut active) = (0, 0);
    for problem in problems() {
        let z = problem.forward().0;
        assert!(z.iter().any(|z| *z != 0.0) && z.contains(&0.0), "{problem:?}");
        codes += z.len();
        active += z.iter().filter(|z| **z != 0.0).count();
    }
    assert!(active > codes / 5 && active < codes * 4 / 5, "{active} of {codes}");
}

#[test]
fn cotangents_may_be_left_out() {
    let problem = Problem::new([6, 1, 3, 3], [11, 12], 2, 1, 4);
    let Of { images, penalty, codes } = Of::everything(&problem);
    for of in [
        Of { images: images.clone(), penalty: 0.0, codes: None },
        Of { images: None, penalty, codes: None },
        Of { images: None, penalty: 0.0, codes: codes.clone() },
    ] {
        compare::<f64>(&problem, 4, &of, [1e-12, 1e-11]);
        compare::<f64>(&problem, 0, &of, [1e-12, 1e-11]);
    }
}

#[test]
fn no_iterations_give_zeros() {
    let mut problem = Problem::new([6, 1, 3, 3], [11, 12], 2, 1, 4);
    problem.iterations = 0;
    compare::<f64>(&problem, 0, &Of::everything(&problem), [1e-12, 1e-11]);
}

#[test]
fn float32_is_close_to_float64() {
    for problem in problems().into_iter().filter(|p| p.operator == Operator::Soft) {
        compare::<f32>(&problem, 4, &Of::everything(&problem), [3e-5, 3e-4]);
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let base = Problem::new([4, 1, 3, 3], [9, 8], 2, 2, 3).thresholded(3).weighted(2);
    let of = Of::everything(&base);
    let ours = kernel::<f64>(&base, base.iterations, &of).1;
    let difference = |change: &dyn Fn(&mut Problem, f64)| {
        let at = |by: f64| {
            let mut problem = base.clone();
            change(&mut problem, by);
            problem.loss(&of)
        };
        let by = 1e-6;
        (at(by) - at(-by)) / (2.0 * by)
    };
    let scale = |values: &[f64]| values.iter().fold(0.0f64, |scale, v| scale.max(v.abs()));
    let check = |what: &str, ours: f64, theirs: f64, scale: f64| {
        assert!((ours - theirs).abs() <= 1e-6 * scale, "{what}: {ours} is not {theirs}");
    };
    for i in 0..base.decoder.len() {
        let d = difference(&|problem, by| problem.decoder[i] += by);
        check("decoder", ours.decoder[i], d, scale(&ours.decoder));
        for t in 0..base.iterations {
            let a = difference(&|problem, by| problem.analysis[t][i] += by);
            check("analysis", ours.analysis[t][i], a, scale(&ours.analysis[t]));
            let b = difference(&|problem, by| problem.synthesis[t][i] += by);
            check("synthesis", ours.synthesis[t][i], b, scale(&ours.synthesis[t]).max(1e-3));
        }
    }
    for i in 0..base.thresholds.1.len() {
        let b = difference(&|problem, by| problem.thresholds.1[i] += by);
        check("thresholds", ours.thresholds[i], b, scale(&ours.thresholds));
    }
    let step = difference(&|problem, by| problem.step += by);
    check("step", ours.step, step, ours.step.abs());
}

#[test]
fn the_number_of_threads_does_not_matter() {
    for n in [1, 2, 3, 5] {
        let mut problem = Problem::new([33, 1, 5, 5], [45, 37], 2, 2, 8).weighted(1);
        problem.n = n;
        problem.x = Draw(3).many(n * problem.m()).iter().map(|v| 4.0 * v).collect();
        let of = Of::everything(&problem);
        let all: Vec<_> = [1, 2, 3]
            .into_iter()
            .map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let (passed, gradients) = pool.install(|| kernel::<f32>(&problem, 3, &of));
                format!("{:?} {:?} {gradients:?}", passed.codes(), passed.images())
            })
            .collect();
        assert!(all[0] == all[1] && all[0] == all[2], "{n} examples");
    }
}

#[test]
fn not_a_number_comes_through_and_no_further() {
    for operator in [Operator::Soft, Operator::Hard] {
        for sided in [Sided::Two, Sided::One] {
            let mut problem = Problem::new([5, 1, 3, 3], [40, 40], 2, 0, 1);
            (problem.operator, problem.sided) = (operator, sided);
            (problem.iterations, problem.x[0]) = (3, f64::NAN);
            let images = kernel::<f64>(&problem, 3, &Of::everything(&problem)).0;
            let (codes, expected) = problem.forward();
            assert!(expected[0].is_nan() && expected[1599].is_finite());
            close("codes", &images.codes(), &codes, 1e-12);
            close("images", images.images(), &expected, 1e-12);
        }
    }
    for what in 0..4 {
        let mut problem = Problem::new([5, 1, 3, 3], [11, 11], 2, 1, 1);
        match what {
            0 => problem.step = f64::NAN,
            1 => problem.analysis[0][3] = f64::NAN,
            2 => problem.decoder[3] = f64::NAN,
            _ => problem.thresholds.1[0] = f64::NAN,
        }
        let passed = kernel::<f64>(&problem, 0, &Of::everything(&problem)).0;
        assert!(passed.images().iter().any(|v| v.is_nan()), "{what}");
    }
}

#[test]
fn pixels_that_no_filter_reaches_do_not_matter() {
    let mut problem = Problem::new([4, 1, 2, 3], [12, 13], 4, 2, 6);
    let mut of = Of::everything(&problem);
    let mut reached = vec![false; problem.m()];
    problem.each(|_, pixel, _| reached[pixel] = true);
    for (i, _) in reached.iter().cycle().take(2 * problem.m()).enumerate().filter(|(_, r)| !**r) {
        problem.x[i] = f64::NAN;
        of.images.as_mut().unwrap()[i] = f64::NAN;
    }
    compare::<f64>(&problem, 4, &of, [1e-12, 1e-11]);
    let gradients = kernel::<f64>(&problem, 4, &of).1;
    assert!(gradients.decoder.iter().all(|g| g.is_finite()) && gradients.step.is_finite());
}

#[test]
fn what_does_not_fit_is_an_error() {
    static DATA: [f64; 400] = [0.5; 400];
    let data = &DATA;
    assert!(matches!(Filters::new(&data[..8], [1, 1, 3, 3]), Err(Misfit::Length { .. })));
    assert!(matches!(Filters::new(&data[..0], [1, 1, 0, 3]), Err(Misfit::Empty(_))));
    assert!(Filters::new(data, [usize::MAX, 2, 1, 1]).is_err());
    assert!(Filters::new(data, [1, usize::MAX, 2, 1]).is_err());
    let filters = Filters::new(&data[..36], [4, 1, 3, 3]).unwrap();
    let other = Filters::new(&data[..45], [5, 1, 3, 3]).unwrap();
    let matrix = |rows, columns| Matrix::new(&data[..rows * columns], rows, columns).unwrap();
    let good = ConvolutionalUnroll {
        image: [5, 6],
        stride: 2,
        analysis: vec![filters],
        synthesis: vec![filters; 3],
        decoder: filters,
        weights: Some(matrix(1, 30)),
        step: 0.1,
        operator: Operator::Soft,
        sided: Sided::Two,
        thresholds: matrix(3, 4),
        iterations: 3,
    };
    let x = matrix(2, 30);
    let passed = good.forward(x, 9).unwrap();
    let bad = |change: &dyn Fn(&mut ConvolutionalUnroll<'static, f64>)| {
        let mut bad = good.clone();
        change(&mut bad);
        bad.forward(x, 0).unwrap_err()
    };
    assert!(matches!(bad(&|u| u.image = [2, 15]), Misfit::Shape { .. }));
    assert!(matches!(bad(&|u| u.image = [15, 2]), Misfit::Shape { .. }));
    assert!(matches!(bad(&|u| u.image = [6, 6]), Misfit::Shape { .. }));
    assert!(matches!(bad(&|u| u.image = [usize::MAX, 6]), Misfit::Overflow { .. }));
    assert!(matches!(bad(&|u| u.stride = 0), Misfit::Empty(_)));
    assert!(matches!(bad(&|u| u.analysis = vec![]), Misfit::Shape { .. }));
    assert!(matches!(bad(&|u| u.synthesis.truncate(2)), Misfit::Shape { .. }));
    assert!(matches!(bad(&|u| u.synthesis[1] = other), Misfit::Shape { .. }));
    assert!(matches!(bad(&|u| u.weights = Some(matrix(3, 30))), Misfit::Shape { .. }));
    assert!(matches!(bad(&|u| u.weights = Some(matrix(1, 29))), Misfit::Shape { .. }));
    assert!(matches!(bad(&|u| u.thresholds = matrix(2, 4)), Misfit::Shape { .. }));
    assert!(matches!(bad(&|u| u.thresholds = matrix(1, 3)), Misfit::Shape { .. }));
    static NEGATIVE: [f64; 1] = [-0.1];
    let negative = Matrix::new(&NEGATIVE, 1, 1).unwrap();
    assert_eq!(bad(&|u| u.thresholds = negative), Misfit::NegativeThreshold);
    assert!(good.forward(matrix(0, 30), 0).is_err());
    let of = |images, codes| Cotangents { images, penalty: 0.0, codes };
    assert!(good.adjoint(&passed, of(Some(matrix(2, 30)), Some(matrix(2, 16)))).is_ok());
    assert!(good.adjoint(&passed, of(Some(matrix(1, 30)), None)).is_err());
    assert!(good.adjoint(&passed, of(None, Some(matrix(2, 15)))).is_err());
    let mut longer = good.clone();
    (longer.stride, longer.image) = (1, [5, 6]);
    assert!(longer.adjoint(&passed, of(None, None)).is_err());
}
