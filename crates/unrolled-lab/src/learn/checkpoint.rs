//! Checkpoints: the whole state of a run in one file, with a checksum.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use burn::tensor::{DType, Tensor, TensorData};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use unrolled::optimizer::Moments;
use unrolled::tensors::to_array;

use super::plan::Plan;
use super::state::{Parameter, State};
use crate::progress::Observer;
use crate::{Error, RunDirectory};

/// Everything that is not an array.
#[derive(Serialize, Deserialize)]
struct Counters {
    step: usize,
    encoder_step: f64,
    resampled: usize,
    since_best: usize,
    stopped_early: bool,
    best_loss: Option<f64>,
    dictionary_time: Option<usize>,
    bias_time: Option<usize>,
    learned_step_time: Option<usize>,
    used: Vec<bool>,
    saved: Vec<usize>,
}

/// What is written beside the arrays.
#[derive(Serialize, Deserialize)]
struct Record {
    checksum: String,
    /// Not part of the state: times differ from one run to the next.
    seconds: String,
    counters: String,
}

/// How many are kept: should the newest be damaged, the one before it serves.
const KEPT: usize = 2;

fn folder(directory: &RunDirectory, plan: &Plan) -> PathBuf {
    directory.path().join("checkpoints").join(&plan.run.name)
}

/// Saves a state and removes the oldest.
pub(super) fn save(directory: &RunDirectory, plan: &Plan, state: &State) -> Result<(), Error> {
    let mut arrays: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)> = BTreeMap::new();
    let mut put = |name: &str, data: TensorData| {
        let dtype = if data.dtype() == DType::F64 { Dtype::F64 } else { Dtype::F32 };
        let shape = data.shape().iter().copied().collect();
        arrays.insert(name.to_owned(), (dtype, shape, data.as_bytes().to_vec()));
    };
    parameter_out("dictionary", &state.dictionary, &mut put);
    if let Some(bias) = &state.bias {
        parameter_out("bias", bias, &mut put);
    }
    if let Some(step) = &state.learned_step {
        parameter_out("learned_step", step, &mut put);
    }
    if let Some((_, best)) = &state.best {
        put("best", plan.tensor(best).into_data());
    }
    for (step, dictionary) in &state.saved {
        put(&format!("saved.{step}"), plan.tensor(dictionary).into_data());
    }
    let counters = Counters {
        step: state.step,
        encoder_step: state.encoder_step,
        resampled: state.resampled,
        since_best: state.since_best,
        stopped_early: state.stopped_early,
        best_loss: state.best.as_ref().map(|(loss, _)| *loss),
        dictionary_time: state.dictionary.moments.as_ref().map(|m| m.time),
        bias_time: state.bias.as_ref().and_then(|bias| bias.moments.as_ref()).map(|m| m.time),
        learned_step_time: state
            .learned_step
            .as_ref()
            .and_then(|step| step.moments.as_ref())
            .map(|m| m.time),
        used: state.used.clone(),
        saved: state.saved.keys().copied().collect(),
    };
    let counters = serde_json::to_string(&counters).expect("counters are valid JSON");
    let seconds = state.seconds.to_string();
    let checksum = checksum(
        arrays.iter().map(|(name, (_, shape, bytes))| (name.as_str(), &shape[..], &bytes[..])),
        &[&counters, &seconds],
    );
    // One entry, because the order of several is not fixed.
    let record = Record { checksum, seconds, counters };
    let record = serde_json::to_string(&record).expect("a record is valid JSON");
    let metadata = HashMap::from([("state".to_owned(), record)]);
    let views = arrays.iter().map(|(name, (dtype, shape, bytes))| {
        let view = TensorView::new(*dtype, shape.clone(), bytes);
        (name.as_str(), view.expect("an array has as many bytes as its shape says"))
    });
    let bytes =
        safetensors::serialize(views, Some(metadata)).expect("arrays are valid safetensors");
    let name = format!("checkpoints/{}/step-{:08}.safetensors", plan.run.name, state.step);
    directory.write(&name, &bytes)?;
    let mut all = list(&folder(directory, plan));
    while all.len() > KEPT {
        // Not being there is what is wanted.
        let _ = std::fs::remove_file(all.remove(0));
    }
    Ok(())
}

/// The newest state that is intact; what is damaged is said.
pub(super) fn newest(
    directory: &RunDirectory,
    plan: &Plan,
    observer: &mut dyn Observer,
) -> Option<State> {
    let mut all = list(&folder(directory, plan));
    while let Some(path) = all.pop() {
        match load(&path, plan) {
            Ok(state) => return Some(state),
            Err(reason) => observer.say(&format!(
                "note: {}: the checkpoint is damaged ({reason}); going on from the one before it",
                path.display()
            )),
        }
    }
    None
}

