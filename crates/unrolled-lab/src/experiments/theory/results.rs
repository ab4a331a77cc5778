//! results.json and metrics.csv.

use serde_json::{Map, Value, json};

use super::measure::near_truth::NearTruth;
use super::plan::{Measured, Plan};
use super::verdicts;
use crate::{Configuration, Error, RunDirectory, run_directory};

/// Writes every file but the configuration and the report.
pub(super) fn write(
    configuration: &Configuration,
    plans: &[Plan],
    measured: &[Measured],
    directory: &RunDirectory,
    (threads, seconds): (usize, f64),
) -> Result<(), Error> {
    directory.write("metrics.csv", &metrics(plans, measured))?;
    let runs: Map<String, Value> = plans
        .iter()
        .zip(measured)
        .map(|(plan, measured)| (plan.run.name.clone(), run(plan, measured)))
        .collect();
    let results = run_directory::results(configuration, threads, seconds, runs);
    directory.write_results(&results)
}

fn run(plan: &Plan, measured: &Measured) -> Value {
    let Measured { near_truth, contractions, rounds } = measured;
    let problem = &plan.problem;
    let focus = verdicts::Focus {
        penalty: plan.penalty(),
        dictionary_noise: plan.theory().curves_at,
        iterations: &plan.theory().iterations,
    };
    json!({
        "engine": "fused",
        "examples": problem.x.nrows(),
        "features": problem.x.ncols(),
        "atoms": problem.truth.ncols(),
        "misfit": problem.misfit,
        "penalty": plan.penalty(),
        "iterations": plan.theory().iterations,
        "near_truth": near_truth,
        "contraction": contractions,
        "stationarity": rounds,
        "curves_at": plan.theory().curves_at,
        "verdicts": verdicts::all(focus, measured),
    })
}

/// A row per run, place and T.
fn metrics(plans: &[Plan], measured: &[Measured]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |row: Vec<String>| writer.write_record(row).expect("memory can be written to");
    let mut head: Vec<String> = [
        "run",
        "dictionary_noise",
        "dictionary_error",
        "penalty",
        "iterations",
        "code_error_to_lasso",
        "code_error_to_truth",
        "g_ae_lasso_to_g_dec",
    ]
    .map(str::to_owned)
    .to_vec();
    let first = measured.iter().find_map(|measured| measured.near_truth.first());
    for name in first.iter().flat_map(|near| near.estimators.keys()) {
        head.extend([format!("{name}_error_to_lasso"), format!("{name}_error_to_truth")]);
    }
    write(head);
    for (plan, measured) in plans.iter().zip(measured) {
        for near in &measured.near_truth {
            for (at, t) in plan.theory().iterations.iter().enumerate() {
                write(row(&plan.run.name, near, at, *t));
            }
        }
    }
    writer.into_inner().expect("memory can be written to")
}

fn row(run: &str, near: &NearTruth, at: usize, t: usize) -> Vec<String> {
    let figures = [
        near.at.dictionary_noise,
        near.dictionary_error,
        near.at.penalty,
        t as f64,
        near.code_error_to_lasso[at],
        near.code_error_to_truth[at],
        near.lasso_to_decoder[at],
    ];
    let of_estimators = near
        .estimators
        .values()
        .flat_map(|errors| [errors.error_to_lasso[at], errors.error_to_truth[at]]);
    let figures = figures.into_iter().chain(of_estimators).map(|figure| figure.to_string());
    std::iter::once(run.to_owned()).chain(figures).collect()
}
