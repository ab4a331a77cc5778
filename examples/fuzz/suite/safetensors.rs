//! .safetensors files.

use std::path::Path;

use super::random::Random;
use super::tensors::Tensors;
use super::{Answers, Input, Target, bytes, json};

pub const TARGET: Target = Target { name: "safetensors", share: 15, make, examine };

const FILE: &str = "data.safetensors";

fn make(random: &mut Random) -> Input {
    let mut tensors = Tensors::of(&[("X", &[6, 3]), ("D_star", &[3, 4]), ("Z_star", &[6, 4])]);
    if random.one_in(2) {
        (0..random.few(3)).for_each(|_| tensors.damage(random));
    }
    let mut header = tensors.header();
    if random.one_in(2) {
        json::damage(random, &mut header);
    }
    let mut header = header.to_string();
    if random.one_in(20) {
        let depth = *random.of(&[10, 127, 200, 5000, 100_000]);
        header = format!("{{\"X\":{}", random.pick(&["[", "{\"a\":"]).repeat(depth));
    }
    let mut file = tensors.to_bytes(&header);
    if random.one_in(2) {
        bytes::damage(random, &mut file);
    }
    Input::of(FILE, file)
}

fn examine(input: &Input, folder: &Path, answers: &mut Answers) -> Result<(), String> {
    read_all(input, folder, FILE, answers)
}

/// Every way in which a file of arrays is read; all of them must agree.
pub fn read_all(
    input: &Input,
    folder: &Path,
    file: &str,
    answers: &mut Answers,
) -> Result<(), String> {
    input.write(folder).map_err(|error| error.to_string())?;
    let path = folder.join(file);
    let keys = unrolled_data::Keys::default();
    let data = answers.note(unrolled_data::load(&path, &keys));
    let matrix = answers.note(unrolled_data::read_matrix(&path, "X"));
    if let (Some(data), Some(matrix)) = (&data, &matrix)
        && data.x != *matrix
    {
        return Err("`load` and `read_matrix` differ".to_owned());
    }
    // Rows may be images, and have at least one entry.
    let whole = answers.note(unrolled_data::read_rows(&path, "X").map(|(x, _)| x));
    let whole = whole.filter(|x| x.ncols() > 0);
    let Some(rows) = answers.note(unrolled_data::Rows::open(&path, "X")) else {
        return match whole {
            Some(_) => Err("`run` would take what `encode` refuses".to_owned()),
            None => Ok(()),
        };
    };
    let n = rows.shape()[0];
    let read = answers.note(rows.read(0, n.min(1000)));
    match (read, whole) {
        (Some(read), Some(whole)) if n <= 1000 && read != whole => {
            Err("`Rows` and `read_rows` differ".to_owned())
        }
        (Some(_), None) if n <= 1000 => Err("`encode` takes what `run` refuses".to_owned()),
        _ => Ok(()),
    }
}
