//! `source = "patches"`: pieces of images.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use unrolled_data::{
    Channels, DataSet, Image, Patches, Places, dead_leaves, list_images, read_image,
};

use super::Standardise;
use crate::Error;
use crate::config::images::Where;
use crate::config::reader::Reader;
use crate::words::bytes;

/// Patches of images, from places drawn at random.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PatchesConfig {
    /// A folder, a list of files, or how many images of the dead-leaves model to draw.
    images: Where,
    /// "grey" or "colour".
    #[serde(skip_deserializing)]
    channels: &'static str,
    /// Height and width.
    size: [usize; 2],
    /// n, where patches are drawn at random.
    #[serde(skip_serializing_if = "Option::is_none")]
    examples: Option<usize>,
    /// Rows and columns from one patch to the next, where all of a grid are taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    stride: Option<Stride>,
    /// "mean": what is taken off every patch; or "nothing".
    #[serde(skip_deserializing)]
    remove: &'static str,
    #[serde(skip_deserializing)]
    pub(super) standardise: Standardise,
}

/// `stride`: a number, or one down and one across.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
struct Stride([usize; 2]);

impl<'de> Deserialize<'de> for Stride {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(deserializer)?;
        let number = |value: &toml::Value| usize::try_from(value.as_integer()?).ok();
        let pair = match value.as_array().map(Vec::as_slice) {
            Some([down, across]) => number(down).zip(number(across)),
            Some(_) => None,
            None => number(&value).map(|stride| (stride, stride)),
        };
        let wrong = || D::Error::custom(format!("{value}; write a number, or [down, across]"));
        pair.map(|(down, across)| Self([down, across])).ok_or_else(wrong)
    }
}

impl Default for PatchesConfig {
    fn default() -> Self {
        Self {
            images: Where::default(),
            channels: CHANNELS[0],
            size: [8, 8],
            examples: None,
            stride: None,
            remove: REMOVE[0],
            standardise: Standardise::None,
        }
    }
}

const CHANNELS: [&str; 2] = ["grey", "colour"];
const REMOVE: [&str; 2] = ["mean", "nothing"];

/// Patches that are drawn, where nothing is said.
const DRAWN_PATCHES: usize = 5000;

/// Height and width of images that are drawn.
const DRAWN: usize = 160;

impl PatchesConfig {
    /// Reads the section but for its source, and checks it.
    pub(super) fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        let channels = CHANNELS[reader.choice("channels", &CHANNELS)];
        let remove = REMOVE[reader.choice("remove", &REMOVE)];
        let standardise = Standardise::read(&mut reader);
        let mut section = Self { channels, remove, standardise, ..reader.rest() };
        problems.require(!section.images.is_empty(), "data.images", || {
            "`data.images` is missing; write a folder, a list of files, or how many to draw"
                .to_owned()
        });
        let [height, width] = section.size;
        let most = if matches!(section.images, Where::Count(_)) { DRAWN } else { 4096 };
        let fits = [height, width].iter().all(|side| (1..=most).contains(side));
        problems.require(fits, "data.size", || {
            format!("`data.size` is [{height}, {width}]; write two numbers from 1 to {most}")
        });
        if let Where::Count(count) = section.images {
            problems.require(count <= 10_000, "data.images", || {
                format!("`data.images` is {count}; write 10000 or less")
            });
        }
        if section.stride.is_none() {
            section.examples.get_or_insert(DRAWN_PATCHES);
        }
        problems.require(section.examples != Some(0), "data.examples", || {
            "`data.examples` is 0; write 1 or more".to_owned()
        });
        if let Some(stride) = section.stride {
            let Stride([down, across]) = stride;
            problems.require(down > 0 && across > 0, "data.stride", || {
                "`data.stride` is 0; write how many pixels lie between patches, 1 or more"
                    .to_owned()
            });
            problems.require(section.examples.is_none(), "data.examples", || {
                "`data.examples` says how many places are drawn, but `data.stride` takes all of a grid; remove one of them"
                    .to_owned()
            });
        }
        let free = crate::memory::available().unwrap_or(u64::MAX);
        let pixels = (height * width * section.channels().count()) as f64;
        let needed = (16.0 * section.drawn() as f64 * pixels) as u64;
        problems.require(!fits || needed <= free, "data.examples", || {
            format!(
                "`data.examples` is {}: the data would take about {}, and {} are free; write fewer",
                section.drawn(),
                bytes(needed),
                bytes(free)
            )
        });
        section
    }

    /// How many are drawn.
    fn drawn(&self) -> usize {
        self.examples.unwrap_or(0)
    }

    fn channels(&self) -> Channels {
        if self.channels == CHANNELS[1] { Channels::Colour } else { Channels::Grey }
    }

    /// Reads or draws the images, and draws patches of them.
    pub(super) fn load(&self, seed: u64, repeat: u64) -> Result<DataSet, Error> {
        let images = match &self.images {
            Where::Path(path) => self.read_images(std::slice::from_ref(path))?,
            Where::Paths(paths) => self.read_images(paths)?,
            Where::Count(count) => (0..*count as u64)
                .map(|index| dead_leaves(seed, index, [DRAWN, DRAWN], self.channels()))
                .collect(),
        };
        let without_mean = self.remove == REMOVE[0];
        let places = match self.stride {
            None => Places::Random(self.drawn()),
            Some(Stride(strides)) => Places::Grid(strides),
        };
        let patches = Patches { size: self.size, places, without_mean };
        let pixels = (self.size[0] * self.size[1] * self.channels().count()) as f64;
        let needed = (16.0 * patches.count(&images) as f64 * pixels) as u64;
        let free = crate::memory::available().unwrap_or(u64::MAX);
        if needed > free {
            let (key, what, remedy) = match self.stride {
                Some(_) => {
                    ("stride", "takes", "write a larger stride, or draw some with `data.examples`")
                }
                None => ("examples", "asks for", "write fewer"),
            };
            return Err(Error::at(
                format!("data.{key}"),
                format!(
                    "`data.{key}` {what} {} patches, about {}, and {} are free; {remedy}",
                    patches.count(&images),
                    bytes(needed),
                    bytes(free)
                ),
            ));
        }
        Ok(patches.draw(&images, seed, repeat))
    }

    fn read_images(&self, paths: &[std::path::PathBuf]) -> Result<Vec<Image>, Error> {
        let problem = |error: unrolled_data::DataError| Error::at("data.images", error.to_string());
        let mut images = Vec::new();
        let [height, width] = self.size;
        for path in paths {
            for file in list_images(path).map_err(problem)? {
                let image = read_image(&file, self.channels()).map_err(problem)?;
                if image.height < height || image.width < width {
                    return Err(Error::at(
                        "data.images",
                        format!(
                            "{}: has {} × {} pixels, fewer than a patch of {height} × {width}; leave it out, or write a \
                             smaller `data.size`",
                            file.display(),
                            image.height,
                            image.width
                        ),
                    ));
                }
                images.push(image);
            }
        }
        match images.is_empty() {
            false => Ok(images),
            true => Err(Error::at(
                "data.images",
                "`data.images` names no images; name a folder that has some",
            )),
        }
    }
}
