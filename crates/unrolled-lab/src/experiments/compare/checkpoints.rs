//! Finished repeats, kept until the run is done so that it can be resumed.

use std::path::PathBuf;

use super::curves::Repeat;
use super::plan::Plan;
use super::repeat::SavedArrays;
use crate::arrays::{Arrays, Stored};
use crate::{Error, RunDirectory};

const ARRAYS: &str = "arrays.safetensors";

fn file(plan: &Plan, index: usize) -> String {
    format!("checkpoints/{}-repeat-{}.json", plan.run.name, index + 1)
}

fn arrays_file(plan: &Plan) -> String {
    format!("checkpoints/{}.safetensors", plan.run.name)
}

/// Saves a finished repeat; its arrays first, so that a repeat that is there is there in full.
pub(super) fn save(
    directory: &RunDirectory,
    plan: &Plan,
    index: usize,
    repeat: &Repeat,
    arrays: &SavedArrays,
) -> Result<(), Error> {
    if !arrays.is_empty() {
        let precision = plan.run.config.precision;
        let mut stored = Arrays::default();
        for (name, (shape, values)) in arrays {
            let array = Stored::new(shape.clone(), values, precision.bytes());
            stored.insert(format!("{}/{name}", plan.run.name), array);
        }
        directory.write(&arrays_file(plan), &stored.to_bytes())?;
    }
    let text = serde_json::to_string(repeat).expect("a repeat is valid JSON");
    directory.write(&file(plan, index), text.as_bytes())
}

/// The repeats that are finished, from the first on, as many as are there without a gap.
pub(super) fn load(directory: &RunDirectory, plan: &Plan) -> Result<Vec<Repeat>, Error> {
    let mut repeats = Vec::new();
    let saves = !plan.sections().compare.save_arrays_at.is_empty();
    let arrays = || std::fs::read(directory.path().join(arrays_file(plan)));
    if saves && !arrays().is_ok_and(|bytes| Arrays::parse(&bytes).is_ok()) {
        return Ok(repeats);
    }
    for index in 0..plan.sections().compare.repeats {
        let path = directory.path().join(file(plan, index));
        let Ok(text) = std::fs::read_to_string(&path) else {
            break;
        };
        // A file that is damaged counts as one that is not there.
        let Ok(repeat) = serde_json::from_str(&text) else {
            break;
        };
        repeats.push(repeat);
    }
    Ok(repeats)
}

/// Gathers the arrays of all runs into one file.
pub(super) fn gather_arrays(directory: &RunDirectory, plans: &[Plan]) -> Result<(), Error> {
    let mut all = Arrays::default();
    for plan in plans.iter().filter(|plan| !plan.sections().compare.save_arrays_at.is_empty()) {
        let path = directory.path().join(arrays_file(plan));
        let bytes = std::fs::read(&path).map_err(|error| Error::reading(&path, &error))?;
        let arrays = Arrays::parse(&bytes).map_err(|error| Error::reading(&path, &error))?;
        all.named.extend(arrays.named);
    }
    match all.named.is_empty() {
        true => Ok(()),
        false => directory.write(ARRAYS, &all.to_bytes()),
    }
}

/// Removes what a finished run no longer needs.
pub(super) fn remove(directory: &RunDirectory, plans: &[Plan]) -> Result<(), Error> {
    for plan in plans {
        let repeats = (0..plan.sections().compare.repeats).map(|index| file(plan, index));
        for name in repeats.chain([arrays_file(plan)]) {
            // Not being there is what is wanted.
            let _ = std::fs::remove_file(directory.path().join(name));
        }
    }
    let folder: PathBuf = directory.path().join("checkpoints");
    let _ = std::fs::remove_dir(folder);
    Ok(())
}
