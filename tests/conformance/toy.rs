//! A kind of experiment in one file, through the public interface alone: a classifier on codes, whose weights no
//! other experiment knows, trained together with its dictionary and a learned bias.

use std::ops::Range;
use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Tensor, activation::log_softmax};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use unrolled::dictionary::initialisation;
use unrolled::prelude::*;
use unrolled::random::Stream;
use unrolled::tensors::to_tensor;
use unrolled_lab::arrays::Arrays;
use unrolled_lab::config::{Kind, OptimizerConfig, Reader, Sections, TrainConfig};
use unrolled_lab::experiment::{Experiment, Plan, Session};
use unrolled_lab::report::chart::{Chart, Series};
use unrolled_lab::report::page::Section;
use unrolled_lab::report::table::escape;
use unrolled_lab::report::{Figures, Metrics, Subject, differences};
use unrolled_lab::training::{Lesson, MetricsFile, Rows, Source, Training, newest};
use unrolled_lab::{Configuration, Error, Estimate, RunDirectory, results};

type Coder = Autoencoder<Unrolled<LearnedSoftThreshold>>;

/// softmax(W z_T(x) + b).
#[derive(Module, Debug)]
pub struct Classifier {
    pub coder: Coder,
    pub weight: Param<Tensor<2>>,
    pub bias: Param<Tensor<1>>,
}

impl Network for Classifier {
    fn project(self) -> Self {
        Self { coder: self.coder.project(), ..self }
    }
}

impl SparseCoder for Classifier {
    type Operator = DenseDictionary;
    type Encoder = Unrolled<LearnedSoftThreshold>;

    fn operator(&self) -> &DenseDictionary {
        &self.coder.dictionary
    }

    fn encoder(&self) -> &Self::Encoder {
        &self.coder.encoder
    }
}

/// Cross entropy: −mean over examples of the logarithm of the label's probability.
pub fn cross_entropy(network: &Classifier, batch: &Batch, codes: &Tensor<2>) -> Tensor<1> {
    let scores = codes.clone().matmul(network.weight.val()).add(network.bias.val().unsqueeze());
    let label = batch.label.clone().expect("a classifier is given labels");
    let examples = label.dims()[0] as f64;
    log_softmax(scores, 1).mul(label).sum().mul_scalar(-1.0 / examples)
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ClassifierConfig {
    atoms: usize,
    penalty: f64,
}

impl Default for ClassifierConfig {
    fn default() -> Self {
        Self { atoms: 10, penalty: 0.1 }
    }
}

#[derive(Debug, Serialize)]
struct ToySections {
    classifier: ClassifierConfig,
    train: TrainConfig,
    optimizer: OptimizerConfig,
}

/// The experiment.
pub struct Toy;

impl Kind for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn sections(&self, reader: &mut Reader) -> Arc<dyn Sections> {
        let classifier: ClassifierConfig = reader.table("classifier").rest();
        reader.problems().require(classifier.atoms > 0, "classifier.atoms", || {
            "`classifier.atoms` is 0; write 1 or more".to_owned()
        });
        Arc::new(ToySections {
            classifier,
            train: TrainConfig::read(reader.table("train")),
            optimizer: OptimizerConfig::read(reader.table("optimizer")),
        })
    }
}

/// Examples of three classes around three directions.
struct Clouds {
    seed: u64,
    batch: usize,
}

const FEATURES: usize = 6;
const CLASSES: usize = 3;

impl Source for Clouds {
    fn batch(&self) -> usize {
        self.batch
    }

    fn steps_of_an_epoch(&self) -> usize {
        1
    }

    fn rows(&self, step: usize, range: Range<usize>) -> Result<Rows, Error> {
        let mut stream = Stream::new(self.seed, "clouds", step as u64);
        let noise = Array2::from_shape_simple_fn((self.batch, FEATURES), || 0.1 * stream.normal());
        let class = |i: usize| (i + step) % CLASSES;
        let x = Array2::from_shape_fn((self.batch, FEATURES), |(i, j)| {
            noise[[i, j]] + f64::from(u8::from(j % CLASSES == class(i)))
        });
        let label = Array2::from_shape_fn((self.batch, CLASSES), |(i, k)| {
            f64::from(u8::from(k == class(i)))
        });
        let cut = |array: Array2<f64>| array.slice(ndarray::s![range.clone(), ..]).to_owned();
        Ok(Rows { x: cut(x), target: None, label: Some(cut(label)), true_codes: None })
    }

    fn describe(&self, step: usize) -> String {
        format!("cloud {step}")
    }
}

type CrossEntropy = fn(&Classifier, &Batch, &Tensor<2>) -> Tensor<1>;

struct Classification {
    start: Classifier,
    estimator: GTruncated<CrossEntropy>,
    source: Clouds,
}

impl Lesson for Classification {
    type Network = Classifier;
    type Memory = ();

