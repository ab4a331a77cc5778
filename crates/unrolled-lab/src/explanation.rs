//! The configuration that explains a finished run.

use std::path::Path;

use toml::{Table, Value};

use crate::experiments::{EXPERIMENTS, explain};
use crate::progress::Silent;
use crate::training::newest;
use crate::{Configuration, Error, Overrides, RunDirectory};

/// What is to be explained, and how.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The run in the folder; the only one where there is none.
    pub run: Option<String>,
    /// Test examples to show.
    pub examples: Vec<usize>,
    /// ω.
    pub ridge: f64,
    /// Rounds of exact steps towards a stationary point, at most.
    pub polish: usize,
}

/// Kinds of experiment whose dictionaries are explained.
const KINDS: [&str; 2] = ["learn-dictionary", "explain"];

impl Explanation {
    /// The configuration of `explain` for the data, the encoder and the learned dictionary of a run directory.
    pub fn of(&self, folder: &Path) -> Result<Configuration, Error> {
        let directory = RunDirectory::existing(folder)?;
        let results = directory.results()?;
        let kind = results["experiment"].as_str().unwrap_or_default();
        if !KINDS.contains(&kind) {
            return Err(Error::RunDirectory(format!(
                "{} holds {kind}, which has no dictionary to explain; name a run of learn-dictionary",
                folder.display()
            )));
        }
        let source = folder.join("config.toml");
        let learned = EXPERIMENTS.load(&source, &Overrides::default())?;
        let names: Vec<&str> = learned.runs.iter().map(|run| run.name.as_str()).collect();
        let run = match (&self.run, &learned.runs[..]) {
            (None, [only]) => only,
            (asked, runs) => {
                let asked = asked.as_deref().unwrap_or_default();
                runs.iter().find(|run| run.name == asked).ok_or_else(|| {
                    Error::RunDirectory(format!(
                        "{} has {}no run `{asked}`; name one of {} with --run",
                        folder.display(),
                        if asked.is_empty() { "several runs and " } else { "" },
                        names.join(", ")
                    ))
                })?
            }
        };
        let sections = explain::learning(run);
        let trained = sections.encoder.learned_step || sections.encoder.prox.depends_on_training();
        if trained && sections.dictionary.is_convolutional() {
            return Err(Error::RunDirectory(format!(
                "{}: run `{}` has trained its encoder too, which an explanation does not take over, and codes of a convolution come \
                 from it; explain a run whose thresholds and step stay as they are",
                folder.display(),
                run.name
            )));
        }
        let fingerprint = explain::fingerprint(run).map_err(|error| run.locate(error))?;
        let saved = newest(&directory, &run.name, &mut Silent);
        if saved.is_some_and(|saved| !saved.is_of_data(fingerprint)) {
            return Err(Error::RunDirectory(format!(
                "{}: the data that its configuration names are not those that run `{}` was trained on; give those back, or train \
                 anew",
                folder.display(),
                run.name
            )));
        }
        let mut table: Table = run.config.table();
        let arrays = std::path::absolute(folder.join("arrays.safetensors"));
        let arrays = arrays.unwrap_or_else(|_| folder.join("arrays.safetensors"));
        let init = Table::from_iter([
            ("method".to_owned(), Value::from("file")),
            ("path".to_owned(), arrays.to_string_lossy().as_ref().into()),
            ("key".to_owned(), format!("{}/dictionary", run.name).into()),
        ]);
        // Filters keep their size and stride; nothing moves them.
        let kept = table.get("dictionary").and_then(Value::as_table).cloned();
        let mut dictionary = kept
            .filter(|kept| kept.get("kind").and_then(Value::as_str) == Some("convolutional"))
            .unwrap_or_default();
        dictionary.extend([
            ("init".to_owned(), Value::from(init)),
            ("constraint".to_owned(), "none".into()),
        ]);
        let explain = Table::from_iter([
            (
                "examples".to_owned(),
                Value::from(self.examples.iter().map(|e| *e as i64).collect::<Vec<_>>()),
            ),
            ("ridge".to_owned(), self.ridge.into()),
            ("polish".to_owned(), (self.polish as i64).into()),
            // A trained encoder is not taken over: codes of a matrix are those of the lasso.
            ("saliency".to_owned(), (!trained).into()),
        ]);
        let kinds = |key: &str, value: Value| (key.to_owned(), value);
        table.extend([
            kinds("experiment", "explain".into()),
            kinds("name", format!("{}-explained", learned.base.name).into()),
            kinds("dictionary", dictionary.into()),
            kinds("explain", explain.into()),
            kinds("train", Table::from_iter([("steps".to_owned(), 0.into())]).into()),
        ]);
        table.remove("optimizer");
        let text = toml::to_string(&table).expect("a table is valid TOML");
        EXPERIMENTS.parse(&text, &source, &Overrides::default())
    }
}
