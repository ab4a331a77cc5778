//! What can be asked of `unrolled denoise`, and what is refused before anything is read.

use std::path::PathBuf;

use crate::Error;

/// What to restore, with what, and where to.
#[derive(Clone, Debug)]
pub struct Restore {
    /// A run directory of `denoise`, or its arrays.
    pub model: PathBuf,
    /// The run, where there are several.
    pub run: Option<String>,
    /// σ on 0–255; `None` to estimate it for each image.
    pub noise: Option<f64>,
    /// Files and folders.
    pub images: Vec<PathBuf>,
    /// The folder to write to.
    pub out: PathBuf,
    /// Whether files that are there are replaced.
    pub overwrite: bool,
    /// Pixels of a part on a side, without what it overlaps; `None` to cut only what the memory cannot hold.
    pub tile: Option<usize>,
    /// The device.
    pub device: String,
}

impl Restore {
    /// Refuses what cannot be done.
    pub(super) fn check(&self) -> Result<(), Error> {
        if let Some(noise) = self.noise
            && !(0.0..=1000.0).contains(&noise)
        {
            return wrong(format!(
                "--noise is {noise}; write a standard deviation on 0–255, from 0 to 1000, or leave it out to have it \
                 estimated"
            ));
        }
        let out = self.out.display();
        let found = self.out.ancestors().find(|path| path.exists());
        match found.filter(|found| !found.is_dir()) {
            None => Ok(()),
            Some(file) if file == self.out => {
                wrong(format!("{out}: is a file; name a folder with --out"))
            }
            Some(file) => wrong(format!(
                "{out}: cannot be made, because {} is a file; name another folder with --out",
                file.display()
            )),
        }
    }
}

pub(super) fn wrong<T>(message: String) -> Result<T, Error> {
    Err(Error::Config(vec![message]))
}
