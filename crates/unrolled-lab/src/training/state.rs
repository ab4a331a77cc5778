//! Everything that training changes.

use std::collections::BTreeMap;

use burn::module::Module;

use super::parameters::{Memories, Values, values};
use crate::arrays::{Arrays, Stored};

/// The state after `step` steps.
#[derive(Clone, Debug)]
pub struct State<N, M> {
    /// Steps done.
    pub step: usize,
    /// Time, over all resumptions.
    pub seconds: f64,
    /// The network.
    pub network: N,
    /// What the optimiser remembers of its parameters.
    pub memories: Memories,
    /// What the lesson remembers from one step to the next.
    pub lesson: M,
    /// The least validation loss so far, and the parameters that gave it.
    pub best: Option<(f64, Values)>,
    /// Measurements since then.
    pub since_best: usize,
    /// Whether training stopped before its last step.
    pub stopped_early: bool,
    /// Parameters saved on request, by step.
    pub saved: BTreeMap<usize, Values>,
}

impl<N, M> State<N, M> {
    /// Before the first step.
    pub fn start(network: N, lesson: M) -> Self {
        Self {
            step: 0,
            seconds: 0.0,
            network,
            memories: Memories::new(),
            lesson,
            best: None,
            since_best: 0,
            stopped_early: false,
            saved: BTreeMap::new(),
        }
    }
}

impl<N: Module, M> State<N, M> {
    /// The parameters as arrays of their run: as they are, `best_…`, and `…_at_<step>`.
    pub fn put_parameters(&self, run: &str, arrays: &mut Arrays) {
        let mut put = |values: &Values, name: &dyn Fn(&str) -> String| {
            for (parameter, data) in values {
                arrays.insert(format!("{run}/{}", name(parameter)), Stored::of(data));
            }
        };
        put(&values(&self.network), &str::to_owned);
        if let Some((_, best)) = &self.best {
            put(best, &|parameter| format!("best_{parameter}"));
        }
        for (step, saved) in &self.saved {
            put(saved, &|parameter| format!("{parameter}_at_{step}"));
        }
    }
}
