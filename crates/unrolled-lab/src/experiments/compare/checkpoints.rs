//! Finished repeats, kept until the run is done so that it can be resumed.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::curves::Repeat;
use super::plan::Plan;
use super::repeat::SavedArrays;
use crate::arrays::{Arrays, Stored};
use crate::progress::Observer;
use crate::{Error, RunDirectory};

/// What is written of a repeat.
#[derive(Serialize, Deserialize)]
struct Record {
    /// Of whose run.
    identity: String,
    /// The repeat, as JSON, and a checksum of it.
    repeat: String,
    checksum: u32,
    /// A checksum of the file of arrays, which are those of the first repeat.
    arrays: Option<u32>,
}

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
    let mut written = None;
    if !arrays.is_empty() {
        let precision = plan.run.config.precision;
        let mut stored = Arrays::default();
        for (name, (shape, values)) in arrays {
            let array = Stored::new(shape.clone(), values, precision.bytes());
            stored.insert(format!("{}/{name}", plan.run.name), array);
        }
        let bytes = stored.to_bytes();
        written = Some(crc32fast::hash(&bytes));
        directory.write(&arrays_file(plan), &bytes)?;
    }
    let repeat = serde_json::to_string(repeat).expect("a repeat is valid JSON");
    let checksum = crc32fast::hash(repeat.as_bytes());
    let record = Record { identity: plan.identity.clone(), repeat, checksum, arrays: written };
    let text = serde_json::to_string(&record).expect("a record is valid JSON");
    directory.write(&file(plan, index), text.as_bytes())
}

/// The repeats that are finished, from the first on, as many as are there without a gap. One that is damaged, or of
/// another comparison, counts as one that is not there, and that is said.
pub(super) fn load(
    directory: &RunDirectory,
    plan: &Plan,
    observer: &mut dyn Observer,
) -> Vec<Repeat> {
    let mut repeats = Vec::new();
    for index in 0..plan.sections().compare.repeats {
        let path = directory.path().join(file(plan, index));
        let Ok(text) = std::fs::read(&path) else {
            break;
        };
        match read(directory, plan, index, &text) {
            Ok(repeat) => repeats.push(repeat),
            Err(reason) => {
                observer.say(&format!("note: {}: {reason}; it is computed again", path.display()));
                break;
            }
        }
    }
    repeats
}

fn read(
    directory: &RunDirectory,
    plan: &Plan,
    index: usize,
    text: &[u8],
) -> Result<Repeat, &'static str> {
    let damaged = "the repeat is damaged";
    let Record { identity, repeat, checksum, arrays } =
        serde_json::from_slice(text).map_err(|_| damaged)?;
    if checksum != crc32fast::hash(repeat.as_bytes()) {
        return Err(damaged);
    }
    if identity != plan.identity {
        return Err("the repeat is of another comparison, or of other data");
    }
    if index == 0 && !plan.sections().compare.save_arrays_at.is_empty() {
        let bytes = std::fs::read(directory.path().join(arrays_file(plan)));
        if bytes.ok().map(|bytes| crc32fast::hash(&bytes)) != arrays {
            return Err("the arrays of the repeat are damaged or missing");
        }
    }
    serde_json::from_str(&repeat).map_err(|_| damaged)
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
