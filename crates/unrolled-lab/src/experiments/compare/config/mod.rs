//! The sections of a comparison, and `[compare]`.

use serde::{Deserialize, Serialize};
use unrolled::gradient::NAMES;

use crate::config::{
    DataConfig, DictionaryConfig, EncoderConfig, EstimatorConfig, Iterations, MOST_ITERATIONS,
    Problems, Reader,
};
use crate::words::list;

mod estimators;

/// The sections of a comparison.
#[derive(Debug, Serialize)]
pub struct Sections {
    pub data: DataConfig,
    pub dictionary: DictionaryConfig,
    pub encoder: EncoderConfig,
    pub compare: CompareConfig,
}

impl Sections {
    pub fn read(reader: &mut Reader) -> Self {
        let data = DataConfig::read(reader.table("data"));
        let dictionary = DictionaryConfig::read(reader.table("dictionary"));
        let encoder = EncoderConfig::read(reader.table("encoder"));
        let compare = CompareConfig::read(reader.table("compare"), &encoder);
        let sections = Self { data, dictionary, encoder, compare };
        let prox = &sections.encoder.prox;
        prox.check_without_noise(reader.problems());
        reader.problems().require(!prox.is_by_iteration(), "encoder.prox.by_iteration", || {
            "`encoder.prox.by_iteration` is for one T, and a comparison has many; remove it"
                .to_owned()
        });
        sections
    }
}

/// What a comparison measures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CompareConfig {
    /// The estimators, by name or as tables.
    pub estimators: Vec<EstimatorConfig>,
    /// The T to look at, ascending.
    pub iterations: Iterations,
    /// Iterations of the lasso's code ẑ.
    pub lasso_iterations: usize,
    /// The T whose arrays are saved.
    pub save_arrays_at: Vec<usize>,
    /// Draws of the data and the initial dictionary.
    pub repeats: usize,
}

/// As it is written.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Found {
    estimators: Option<Vec<EstimatorConfig>>,
    iterations: Iterations,
    lasso_iterations: usize,
    save_arrays_at: Vec<usize>,
    repeats: usize,
}

impl Default for Found {
    fn default() -> Self {
        Self {
            estimators: None,
            iterations: Iterations((1..=100).collect()),
            lasso_iterations: 1000,
            save_arrays_at: Vec::new(),
            repeats: 1,
        }
    }
}

impl CompareConfig {
    fn read(reader: Reader, encoder: &EncoderConfig) -> Self {
        let problems = reader.problems();
        let Found { estimators, iterations, lasso_iterations, save_arrays_at, repeats } =
            reader.rest();
        let estimators = estimators.unwrap_or_else(|| estimators::default(encoder));
        let section = Self { estimators, iterations, lasso_iterations, save_arrays_at, repeats };
        section.check(problems);
        let shortest = section.iterations.0.first().copied().unwrap_or(0);
        estimators::check(&section.estimators, encoder, shortest, problems);
        section
    }

    /// What the estimators are called in results, arrays and the report, each once.
    pub fn labels(&self) -> Vec<String> {
        estimators::labels(&self.estimators)
    }

    fn check(&self, problems: &Problems) {
        problems.require(!self.estimators.is_empty(), "compare.estimators", || {
            format!("`compare.estimators` is empty; name some of {}", list(&NAMES))
        });
        let iterations = &self.iterations.0;
        problems.require(!iterations.is_empty(), "compare.iterations", || {
            "`compare.iterations` is empty; write at least one T".to_owned()
        });
        problems.require(iterations.is_sorted_by(|a, b| a < b), "compare.iterations", || {
            "`compare.iterations` is not in ascending order, each T once; sort it".to_owned()
        });
        let range = 1..=MOST_ITERATIONS;
        for t in iterations.iter().filter(|t| !range.contains(t)) {
            problems.add(
                "compare.iterations",
                format!("`compare.iterations` holds {t}; write 1 to {MOST_ITERATIONS}"),
            );
        }
        problems.require(
            range.contains(&self.lasso_iterations),
            "compare.lasso_iterations",
            || {
                format!(
                    "`compare.lasso_iterations` is {}; write 1 to {MOST_ITERATIONS}",
                    self.lasso_iterations
                )
            },
        );
        for t in self.save_arrays_at.iter().filter(|t| !iterations.contains(t)) {
            problems.add(
                "compare.save_arrays_at",
                format!("`compare.save_arrays_at` holds {t}, which is not among the iterations; add it there"),
            );
        }
        problems.require((1..=10_000).contains(&self.repeats), "compare.repeats", || {
            format!("`compare.repeats` is {}; write 1 to 10000", self.repeats)
        });
    }
}
