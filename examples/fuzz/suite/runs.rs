//! Small runs from start to end: those that are accepted give the same again from the configuration that they wrote.

use std::path::Path;

use unrolled_lab::{EXPERIMENTS, Existing, Overrides};

use super::configurations::{FILE, OPTIONS, parse};
use super::random::Random;
use super::tiny_runs::run;
use super::{Answers, Input, Target};
use crate::same_run;

pub const TARGET: Target = Target { name: "runs", share: 1, make, examine };

/// A comparison and a learning run of a few milliseconds.
pub const COMPARE: &str = "experiment = \"compare-gradients\"\n[data]\nexamples = 12\nfeatures = 5\natoms = 6\n\
    nonzeros = 2\n[encoder]\nstep = 0.1\n[compare]\niterations = [1, 3]\nlasso_iterations = 10\n\
    save_arrays_at = [3]\nrepeats = 2\n";
pub const LEARN: &str = "experiment = \"learn-dictionary\"\nprecision = \"float32\"\n[data]\nexamples = 20\n\
    features = 5\natoms = 6\nnonzeros = 2\n[encoder]\niterations = 4\nstep = 0.1\n[train]\nsteps = 6\n\
    batch_size = 4\nmeasure_every = 2\ncheckpoint_every = 2\nvalidation = 0.2\nsave_dictionary_at = [2]\n";

/// What is laid over them. All of it is small.
const OVER: [&str; 48] = [
    "seed=3",
    "precision=\"float64\"",
    "precision=\"float32\"",
    "data.examples=1",
    "data.examples=2",
    "data.examples=33",
    "data.features=1",
    "data.atoms=1",
    "data.atoms=9",
    "data.nonzeros=1",
    "data.nonzeros=6",
    "data.sign=\"per-entry\"",
    "data.noise=0.1",
    "data.noise=1e300",
    "data.amplitude=\"normal\"",
    "data.amplitude={ distribution = \"uniform\", low = 0.0, high = 0.0 }",
    "data.amplitude={ distribution = \"normal\", mean = 1e200, std = 0.0 }",
    "dictionary.init=\"random\"",
    "dictionary.init=\"data\"",
    "dictionary.init=\"svd\"",
    "dictionary.init=\"pairwise\"",
    "dictionary.init.noise=0.0",
    "dictionary.constraint=\"none\"",
    "dictionary.constraint=\"unit-ball\"",
    "encoder.kind=\"fista\"",
    "encoder.step=\"auto\"",
    "encoder.step=1e-300",
    "encoder.form=\"gram\"",
    "encoder.form=\"residual\"",
    "encoder.engine=\"autodiff\"",
    "encoder.prox=\"hard\"",
    "encoder.prox.penalty=0.0",
    "encoder.prox.penalty=1e300",
    "encoder.prox.sided=\"one\"",
    "encoder.prox.decay=0.9",
    "compare.iterations=[2]",
    "compare.iterations={ from = 1, to = 9, by = 4 }",
    "compare.repeats=1",
    "compare.estimators=[\"g_truncated\", \"g_noodl\", \"g_one_step\"]",
    "encoder.prox.learned=true",
    "encoder.prox.learned=\"per-atom\"",
    "encoder.learned_step=true",
    "train.batch_size=\"full\"",
    "train.epochs=2",
    "train.dead_atoms=\"resample\"",
    "train.early_stop=1",
    "optimizer.kind=\"sgd\"",
    "train.clip_norm=0.1",
];

const LEARNING: [&str; 18] = [
    "optimizer.learning_rate=1e30",
    "optimizer.learning_rate=0.0",
    "optimizer.epsilon=0",
    "optimizer.schedule=\"cosine\"",
    "optimizer.schedule=\"step\"",
    "optimizer.warm_up=3",
    "optimizer.weight_decay=0.1",
    "train.steps=0",
    "train.steps=1",
    "train.shuffle=false",
    "train.validation=0.0",
    "train.validation=0.9",
    "train.estimator=\"g_dec\"",
    "train.estimator=\"g_ae_lasso\"",
    "train.estimator=\"g_noodl\"",
    "train.estimator={ name = \"g_truncated\", loss = \"lasso\", window = 2 }",
    "train.measure_every=1",
    "train.checkpoint_every=1",
];

/// Several runs in one.
const SEVERAL: [&str; 4] = [
    "[sweep]\nseed = [1, 2]\n\"encoder.prox.penalty\" = [0.1, 1e300]\n",
    "[sweep]\n\"encoder.kind\" = [\"ista\", \"fista\"]\n",
    "[[runs]]\nname = \"a\"\nencoder.prox = \"hard\"\n[[runs]]\nname = \"b\"\nencoder.prox.penalty = 0.3\n",
    "[[runs]]\nname = \"only\"\ndata.examples = 9\n",
];

fn make(random: &mut Random) -> Input {
    let learns = random.one_in(2);
    let mut text = if learns { LEARN } else { COMPARE }.to_owned();
    if random.one_in(4) {
        text.push_str(random.pick(&SEVERAL));
    }
    let all: Vec<&str> = OVER.into_iter().chain(LEARNING.into_iter().filter(|_| learns)).collect();
    let options: Vec<&str> = (0..random.few(6)).map(|_| random.pick(&all)).collect();
    Input(vec![
        (FILE.to_owned(), text.into_bytes()),
        (OPTIONS.to_owned(), options.join("\n").into_bytes()),
    ])
}

fn examine(input: &Input, folder: &Path, answers: &mut Answers) -> Result<(), String> {
    let Some(configuration) = answers.note(parse(input)) else {
        return Ok(());
    };
    let [first, second] = ["first", "second"].map(|name| folder.join(name));
    let mut said = Vec::new();
    let outcome = run(&configuration, &first, Existing::Refuse, None, &mut said);
    answers.0.extend(said);
    if answers.note(outcome).is_none() {
        return Ok(());
    }
    let written = EXPERIMENTS.load(&first.join("config.toml"), &Overrides::default());
    let written = written
        .map_err(|error| format!("the configuration that was written is refused: {error}"))?;
    run(&written, &second, Existing::Refuse, None, &mut Vec::new())
        .map_err(|error| format!("the configuration that was written does not run: {error}"))?;
    same_run::differences(&first, &second)
        .map_or(Ok(()), |differs| Err(format!("run again, it differs: {differs}")))
}
