//! A kind of experiment of one's own, and a network with parameters of its own: checked, swept, trained, stopped,
//! resumed and reported by what every kind shares.

use std::fs;
use std::path::Path;

use burn::tensor::{Device, Tensor};
use unrolled::prelude::*;
use unrolled::tensors::{to_scalar, to_tensor, to_values};
use unrolled_lab::experiment::{Experiments, Session};
use unrolled_lab::progress::{Observer, Silent, Stop};
use unrolled_lab::training::{values, with_values};
use unrolled_lab::{Configuration, Error, Existing, Overrides, RunDirectory};

use crate::relative;
use crate::toy::{Toy, classifier, cross_entropy};

const KINDS: Experiments = Experiments::new(&[&Toy]);

const CONFIG: &str = "experiment = \"toy\"\nname = \"clouds\"\n\
    [train]\nsteps = 40\nbatch_size = 20\ncheckpoint_every = 7\nsave_dictionary_at = [3]\n\
    [optimizer]\nlearning_rate = 0.02\n";

fn load(text: &str, set: &[&str]) -> Result<Configuration, Error> {
    let set = set.iter().map(|option| (*option).to_owned()).collect();
    KINDS.parse(text, Path::new("clouds.toml"), &Overrides { set, device: None })
}

/// Asks to stop after so many steps.
struct Impatient<'a>(u64, &'a Stop);

impl Observer for Impatient<'_> {
    fn begin(&mut self, _total: u64, _done: u64, _unit: &'static str) {}
    fn advance(&mut self, units: u64) {
        self.0 = self.0.saturating_sub(units);
        if self.0 == 0 {
            self.1.request();
        }
    }
    fn now(&mut self, _what: &str) {}
    fn say(&mut self, message: &str) {
        panic!("nothing is to be said: {message}");
    }
    fn end(&mut self) {}
}

fn run(configuration: &Configuration, folder: &Path, stop_after: Option<u64>) -> Result<(), Error> {
    let existing = match folder.join("config.toml").exists() {
        true => Existing::Resume,
        false => Existing::Refuse,
    };
    let directory = RunDirectory::open(folder, existing, &configuration.effective())?;
    let stop = Stop::default();
    let mut impatient = Impatient(stop_after.unwrap_or(u64::MAX), &stop);
    let mut session = Session { threads: 2, observer: &mut impatient, stop: &stop };
    KINDS.plan(configuration)?.run(&directory, &mut session)?;
    KINDS.report(&directory)
}

fn array(folder: &Path, name: &str) -> Vec<f64> {
    let path = folder.join("arrays.safetensors");
    let array = unrolled_data::read_arrays(&path).expect("the arrays can be read");
    array[name].values.clone().expect("it holds numbers")
}

#[test]
fn its_configuration_is_checked_and_written_out() {
    let configuration = load(CONFIG, &[]).expect("it is valid");
    let effective = configuration.effective();
    assert!(effective.contains("[classifier]\natoms = 10\npenalty = 0.1\n"), "{effective}");
    let again = load(&effective, &[]).expect("what is written can be read");
    assert_eq!(again.effective(), effective);
    for (option, expected) in [
        ("classifier.atoms=0", "`classifier.atoms` is 0; write 1 or more"),
        ("classifier.atom=2", "`classifier.atom` is not a known key; did you mean `atoms`?"),
        ("encoder.iterations=2", "`encoder` is not a known key; known here: "),
        ("optimiser.kind=\"sgd\"", "`optimiser` is not a known key; did you mean `optimizer`?"),
    ] {
        let message = load(CONFIG, &[option]).expect_err("it is wrong").to_string();
        assert!(message.contains(expected), "{message}");
    }
    assert!(KINDS.plan(&configuration).is_ok_and(|plan| plan.estimate(2).is_ok()));
    assert_eq!(KINDS.template("toy").ok(), Some("experiment = \"toy\"\n"));
}

#[test]
fn a_stopped_run_goes_on_to_the_same_bytes() {
    let configuration = load(CONFIG, &[]).expect("it is valid");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
    run(&configuration, &whole, None).expect("it runs to its end");
    for stop_after in [5, 11] {
        let stopped = run(&configuration, &parts, Some(stop_after));
        assert!(matches!(stopped, Err(Error::Interrupted(_))), "{stopped:?}");
    }
    run(&configuration, &parts, None).expect("it goes on to its end");
    let read = |folder: &Path| fs::read(folder.join("arrays.safetensors")).expect("it is there");
    assert_eq!(read(&whole), read(&parts));
    for name in
        ["coder.dictionary.matrix", "coder.encoder.prox.bias", "weight", "bias", "weight_at_3"]
    {
        assert!(!array(&whole, &format!("main/{name}")).is_empty(), "{name}");
    }
    let metrics = |folder: &Path| -> Vec<String> {
        let text = fs::read_to_string(folder.join("metrics.csv")).expect("it is there");
        let rows = text.lines().map(|line| line.rsplit_once(',').expect("it has columns").0);
        rows.map(|row| row.rsplit_once(',').expect("it has columns").0.to_owned()).collect()
    };
    assert_eq!(metrics(&whole), metrics(&parts));
    assert_eq!(metrics(&whole).len(), 41);
    let loss = |row: &str| row.split(',').nth(3).and_then(|v| v.parse().ok()).unwrap_or(f64::NAN);
    let [first, last] = [1, 40].map(|step| -> f64 { loss(&metrics(&whole)[step]) });
    assert!(last < 0.5 * first, "the loss falls from {first} to {last}");
    let report = fs::read_to_string(whole.join("report.html")).expect("it is there");
    assert!(report.contains("How it was classified") && report.contains("<p>main: 40</p>"));
    assert!(whole.join("figures/cross-entropy.svg").is_file());
    // Two of them side by side.
    let directories = [&whole, &parts].map(|path| RunDirectory::existing(path).expect("it is one"));
    KINDS.report_combined(&directories, &folder.path().join("both.html")).expect("it is drawn");
    let report = fs::read_to_string(folder.path().join("both.html")).expect("it is there");
    assert!(report.contains("<p>whole: 40</p>") && report.contains("<p>parts: 40</p>"));
}

