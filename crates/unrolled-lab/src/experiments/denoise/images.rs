//! The images of a run: read or drawn, once for all runs that ask for the same.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use unrolled_data::{Image, dead_leaves, list_images, read_image};

use super::config::ImagesConfig;
use crate::Error;
use crate::config::Where;

/// An image, and what it is called.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub name: String,
    pub image: Image,
}

/// Images to train, to validate and to test on.
#[derive(Debug)]
pub(super) struct Images {
    pub train: Vec<Named>,
    pub validation: Vec<Named>,
    pub test: Vec<Named>,
    /// A checksum of those that training depends on.
    pub fingerprint: u32,
}

/// Purposes that draw images of their own.
const SETS: [&str; 3] = ["train", "validation", "test"];

impl Images {
    /// Reads or draws them all.
    fn load(config: &ImagesConfig, seed: u64) -> Result<Self, Error> {
        let set = |index: usize, images: &Where, least: usize| {
            let found = match images {
                Where::Path(path) if path.as_os_str().is_empty() => Vec::new(),
                Where::Path(path) => read(config, SETS[index], std::slice::from_ref(path))?,
                Where::Paths(paths) => read(config, SETS[index], paths)?,
                Where::Count(count) => draw(config, seed, index as u64, *count),
            };
            match found.iter().find(|named| named.image.height.min(named.image.width) < least) {
                None => Ok(found),
                Some(Named { name, image }) => Err(Error::at(
                    format!("data.{}", SETS[index]),
                    format!(
                        "{name}: has {} × {} pixels, fewer than a crop of {least} × {least}; leave it out, or write a \
                         smaller `data.crop`",
                        image.height, image.width
                    ),
                )),
            }
        };
        let train = set(0, &config.train, config.crop)?;
        let validation = set(1, &config.validation, 1)?;
        let test = set(2, &config.test, 1)?;
        let mut hasher = crc32fast::Hasher::new();
        for Named { image, .. } in train.iter().chain(&validation) {
            hasher.update(&(image.width as u64).to_le_bytes());
            image.values.iter().for_each(|value| hasher.update(&value.to_le_bytes()));
        }
        Ok(Self { train, validation, test, fingerprint: hasher.finalize() })
    }

    /// Refuses images smaller than a filter.
    pub fn check_filter(&self, [height, width]: [usize; 2]) -> Result<(), Error> {
        let sets = [&self.train, &self.validation, &self.test];
        for (set, images) in SETS.iter().zip(sets) {
            let small = images.iter().find(|n| n.image.height < height || n.image.width < width);
            if let Some(Named { name, image }) = small {
                return Err(Error::at(
                    format!("data.{set}"),
                    format!(
                        "{name}: has {} × {} pixels, smaller than a filter of {height} × {width}; leave it out, or \
                         choose smaller filters with `dictionary.size`",
                        image.height, image.width
                    ),
                ));
            }
        }
        Ok(())
    }
}

fn read(config: &ImagesConfig, set: &str, paths: &[PathBuf]) -> Result<Vec<Named>, Error> {
    let problem =
        |error: unrolled_data::DataError| Error::at(format!("data.{set}"), error.to_string());
    let mut files = Vec::new();
    for path in paths {
        files.extend(list_images(path).map_err(problem)?);
    }
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let read = |path: &PathBuf| {
        let image = read_image(path, config.channels()).map_err(problem)?;
        Ok(Named { name: name(path), image })
    };
    files.iter().map(read).collect()
}

fn draw(config: &ImagesConfig, seed: u64, set: u64, count: usize) -> Vec<Named> {
    let size = config.drawn_size();
    let drawn = |index: usize| {
        // Every set has images of its own.
        let image = dead_leaves(seed, (set << 32) + index as u64, [size, size], config.channels());
        Named { name: format!("drawn-{index}"), image }
    };
    (0..count).map(drawn).collect()
}

type Key = (ImagesConfig, u64);

/// Keeps the images that were read last.
#[derive(Default)]
pub(super) struct Shelf(super::super::shelf::Shelf<Key, Arc<Images>>);

impl Shelf {
    /// The images of a configuration.
    pub fn images(&self, config: &ImagesConfig, seed: u64) -> Result<Arc<Images>, Error> {
        let key = (config.images_alone(), if config.is_drawn() { seed } else { 0 });
        self.0.take(key, || Ok(Arc::new(Images::load(config, seed)?)))
    }
}
