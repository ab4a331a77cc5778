//! Checkpoints: the whole state of a run in one file, with a checksum.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use unrolled::optimizer::{AnyOptimizer, Atoms, Moments};

use super::parameters::{ATOMS, Memories, Values, values, with_values};
use super::state::State;
use crate::arrays::{Arrays, Stored};
use crate::progress::Observer;
use crate::run_directory::CHECKPOINTS;
use crate::{Error, RunDirectory};

/// Everything that is not an array.
#[derive(Serialize, Deserialize)]
struct Counters {
    step: usize,
    since_best: usize,
    stopped_early: bool,
    best_loss: Option<f64>,
    /// Steps that the optimiser has taken, by parameter.
    times: BTreeMap<String, usize>,
    saved: Vec<usize>,
    lesson: Value,
}

/// What is written beside the arrays.
#[derive(Serialize, Deserialize)]
struct Record {
    checksum: String,
    /// Whose it is.
    identity: String,
    /// Not part of the state: times differ from one run to the next.
    seconds: String,
    counters: String,
}

/// A state as it was found, intact.
pub struct Saved {
    path: PathBuf,
    arrays: Arrays,
    identity: String,
    counters: Counters,
    seconds: f64,
}

/// How many are kept: should the newest be damaged, the one before it serves.
const KEPT: usize = 2;

const STATE: &str = "state";

fn folder(directory: &Path, run: &str) -> PathBuf {
    directory.join(CHECKPOINTS).join(run)
}

/// Steps that the newest checkpoint says are done, by its name.
pub(super) fn steps_done(directory: &Path, run: &str) -> usize {
    let newest = list(&folder(directory, run)).pop();
    let stem = newest.as_deref().and_then(Path::file_stem).and_then(|stem| stem.to_str());
    let steps = stem.and_then(|stem| stem.strip_prefix("step-")?.parse().ok());
    steps.unwrap_or(0)
}

/// Saves a state and removes the oldest.
pub(super) fn save<N: Module, M: Serialize>(
    directory: &RunDirectory,
    run: &str,
    identity: &str,
    state: &State<N, M>,
) -> Result<(), Error> {
    let mut arrays = Arrays::default();
    let mut put = |prefix: &str, values: &Values| {
        for (name, data) in values {
            arrays.insert(format!("{prefix}{name}"), Stored::of(data));
        }
    };
    put("", &values(&state.network));
    if let Some((_, best)) = &state.best {
        put("best.", best);
    }
    for (step, saved) in &state.saved {
        put(&format!("saved.{step}."), saved);
    }
    for (name, Moments { averages, .. }) in &state.memories {
        for (index, average) in averages.iter().enumerate() {
            arrays.insert(format!("{name}.average.{index}"), Stored::of(&average.to_data()));
        }
    }
    let counters = Counters {
        step: state.step,
        since_best: state.since_best,
        stopped_early: state.stopped_early,
        best_loss: state.best.as_ref().map(|(loss, _)| *loss),
        times: state.memories.iter().map(|(name, m)| (name.clone(), m.time)).collect(),
        saved: state.saved.keys().copied().collect(),
        lesson: serde_json::to_value(&state.lesson).expect("a lesson's memory is valid JSON"),
    };
    let counters = serde_json::to_string(&counters).expect("counters are valid JSON");
    let seconds = state.seconds.to_string();
    let checksum = checksum(&arrays, &[identity, &counters, &seconds]);
    // One entry, because the order of several is not fixed.
    let record = Record { checksum, identity: identity.to_owned(), seconds, counters };
    let record = serde_json::to_string(&record).expect("a record is valid JSON");
    arrays.metadata.insert(STATE.to_owned(), record);
    let name = format!("{CHECKPOINTS}/{run}/step-{:08}.safetensors", state.step);
    directory.write(&name, &arrays.to_bytes())?;
    let mut all = list(&folder(directory.path(), run));
    while all.len() > KEPT {
        // Not being there is what is wanted.
        let _ = std::fs::remove_file(all.remove(0));
    }
    Ok(())
}

