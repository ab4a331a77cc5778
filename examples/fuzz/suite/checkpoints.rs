//! Checkpoints of a learning run that was stopped on the way: damaged, or valid and not its own.

use std::path::Path;

use serde_json::Value;
use unrolled_lab::Existing;

use super::random::Random;
use super::run_directories::{BASES, base};
use super::tensors::{Tensor, Tensors};
use super::tiny_runs::run;
use super::{Answers, Input, Target, bytes, json};

pub const TARGET: Target = Target { name: "checkpoints", share: 2, make, examine };

/// The base that is used: a learning run, stopped.
const STOPPED: usize = 1;

fn make(random: &mut Random) -> Input {
    let mut input = base(STOPPED).files.clone();
    let mut checkpoints: Vec<&mut Vec<u8>> = input
        .0
        .iter_mut()
        .filter(|(name, _)| name.ends_with(".safetensors"))
        .map(|(_, bytes)| bytes)
        .collect();
    for _ in 0..random.few(2) {
        let at = random.below(checkpoints.len());
        let file = &mut *checkpoints[at];
        match random.below(3) {
            0 => bytes::damage(random, file),
            _ => *file = forged(random, file),
        }
    }
    input
}

/// A checkpoint that says something else, with the right checksum.
fn forged(random: &mut Random, file: &[u8]) -> Vec<u8> {
    let Some(mut tensors) = Tensors::parse(file) else {
        return file.to_vec();
    };
    if random.one_in(2) {
        (0..random.few(3)).for_each(|_| tensors.damage(random));
    }
    let damages = random.one_in(2);
    sealed(tensors, &mut |counters| {
        if damages {
            json::damage(random, counters);
        }
    })
}

/// The file with its counters changed, and the checksum that the lab gives it.
pub fn sealed(mut tensors: Tensors, change: &mut dyn FnMut(&mut Value)) -> Vec<u8> {
    tensors.arrays.sort_by(|a, b| a.name.cmp(&b.name));
    let state = tensors.metadata.get("state").and_then(Value::as_str).unwrap_or("{}");
    let mut record: Value = serde_json::from_str(state).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut counters: Value = serde_json::from_str(&text(&record["counters"])).unwrap_or_default();
    change(&mut counters);
    record["counters"] = counters.to_string().into();
    let mut hasher = crc32fast::Hasher::new();
    for Tensor { name, shape, bytes, .. } in &tensors.arrays {
        hasher.update(name.as_bytes());
        shape.iter().for_each(|d| hasher.update(&d.to_le_bytes()));
        hasher.update(bytes);
    }
    ["identity", "counters", "seconds"]
        .iter()
        .for_each(|key| hasher.update(text(&record[*key]).as_bytes()));
    record["checksum"] = format!("{:08x}", hasher.finalize()).into();
    tensors.metadata.insert("state".to_owned(), record.to_string().into());
    let header = tensors.header().to_string();
    tensors.to_bytes(&header)
}

fn examine(input: &Input, folder: &Path, answers: &mut Answers) -> Result<(), String> {
    input.write(folder).map_err(|error| error.to_string())?;
    let outcome =
        run(&BASES[STOPPED].configuration(), folder, Existing::Resume, None, &mut answers.0);
    answers.note(outcome);
    Ok(())
}
