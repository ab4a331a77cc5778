//! `[data]`: images to train, validate and test on, and their noise.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use unrolled_data::Channels;

use crate::config::{Problems, Reader, Where};

/// Where the images come from, and what is done to them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImagesConfig {
    source: &'static str,
    channels: &'static str,
    /// What is taken out of an image before it is encoded, and put back afterwards.
    pub remove: Remove,
    /// Images to train on.
    #[serde(skip_serializing_if = "Where::is_empty")]
    pub train: Where,
    /// Images to validate on.
    #[serde(skip_serializing_if = "Where::is_empty")]
    pub validation: Where,
    /// Images to test on.
    #[serde(skip_serializing_if = "Where::is_empty")]
    pub test: Where,
    /// Height and width of a crop.
    pub crop: usize,
    /// Height and width of images that are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// Whether crops are flipped and turned.
    pub turn: bool,
    /// σ, on 0–255.
    pub noise: Noise,
    /// σ of the images to validate and to test on.
    #[serde(skip_serializing_if = "Option::is_none")]
    test_noise: Option<f64>,
}

/// `remove`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remove {
    /// Nothing.
    Nothing,
    /// The mean of the noisy image, over all its channels.
    Mean,
}

const REMOVE: [&str; 2] = ["nothing", "mean"];
const SOURCES: [&str; 2] = ["images", "dead-leaves"];
const CHANNELS: [&str; 2] = ["grey", "colour"];

/// `noise`: one level, or a range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Noise {
    /// σ.
    Fixed(f64),
    /// σ uniform in [low, high), another in every step.
    Range {
        /// The least.
        low: f64,
        /// The most.
        high: f64,
    },
}

impl<'de> Deserialize<'de> for Noise {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Range {
            low: f64,
            high: f64,
        }
        match toml::Value::deserialize(deserializer)? {
            toml::Value::Integer(level) => Ok(Self::Fixed(level as f64)),
            toml::Value::Float(level) => Ok(Self::Fixed(level)),
            table @ toml::Value::Table(_) => {
                let Range { low, high } = table.try_into().map_err(|error: toml::de::Error| {
                    D::Error::custom(format!("{}; write {{ low = 0, high = 55 }}", error.message()))
                })?;
                Ok(Self::Range { low, high })
            }
            other => Err(D::Error::custom(format!(
                "{other}; write a number, or {{ low = 0, high = 55 }}"
            ))),
        }
    }
}

impl Noise {
    /// The level that stands for all of them: the middle of a range.
    pub fn typical(self) -> f64 {
        match self {
            Self::Fixed(level) => level,
            Self::Range { low, high } => (low + high) / 2.0,
        }
    }

    fn is_valid(self) -> bool {
        let fits = |level: f64| (0.0..=1000.0).contains(&level);
        match self {
            Self::Fixed(level) => fits(level),
            Self::Range { low, high } => fits(low) && fits(high) && low <= high,
        }
    }
}

impl ImagesConfig {
    /// Reads the section and checks it.
    pub fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        let source = SOURCES[reader.choice("source", &SOURCES)];
        let channels = CHANNELS[reader.choice("channels", &CHANNELS)];
        let remove = [Remove::Nothing, Remove::Mean][reader.choice("remove", &REMOVE)];
        let [train, validation, test] =
            ["train", "validation", "test"].map(|key| reader.value(key, Where::default()));
        let noise = reader.value("noise", Noise::Fixed(25.0));
        let test_noise = reader.value("test_noise", None);
        let section = Self {
            source,
            channels,
            remove,
            train,
            validation,
            test,
            crop: reader.value("crop", 129),
            size: reader.value("size", None),
            turn: reader.value("turn", true),
            noise,
            test_noise,
        };
        let Nothing {} = reader.rest();
        section.check(problems);
        section
    }

    fn check(&self, problems: &Problems) {
        problems.require(self.noise.is_valid(), "data.noise", || {
            "`data.noise` is a standard deviation on 0–255; write a number from 0 to 1000, or \
             { low = 0, high = 55 } with low ≤ high"
                .to_owned()
        });
        let level = self.test_noise();
        // By default it is `noise`, of which all has been said.
        let fits = !self.noise.is_valid() || (0.0..=1000.0).contains(&level);
        problems.require(fits, "data.test_noise", || {
            format!("`data.test_noise` is {level}; write a number from 0 to 1000")
        });
        problems
            .require(self.crop > 0, "data.crop", || "`data.crop` is 0; write 1 or more".to_owned());
        let drawn = self.is_drawn();
        for (key, images) in
            [("train", &self.train), ("validation", &self.validation), ("test", &self.test)]
        {
            let path = format!("data.{key}");
            let counts = matches!(images, Where::Count(_));
            problems.require(images.is_empty() || counts == drawn, &path, || match drawn {
                true => format!("`{path}` names files, but `data.source` is \"dead-leaves\"; write how many to draw"),
                false => format!("`{path}` is a number; write a folder, or a list of files"),
            });
            if let Where::Count(count) = images {
                problems.require(*count <= 100_000, &path, || {
                    format!("`{path}` is {count}; write 100000 or less")
                });
            }
        }
        problems.require(drawn || self.size.is_none(), "data.size", || {
            "`data.size` is of images that are drawn; remove it, or set `source = \"dead-leaves\"`".to_owned()
        });
        let size = self.drawn_size();
        problems.require(!drawn || (self.crop..=4096).contains(&size), "data.size", || {
            format!(
                "`data.size` is {size}; write a number from `data.crop`, {}, to 4096",
                self.crop
            )
        });
    }

    /// What says which images they are, all else as it is by default.
    pub fn images_alone(&self) -> Self {
        let noise = Noise::Fixed(0.0);
        Self { remove: Remove::Nothing, turn: true, noise, test_noise: None, ..self.clone() }
    }

    /// σ of the images to validate and to test on, on 0–255: `noise`, or the middle of its range, unless another is asked for.
    pub fn test_noise(&self) -> f64 {
        self.test_noise.unwrap_or(self.noise.typical())
    }

    /// Whether images are drawn.
    pub fn is_drawn(&self) -> bool {
        self.source == "dead-leaves"
    }

    /// Height and width of images that are drawn.
    pub fn drawn_size(&self) -> usize {
        self.size.unwrap_or(160)
    }

    /// Grey or colour.
    pub fn channels(&self) -> Channels {
        match self.channels {
            "colour" => Channels::Colour,
            _ => Channels::Grey,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Nothing {}
