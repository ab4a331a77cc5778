//! NumPy's .npz files.

use std::path::Path;

use super::archive::{Entry, zip};
use super::random::Random;
use super::safetensors::read_all;
use super::{Answers, Input, Target, bytes};

pub const TARGET: Target = Target { name: "npz", share: 15, make, examine };

const FILE: &str = "data.npz";

fn make(random: &mut Random) -> Input {
    let names = ["X.npy", "D_star.npy", "Z_star.npy", "other.npy", "notes.txt"];
    let shapes = [[6, 3], [3, 4], [6, 4], [2, 2], [1, 1]];
    let mut entries = Vec::new();
    for (name, shape) in names.iter().zip(shapes).take(random.few(5)) {
        let mut damaged = random.one_in(2);
        let mut content = npy(random, shape, damaged);
        if random.one_in(4) {
            damaged = true;
            bytes::damage(random, &mut content);
        }
        let mut entry = match random.below(400) {
            // Gigabytes that no header speaks of must not be taken. They are big themselves, so that there are few.
            0 if !damaged => {
                Entry::inflated(name, &content, *random.of(&[1 << 20, 1 << 26, 3 << 29]))
            }
            1..100 => Entry::inflated(name, &content, random.below(2000)),
            _ => Entry::stored(name, content),
        };
        if random.one_in(6) {
            entry.lie(random);
        }
        entries.push(entry);
    }
    let mut file = zip(&entries);
    if random.one_in(4) && file.len() < 1 << 20 {
        bytes::damage(random, &mut file);
    }
    Input::of(FILE, file)
}

/// An array, with a header that is sometimes not its own.
fn npy(random: &mut Random, shape: [usize; 2], damaged: bool) -> Vec<u8> {
    let mut described = format!("({}, {})", shape[0], shape[1]);
    let (mut dtype, mut order) = ("'<f8'", "False");
    if damaged {
        match random.below(6) {
            0 => {
                dtype = random.pick(&[
                    "'<f4'", "'>f8'", "'<i8'", "'|O'", "'<c16'", "'|S5'", "'<f2'", "''", "f8",
                ])
            }
            1 => dtype = "[('a', '<f8'), ('b', '<i4', (2, 3))]",
            2 => order = random.pick(&["True", "None", "1", "'a'", "[]"]),
            3 => described = format!("({}, {})", random.awkward(), random.awkward()),
            4 => {
                let list = [
                    "()",
                    "(6,)",
                    "(0, 0)",
                    "(-1, 3)",
                    "(6, 3",
                    "6",
                    "(6.0, 3)",
                    "(1, 6, 3)",
                    "('a', 3)",
                ];
                described = random.pick(&list).to_owned();
            }
            _ => {
                let depth = *random.of(&[2, 8, 22, 28, 100, 1000]);
                let [open, close] = *random.of(&[["(", ")"], ["[", "]"], ["{'a':", "}"]]);
                let inner = random.pick(&["", "1", "1,"]);
                let nested = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
                match random.below(2) {
                    0 => described = nested,
                    _ => order = "True",
                }
            }
        }
    }
    let mut header =
        format!("{{'descr': {dtype}, 'fortran_order': {order}, 'shape': {described}, }}");
    if damaged && random.one_in(4) {
        header = header.replacen(random.pick(&["'descr'", ": ", ", ", "'", "{"]), "", 1);
    }
    header.push('\n');
    let mut content = b"\x93NUMPY".to_vec();
    match damaged && random.one_in(8) {
        true => content.extend([*random.of(&[0, 1, 2, 3, 9]), 0, 255, 255, 0, 0]),
        false => content.extend([2, 0]),
    }
    content.extend((header.len() as u32).to_le_bytes());
    content.extend(header.as_bytes());
    content.extend((0..shape[0] * shape[1]).flat_map(|i| (0.5 + (i % 7) as f64).to_le_bytes()));
    content
}

fn examine(input: &Input, folder: &Path, answers: &mut Answers) -> Result<(), String> {
    read_all(input, folder, FILE, answers)
}
