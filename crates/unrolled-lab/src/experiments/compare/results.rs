//! results.json and metrics.csv.

use serde_json::{Map, Value, json};

use super::checkpoints::gather_arrays;
use super::curves::{Curves, Repeat};
use super::plan::Plan;
use super::ranking::{Errors, crossovers, rankings};
use crate::config::name_of;
use crate::statistics::mean_and_std;
use crate::{Configuration, Error, RunDirectory, run_directory};

/// Writes every file but the configuration and the report.
pub(super) fn write(
    configuration: &Configuration,
    plans: &[Plan],
    repeats: &[Vec<Repeat>],
    directory: &RunDirectory,
    threads: usize,
    seconds: f64,
) -> Result<(), Error> {
    gather_arrays(directory, plans)?;
    directory.write("metrics.csv", &metrics(plans, repeats))?;
    let runs: Map<String, Value> = plans
        .iter()
        .zip(repeats)
        .map(|(plan, repeats)| (plan.run.name.clone(), run(plan, repeats)))
        .collect();
    let mut results = run_directory::results(configuration, threads, seconds, runs);
    results["differ_in_penalty_only"] = differ_in_penalty_only(plans).into();
    directory.write_results(&results)
}

/// Whether the runs are alike but for the penalty.
fn differ_in_penalty_only(plans: &[Plan]) -> bool {
    let without_penalty = |plan: &Plan| {
        let mut table = plan.run.config.table();
        if let Some(prox) = table.get_mut("encoder").and_then(|encoder| encoder.get_mut("prox")) {
            prox.as_table_mut().map(|prox| prox.remove("penalty"));
        }
        table
    };
    let tables: Vec<toml::Table> = plans.iter().map(without_penalty).collect();
    plans.len() > 1 && tables.windows(2).all(|pair| pair[0] == pair[1])
}

fn run(plan: &Plan, repeats: &[Repeat]) -> Value {
    let config = &plan.run.config;
    let ([examples, features, _], atoms) = (plan.sizes, plan.atoms);
    let mut fields = Map::new();
    fields.insert("device".to_owned(), json!(config.device));
    fields.insert("precision".to_owned(), json!(name_of(config.precision)));
    let engine = plan.sections().encoder.engine(config.device_kind());
    fields.insert("engine".to_owned(), json!(engine));
    fields.insert("seed".to_owned(), json!(config.seed));
    fields.insert("repeats".to_owned(), json!(repeats.len()));
    fields.insert("examples".to_owned(), json!(examples));
    fields.insert("features".to_owned(), json!(features));
    fields.insert("atoms".to_owned(), json!(atoms));
    fields.insert("penalty".to_owned(), json!(plan.sections().encoder.prox.penalty()));
    fields.insert("form".to_owned(), json!(format!("{:?}", plan.form).to_lowercase()));
    fields.insert("iterations".to_owned(), json!(plan.iterations()));
    let shared: Vec<&Curves> = repeats.iter().map(|repeat| &repeat.shared).collect();
    let mut code_error = Map::new();
    for (name, key) in [("code_error_to_lasso", "to_lasso"), ("code_error_to_truth", "to_truth")] {
        curve(&mut code_error, key, name, &shared);
    }
    fields.insert("code_error".to_owned(), code_error.into());
    for name in ["reconstruction", "lasso", "unsolved"] {
        curve(&mut fields, name, name, &shared);
    }
    let everywhere =
        |name: &&String| repeats.iter().all(|repeat| repeat.scalars.contains_key(*name));
    for name in repeats[0].scalars.keys().filter(everywhere) {
        let values: Vec<[f64; 1]> = repeats.iter().map(|repeat| [repeat.scalars[name]]).collect();
        let (mean, std) =
            mean_and_std(&values.iter().map(|value| value.as_slice()).collect::<Vec<_>>());
        fields.insert(name.clone(), json!(mean[0]));
        if let Some(std) = std {
            fields.insert(format!("{name}_std"), json!(std[0]));
        }
    }
    let mut estimators = Map::new();
    for name in &plan.labels {
        let curves: Vec<&Curves> = repeats.iter().map(|repeat| &repeat.estimators[name]).collect();
        let mut figures = Map::new();
        for figure in curves[0].keys() {
            curve(&mut figures, figure, figure, &curves);
        }
        estimators.insert(name.clone(), figures.into());
    }
    fields.insert("estimators".to_owned(), estimators.into());
    let reference = if plan.has_truth { "truth" } else { "lasso" };
    fields.insert("ranking".to_owned(), ranking(plan, repeats, reference));
    fields.into()
}

