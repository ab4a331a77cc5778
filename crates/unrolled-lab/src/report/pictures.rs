//! Pictures as PNGs inside the page: atoms and filters in a mosaic, and images.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ndarray::{Array2, ArrayView2, Axis};
use unrolled_data::{Image, write_png};

use super::table::escape;
use crate::figure_files::MARK;

/// More atoms than this are not shown.
const MOST: usize = 400;

/// Atoms side by side: goes to the page through [`super::Figures::mosaic`], which writes it to a file too.
#[derive(Debug)]
pub struct Mosaic {
    image: Image,
    /// What it shows, for those who do not see it.
    shows: String,
    /// HTML.
    caption: String,
}

impl Mosaic {
    /// On the page; `file` is where it is written too.
    pub(super) fn html(&self, file: &str) -> String {
        let Image { width, height, .. } = self.image;
        format!(
            "<figure class=\"atoms\">\n<figcaption>{}</figcaption>\n\
             <img alt=\"{}\" width=\"{width}\" height=\"{height}\" src=\"{}\">\n\
             <p class=\"source\">Figure: <code>{}</code>.</p>\n</figure>\n",
            self.caption,
            escape(&self.shows),
            source(&self.image),
            escape(file)
        )
    }

    /// As a file of its own: every pixel a square.
    pub(super) fn standalone(&self) -> String {
        let Image { width, height, .. } = self.image;
        format!(
            "{MARK}<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {width} {height}\">\n\
             <title>{}</title>\n<image width=\"{width}\" height=\"{height}\" style=\"image-rendering: pixelated\" href=\"{}\"/>\n</svg>\n",
            SCALE * width,
            SCALE * height,
            escape(&self.shows),
            source(&self.image)
        )
    }
}

/// How large a pixel is in a file.
const SCALE: usize = 4;

/// Channels, height and width of a row that can be drawn: grey or in three colours.
pub fn drawable(plane: Option<[usize; 2]>, image: Option<[usize; 3]>) -> Option<[usize; 3]> {
    let grey = plane.map(|[height, width]| [1, height, width]);
    grey.or(image).filter(|shape| matches!(shape[0], 1 | 3))
}

/// A mosaic of atoms (columns of `[m, p]`), each an image of `shape` = [channels, height, width], grey for one channel and
/// in colour for three; zero is grey, and every atom has its own scale. Atoms that do not have that shape are refused.
pub fn mosaic(atoms: &Array2<f64>, shape: [usize; 3], caption: &str) -> Result<Mosaic, String> {
    let [channels, height, width] = shape;
    let entries = channels.checked_mul(height).and_then(|n| n.checked_mul(width));
    let fits = entries == Some(atoms.nrows()) && matches!(channels, 1 | 3) && !atoms.is_empty();
    if !fits {
        let (rows, columns) = atoms.dim();
        let colours = if channels == 1 { String::new() } else { format!("{channels} × ") };
        return Err(format!(
            "is {rows} × {columns}, whose atoms are not pictures of {colours}{height} × {width}"
        ));
    }
    Ok(tiles(atoms.t(), shape, "atoms", caption))
}

/// A mosaic of filters `[p, c, h, w]`, grey for one channel and in colour for three, where zero is grey too. An array of
/// another shape is refused.
pub fn filters(shape: &[usize], values: &[f64], caption: &str) -> Result<Mosaic, String> {
    let atoms = match *shape {
        [p, c @ (1 | 3), h, w] if !values.is_empty() => values
            .len()
            .checked_div(p)
            .and_then(|entries| ArrayView2::from_shape((p, entries), values).ok())
            .filter(|_| {
                shape.iter().try_fold(1, |n: usize, k| n.checked_mul(*k)) == Some(values.len())
            })
            .map(|atoms| tiles(atoms, [c, h, w], "filters", caption)),
        _ => None,
    };
    atoms.ok_or_else(|| {
        format!("has the shape {shape:?}, not that of filters: [number, 1 or 3, height, width]")
    })
}

/// Atoms, one a row, each its channels one after the other.
fn tiles(
    atoms: ArrayView2<'_, f64>,
    [channels, height, width]: [usize; 3],
    name: &str,
    caption: &str,
) -> Mosaic {
    let count = atoms.nrows().min(MOST);
    let columns =
        ((count as f64 * height as f64 / width as f64).sqrt().ceil() as usize).clamp(1, 32);
    let largest = |index: usize| atoms.row(index).iter().fold(0.0f64, |most, v| most.max(v.abs()));
    let note = match atoms.nrows() > count {
        true => format!(" The first {count} of {}.", atoms.nrows()),
        false => String::new(),
    };
    Mosaic {
        image: laid_out(atoms, [channels, height, width], [count, columns], largest),
        shows: format!("{count} {name} as pictures"),
        caption: format!("{caption}{note}"),
    }
}

/// Rows `[k, c·h·w]`, and below each its reconstruction, on the scale of the row; zero is grey. Rows of another shape are
/// refused.
pub fn pairs(
    [rows, reconstructions]: [&Array2<f64>; 2],
    [channels, height, width]: [usize; 3],
    caption: &str,
) -> Result<Mosaic, String> {
    let entries = channels.checked_mul(height).and_then(|n| n.checked_mul(width));
    let fits = entries == Some(rows.ncols())
        && rows.dim() == reconstructions.dim()
        && matches!(channels, 1 | 3)
        && !rows.is_empty();
    if !fits {
        let (count, entries) = rows.dim();
        return Err(format!(
            "is {count} × {entries}, whose rows are not pictures of {channels} × {height} × {width}"
        ));
    }
    let count = rows.nrows();
    let both = ndarray::concatenate(Axis(0), &[rows.view(), reconstructions.view()])
        .map_err(|error| error.to_string())?;
    let largest =
        |index: usize| rows.row(index % count).iter().fold(0.0f64, |most, v| most.max(v.abs()));
    Ok(Mosaic {
        image: laid_out(both.view(), [channels, height, width], [2 * count, count], largest),
        shows: format!("{count} rows as pictures, and their reconstructions below them"),
        caption: caption.to_owned(),
    })
}