/// The checkpoints of a run, the oldest first.
fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "safetensors"))
        .collect();
    paths.sort();
    paths
}

fn load(path: &Path, plan: &Plan) -> Result<State, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| error.to_string())?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| error.to_string())?;
    let metadata = header.metadata().clone().ok_or("it has no counters")?;
    let record = metadata.get("state").ok_or("it has no state")?;
    let Record { checksum: expected, seconds, counters } =
        serde_json::from_str(record).map_err(|error| error.to_string())?;
    let mut arrays: Vec<_> = file.iter().collect();
    arrays.sort_by_key(|(name, _)| *name);
    let arrays = arrays.iter().map(|(name, view)| (*name, view.shape(), view.data()));
    if expected != checksum(arrays, &[&counters, &seconds]) {
        return Err("its checksum is wrong".to_owned());
    }
    let counters: Counters = serde_json::from_str(&counters).map_err(|error| error.to_string())?;
    let tensor2 = |name: &str| -> Result<Tensor<2>, String> {
        let view = file.tensor(name).map_err(|error| error.to_string())?;
        Ok(Tensor::from_data(data(&view), (&plan.device, plan.run.config.precision.dtype())))
    };
    let tensor1 = |name: &str| -> Result<Tensor<1>, String> {
        let view = file.tensor(name).map_err(|error| error.to_string())?;
        Ok(Tensor::from_data(data(&view), (&plan.device, plan.run.config.precision.dtype())))
    };
    let mut state = State::start(plan);
    state.dictionary = parameter_in("dictionary", counters.dictionary_time, tensor2, &file)?;
    if state.bias.is_some() {
        state.bias = Some(parameter_in("bias", counters.bias_time, tensor1, &file)?);
    }
    if state.learned_step.is_some() {
        let time = counters.learned_step_time;
        state.learned_step = Some(parameter_in("learned_step", time, tensor1, &file)?);
    }
    if let Some(loss) = counters.best_loss {
        state.best = Some((loss, to_array(&tensor2("best")?)));
    }
    for step in counters.saved {
        state.saved.insert(step, to_array(&tensor2(&format!("saved.{step}"))?));
    }
    state.step = counters.step;
    state.encoder_step = counters.encoder_step;
    state.resampled = counters.resampled;
    state.since_best = counters.since_best;
    state.stopped_early = counters.stopped_early;
    state.used = counters.used;
    state.seconds = seconds.parse().unwrap_or(0.0);
    Ok(state)
}

fn parameter_out<const R: usize>(
    name: &str,
    parameter: &Parameter<R>,
    put: &mut impl FnMut(&str, TensorData),
) {
    put(name, parameter.value.to_data());
    for (index, average) in parameter.moments.iter().flat_map(|m| m.averages.iter().enumerate()) {
        put(&format!("{name}.average.{index}"), average.to_data());
    }
}

fn parameter_in<const R: usize>(
    name: &str,
    time: Option<usize>,
    tensor: impl Fn(&str) -> Result<Tensor<R>, String>,
    file: &SafeTensors,
) -> Result<Parameter<R>, String> {
    let value = tensor(name)?;
    let Some(time) = time else { return Ok(Parameter::new(value)) };
    let names = (0..).map(|index| format!("{name}.average.{index}"));
    let averages = names
        .take_while(|name| file.tensor(name).is_ok())
        .map(|name| tensor(&name))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Parameter { value, moments: Some(Moments { time, averages }) })
}

fn data(view: &TensorView) -> TensorData {
    let shape = view.shape().to_vec();
    match view.dtype() {
        Dtype::F64 => {
            let (numbers, _) = view.data().as_chunks::<8>();
            let values: Vec<f64> = numbers.iter().map(|b| f64::from_le_bytes(*b)).collect();
            TensorData::new(values, shape)
        }
        _ => {
            let (numbers, _) = view.data().as_chunks::<4>();
            let values: Vec<f32> = numbers.iter().map(|b| f32::from_le_bytes(*b)).collect();
            TensorData::new(values, shape)
        }
    }
}

/// CRC-32 of names, shapes and values, and of further text.
fn checksum<'a>(
    arrays: impl Iterator<Item = (&'a str, &'a [usize], &'a [u8])>,
    texts: &[&str],
) -> String {
    let mut hasher = crc32fast::Hasher::new();
    for (name, shape, bytes) in arrays {
        hasher.update(name.as_bytes());
        shape.iter().for_each(|d| hasher.update(&(*d as u64).to_le_bytes()));
        hasher.update(bytes);
    }
    texts.iter().for_each(|text| hasher.update(text.as_bytes()));
    format!("{:08x}", hasher.finalize())
}