/// The newest state that is intact; what is damaged is said.
pub(super) fn newest(
    directory: &RunDirectory,
    run: &str,
    observer: &mut dyn Observer,
) -> Option<Saved> {
    let mut all = list(&folder(directory.path(), run));
    while let Some(path) = all.pop() {
        match load(&path) {
            Ok(saved) => return Some(saved),
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

fn load(path: &Path) -> Result<Saved, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let arrays = Arrays::parse(&bytes).map_err(|error| error.to_string())?;
    let record = arrays.metadata.get(STATE).ok_or("it has no state")?;
    let Record { checksum: expected, identity, seconds, counters } =
        serde_json::from_str(record).map_err(|error| error.to_string())?;
    if expected != checksum(&arrays, &[&identity, &counters, &seconds]) {
        return Err("its checksum is wrong".to_owned());
    }
    if !arrays.named.values().all(Stored::is_float) {
        return Err("it holds numbers of another kind".to_owned());
    }
    let counters = serde_json::from_str(&counters).map_err(|error| error.to_string())?;
    let seconds = seconds.parse().unwrap_or(0.0);
    Ok(Saved { path: path.to_owned(), arrays, identity, counters, seconds })
}

impl Saved {
    /// Whether it is of a run on data with this checksum, whatever else its identity
    /// ([`crate::config::Run::identity`]) says.
    pub fn is_of_data(&self, checksum: u32) -> bool {
        self.identity.ends_with(&format!("-{checksum:08x}"))
    }

    /// Steps done.
    pub fn step(&self) -> usize {
        self.counters.step
    }

    /// The state, of a network and a lesson as they start, and an optimiser.
    pub(super) fn into_state<N: Module, M: DeserializeOwned>(
        self,
        expected: &str,
        network: N,
        (optimizer, atoms): (&AnyOptimizer, Option<Atoms>),
        device: &Device,
    ) -> Result<State<N, M>, Error> {
        let Self { path, arrays, identity, counters, seconds } = self;
        let foreign = |reason: String| {
            Error::RunDirectory(format!(
                "{}: is not a checkpoint of this run ({reason}); remove it, or start anew with --overwrite",
                path.display()
            ))
        };
        if identity != expected {
            let of_run = |identity: &str| identity.split('-').next().map(str::to_owned);
            let reason = match of_run(&identity) == of_run(expected) {
                true => "its data were others: they have changed since it was written",
                false => "its name or its configuration were others",
            };
            return Err(foreign(reason.to_owned()));
        }
        let names: Vec<String> = values(&network).into_keys().collect();
        let values = |prefix: &str| -> Values {
            let found = names.iter().filter_map(|name| {
                let array = arrays.named.get(&format!("{prefix}{name}"))?;
                Some((name.clone(), array.to_data()))
            });
            found.collect()
        };
        let of_parameters = values("");
        let memory = |(name, time): (String, usize)| {
            let entries = of_parameters.get(&name)?.shape().iter().product();
            let atoms = atoms.as_ref().filter(|_| name == ATOMS);
            let lengths = optimizer.averages(entries, atoms).into_iter().enumerate();
            let averages = lengths.map(|(index, length)| {
                let average = arrays.named.get(&format!("{name}.average.{index}"))?;
                // In the precision that they have, which need not be the run's.
                let data = average.to_data();
                let dtype = data.dtype();
                let fits = average.shape == [length];
                fits.then(|| Tensor::from_data(data, (device, dtype)))
            });
            let averages = averages.collect::<Option<_>>()?;
            Some((name, Moments { time, averages }))
        };
        let memories = counters.times.into_iter().map(memory).collect::<Option<Memories>>();
        let memories =
            memories.ok_or_else(|| foreign("its optimiser remembers something else".to_owned()))?;
        let lesson = serde_json::from_value(counters.lesson);
        let lesson = lesson.map_err(|error| foreign(error.to_string()))?;
        let network = with_values(network, &of_parameters).map_err(foreign)?;
        let saved = counters.saved.into_iter();
        Ok(State {
            step: counters.step,
            seconds,
            network,
            memories,
            lesson,
            best: counters.best_loss.map(|loss| (loss, values("best."))),
            since_best: counters.since_best,
            stopped_early: counters.stopped_early,
            saved: saved.map(|step| (step, values(&format!("saved.{step}.")))).collect(),
        })
    }
}

/// CRC-32 of names, shapes and values, and of further text.
fn checksum(arrays: &Arrays, texts: &[&str]) -> String {
    let mut hasher = crc32fast::Hasher::new();
    for (name, array) in &arrays.named {
        hasher.update(name.as_bytes());
        array.shape.iter().for_each(|d| hasher.update(&(*d as u64).to_le_bytes()));
        hasher.update(&array.bytes);
    }
    texts.iter().for_each(|text| hasher.update(text.as_bytes()));
    format!("{:08x}", hasher.finalize())
}
