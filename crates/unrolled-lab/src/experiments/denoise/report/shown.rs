//! Images and filters as pictures, from arrays.safetensors.

use ndarray::Array3;
use unrolled_data::{Image, read_array};

use super::super::SHOWN;
use super::tables::labels;
use super::texture::most_textured;
use super::{Restoration, Words, decibels, similarity};
use crate::Error;
use crate::report::Figures;
use crate::report::pictures::{self, Picture, side_by_side};
use crate::report::table::{escape, unbroken};

/// Whole pictures take no more letters of the page than this; parts of them are small.
const MOST_LETTERS: usize = 2_700_000;

/// Small images are enlarged until they are about so wide on the page.
const WIDE: usize = 320;

/// Height and width of a part that is shown enlarged, and how much.
const PART: usize = 64;
const ENLARGED: usize = 4;

/// A damaged arrays.safetensors of a run.
fn damaged(run: &Restoration, what: &dyn std::fmt::Display) -> Error {
    Error::damaged(&run.found.path.join("arrays.safetensors"), what)
}

/// An array of a run, and what it is called in the file.
fn array(run: &Restoration, name: &str) -> Result<(String, Vec<usize>, Vec<f64>), Error> {
    let key = format!("{}/{name}", run.run.name);
    let path = run.found.path.join("arrays.safetensors");
    let (shape, values) = read_array(&path, &key).map_err(|error| damaged(run, &error))?;
    Ok((key, shape, values))
}

/// An image of a run as it is shown, within [0, 1].
fn image(run: &Restoration, name: &str) -> Result<Image, Error> {
    let (key, shape, values) = array(run, name)?;
    let wrong = || {
        damaged(
            run,
            &format!(
                "`{key}` has the shape {shape:?}, not that of an image: [1 or 3, height, width]"
            ),
        )
    };
    let [channels, height, width] = shape[..] else { return Err(wrong()) };
    let values = values.iter().map(|value| value.clamp(0.0, 1.0) as f32).collect();
    let array = Array3::from_shape_vec((channels, height, width), values).map_err(|_| wrong())?;
    Image::from_array(array.view()).map_err(|_| wrong())
}

/// What was made of one clean and noisy image by several runs.
struct Group<'r, 'a> {
    name: &'r str,
    given: Image,
    clean: Image,
    made: Vec<(&'r Restoration<'a>, Image)>,
}

/// The pictures of the images that were kept, whole and in part.
pub(super) fn images(runs: &[Restoration]) -> Result<String, Error> {
    let (mut html, mut left, mut is_whole) = (String::new(), MOST_LETTERS, true);
    for index in 0..SHOWN {
        let groups = groups(runs, index)?;
        for group in &groups {
            let of = match groups.len() {
                1 => String::new(),
                _ => format!(", {}", labels(&group.runs())),
            };
            html.push_str(&format!("<h3>{}{of}</h3>\n", escape(group.name)));
            html.push_str(&group.whole(index, runs.len() > 1, &mut left, &mut is_whole));
            html.push_str(&group.part());
        }
    }
    if html.is_empty() {
        return Ok(html);
    }
    let first = "<p>Values below 0 are black, those above 1 white. The PSNR has the peak 1.</p>\n";
    let note = match is_whole {
        true => "",
        false => {
            "<p>Whole images that are missing here are left out to keep the page small; they are in \
             <code>arrays.safetensors</code>.</p>\n"
        }
    };
    let numbers = "<p class=\"source\">Pictures: <code>arrays.safetensors</code>, <code>RUN/test/NUMBER/noisy</code>, \
                   <code>restored</code> and <code>clean</code>.</p>\n";
    Ok([first, &html, note, numbers].concat())
}

/// Image number `index` of every run that was tested on so many; runs that were given the same are together.
fn groups<'r, 'a>(runs: &'r [Restoration<'a>], index: usize) -> Result<Vec<Group<'r, 'a>>, Error> {
    let mut groups: Vec<Group> = Vec::new();
    for run in runs {
        let Some(scored) = run.tested().and_then(|test| test.images.get(index)) else { continue };
        let read = |name: &str| image(run, &format!("test/{index}/{name}"));
        let (given, made, clean) = (read("noisy")?, read("restored")?, read("clean")?);
        let shape = |image: &Image| [image.channels, image.height, image.width];
        for (name, image) in [("noisy", &given), ("restored", &made)] {
            if shape(image) != shape(&clean) {
                let what = format!(
                    "`{}/test/{index}/{name}` is {:?}, the clean image {:?}",
                    run.run.name,
                    shape(image),
                    shape(&clean)
                );
                return Err(damaged(run, &what));
            }
        }
        let same = |g: &&mut Group| g.name == scored.name && g.given == given && g.clean == clean;
        match groups.iter_mut().find(same) {
            Some(group) => group.made.push((run, made)),
            None => {
                groups.push(Group { name: &scored.name, given, clean, made: vec![(run, made)] })
            }
        }
    }
    Ok(groups)
}

