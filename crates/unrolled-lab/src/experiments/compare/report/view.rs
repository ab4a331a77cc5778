//! One run of results.json, checked: what is drawn from it has the lengths that it should have.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Error;
use crate::experiments::compare::curves::{Curve, Curves};
use crate::experiments::compare::ranking::Crossover;
use crate::report::{Finished, ReportedRun};

/// What a run is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Reference {
    /// g*, of the codes that made the data.
    #[serde(rename = "error_to_truth")]
    Truth,
    /// ĝ, of the lasso's codes.
    #[serde(rename = "error_to_lasso")]
    Lasso,
}

impl Reference {
    /// As in the names of figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Truth => "truth",
            Self::Lasso => "lasso",
        }
    }

    pub fn symbol(self) -> &'static str {
        match self {
            Self::Truth => "g*",
            Self::Lasso => "ĝ",
        }
    }
}

#[derive(Deserialize)]
struct Ranking {
    by: Reference,
    closest_holds_in: Vec<usize>,
    crossovers: Vec<Crossover>,
}

/// What is read of the figures of a run; the names are those of the contract.
#[derive(Deserialize)]
struct Stored {
    iterations: Vec<usize>,
    #[serde(default = "one")]
    repeats: usize,
    penalty: Option<f64>,
    examples: Option<usize>,
    features: Option<usize>,
    atoms: Option<usize>,
    truth_gradient_norm: Option<f64>,
    lasso_gradient_norm: Option<f64>,
    lasso_gradient_error_to_truth: Option<f64>,
    implicit_gradient_norm: Option<f64>,
    unsolved: Option<Curve>,
    code_error: Curves,
    estimators: Map<String, Value>,
    ranking: Ranking,
}

fn one() -> usize {
    1
}

/// A run of a comparison.
pub(super) struct RunView<'a> {
    pub run: &'a ReportedRun,
    estimators: Vec<(String, Curves)>,
    stored: Stored,
}

impl<'a> RunView<'a> {
    pub fn read(found: &Finished, run: &'a ReportedRun) -> Result<Self, Error> {
        let mut stored: Stored = found.figures(run)?;
        let place = format!("runs.{}", run.name);
        let wrong = |key: &str, what: &str| Err(found.damaged(&format!("`{place}.{key}` {what}")));
        let mut estimators = Vec::new();
        for (name, value) in std::mem::take(&mut stored.estimators) {
            let curves: Curves = serde_path_to_error::deserialize(&value).map_err(|error| {
                let key = format!("{place}.estimators.{name}.{}", error.path());
                found.damaged(&format!("`{key}`: {}", error.inner()))
            })?;
            estimators.push((name, curves));
        }
        let Stored { iterations, ranking, repeats, .. } = &stored;
        let length = iterations.len();
        if length == 0 || iterations[0] == 0 || !iterations.is_sorted_by(|a, b| a < b) {
            return wrong("iterations", "is not a list of numbers of iterations, ascending");
        }
        if estimators.is_empty() {
            return wrong("estimators", "is empty");
        }
        if *repeats == 0 {
            return wrong("repeats", "is 0");
        }
        let shared =
            stored.code_error.iter().map(|(name, curve)| ("code_error".to_owned(), name, curve));
        let each = estimators.iter().flat_map(|(estimator, curves)| {
            let key = format!("estimators.{estimator}");
            curves.iter().map(move |(name, curve)| (key.clone(), name, curve))
        });
        let each = shared.chain(each).map(|(key, name, curve)| (format!("{key}.{name}"), curve));
        let unsolved = stored.unsolved.iter().map(|curve| ("unsolved".to_owned(), curve));
        for (key, curve) in each.chain(unsolved) {
            if curve.0.len() != length {
                let what =
                    format!("has {} entries, not one for each of the {length} T", curve.0.len());
                return wrong(&key, &what);
            }
        }
        if ranking.closest_holds_in.len() != length {
            return wrong("ranking.closest_holds_in", "has not one entry for each T");
        }
        let known = |name: &String| estimators.iter().any(|(other, _)| other == name);
        for Crossover { last, first, before, after } in &ranking.crossovers {
            let there = iterations.contains(last) && iterations.contains(first) && last < first;
            if !there || !known(before) || !known(after) {
                return wrong("ranking.crossovers", "names a T or an estimator that is not there");
            }
        }
        let reference = ranking.by.name();
        for name in ["error_to_lasso".to_owned(), format!("error_to_{reference}")] {
            let lacks = estimators.iter().find(|(_, curves)| !curves.contains_key(&name));
            if let Some((estimator, _)) = lacks {
                return wrong(&format!("estimators.{estimator}.{name}"), "is missing");
            }
        }
        Ok(Self { run, estimators, stored })
    }

