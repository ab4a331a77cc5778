//! The images of a request: where each comes from and goes to, checked before any of them is written.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use unrolled_data::{DataError, Image, list_images, read_image_as_is};

use super::Restore;
use super::model::Model;
use super::request::wrong;
use crate::Error;
use crate::files::{WholeFile, remove_unfinished};

/// An image to restore.
pub(super) struct Task {
    pub from: PathBuf,
    to: PathBuf,
    channels: usize,
    /// Height and width.
    pub size: [usize; 2],
}

fn data_error(error: DataError) -> Error {
    Error::Config(vec![error.to_string()])
}

/// Lists the images, and refuses what would be written over each other, over an input or over what is there. Every one
/// is read once here, so that a damaged one is known before another is written.
pub(super) fn tasks(request: &Restore) -> Result<Vec<Task>, Error> {
    let mut files = Vec::new();
    for path in &request.images {
        files.extend(list_images(path).map_err(data_error)?);
    }
    let mut by_stem: BTreeMap<OsString, PathBuf> = BTreeMap::new();
    let mut places = Vec::new();
    for from in files {
        let mut name = from.file_stem().unwrap_or_default().to_owned();
        name.push(".png");
        let to = request.out.join(&name);
        if let Some(other) = by_stem.insert(name, from.clone()) {
            return wrong(format!(
                "{} and {} would both become {}; rename one of them, or restore them into two folders",
                other.display(),
                from.display(),
                to.display()
            ));
        }
        places.push((from, to));
    }
    for (from, to) in &places {
        let shown = to.display();
        if let Some((input, _)) = places.iter().find(|(input, _)| is_same(input, to)) {
            return wrong(format!(
                "{shown}: {} would be written over {}, which is one of the inputs; name another folder with --out",
                from.display(),
                input.display()
            ));
        }
        if to.is_dir() {
            return wrong(format!("{shown}: is a folder; name another folder with --out"));
        }
        if !request.overwrite && to.symlink_metadata().is_ok() {
            return wrong(format!(
                "{shown}: is there already; name another folder with --out, or replace it with --overwrite"
            ));
        }
    }
    let read = |(from, to): (PathBuf, PathBuf)| {
        let image = read_image_as_is(&from).map_err(data_error)?;
        let (channels, size) = (image.channels, [image.height, image.width]);
        Ok(Task { from, to, channels, size })
    };
    places.into_iter().map(read).collect()
}

fn is_same(a: &Path, b: &Path) -> bool {
    a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}

/// Refuses an image that a model is not for.
pub(super) fn check(task: &Task, model: &Model) -> Result<(), Error> {
    let shown = task.from.display();
    let blueprint = model.blueprint();
    match (task.channels, blueprint.channels()) {
        (1, 3) => {
            return wrong(format!(
                "{shown}: is grey, but the model is for images in colour; convert it to RGB, or use a model that was \
                 trained with `data.channels = \"grey\"`"
            ));
        }
        (3, 1) => {
            return wrong(format!(
                "{shown}: is in colour, but the model is for grey images; convert it to grey, or use a model that was \
                 trained with `data.channels = \"colour\"`"
            ));
        }
        _ => {}
    }
    let ([height, width], [tall, wide]) = (task.size, blueprint.sections.dictionary.size);
    match height < tall || width < wide {
        true => wrong(format!(
            "{shown}: has {height} × {width} pixels, smaller than a filter of {tall} × {wide}; leave it out, or use a \
             model with smaller filters"
        )),
        false => Ok(()),
    }
}

/// Makes the folder, and makes sure that it can be written to.
pub(super) fn prepare(request: &Restore, tasks: &[Task]) -> Result<(), Error> {
    let out = &request.out;
    let refused = |reason: &dyn std::fmt::Display| {
        wrong(format!(
            "{}: {reason}; name a folder with --out that you may write to",
            out.display()
        ))
    };
    if let Err(error) = std::fs::create_dir_all(out) {
        return refused(&format!("cannot be made ({error})"));
    }
    for task in tasks {
        remove_unfinished(&task.to);
    }
    match tasks.first().map(|task| WholeFile::begin(&task.to)) {
        Some(Err(Error::Io { reason, .. })) => refused(&reason),
        Some(Err(other)) => Err(other),
        _ => Ok(()),
    }
}

impl Task {
    /// What its file is called.
    pub fn name(&self) -> String {
        self.from.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Reads it again.
    pub fn read(&self) -> Result<Image, Error> {
        let image = read_image_as_is(&self.from).map_err(data_error)?;
        match (image.channels, [image.height, image.width]) == (self.channels, self.size) {
            true => Ok(image),
            false => wrong(format!(
                "{}: has become another image in the meantime; give the command again",
                self.from.display()
            )),
        }
    }

    /// Writes its PNG.
    pub fn write(&self, bytes: &[u8], overwrite: bool) -> Result<(), Error> {
        let mut file = WholeFile::begin(&self.to)?;
        file.write_all(bytes).map_err(|error| Error::writing(&self.to, &error))?;
        match overwrite {
            true => file.finish(),
            false => file.finish_as_new(),
        }
    }
}