impl<'r, 'a> Group<'r, 'a> {
    fn runs(&self) -> Vec<&'r Restoration<'a>> {
        self.made.iter().map(|(run, _)| *run).collect()
    }

    fn words(&self) -> Words {
        Words::of(&self.runs())
    }

    /// Height and width of the part, and where it is; nothing where the image is not larger.
    fn part_at(&self) -> Option<[usize; 4]> {
        let Image { height, width, .. } = self.clean;
        let size = [height.min(PART), width.min(PART)];
        if size == [height, width] {
            return None;
        }
        let [top, left] = most_textured(&self.clean, size);
        Some([top, left, size[0], size[1]])
    }

    /// The images as a whole, as many as there is room for.
    fn whole(&self, index: usize, named: bool, left: &mut usize, is_whole: &mut bool) -> String {
        let Words { given, made } = self.words();
        let scale = (WIDE / self.clean.width).clamp(1, ENLARGED);
        let mut pictures = Vec::new();
        let mut add = |image: &Image, shows: &str, caption: String, frame: Option<[usize; 4]>| {
            // As PNG a picture is seldom less than a quarter of its values, and base64 has four letters for three.
            let fits = image.values.len() / 4 < *left;
            let picture = Picture { image, scale, shows, caption, frame };
            let html = if fits { picture.html() } else { String::new() };
            match fits && html.len() <= *left {
                true => {
                    *left -= html.len();
                    pictures.push(html);
                }
                false => *is_whole = false,
            }
        };
        let decibels = |value: Option<f64>| unbroken(&format!("{} dB", decibels(value)));
        let scores = |run: &Restoration| Some(run.tested()?.images.get(index)?.scores);
        let noisy = self.made.first().and_then(|(run, _)| scores(run)?.psnr_noisy);
        add(&self.given, given, format!("<b>{given}</b>, {}", decibels(noisy)), None);
        for (run, image) in &self.made {
            let Some(scores) = scores(run) else { continue };
            let name = match named {
                true => format!("{made} by <b>{}</b>", run.label()),
                false => format!("<b>{made}</b>"),
            };
            let ssim = unbroken(&format!("SSIM {}", similarity(scores.ssim)));
            let shows = format!("{made}, {}", run.run.label);
            add(image, &shows, format!("{name}, {}, {ssim}", decibels(scores.psnr)), None);
        }
        let framed = match self.part_at() {
            Some(_) => "<b>clean</b>, the part below framed",
            None => "<b>clean</b>",
        };
        add(&self.clean, "clean", framed.to_owned(), self.part_at());
        side_by_side(&pictures)
    }

    /// A part of each, enlarged.
    fn part(&self) -> String {
        let Some([top, left, height, width]) = self.part_at() else { return String::new() };
        let Words { given, made } = self.words();
        let enlarged = |image: &Image, shows: &str, caption: String| {
            let image = image.crop(top, left, [height, width]);
            let shows = format!("{shows}, enlarged");
            Picture { image: &image, scale: ENLARGED, shows: &shows, caption, frame: None }.html()
        };
        let mut pictures = vec![enlarged(&self.given, given, given.to_owned())];
        for (run, image) in &self.made {
            let caption = match self.made.len() {
                1 => made.to_owned(),
                _ => format!("{made} by <b>{}</b>", run.label()),
            };
            pictures.push(enlarged(image, made, caption));
        }
        pictures.push(enlarged(&self.clean, "clean", "clean".to_owned()));
        format!(
            "<p>Enlarged {ENLARGED} times: {height} × {width} pixels from row {top} and column {left}, counted from 0, \
             where neighbouring pixels of the clean image differ most.</p>\n{}",
            side_by_side(&pictures)
        )
    }
}

/// The filters of every network that was tested, or else is the last.
pub(super) fn filters(runs: &[Restoration], figures: &mut Figures) -> Result<String, Error> {
    let mut html = String::new();
    for run in runs.iter().filter(|run| run.outcome.is_ok()) {
        let best = run.tested().is_some_and(|test| test.network == "best");
        let name = if best { "best_dictionary" } else { "dictionary" };
        let (key, shape, values) = array(run, name)?;
        let own = match run.run.setting("encoder.untied") {
            Some("false") | None => "filters",
            Some(_) => "filters of the decoder",
        };
        let caption = format!(
            "<b>{}</b>: {own}; zero is grey, each has its own scale. Numbers: <code>arrays.safetensors</code>, \
             <code>{}</code>.",
            run.label(),
            escape(&key)
        );
        let mosaic = pictures::filters(&shape, &values, &caption);
        let mosaic = mosaic.map_err(|what| damaged(run, &format!("`{key}` {what}")))?;
        html += &figures.mosaic(&mosaic, &key);
    }
    match html.is_empty() {
        true => Ok(html),
        false => Ok(format!("<div class=\"figures\">\n{html}</div>\n")),
    }
}
