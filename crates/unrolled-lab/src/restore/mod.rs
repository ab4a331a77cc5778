//! `unrolled denoise`: apply a trained network to images, an image or a part of it at a time.

mod images;
mod model;
mod request;
mod summary;
mod tiles;

use std::time::Instant;

use unrolled::metrics::noise_level;
use unrolled_data::{Image, write_png};

use crate::devices::{self, Opened};
use crate::experiment::Session;
use crate::progress::Stop;
use crate::workers::{Workers, in_order};
use crate::{Error, memory};
use images::Task;
use model::Model;
pub use request::Restore;
use request::wrong;
pub use summary::Summary;
use tiles::{Tiles, bytes_of};

/// Restores every image and writes it as a PNG. What is wrong with the request, the model or any of the images is said
/// before anything is written; each file appears under its name when it is whole.
pub fn run(request: &Restore, session: &mut Session) -> Result<Summary, Error> {
    let started = Instant::now();
    request.check()?;
    let opened = devices::open(&request.device)?;
    let model = Model::read(request, &opened)?;
    let tasks = images::tasks(request)?;
    for task in &tasks {
        images::check(task, &model)?;
    }
    let work = Work::new(request, &model, &opened, &tasks, session)?;
    images::prepare(request, &tasks)?;
    work.of_all(&tasks, session)?;
    Ok(Summary { images: tasks.len(), seconds: started.elapsed().as_secs_f64() })
}

/// What all images have in common.
struct Work<'a> {
    request: &'a Restore,
    model: &'a Model,
    /// Pixels of a tile's core on a side, for each image; `None` for the whole image at once.
    tiles: Vec<Option<usize>>,
    crew: Workers,
    stop: Stop,
}

/// An image that is done.
struct Done {
    /// A PNG.
    bytes: Vec<u8>,
    /// σ on 0–255.
    noise: f64,
}

impl<'a> Work<'a> {
    /// Settles into how many parts each image is cut, and how many images are at work at a time.
    fn new(
        request: &'a Restore,
        model: &'a Model,
        opened: &Opened,
        tasks: &[Task],
        session: &Session,
    ) -> Result<Self, Error> {
        let on_cpu = opened.adapter.is_none();
        let free = if on_cpu { memory::available() } else { opened.limits.memory };
        let usable = free.map_or(u64::MAX, |free| free / 2);
        let blueprint = model.blueprint();
        let (mut tiles, mut most) = (Vec::new(), 1);
        for task in tasks {
            let tile = match request.tile {
                Some(side) => Some(side),
                None => tiles::side_for(&blueprint, task.size, usable),
            };
            let needed = bytes_of(&blueprint, task.size, tile);
            if request.tile.is_none() && needed > usable.saturating_mul(2) {
                return wrong(format!(
                    "{}: even a small part of it takes {} of memory, more than is free; use a machine with more memory, \
                     or a model with fewer iterations or a smaller `encoder.split`",
                    task.from.display(),
                    crate::words::bytes(needed)
                ));
            }
            most = most.max(needed);
            tiles.push(tile);
        }
        // A graphics card takes one image at a time.
        let fits = usize::try_from(usable / most).unwrap_or(usize::MAX).max(1);
        let crew = match on_cpu {
            true => {
                let workers = session.threads.min(fits).min(tasks.len());
                // Only the kernels give the same numbers on several threads.
                let threads = if model.uses_kernels() { session.threads / workers } else { 1 };
                Workers { workers, threads }
            }
            false => Workers { workers: 1, threads: session.threads },
        };
        Ok(Self { request, model, tiles, crew, stop: session.stop.clone() })
    }

    fn of_all(&self, tasks: &[Task], session: &mut Session) -> Result<(), Error> {
        let observer = &mut session.observer;
        let pixels = |task: &Task| task.size.iter().product::<usize>() as u64;
        observer.begin(tasks.iter().map(pixels).sum(), 0, "pixels");
        if let Some(note) = self.model.note_for_all(self.request) {
            observer.say(&format!("note: {note}"));
        }
        let observer = std::cell::RefCell::new(observer);
        let mut written = 0;
        let outcome = in_order(
            tasks.len(),
            self.crew,
            || {},
            |index, reporter| {
                let advance = |pixels: usize| reporter.advance(pixels as u64);
                self.on_device(|| self.one(&tasks[index], self.tiles[index], &advance))
            },
            |units| observer.borrow_mut().advance(units),
            |Done { bytes, noise }| {
                let task = &tasks[written];
                task.write(&bytes, self.request.overwrite)?;
                written += 1;
                let mut observer = observer.borrow_mut();
                observer.now(&format!("{written} of {} images", tasks.len()));
                if self.request.noise.is_none() {
                    let name = task.name();
                    observer.say(&format!("{name}: noise about {noise:.1}"));
                    if let Some(note) = self.model.note(noise) {
                        observer.say(&format!("note: {note}; {name} has about {noise:.0}"));
                    }
                }
                Ok(())
            },
        );
        observer.into_inner().end();
        outcome.map_err(|error| match error {
            Error::Interrupted(_) => Error::Interrupted(format!(
                "stopped; {written} of {} images are written to {}, each of them whole",
                tasks.len(),
                self.request.out.display()
            )),
            other => other,
        })
    }

    /// A failing graphics card is said.
    fn on_device<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        devices::guarded(&self.request.device, work).map_err(|error| match error {
            Error::DeviceLost(said) => Error::DeviceLost(format!(
                "{}; use --device flex",
                said.split(';').next().unwrap_or_default()
            )),
            other => other,
        })
    }

    fn one(
        &self,
        task: &Task,
        tile: Option<usize>,
        advance: &dyn Fn(usize),
    ) -> Result<Done, Error> {
        self.check_stop()?;
        let image = task.read()?;
        let (channels, size) = (image.channels, task.size);
        let noisy: Vec<f64> = image.values.iter().copied().map(f64::from).collect();
        let noise = match self.request.noise {
            Some(noise) => noise,
            None => 255.0 * noise_level(&noisy, channels, size),
        };
        if !noise.is_finite() {
            return wrong(format!(
                "{}: is too small for its noise to be estimated; say it with --noise",
                task.from.display()
            ));
        }
        let restored = Tiles::new(&self.model.blueprint(), size, tile).restore(
            self.model,
            &noisy,
            noise / 255.0,
            &mut |pixels| {
                advance(pixels);
                self.check_stop()
            },
        )?;
        if let Some(at) = restored.iter().position(|value| !value.is_finite()) {
            let at = at % (size[0] * size[1]);
            return Err(Error::NotFinite(format!(
                "{}: the pixel in row {}, column {} (counted from 0) comes out as {}, so nothing is written for it; the \
                 model diverges: train one with a smaller `encoder.step`, or with `encoder.step = \"auto\"`",
                task.from.display(),
                at / size[1],
                at % size[1],
                "not a number"
            )));
        }
        let values = restored.into_iter().map(|value| value as f32).collect();
        let [height, width] = size;
        Ok(Done { bytes: write_png(&Image { values, channels, height, width }), noise })
    }

    fn check_stop(&self) -> Result<(), Error> {
        match self.stop.is_requested() {
            true => Err(Error::Interrupted(String::new())),
            false => Ok(()),
        }
    }
}
