//! The metrics of every `measure_every` steps, and what is done about dead atoms.

use burn::tensor::Tensor;
use ndarray::{Array2, Axis};
use unrolled::dictionary::{AnyDictionary, Dictionary};
use unrolled::metrics::{
    aligned, distances, duality_gaps, duplicate_atoms, frobenius, largest_atom_error, nonzeros,
    operator_gaps, shifted_cosines, support_recovery,
};
use unrolled::optimizer::Atoms;
use unrolled::prox::AnyProx;
use unrolled::tensors::{to_array, to_values};

use super::Network;
use super::lesson::{Learning, Memory};
use crate::Error;
use crate::config::DeadAtoms;
use crate::training::{ATOMS, Measurement, Rows, State, unsolved, values, with_values};

/// The columns of every measurement: first the losses on the sample, which are the same figures for every run, whatever
/// it descends ([`Learning::losses_on_sample`]), and the objective, where it is asked for ([`super::objective`]). Those of codes are taken on up to [`EXAMPLES`] examples of the step's batch, coded anew with the
/// dictionary after the step.
pub(in crate::experiments) const COLUMNS: &[&str] = &[
    "sample_reconstruction",
    "sample_lasso",
    "objective",
    "dictionary_error_aligned",
    "sine_distance",
    "largest_atom_error",
    "shifted_cosine",
    "filters_recovered",
    "support_precision",
    "support_recall",
    "nonzeros",
    "duality_gap_mean",
    "duality_gap_worst",
    "dead_atoms",
    "duplicate_atoms",
    "resampled_atoms",
    "bias",
    "spectral_norm_squared",
    "unsolved",
];

const EXAMPLES: usize = 256;
const DUPLICATE: f64 = 0.99;

/// A filter is recovered where its cosine with the true one, up to shift and sign, is that or more.
const RECOVERED: f64 = 0.9;

/// Takes them, replaces dead atoms where that is asked for, and warns of an encoder that may diverge.
pub(super) fn take(
    lesson: &Learning,
    state: &mut State<Network, Memory>,
    codes: &[Tensor<2>],
) -> Result<Measurement, Error> {
    let plan = lesson.plan;
    let dictionary = to_array(&state.network.dictionary.columns());
    let examples = lesson.source.batch().min(EXAMPLES);
    let Rows { x, true_codes, .. } = lesson.source.rows(state.step, 0..examples)?;
    let x_now = plan.tensor(&x);
    let codes_now = state.network.encode(&x_now).inner();
    let Network { dictionary: atoms, encoder } = &state.network;
    let unsolved = unsolved(encoder, atoms, &x_now, &codes_now);
    let now = to_array(&codes_now);
    let prox = &plan.sections().encoder.prox;
    let gaps = match &state.network.dictionary {
        AnyDictionary::Dense(_) => {
            duality_gaps(&dictionary, &x, &now, prox.penalty(), prox.sided())
        }
        filters => operator_gaps(filters, &x_now, &codes_now, prox.penalty(), prox.sided()),
    };
    let support = true_codes.map(|truth| support_recovery(&now, &truth));
    let truth = lesson.prepared.data.true_dictionary.as_ref();
    let aligned = truth.and_then(|truth| aligned(&dictionary, truth));
    let shifted = truth.and_then(|truth| {
        let AnyDictionary::Convolutional(filters) = &state.network.dictionary else { return None };
        let [_, channels, height, width] = filters.filters.val().dims();
        shifted_cosines(&dictionary, truth, [channels, height, width])
    });
    let bias = match state.network.encoder.prox() {
        AnyProx::LearnedSoft(prox) => Some(to_values(&prox.bias.val())),
        AnyProx::LayeredSoft(prox) => Some(to_values(&prox.biases())),
        _ => None,
    };
    let dead = state.lesson.used.iter().filter(|used| !**used).count();
    let norm_squared = state.network.dictionary.norm_squared(false);
    if plan.sections().train.dead_atoms == DeadAtoms::Resample && dead > 0 {
        resample(lesson, state, codes, dictionary.clone())?;
    }
    let figures = vec![
        aligned.map(|a| a.error),
        aligned.map(|a| a.sine),
        truth.map(|truth| largest_atom_error(&dictionary, truth)),
        shifted.as_ref().map(|cosines| cosines.iter().sum::<f64>() / cosines.len() as f64),
        shifted
            .as_ref()
            .map(|cosines| cosines.iter().filter(|cosine| **cosine >= RECOVERED).count() as f64),
        support.map(|s| s.precision),
        support.map(|s| s.recall),
        Some(nonzeros(&now)),
        Some(gaps.iter().sum::<f64>() / gaps.len() as f64),
        Some(gaps.iter().copied().fold(0.0, f64::max)),
        Some(dead as f64),
        Some(duplicate_atoms(&dictionary, DUPLICATE) as f64),
        Some(state.lesson.resampled as f64),
        bias.map(|bias| bias.iter().sum::<f64>() / bias.len() as f64),
        Some(norm_squared),
        unsolved.map(|count| count as f64),
    ];
    state.lesson.used.fill(false);
    let State { step, network, lesson, .. } = state;
    let of_step = lesson.step.warning(*step, &network.encoder, norm_squared);
    let missed = unsolved.filter(|count| *count > 0 && !lesson.warned_of_unsolved);
    let of_codes = missed.filter(|_| of_step.is_none()).map(|missed| {
        lesson.warned_of_unsolved = true;
        format!(
            "at step {step}, {missed} of {examples} codes are not solved to `encoder.tolerance` within {} iterations; \
             allow more iterations or a larger tolerance",
            plan.sections().encoder.iterations
        )
    });
    Ok((figures, of_step.or(of_codes)))
}

