//! PyTorch's .pt files.

use std::path::Path;

use super::archive::{stored_entries, zip};
use super::random::Random;
use super::{Answers, Input, Target, bytes, repository};

pub const TARGET: Target = Target { name: "pytorch", share: 10, make, examine };

const FILE: &str = "state.pt";

fn seed() -> &'static [u8] {
    static SEED: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    SEED.get_or_init(|| {
        std::fs::read(repository("tests/fixtures/state.pt"))
            .expect("the repository has a state dictionary")
    })
}

fn make(random: &mut Random) -> Input {
    let mut file = seed().to_vec();
    if !random.one_in(3) {
        let mut entries = stored_entries(&file);
        for _ in 0..random.few(3) {
            let at = random.below(entries.len() + 3).min(entries.len() - 1);
            let at = if random.one_in(2) { 0 } else { at };
            match random.below(3) {
                0 => bytes::damage(random, &mut entries[at].content),
                // The pickle comes first.
                _ => numbers(random, &mut entries[0].content),
            }
            let size = entries[at].content.len() as u32;
            entries[at].sizes = [size; 2];
            entries[at].checksum = crc32fast::hash(&entries[at].content);
            let size = entries[0].content.len() as u32;
            entries[0].sizes = [size; 2];
            entries[0].checksum = crc32fast::hash(&entries[0].content);
            if random.one_in(6) {
                entries[at].lie(random);
            }
            if random.one_in(10) && entries.len() > 1 {
                entries.remove(at);
            }
        }
        file = zip(&entries);
    }
    if random.one_in(3) {
        bytes::damage(random, &mut file);
    }
    Input::of(FILE, file)
}

/// Replaces small whole numbers of a pickle (counts, shapes, strides) by awkward ones.
fn numbers(random: &mut Random, pickle: &mut Vec<u8>) {
    let places: Vec<usize> =
        (1..pickle.len().saturating_sub(1)).filter(|at| pickle[*at] == b'K').collect();
    if places.is_empty() {
        return;
    }
    let at = *random.of(&places);
    let number = random.awkward();
    let new = match random.below(4) {
        0 => vec![b'K', random.below(5) as u8],
        1 => [&b"J"[..], &(number as u32).to_le_bytes()].concat(),
        2 => [&b"M"[..], &(number as u16).to_le_bytes()].concat(),
        _ => [&b"\x8a\x08"[..], &number.to_le_bytes()].concat(),
    };
    pickle.splice(at..at + 2, new);
}

fn examine(input: &Input, folder: &Path, answers: &mut Answers) -> Result<(), String> {
    input.write(folder).map_err(|error| error.to_string())?;
    let path = folder.join(FILE);
    answers.note(unrolled_data::read_matrix(&path, "W"));
    answers.note(unrolled_data::read_arrays(&path));
    Ok(())
}