#[test]
fn a_sweep_gives_a_run_each() {
    let swept = format!("{CONFIG}[sweep]\n\"classifier.penalty\" = [0.05, 0.2]\n");
    let configuration = load(&swept, &["train.steps=3"]).expect("it is valid");
    let folder = tempfile::tempdir().expect("a folder can be made");
    run(&configuration, folder.path(), None).expect("it runs to its end");
    let [a, b] = ["0.05", "0.2"].map(|p| array(folder.path(), &format!("penalty={p}/weight")));
    assert_ne!(a, b);
}

#[test]
fn its_gradients_are_those_of_finite_differences() {
    let float64 =
        |array: &ndarray::Array2<f64>| to_tensor(array, Precision::Float64, &Device::flex());
    let like = Tensor::zeros([1, 1], (&Device::flex(), Precision::Float64.dtype()));
    let network = classifier(10, 0.1, &like);
    let mut stream = unrolled::random::Stream::new(2, "examples", 0);
    let x = float64(&ndarray::Array2::from_shape_simple_fn((9, 6), || stream.normal()));
    let label = ndarray::Array2::from_shape_fn((9, 3), |(i, k)| f64::from(u8::from(i % 3 == k)));
    let batch = Batch::new(x.clone()).with_label(Some(float64(&label)));
    for window in [0, 1, 3, usize::MAX] {
        let estimator = GTruncated { loss: cross_entropy, window };
        let gradients = estimator.estimate_batch(&network, &batch).gradients;
        let fixed = network.clone();
        // What lies before the window is not differentiated: it keeps the parameters that it has.
        let loss = |moved: &super::toy::Classifier| {
            let all = moved.encoder().iterations();
            let first = all - window.min(all);
            let codes = match first {
                0 => moved.encode(&x),
                _ => {
                    let start = fixed.encoder().clone().with_iterations(first);
                    let start = start.encode(fixed.operator(), &x);
                    let start = Some([start.clone(), start]);
                    moved.encoder().encode_from(moved.operator(), &x, first, start)
                }
            };
            to_scalar(&cross_entropy(moved, &batch, &codes))
        };
        let at = values(&network);
        for (name, ours) in [
            ("weight", gradients.get::<2>(network.weight.id).map(|g| to_values(&g))),
            ("bias", gradients.get::<1>(network.bias.id).map(|g| to_values(&g))),
            (
                "coder.dictionary.matrix",
                gradients.get::<2>(network.coder.dictionary.matrix.id).map(|g| to_values(&g)),
            ),
            (
                "coder.encoder.prox.bias",
                gradients.get::<1>(network.coder.encoder.prox.bias.id).map(|g| to_values(&g)),
            ),
        ] {
            let count = at[name].shape().num_elements();
            let numeric: Vec<f64> = (0..count)
                .map(|index| {
                    let moved = |by: f64| {
                        let mut at = at.clone();
                        let data = at.get_mut(name).expect("it is a parameter");
                        data.as_mut_slice::<f64>().expect("it is float64")[index] += by;
                        loss(&with_values(network.clone(), &at).expect("shapes are kept"))
                    };
                    (moved(1e-6) - moved(-1e-6)) / 2e-6
                })
                .collect();
            let ours = ours.unwrap_or_else(|| vec![0.0; count]);
            let error = relative(&ours, &numeric);
            assert!(error < 1e-7, "{name}, window {window}: {error:e}");
        }
    }
}

#[cfg(feature = "wgpu")]
#[test]
fn it_trains_on_an_adapter_as_on_the_cpu() {
    if crate::adapter().is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder can be made");
    let adapter = crate::adapter_name();
    let trained = ["flex", &adapter].map(|device| {
        let set = [format!("device=\"{device}\""), "precision=\"float32\"".to_owned()];
        let configuration = load(CONFIG, &[&set[0], &set[1]]).expect("it is valid");
        run(&configuration, &folder.path().join(device), None).expect("it runs to its end");
        let folder = folder.path().join(device);
        ["coder.dictionary.matrix", "coder.encoder.prox.bias", "weight", "bias"]
            .map(|name| array(&folder, &format!("main/{name}")))
    });
    for (ours, reference) in trained[1].iter().zip(&trained[0]) {
        let error = relative(ours, reference);
        assert!(error < 1e-3, "{error:e}");
    }
}

#[test]
fn nobody_has_to_watch() {
    let configuration = load(CONFIG, &["train.steps=1"]).expect("it is valid");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let effective = configuration.effective();
    let directory = RunDirectory::open(folder.path(), Existing::Refuse, &effective);
    let directory = directory.expect("an empty folder can be used");
    let mut session = Session { threads: 1, observer: &mut Silent, stop: &Stop::default() };
    let mut plan = KINDS.plan(&configuration).expect("it can begin");
    assert!(plan.run(&directory, &mut session).is_ok() && directory.is_finished(&plan.files()));
}