/// Inserts the mean of a curve, and its spread where there are several repeats.
fn curve(into: &mut Map<String, Value>, key: &str, name: &str, repeats: &[&Curves]) {
    let curves: Option<Vec<&[f64]>> =
        repeats.iter().map(|curves| curves.get(name).map(|curve| &curve.0[..])).collect();
    let Some(curves) = curves else { return };
    let (mean, std) = mean_and_std(&curves);
    into.insert(key.to_owned(), json!(mean));
    if let Some(std) = std {
        into.insert(format!("{key}_std"), json!(std));
    }
}

fn ranking(plan: &Plan, repeats: &[Repeat], reference: &str) -> Value {
    let figure = format!("error_to_{reference}");
    let errors: Vec<Errors> = repeats
        .iter()
        .map(|repeat| {
            let errors = repeat.estimators.iter();
            errors.map(|(name, curves)| (name.clone(), curves[&figure].0.clone())).collect()
        })
        .collect();
    let rankings = rankings(&errors);
    let crossovers: Vec<Value> = crossovers(plan.iterations(), &rankings)
        .into_iter()
        .map(|c| json!({ "last": c.last, "first": c.first, "before": c.before, "after": c.after }))
        .collect();
    json!({
        "by": figure,
        "order": rankings.iter().map(|r| &r.order).collect::<Vec<_>>(),
        "order_holds_in": rankings.iter().map(|r| r.order_holds_in).collect::<Vec<_>>(),
        "closest_holds_in": rankings.iter().map(|r| r.closest_holds_in).collect::<Vec<_>>(),
        "crossovers": crossovers,
    })
}

/// A row per run and T: means over the repeats.
fn metrics(plans: &[Plan], repeats: &[Vec<Repeat>]) -> Vec<u8> {
    let mut columns: Vec<(Option<&str>, &str)> = Vec::new();
    for repeat in repeats.iter().filter_map(|repeats| repeats.first()) {
        let shared = repeat.shared.keys().map(|figure| (None, figure.as_str()));
        let estimators = repeat.estimators.iter().flat_map(|(name, curves)| {
            curves.keys().map(move |figure| (Some(name.as_str()), figure.as_str()))
        });
        for column in shared.chain(estimators) {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let titles = columns.iter().map(|(estimator, figure)| match estimator {
        None => (*figure).to_owned(),
        Some(name) => format!("{name}_{figure}"),
    });
    let head = ["run".to_owned(), "iterations".to_owned()].into_iter();
    let mut write = |row: Vec<String>| writer.write_record(row).expect("memory can be written to");
    write(head.chain(titles).collect());
    for (plan, repeats) in plans.iter().zip(repeats) {
        for (index, t) in plan.iterations().iter().enumerate() {
            let mut row = vec![plan.run.name.clone(), t.to_string()];
            row.extend(columns.iter().map(|(estimator, figure)| {
                let curve = |repeat: &Repeat| match estimator {
                    None => repeat.shared.get(*figure).map(|curve| curve.0[index]),
                    Some(name) => repeat.estimators.get(*name)?.get(*figure).map(|c| c.0[index]),
                };
                let values: Option<Vec<f64>> = repeats.iter().map(curve).collect();
                values.map_or(String::new(), |values| {
                    let mean = values.iter().sum::<f64>() / values.len() as f64;
                    if mean.is_finite() { mean.to_string() } else { String::new() }
                })
            }));
            write(row);
        }
    }
    writer.into_inner().expect("memory can be written to")
}