/// Replaces every atom that no code has used since the last measurement by one of the worst
/// reconstructed examples of the batch, and resets the optimiser's memory of it.
fn resample(
    lesson: &Learning,
    state: &mut State<Network, Memory>,
    codes: &[Tensor<2>],
    mut dictionary: Array2<f64>,
) -> Result<(), Error> {
    let (plan, source) = (lesson.plan, &lesson.source);
    let x = source.rows(state.step, 0..source.batch())?.x;
    let codes: Vec<_> = codes.iter().map(to_array).collect();
    let views: Vec<_> = codes.iter().map(|codes| codes.view()).collect();
    let codes = ndarray::concatenate(Axis(0), &views).expect("codes have p columns");
    let errors = distances(&codes.dot(&dictionary.t()), &x);
    let mut worst: Vec<usize> = (0..errors.len()).collect();
    worst.sort_by(|a, b| errors[*b].total_cmp(&errors[*a]));
    let used = state.lesson.used.iter().enumerate();
    let dead = used.filter(|(_, used)| !**used).map(|(atom, _)| atom);
    let before = dictionary.clone();
    let mut replaced = Vec::new();
    for (atom, example) in dead.zip(worst) {
        let row = x.row(example);
        let norm = row.dot(&row).sqrt();
        if norm > 0.0 {
            dictionary.column_mut(atom).assign(&(&row / norm));
            replaced.push(atom);
        }
    }
    state.lesson.resampled += replaced.len();
    if let Some(memory) = state.memories.get_mut(ATOMS) {
        plan.sections().optimizer.build().forget(
            memory,
            &Atoms::of(&state.network.dictionary),
            &replaced,
        );
    }
    state.lesson.step.moved_by(frobenius(&(&dictionary - before)));
    let moved = state.network.dictionary.clone();
    state.network.dictionary = moved.with_atom_rows(plan.tensor(&dictionary.t().to_owned()));
    // Laid out as a checkpoint gives it back: products round by the layout of what they are of.
    let laid_out = values(&state.network);
    let network = with_values(state.network.clone(), &laid_out);
    state.network = network.expect("a network takes its own values");
    Ok(())
}
