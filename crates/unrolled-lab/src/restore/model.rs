//! A trained network, from a run directory or from its arrays alone.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use ndarray::Array2;
use unrolled::prelude::{Denoiser, Measured};
use unrolled::prox::AnyProx;

use super::Restore;
use super::request::wrong;
use crate::arrays::Arrays;
use crate::config::{Config, Overrides};
use crate::devices::{Opened, kind_of};
use crate::experiments::EXPERIMENTS;
use crate::experiments::denoise::{Blueprint, CONFIGURATION, Noise, SETTLED, Sections, through};
use crate::memory::available;
use crate::training::{Values, with_values};
use crate::{Error, RunDirectory};

/// Noise that differs by less than this share, and by less than this much, is what a model was trained for.
const NEAR: (f64, f64) = (0.25, 2.5);

/// A network for images of any size, and its configuration.
pub(super) struct Model {
    config: Config,
    device: Device,
    /// Whether the kernels compute it.
    uses_kernels: bool,
    network: Denoiser,
}

impl Model {
    /// Of the run that is asked for, or of the only one: the best parameters where there are such, as the experiment
    /// tests them.
    pub fn read(request: &Restore, opened: &Opened) -> Result<Self, Error> {
        let path = place(&request.model)?;
        let arrays = read(&path)?;
        let shown = path.display();
        let other = || {
            format!(
                "{shown}: holds no model of `denoise`; name the folder of a finished run, or its arrays.safetensors"
            )
        };
        let Some(configuration) = arrays.metadata.get(CONFIGURATION) else {
            return wrong(other());
        };
        let parsed = EXPERIMENTS.parse(configuration, &path, &Overrides::default());
        let configuration = parsed.map_err(|error| {
            let first = error.to_string().lines().next().unwrap_or_default().to_owned();
            Error::Config(vec![format!(
                "{shown}: its configuration is not one of this version ({first}); train the model again"
            )])
        })?;
        if configuration.base.experiment != "denoise" {
            return wrong(other());
        }
        let has = |run: &str| arrays.named.contains_key(&format!("{run}/dictionary"));
        let runs = || configuration.runs.iter().filter(|run| has(&run.name));
        let named = |name: &String| runs().find(|run| run.name == *name);
        let run = match (&request.run, runs().count()) {
            (_, 0) => return wrong(other()),
            (None, 1) => runs().next(),
            (None, _) => None,
            (Some(name), _) => named(name),
        };
        let Some(run) = run else {
            let names: Vec<&str> = runs().map(|run| &*run.name).collect();
            return wrong(runs_there(&shown.to_string(), request.run.as_deref(), &names));
        };
        let config = run.config.clone();
        let sections: &Sections = config.sections();
        if !sections.measurement.is_all() {
            return wrong(format!(
                "{shown}: the model was trained with a `[measurement]`, and of an image it is not known what was \
                 measured; use a model that was trained without one"
            ));
        }
        if config.precision.bytes() == 8 && !opened.limits.float64 {
            return Err(Error::Device(format!(
                "the model computes in float64, which the adapter of \"{}\" cannot; use --device flex",
                request.device
            )));
        }
        let uses_kernels = sections.encoder.encoder.uses_kernels(kind_of(&request.device));
        let device = opened.device.clone();
        let damaged = |what: String| {
            Error::Config(vec![format!("{shown}: is damaged ({what}); train the model again")])
        };
        let network = network(&config, &device, &arrays, &run.name).map_err(damaged)?;
        Ok(Self { config, device, uses_kernels, network })
    }

    /// With filters that are drawn, for tests.
    #[cfg(test)]
    pub fn untrained(configuration: &str) -> Self {
        let (source, device) = (Path::new("a.toml"), Device::flex());
        let parsed = EXPERIMENTS.parse(configuration, source, &Overrides::default());
        let config = parsed.expect("it is valid").base;
        let sections: &Sections = config.sections();
        let [height, width] = sections.dictionary.size;
        let [channels, atoms] = [sections.data.channels().count(), sections.dictionary.atoms];
        let mut stream = unrolled::random::Stream::new(1, "filters", 0);
        let start =
            Array2::from_shape_simple_fn((channels * height * width, atoms), || stream.normal());
        let blueprint = Blueprint { sections, precision: config.precision, device: device.clone() };
        let network = blueprint.network(&start, 0.1, [height, width]);
        Self { config, device, uses_kernels: true, network }
    }

