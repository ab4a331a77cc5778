//! Atoms as pictures: one mosaic, as a PNG inside the page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ndarray::Array2;

/// More atoms than this are not shown.
const MOST: usize = 400;

/// A mosaic of atoms (columns of `[m, p]`), each an image of `shape` = [height, width]; zero is grey, and
/// every atom has its own scale. Atoms that do not have that shape are refused.
pub fn mosaic(atoms: &Array2<f64>, shape: [usize; 2], caption: &str) -> Result<String, String> {
    let [height, width] = shape;
    let fits = height.checked_mul(width) == Some(atoms.nrows()) && !atoms.is_empty();
    if !fits {
        let (rows, columns) = atoms.dim();
        return Err(format!(
            "is {rows} × {columns}, whose atoms are not pictures of {height} × {width}"
        ));
    }
    let count = atoms.ncols().min(MOST);
    let columns =
        ((count as f64 * height as f64 / width as f64).sqrt().ceil() as usize).clamp(1, 32);
    let rows = count.div_ceil(columns);
    let (tile_height, tile_width) = (height + 1, width + 1);
    let (total_height, total_width) = (rows * tile_height + 1, columns * tile_width + 1);
    let mut pixels = vec![255u8; total_height * total_width];
    for (index, atom) in atoms.columns().into_iter().take(count).enumerate() {
        let largest = atom.iter().fold(0.0f64, |largest, v| largest.max(v.abs()));
        let (row, column) = (index / columns, index % columns);
        for (pixel, value) in atom.iter().enumerate() {
            let (y, x) = (pixel / width, pixel % width);
            let shade = if largest > 0.0 { 0.5 + 0.5 * value / largest } else { 0.5 };
            let at = (row * tile_height + 1 + y) * total_width + column * tile_width + 1 + x;
            pixels[at] = (255.0 * shade).round() as u8;
        }
    }
    let png = encode(&pixels, total_width, total_height);
    let note = match atoms.ncols() > count {
        true => format!(" The first {count} of {}.", atoms.ncols()),
        false => String::new(),
    };
    Ok(format!(
        "<figure class=\"atoms\">\n<figcaption>{caption}{note}</figcaption>\n\
         <img alt=\"{count} atoms as pictures\" width=\"{total_width}\" height=\"{total_height}\" \
         src=\"data:image/png;base64,{}\">\n</figure>\n",
        STANDARD.encode(png)
    ))
}

fn encode(pixels: &[u8], width: usize, height: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().expect("memory can be written to");
    writer.write_image_data(pixels).expect("there are as many pixels as the size says");
    drop(writer);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mosaic_is_a_picture_of_the_right_size() {
        let atoms = Array2::from_shape_fn((6, 4), |(m, p)| (m as f64 - 2.0) * p as f64);
        for wrong in [[2, 2], [0, 6], [3, 1 << 63], [1 << 32, 1 << 32]] {
            assert!(mosaic(&atoms, wrong, "Atoms.").is_err(), "{wrong:?}");
        }
        let html = mosaic(&atoms, [2, 3], "Atoms.").unwrap();
        assert!(
            html.contains("width=\"9\" height=\"7\"")
                && html.contains("data:image/png;base64,iVBOR"),
            "{html}"
        );
    }
}
