//! Finished repeats, kept until the run is done so that it can be resumed.

use std::path::PathBuf;

use safetensors::SafeTensors;

use super::curves::Repeat;
use super::plan::Plan;
use super::repeat::SavedArrays;
use crate::files::Stored;
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
        let named = arrays.iter().map(|(name, (shape, values))| {
            let name = format!("{}/{name}", plan.run.name);
            (name, Stored::new(shape.clone(), values, precision.bytes()))
        });
        let bytes = safetensors::serialize(named, None).expect("arrays are valid safetensors");
        directory.write(&arrays_file(plan), &bytes)?;
    }
    let text = serde_json::to_string(repeat).expect("a repeat is valid JSON");
    directory.write(&file(plan, index), text.as_bytes())
}

/// The repeats that are finished, from the first on, as many as are there without a gap.
pub(super) fn load(directory: &RunDirectory, plan: &Plan) -> Result<Vec<Repeat>, Error> {
    let mut repeats = Vec::new();
    for index in 0..plan.run.config.compare().repeats {
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
    let mut files = Vec::new();
    for plan in plans.iter().filter(|plan| !plan.run.config.compare().save_arrays_at.is_empty()) {
        let path = directory.path().join(arrays_file(plan));
        files.push(std::fs::read(&path).map_err(|error| Error::reading(&path, &error))?);
    }
    if files.is_empty() {
        return Ok(());
    }
    let path = directory.path().join(ARRAYS);
    let mut named = Vec::new();
    for bytes in &files {
        let file =
            SafeTensors::deserialize(bytes).map_err(|error| Error::reading(&path, &error))?;
        named.extend(file.iter().map(|(name, view)| (name.to_owned(), view)).collect::<Vec<_>>());
    }
    let bytes = safetensors::serialize(named, None).expect("arrays are valid safetensors");
    directory.write(ARRAYS, &bytes)
}

/// Removes what a finished run no longer needs.
pub(super) fn remove(directory: &RunDirectory, plans: &[Plan]) -> Result<(), Error> {
    for plan in plans {
        let repeats = (0..plan.run.config.compare().repeats).map(|index| file(plan, index));
        for name in repeats.chain([arrays_file(plan)]) {
            // Not being there is what is wanted.
            let _ = std::fs::remove_file(directory.path().join(name));
        }
    }
    let folder: PathBuf = directory.path().join("checkpoints");
    let _ = std::fs::remove_dir(folder);
    Ok(())
}