    /// Its name on the page, as text.
    pub fn label(&self) -> &'a str {
        &self.run.label
    }

    /// The T, ascending; one or more.
    pub fn iterations(&self) -> &[usize] {
        &self.stored.iterations
    }

    /// The position of the largest T.
    pub fn last(&self) -> usize {
        self.stored.iterations.len() - 1
    }

    pub fn repeats(&self) -> usize {
        self.stored.repeats
    }

    pub fn penalty(&self) -> Option<f64> {
        self.stored.penalty
    }

    /// n, m and p, as far as they are known.
    pub fn sizes(&self) -> [(&'static str, Option<usize>); 3] {
        let Stored { examples, features, atoms, .. } = &self.stored;
        [("n", *examples), ("m", *features), ("p", *atoms)]
    }

    /// Examples, on average over the repeats, that a solver did not solve to its tolerance; empty of an unrolled
    /// encoder.
    pub fn unsolved(&self) -> &[f64] {
        self.stored.unsolved.as_ref().map_or(&[], |curve| &curve.0)
    }

    /// n.
    pub fn examples(&self) -> Option<usize> {
        self.stored.examples
    }

    /// The norm of the implicit gradient at ẑ.
    pub fn implicit_norm(&self) -> Option<f64> {
        self.stored.implicit_gradient_norm
    }

    /// Whether codes are solved for, not unrolled.
    pub fn is_solved(&self) -> bool {
        self.run.setting("encoder.kind") == Some("solved")
    }

    /// Norms of the references, with their symbols.
    pub fn norms(&self) -> [(&'static str, Option<f64>); 4] {
        let stored = &self.stored;
        [
            ("‖g*‖", stored.truth_gradient_norm),
            ("‖ĝ‖", stored.lasso_gradient_norm),
            ("‖ĝ − g*‖", stored.lasso_gradient_error_to_truth),
            ("‖implicit gradient at ẑ‖", stored.implicit_gradient_norm),
        ]
    }

    /// The norm of a reference.
    pub fn norm(&self, reference: Reference) -> Option<f64> {
        match reference {
            Reference::Truth => self.stored.truth_gradient_norm,
            Reference::Lasso => self.stored.lasso_gradient_norm,
        }
    }

    /// The estimators, in the order of the configuration; one or more.
    pub fn estimators(&self) -> Vec<&str> {
        self.estimators.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// What the ranking is by.
    pub fn reference(&self) -> Reference {
        self.stored.ranking.by
    }

    /// In how many repeats the closest at each T is the same.
    pub fn closest_holds_in(&self) -> &[usize] {
        &self.stored.ranking.closest_holds_in
    }

    pub fn crossovers(&self) -> &[Crossover] {
        &self.stored.ranking.crossovers
    }

    /// A figure of the codes over T, `to_lasso` or `to_truth`; empty where there is none.
    pub fn code_error(&self, figure: &str) -> &[f64] {
        self.stored.code_error.get(figure).map_or(&[], |curve| &curve.0)
    }

    /// A figure of an estimator over T; empty where there is none.
    pub fn curve(&self, estimator: &str, figure: &str) -> &[f64] {
        let curves = self.estimators.iter().find(|(name, _)| name == estimator);
        let curve = curves.and_then(|(_, curves)| curves.get(figure));
        curve.map_or(&[], |curve| &curve.0)
    }

    /// Mean and standard deviation of the error to a reference at the T of that position.
    pub fn error(&self, estimator: &str, reference: Reference, at: usize) -> (f64, f64) {
        let figure = format!("error_to_{}", reference.name());
        let value = |figure: &str| self.curve(estimator, figure).get(at).copied();
        let std = value(&format!("{figure}_std")).filter(|std| std.is_finite());
        (value(&figure).unwrap_or(f64::NAN), std.unwrap_or(0.0))
    }

    /// The position in `iterations` of a T.
    pub fn position(&self, t: usize) -> Option<usize> {
        self.stored.iterations.iter().position(|other| *other == t)
    }
}