    /// How the network is built.
    pub fn blueprint(&self) -> Blueprint<'_> {
        let (sections, precision) = (self.config.sections(), self.config.precision);
        Blueprint { sections, precision, device: self.device.clone() }
    }

    /// Whether the kernels compute it.
    pub fn uses_kernels(&self) -> bool {
        self.uses_kernels
    }

    /// An image, or a part of one, of which `offset` is taken off and put back.
    pub fn restore(&self, noisy: &[f64], size: [usize; 2], level: f64, offset: f64) -> Vec<f64> {
        through(&self.blueprint(), &self.network, noisy, size, level, &Measured::All, offset)
    }

    /// What there is to say where σ, on 0–255, is not what the model was trained for.
    pub fn note(&self, noise: f64) -> Option<String> {
        let sections: &Sections = self.config.sections();
        let (low, high) = match sections.data.noise {
            Noise::Fixed(level) => (level, level),
            Noise::Range { low, high } => (low, high),
        };
        let (share, least) = NEAR;
        let is_near = (low * (1.0 - share) - least..=high * (1.0 + share) + least).contains(&noise);
        (!is_near).then(|| match low < high {
            true => format!("the model was trained for noise {low} to {high}"),
            false => format!("the model was trained for noise {low}"),
        })
    }

    /// As [`Self::note`], of the noise that was said to be that of all images.
    pub fn note_for_all(&self, request: &Restore) -> Option<String> {
        let noise = request.noise?;
        let note = self.note(noise)?;
        let follows = match self.network.encoder.prox() {
            AnyProx::LayeredSoft(prox) => prox.slope.is_some(),
            _ => false,
        };
        let remedy = if follows { "" } else { ", which its thresholds do not follow" };
        Some(format!("{note}; --noise is {noise}{remedy}"))
    }
}

/// The file of the arrays.
fn place(model: &Path) -> Result<PathBuf, Error> {
    if !model.is_dir() {
        return Ok(model.to_owned());
    }
    let directory = RunDirectory::existing(model)?;
    let path = directory.path().join("arrays.safetensors");
    match path.is_file() {
        true => Ok(path),
        false => wrong(format!(
            "{}: the run in it is not finished (no arrays.safetensors); go on with it with `unrolled run … --resume`",
            model.display()
        )),
    }
}

fn read(path: &Path) -> Result<Arrays, Error> {
    let shown = path.display();
    let unreadable = |reason: &dyn std::fmt::Display| {
        Error::Config(vec![format!(
            "{shown}: cannot be read ({reason}); name the folder of a finished run of `denoise`, or its \
             arrays.safetensors"
        )])
    };
    let found = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !found.is_file() {
        return Err(unreadable(&"it is not a file"));
    }
    // The bytes, and the arrays.
    if available().is_some_and(|free| found.len().saturating_mul(2) > free) {
        return Err(unreadable(&"it is larger than the memory that is free"));
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(&error))?;
    Arrays::parse(&bytes).map_err(|error| {
        Error::Config(vec![format!(
            "{shown}: is not a valid safetensors file ({error}); name the folder of a finished run of `denoise`, or \
             its arrays.safetensors"
        )])
    })
}

/// The network of a run with its parameters; the message says what the arrays lack.
fn network(
    config: &Config,
    device: &Device,
    arrays: &Arrays,
    run: &str,
) -> Result<Denoiser, String> {
    let sections: &Sections = config.sections();
    let blueprint = Blueprint { sections, precision: config.precision, device: device.clone() };
    let best = format!("{run}/best_");
    let is_best = arrays.named.contains_key(&format!("{best}dictionary"));
    let prefix = if is_best { best } else { format!("{run}/") };
    let mut values = Values::new();
    for (name, stored) in &arrays.named {
        if let Some(name) = name.strip_prefix(&prefix)
            && stored.is_float()
        {
            values.insert(name.to_owned(), stored.to_data());
        }
    }
    // What is not there need not be made.
    let [height, width] = sections.dictionary.size;
    let (atoms, channels) = (sections.dictionary.atoms, blueprint.channels());
    let expected = [atoms, channels, height, width];
    let fits = values.get("dictionary").is_some_and(|found| found.shape()[..] == expected);
    if !fits || 2 * sections.encoder.pairs() > values.len() {
        return Err(format!("`{prefix}…` are not the arrays of its configuration"));
    }
    let (step, train_step) = settled(arrays, run)?;
    let start = Array2::from_elem((channels * height * width, atoms), 1.0);
    let network = blueprint.network(&start, step, [height, width]);
    let network = with_values(network, &values)?;
    match values.iter().find(|(_, found)| !found.iter::<f64>().all(f64::is_finite)) {
        Some((name, _)) => Err(format!("`{prefix}{name}` holds a number that is not finite")),
        None => Ok(blueprint.settled(network, step, train_step)),
    }
}

/// α, and the step of training that a decay is of.
fn settled(arrays: &Arrays, run: &str) -> Result<(f64, usize), String> {
    let name = format!("{run}/{SETTLED}");
    let stored = arrays.named.get(&name).map(|stored| stored.to_data().iter::<f64>().collect());
    let stored: Vec<f64> = stored.unwrap_or_default();
    match stored[..] {
        [step, train_step] if step > 0.0 && step.is_finite() && train_step >= 1.0 => {
            Ok((step, train_step as usize))
        }
        _ => Err(format!("`{name}` is missing or damaged")),
    }
}

/// What there is instead of the run that was asked for.
fn runs_there(place: &str, asked: Option<&str>, runs: &[&str]) -> String {
    let holds = match asked {
        Some(asked) => format!("holds no run {asked}, but"),
        None => "holds".to_owned(),
    };
    let several = if runs.len() == 1 { "the run" } else { "the runs" };
    format!("{place}: {holds} {several} {}; choose one, as in --run {}", runs.join(", "), runs[0])
}