    fn start(&self) -> (Classifier, ()) {
        (self.start.clone(), ())
    }

    fn estimator(&self) -> &dyn Estimator<Classifier> {
        &self.estimator
    }

    fn source(&self) -> &dyn Source {
        &self.source
    }
}

/// A classifier before training.
pub fn classifier(atoms: usize, penalty: f64, like: &Tensor<2>) -> Classifier {
    let (precision, device) = (Precision::of(like), like.device());
    let mut stream = Stream::new(5, "classifier", 0);
    let mut draw = |rows, columns| {
        to_tensor(&initialisation::random(rows, columns, &mut stream), precision, &device)
    };
    let dictionary = DenseDictionary::new(draw(FEATURES, atoms));
    let bias = Tensor::full([1], 0.2 * penalty, (&device, precision.dtype()));
    let prox = LearnedSoftThreshold::new(bias, penalty, Sided::Two);
    Classifier {
        coder: Autoencoder::new(
            dictionary.with_constraint(Constraint::UnitSphere),
            Unrolled::ista(prox, 0.2, 8),
        ),
        weight: Param::from_tensor(draw(atoms, CLASSES)),
        bias: Param::from_tensor(Tensor::zeros([CLASSES], (&device, precision.dtype()))),
    }
}

impl Experiment for Toy {
    fn plan<'a>(&self, configuration: &'a Configuration) -> Result<Box<dyn Plan + 'a>, Error> {
        Ok(Box::new(ToyPlan(configuration)))
    }

    fn report(&self, subject: &Subject, figures: &mut Figures) -> Result<Vec<Section>, Error> {
        let mut curves = Vec::new();
        for found in &subject.directories {
            let metrics = Metrics::read(&found.path)?;
            let loss = found.runs.iter().map(|run| (&run.label, metrics.curve(&run.name, "loss")));
            curves.extend(loss.map(|(label, curve)| (escape(label), curve)));
        }
        let steps = curves.iter().map(|(label, curve)| format!("<p>{label}: {}</p>", curve.len()));
        let steps: String = steps.collect();
        let each = curves.into_iter().zip(subject.styles());
        let chart = Chart {
            title: "Cross entropy.".to_owned(),
            caption: "Mean over the batch.".to_owned(),
            numbers: "<code>metrics.csv</code>, column <code>loss</code>".to_owned(),
            x: "step",
            y: "loss",
            log_y: true,
            series: each.map(|((label, curve), style)| Series::new(label, curve, style)).collect(),
            marks: Vec::new(),
            level: None,
        };
        let html = differences(subject) + &figures.add(&chart, "") + &steps;
        Ok(vec![Section { title: "How it was classified".to_owned(), html }])
    }

    fn template(&self) -> &'static str {
        "experiment = \"toy\"\n"
    }
}

struct ToyPlan<'a>(&'a Configuration);

impl Plan for ToyPlan<'_> {
    fn estimate(&self, _: usize) -> Result<Estimate, Error> {
        Ok(Estimate::default())
    }

    fn run(&mut self, directory: &RunDirectory, session: &mut Session) -> Result<(), Error> {
        let runs = &self.0.runs;
        let saved = runs.iter().map(|run| newest(directory, &run.name, session.observer));
        let saved: Vec<_> = saved.collect();
        let done = |at: usize| saved[at].as_ref().map_or(0, |saved| saved.step());
        let steps: Vec<_> =
            runs.iter().enumerate().map(|(at, run)| (&*run.name, done(at))).collect();
        let (mut metrics, _) = MetricsFile::open(directory, &[], &[], &steps)?;
        let (mut arrays, mut figures) = (Arrays::default(), Map::new());
        for (run, saved) in runs.iter().zip(saved) {
            let config = &run.config;
            let ToySections { classifier: toy, train, optimizer } = config.sections();
            let device = config.open_device()?.device;
            let like = Tensor::zeros([1, 1], (&device, config.precision.dtype()));
            let lesson = Classification {
                start: classifier(toy.atoms, toy.penalty, &like),
                estimator: GTruncated { loss: cross_entropy, window: usize::MAX },
                source: Clouds { seed: config.seed, batch: train.batch(0) },
            };
            let training = Training {
                name: &run.name,
                lesson: &lesson,
                config,
                device,
                train,
                optimizer,
                identity: run.identity(0),
                steps: train.total_steps(0),
                block: 8,
                spreads_blocks: false,
            };
            let state = training.run(saved, directory, &mut metrics, session)?;
            state.put_parameters(&run.name, &mut arrays);
            figures.insert(run.name.clone(), json!({ "steps": state.step }));
        }
        metrics.sync()?;
        directory.write("arrays.safetensors", &arrays.to_bytes())?;
        directory.write_results(&results(self.0, session.threads, 0.0, figures))
    }
}
