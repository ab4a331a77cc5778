//! MNIST's IDX files, plain and gzip.

use std::path::Path;

use unrolled_data::{Split, load_images};

use super::archive::gzip;
use super::random::Random;
use super::{Answers, Input, Target, bytes};

pub const TARGET: Target = Target { name: "idx", share: 15, make, examine };

fn make(random: &mut Random) -> Input {
    let count = *random.of(&[0, 1, 5, 5, 5]);
    let sides =
        if random.one_in(6) { [random.awkward() as u32, random.below(3) as u32] } else { [2, 3] };
    let shown = if random.one_in(6) { random.awkward() as u32 } else { count };
    let pixels = if random.one_in(6) { random.below(64) } else { (count * 6) as usize };
    let labelled = if random.one_in(8) { random.awkward() as u32 } else { count };
    let images = idx(&[shown, sides[0], sides[1]], pixels);
    let labels = idx(&[labelled], count as usize);
    let files = [("train-images-idx3-ubyte", images), ("train-labels-idx1-ubyte", labels)];
    let honest = (sides, shown, labelled) == ([2, 3], count, count);
    Input(files.into_iter().map(|(name, bytes)| file(random, name, bytes, honest)).collect())
}

fn idx(dimensions: &[u32], count: usize) -> Vec<u8> {
    let mut file = vec![0, 0, 8, dimensions.len() as u8];
    dimensions.iter().for_each(|d| file.extend(d.to_be_bytes()));
    file.extend((0..count).map(|i| (i * 37 % 10) as u8));
    file
}

fn file(random: &mut Random, name: &str, mut content: Vec<u8>, honest: bool) -> (String, Vec<u8>) {
    let damaged = random.one_in(5);
    if damaged {
        bytes::damage(random, &mut content);
    }
    if random.one_in(2) {
        return (name.to_owned(), content);
    }
    let zeros = match random.below(2000) {
        // Gigabytes that no header speaks of must not be taken.
        0 if honest && !damaged => 3 << 29,
        1..20 => random.below(1 << 20),
        _ => 0,
    };
    let mut zipped = gzip(&content, zeros);
    if random.one_in(3) && zipped.len() < 1 << 20 {
        bytes::damage(random, &mut zipped);
    }
    (format!("{name}.gz"), zipped)
}

fn examine(input: &Input, folder: &Path, answers: &mut Answers) -> Result<(), String> {
    input.write(folder).map_err(|error| error.to_string())?;
    for classes in [&[][..], &[0, 7]] {
        let Some(images) = answers.note(load_images(folder, Split::Train, classes)) else {
            continue;
        };
        let [height, width] = images.shape;
        if images.data.examples() == 0
            || images.data.features() != height * width
            || height * width == 0
        {
            return Err(format!(
                "images without pixels are accepted: {} of {height} × {width}",
                images.data.examples()
            ));
        }
    }
    Ok(())
}
