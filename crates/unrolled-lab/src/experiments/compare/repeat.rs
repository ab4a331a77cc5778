//! One repeat: its problem, its blocks, its curves and its arrays.

use std::collections::BTreeMap;

use ndarray::Array2;

use super::block::{Block, warm_up};
use super::curves::Repeat;
use super::plan::{Plan, Problem};
use super::sums::Sums;
use crate::Error;
use crate::devices::guarded;
use crate::experiment::Session;
use crate::workers::{Workers, in_order};

/// Arrays to save, by name within the run: shape and values.
pub(super) type SavedArrays = BTreeMap<String, (Vec<usize>, Vec<f64>)>;

/// Computes repeat `index`.
pub(super) fn compute(
    plan: &Plan,
    index: usize,
    session: &mut Session,
) -> Result<(Repeat, SavedArrays), Error> {
    let started = std::time::Instant::now();
    let problem = Problem::new(&plan.run.config, index as u64)?;
    let blocks = plan.sizes[0].div_ceil(plan.block);
    let config = &plan.run.config;
    let workers = plan.workers(session.threads);
    // What is computed on the CPU beside a graphics card has all threads.
    let crew = match config.is_on_cpu() {
        true => Workers::of(workers),
        false => Workers { workers, threads: session.threads },
    };
    let mut sums = Sums::default();
    let observer = &mut session.observer;
    let stop = session.stop;
    in_order(
        blocks,
        crew,
        || {
            // What fails here fails again where it is said.
            let _ = guarded(&config.device, || {
                warm_up(plan, &problem);
                Ok(())
            });
        },
        |block, reporter| {
            guarded(&config.device, || Block::new(plan, &problem, block, stop, reporter).measure())
        },
        |units| observer.advance(units),
        |block| {
            sums.add(block);
            Ok(())
        },
    )?;
    let arrays = match index {
        0 => saved_arrays(plan, &problem, &sums),
        _ => SavedArrays::new(),
    };
    let seconds = started.elapsed().as_secs_f64();
    Ok((Repeat::new(plan, &sums, workers, seconds), arrays))
}

fn saved_arrays(plan: &Plan, problem: &Problem, sums: &Sums) -> SavedArrays {
    let mut arrays = SavedArrays::new();
    let saved = &plan.sections().compare.save_arrays_at;
    if saved.is_empty() {
        return arrays;
    }
    let examples = sums.examples as f64;
    let dictionary = plan.network(problem, 1).dictionary;
    let of_codes = |codes: &Array2<f64>| {
        let shape = [vec![codes.nrows()], dictionary.code_shape()].concat();
        (shape, codes.iter().copied().collect())
    };
    let of_gradient = |sum: &Array2<f64>| dictionary.stored(&(sum / examples));
    arrays.insert("lasso/codes".to_owned(), of_codes(&sums.lasso_codes[0]));
    arrays.insert("lasso/gradient".to_owned(), of_gradient(&sums.lasso_gradient));
    if let Some(truth) = &sums.true_gradient {
        arrays.insert("truth/gradient".to_owned(), of_gradient(truth));
    }
    if let Some(implicit) = &sums.implicit_gradient {
        arrays.insert("lasso/implicit_gradient".to_owned(), of_gradient(implicit));
    }
    let positions = plan.iterations().iter().enumerate().filter(|(_, t)| saved.contains(t));
    for ((position, t), codes) in positions.clone().zip(&sums.codes) {
        arrays.insert(format!("T{t}/codes"), of_codes(codes));
        for (label, sums) in plan.labels.iter().zip(&sums.estimators) {
            let gradient = of_gradient(&sums.gradients[position]);
            arrays.insert(format!("T{t}/{label}"), gradient);
        }
    }
    for (position, t) in positions {
        let losses = [sums.reconstruction[position], sums.lasso[position]];
        let losses = losses.map(|sum| sum / examples).to_vec();
        arrays.insert(format!("T{t}/losses"), (vec![2], losses));
        for (label, sums) in plan.labels.iter().zip(&sums.estimators) {
            let Some(bias) = sums.biases.get(position) else {
                continue;
            };
            let bias: Vec<f64> = bias.iter().map(|v| v / examples).collect();
            let name = format!("T{t}/{label}_bias");
            arrays.insert(name, (vec![bias.len()], bias));
        }
    }
    arrays
}
