//! The charts of each theorem.

use super::{Drawn, grid};
use crate::experiments::theory::measure::near_truth::NearTruth;
use crate::report::Figures;
use crate::report::chart::{Chart, Series, numbered};

/// A chart with logarithmic values.
fn chart<'a>(
    (title, caption): (&str, String),
    numbers: &str,
    [x, y]: [&'a str; 2],
    series: Vec<Series>,
) -> Chart<'a> {
    Chart {
        title: title.to_owned(),
        caption,
        numbers: numbers.to_owned(),
        x,
        y,
        log_y: true,
        series,
        marks: Vec::new(),
        level: None,
    }
}

fn series(curves: impl Iterator<Item = (String, Vec<(f64, f64)>)>) -> Vec<Series> {
    let curves = curves.filter(|(_, points)| !points.is_empty()).enumerate();
    curves.map(|(at, (name, points))| Series::new(name, points, numbered(at))).collect()
}

fn over(iterations: &[usize], values: &[f64]) -> Vec<(f64, f64)> {
    iterations.iter().map(|t| *t as f64).zip(values.iter().copied()).collect()
}

fn last(curve: &[f64]) -> f64 {
    curve.last().copied().unwrap_or(f64::NAN)
}

const METRICS: &str = "<code>metrics.csv</code>, column";

fn of_noise(noise: f64) -> String {
    if noise == 0.0 { "D*".to_owned() } else { format!("noise {noise}") }
}

/// Theorem II.1.
pub(super) fn codes(run: &Drawn, figures: &mut Figures) -> String {
    let by_noise = series(run.noises().into_iter().map(|noise| {
        let point = |near: &&NearTruth| (near.at.penalty, near.lasso_code_error_to_truth);
        (of_noise(noise), run.with_noise(noise).iter().map(point).collect())
    }));
    let by_penalty = series(run.penalties().into_iter().map(|penalty| {
        let point = |near: &&NearTruth| (near.dictionary_error, near.lasso_code_error_to_truth);
        let near = run.with_penalty(penalty);
        let points = near.iter().filter(|near| near.at.dictionary_noise > 0.0).map(point);
        (format!("λ = {penalty}"), points.collect())
    }));
    let numbers = "<code>results.json</code>, <code>runs.RUN.near_truth</code>, \
                   <code>lasso_code_error_to_truth</code>";
    let mut html = String::new();
    if let Some(focus) = run.focus() {
        let t = &run.stored.iterations;
        let curves = [
            ("to the lasso’s code ẑ", &focus.code_error_to_lasso),
            ("to the true code z*", &focus.code_error_to_truth),
        ];
        let curves = curves.map(|(name, values)| (name.to_owned(), over(t, values)));
        let caption = format!(
            "Mean of ‖z_T − ẑ‖ and ‖z_T − z*‖ with λ = {} and a dictionary noise of {}; the dashed line is ‖ẑ − z*‖.",
            focus.at.penalty, focus.at.dictionary_noise
        );
        let numbers = format!(
            "{METRICS}s <code>code_error_to_lasso</code>, <code>code_error_to_truth</code>"
        );
        let title = ("Code error against the iterations.", caption);
        let mut chart =
            chart(title, &numbers, ["iterations T", "code error"], series(curves.into_iter()));
        chart.level = Some(focus.lasso_code_error_to_truth);
        html += &figures.add(&chart, &run.of);
    }
    let caption = "Mean of ‖ẑ − z*‖, by the noise of the dictionary.".to_owned();
    let penalty = ("Code error against the penalty.", caption);
    html += &figures.add(&chart(penalty, numbers, ["penalty λ", "code error"], by_noise), &run.of);
    let caption = "Mean of ‖ẑ − z*‖, by the penalty.".to_owned();
    let dictionary = ("Code error against the dictionary error.", caption);
    let axes = ["dictionary error ‖D* − D⁰‖/‖D*‖", "code error"];
    html + &figures.add(&chart(dictionary, numbers, axes, by_penalty), &run.of)
}