/// So many tiles in so many columns, each divided by a largest value of its own.
fn laid_out(
    atoms: ArrayView2<'_, f64>,
    [channels, height, width]: [usize; 3],
    [count, columns]: [usize; 2],
    largest: impl Fn(usize) -> f64,
) -> Image {
    let rows = count.div_ceil(columns);
    let (tile_height, tile_width) = (height + 1, width + 1);
    let (total_height, total_width) = (rows * tile_height + 1, columns * tile_width + 1);
    let mut values = vec![1.0; channels * total_height * total_width];
    for (index, atom) in atoms.rows().into_iter().take(count).enumerate() {
        let largest = largest(index);
        let (row, column) = (index / columns, index % columns);
        for (entry, value) in atom.iter().enumerate() {
            let (channel, pixel) = (entry / (height * width), entry % (height * width));
            let (y, x) = (pixel / width, pixel % width);
            let share = if largest > 0.0 { (value / largest).clamp(-1.0, 1.0) } else { 0.0 };
            let shade = 0.5 + 0.5 * share;
            let line = channel * total_height + row * tile_height + 1 + y;
            values[line * total_width + column * tile_width + 1 + x] = shade as f32;
        }
    }
    Image { values, channels, height: total_height, width: total_width }
}

/// The image as what stands behind `src=`.
fn source(image: &Image) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(write_png(image)))
}

/// An image on the page; values below 0 are black and those above 1 white.
#[derive(Debug)]
pub struct Picture<'a> {
    /// The image.
    pub image: &'a Image,
    /// Into how many pixels of the page each of its own goes, on either side.
    pub scale: usize,
    /// What it shows, as text.
    pub shows: &'a str,
    /// What stands under it, as HTML.
    pub caption: String,
    /// A frame drawn on it: top, left, height and width.
    pub frame: Option<[usize; 4]>,
}

impl Picture<'_> {
    /// The picture and its caption.
    pub fn html(&self) -> String {
        let Image { height, width, .. } = *self.image;
        let share = |part: usize, whole: usize| 100.0 * part as f64 / whole as f64;
        let frame = self.frame.map(|[top, left, rows, columns]| {
            format!(
                "<i style=\"top:{:.3}%;left:{:.3}%;height:{:.3}%;width:{:.3}%\"></i>",
                share(top, height),
                share(left, width),
                share(rows, height),
                share(columns, width)
            )
        });
        let (shown_height, shown_width) = (self.scale * height, self.scale * width);
        format!(
            "<figure style=\"width:{shown_width}px\"><div><img alt=\"{}\" width=\"{shown_width}\" \
             height=\"{shown_height}\" src=\"{}\">{}</div><figcaption>{}</figcaption></figure>\n",
            escape(self.shows),
            source(self.image),
            frame.unwrap_or_default(),
            self.caption
        )
    }
}

/// Pictures beside each other, as many as there is room for.
pub fn side_by_side(pictures: &[String]) -> String {
    match pictures.is_empty() {
        true => String::new(),
        false => format!("<div class=\"pictures\">\n{}</div>\n", pictures.concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mosaic_is_a_picture_of_the_right_size() {
        let atoms = Array2::from_shape_fn((6, 4), |(m, p)| (m as f64 - 2.0) * p as f64);
        for wrong in [[1, 2, 2], [1, 0, 6], [1, 3, 1 << 63], [1, 1 << 32, 1 << 32], [2, 1, 3]] {
            assert!(mosaic(&atoms, wrong, "Atoms.").is_err(), "{wrong:?}");
        }
        let html = mosaic(&atoms, [1, 2, 3], "Atoms.").unwrap().html("figures/a.svg");
        assert!(
            html.contains("width=\"9\" height=\"7\"")
                && html.contains("data:image/png;base64,iVBOR"),
            "{html}"
        );
    }

    #[test]
    fn filters_are_those_of_their_shape() {
        let values: Vec<f64> = (0..24).map(f64::from).collect();
        for right in [[4, 1, 2, 3], [2, 3, 2, 2]] {
            assert!(filters(&right, &values, "").unwrap().shows.contains(" filters as pictures"));
        }
        let wrong: [&[usize]; 7] = [
            &[24],
            &[4, 1, 6],
            &[6, 2, 2, 1],
            &[0, 1, 2, 3],
            &[4, 1, 2, 4],
            &[4, 1, 0, 1 << 63],
            &[1 << 62, 3, 1 << 62, 1 << 62],
        ];
        for wrong in wrong {
            assert!(filters(wrong, &values, "").unwrap_err().contains("not that of filters"));
            assert!(filters(wrong, &[], "").is_err());
        }
    }

    #[test]
    fn a_picture_has_the_size_of_the_page_and_a_frame_in_shares() {
        let image = Image { values: vec![0.5; 8], channels: 1, height: 2, width: 4 };
        let caption = "<b>x</b>".to_owned();
        let frame = Some([0, 1, 1, 2]);
        let html = Picture { image: &image, scale: 3, shows: "a \"b\"", caption, frame }.html();
        assert!(html.contains("alt=\"a &quot;b&quot;\" width=\"12\" height=\"6\""), "{html}");
        assert!(html.contains("top:0.000%;left:25.000%;height:50.000%;width:50.000%"), "{html}");
    }
}