/// Theorem II.2.
pub(super) fn descent(run: &Drawn, figures: &mut Figures) -> String {
    let descents = &run.stored.contraction;
    let curves = series(descents.iter().map(|descent| {
        let points = descent.dictionary_error.iter().enumerate().skip(1);
        let points = points.map(|(step, error)| (step as f64, *error));
        (format!("λ = {}", descent.penalty), points.collect())
    }));
    let floors = descents.iter().map(|descent| (descent.penalty, descent.floor())).collect();
    let floors = series([("after the last step".to_owned(), floors)].into_iter());
    let numbers = "<code>results.json</code>, <code>runs.RUN.contraction</code>, <code>dictionary_error</code>";
    let caption = "‖D* − D‖/‖D*‖ after every step of the descent.".to_owned();
    let fall = ("Dictionary error against the steps.", caption);
    let error = "dictionary error";
    let caption = "‖D* − D‖/‖D*‖ after the last step.".to_owned();
    let floor = ("The floor against the penalty.", caption);
    figures.add(&chart(fall, numbers, ["step", error], curves), &run.of)
        + &figures.add(&chart(floor, numbers, ["penalty λ", error], floors), &run.of)
}

/// Theorem II.3.
pub(super) fn gradients(run: &Drawn, figures: &mut Figures) -> String {
    let t = &run.stored.iterations;
    let mut html = String::new();
    if let Some(focus) = run.focus() {
        let curves = focus.estimators.iter();
        let curves = curves.map(|(name, errors)| (name.clone(), over(t, &errors.error_to_truth)));
        let caption = format!(
            "‖g − g*‖ with λ = {} and a dictionary noise of {}.",
            focus.at.penalty, focus.at.dictionary_noise
        );
        let title = ("Error to the true gradient against the iterations.", caption);
        let numbers = format!("{METRICS}s <code>…_error_to_truth</code>");
        let axes = ["iterations T", "error to the true gradient"];
        html += &figures.add(&chart(title, &numbers, axes, series(curves)), &run.of);
    }
    let curves = series(
        run.with_noise(run.stored.curves_at)
            .into_iter()
            .map(|near| (format!("λ = {}", near.at.penalty), over(t, &near.lasso_to_decoder))),
    );
    let caption =
        format!("‖g_ae_lasso − g_dec‖ with a dictionary noise of {}.", run.stored.curves_at);
    let title = ("From g_ae_lasso to g_dec.", caption);
    let numbers = format!("{METRICS} <code>g_ae_lasso_to_g_dec</code>");
    html += &figures.add(&chart(title, &numbers, ["iterations T", "difference"], curves), &run.of);
    let at_truth = run.with_noise(0.0);
    let names = at_truth.first().map(|near| near.estimators.keys().cloned().collect::<Vec<_>>());
    let curves = series(names.into_iter().flatten().map(|name| {
        let point = |near: &&NearTruth| {
            let errors = near.estimators.get(&name);
            (near.at.penalty, errors.map_or(f64::NAN, |errors| last(&errors.error_to_truth)))
        };
        let points = at_truth.iter().map(point).collect();
        (name, points)
    }));
    let caption = format!("‖g − g*‖ at D* and T = {}.", t.last().copied().unwrap_or(0));
    let title = ("Bias against the penalty.", caption);
    let numbers = format!("{METRICS}s <code>…_error_to_truth</code>, dictionary noise 0");
    let axes = ["penalty λ", "error to the true gradient"];
    html += &figures.add(&chart(title, &numbers, axes, curves), &run.of);
    html + &grid::nearer(run)
}

/// Theorem II.4.
pub(super) fn stationarity(run: &Drawn, figures: &mut Figures) -> String {
    let rounds = &run.stored.stationarity;
    let curve = |name: &str, of: fn(&super::Round) -> f64| {
        let points = rounds.iter().filter(|round| round.rounds > 0);
        (name.to_owned(), points.map(|round| (round.rounds as f64, of(round))).collect())
    };
    let curves = [
        curve("‖D − Xᵀ G⁻¹ Z‖/‖D‖", |round| round.difference),
        curve("largest entry of the derivative by D", |round| round.gradient),
    ];
    let caption = "Rounds of exact steps: the lasso’s codes of D, then the best D for these codes."
        .to_owned();
    let title = ("Towards a stationary point.", caption);
    let numbers = "<code>results.json</code>, <code>runs.RUN.stationarity</code>";
    let axes = ["rounds", "difference, derivative"];
    figures.add(&chart(title, numbers, axes, series(curves.into_iter())), &run.of)
}
