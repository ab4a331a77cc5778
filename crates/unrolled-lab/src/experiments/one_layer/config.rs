//! The sections of a run of one layer.

use serde::{Deserialize, Serialize};
use unrolled::one_layer::{Activation, Rounding, Rule};

use super::start::Start;
use crate::config::{
    DataConfig, EstimatorConfig, OptimizerConfig, Problems, Reader, SyntheticConfig, TrainConfig,
};

/// All that `one-layer` reads beside the common keys.
#[derive(Debug, Serialize)]
pub struct Sections {
    pub data: ExamplesConfig,
    pub layer: LayerConfig,
    pub train: TrainConfig,
    pub optimizer: OptimizerConfig,
}

/// `[data]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExamplesConfig {
    #[serde(flatten)]
    pub data: DataConfig,
    /// Whether every step has examples that were never seen before.
    pub fresh: bool,
}

impl ExamplesConfig {
    /// Of what examples are drawn, where they are fresh.
    pub fn fresh(&self) -> Option<&SyntheticConfig> {
        match &self.data {
            DataConfig::Synthetic(synthetic) if self.fresh => Some(synthetic),
            _ => None,
        }
    }
}

/// `[layer]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerConfig {
    /// Units, where the data do not say how many atoms there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub atoms: Option<usize>,
    activation: &'static str,
    /// θ of "soft", "hard" and "sign".
    threshold: f64,
    /// Where every entry of a learned b starts; without b where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bias: Option<f64>,
    output: &'static str,
    /// Where an output layer of its own starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    output_init: Option<&'static str>,
    constraint: &'static str,
    rounding: &'static str,
    /// Where W starts.
    pub init: Start,
}

const ACTIVATIONS: [&str; 5] = ["hard", "soft", "relu", "linear", "sign"];
const OUTPUTS: [&str; 2] = ["tied", "own"];
const OUTPUT_INITS: [&str; 2] = ["transpose", "random"];
const CONSTRAINTS: [&str; 2] = ["unit-sphere", "none"];
const ROUNDINGS: [&str; 3] = ["none", "float16", "bfloat16"];

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Numbers {
    atoms: Option<usize>,
    threshold: f64,
    bias: Option<f64>,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { atoms: None, threshold: 0.5, bias: None }
    }
}

impl LayerConfig {
    fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        let activation = ACTIVATIONS[reader.choice("activation", &ACTIVATIONS)];
        let output = OUTPUTS[reader.choice("output", &OUTPUTS)];
        let tied = output == OUTPUTS[0];
        if tied {
            reader.refuse(&["output_init"], |_| {
                "`layer.output_init` is of an output layer of its own, but `layer.output` is \"tied\" to W; remove it, or \
                 write `output = \"own\"`"
                    .to_owned()
            });
        }
        let output_init = OUTPUT_INITS[reader.choice("output_init", &OUTPUT_INITS)];
        let constraint = CONSTRAINTS[reader.choice("constraint", &CONSTRAINTS)];
        let rounding = ROUNDINGS[reader.choice("rounding", &ROUNDINGS)];
        let init = Start::read(reader.table("init"));
        let Numbers { atoms, threshold, bias } = reader.rest();
        problems.require(atoms != Some(0), "layer.atoms", || {
            "`layer.atoms` is 0; write 1 or more".to_owned()
        });
        problems.require(atoms.unwrap_or(1) <= 1_000_000, "layer.atoms", || {
            format!("`layer.atoms` is {}; write 1000000 or less", atoms.unwrap_or(1))
        });
        problems.require(threshold.is_finite() && threshold >= 0.0, "layer.threshold", || {
            format!("`layer.threshold` is {threshold}; write a finite number, 0 or more")
        });
        let start = bias.unwrap_or(0.0);
        problems.require(start.is_finite(), "layer.bias", || {
            format!("`layer.bias` is {start}; write a finite number, where b starts")
        });
        let output_init = (!tied).then_some(output_init);
        Self { atoms, activation, threshold, bias, output, output_init, constraint, rounding, init }
    }

    /// φ.
    pub fn activation(&self) -> Activation {
        match self.activation {
            "soft" => Activation::Soft(self.threshold),
            "relu" => Activation::Relu,
            "linear" => Activation::Linear,
            "sign" => Activation::Sign(self.threshold),
            _ => Activation::Hard(self.threshold),
        }
    }

    /// Whether D is Wᵀ.
    pub fn is_tied(&self) -> bool {
        self.output == OUTPUTS[0]
    }

    /// Whether an output layer of its own starts at random; else as Wᵀ.
    pub fn starts_at_random(&self) -> bool {
        self.output_init == Some(OUTPUT_INITS[1])
    }

    /// Whether rows keep norm 1.
    pub fn is_normalised(&self) -> bool {
        self.constraint == CONSTRAINTS[0]
    }

    /// The format that all is kept in.
    pub fn rounding(&self) -> Option<Rounding> {
        match self.rounding {
            "float16" => Some(Rounding::Float16),
            "bfloat16" => Some(Rounding::BFloat16),
            _ => None,
        }
    }
}

impl Sections {
    pub fn read(reader: &mut Reader) -> Self {
        let problems = reader.problems();
        let mut data = reader.table("data");
        let fresh = data.value("fresh", false);
        let data = ExamplesConfig { data: DataConfig::read(data), fresh };
        problems.require(!fresh || data.fresh().is_some(), "data.fresh", || {
            "`data.fresh` asks for examples without end, which \"synthetic\" data alone have; remove it".to_owned()
        });
        let layer = LayerConfig::read(reader.table("layer"));
        let mut train = reader.table("train");
        train.default_to("estimator", "g_noodl");
        train.default_to("batch_size", 500);
        let train = TrainConfig::read(train);
        let mut optimizer = reader.table("optimizer");
        optimizer.default_to("kind", "sgd");
        let sgd = optimizer.is("kind", "sgd");
        if sgd {
            optimizer.default_to("learning_rate", 1.0);
        }
        let optimizer = OptimizerConfig::read(optimizer);
        problems.require(!fresh || train.batch_count().is_some(), "train.batch_size", || {
            "`train.batch_size` is \"full\", but fresh examples have no end; write a number"
                .to_owned()
        });
        problems.require(!fresh || train.epochs.is_none(), "train.epochs", || {
            "`train.epochs` counts passes over the data, but with `data.fresh` no example comes twice; write `steps`"
                .to_owned()
        });
        problems.require(train.validation == 0.0, "train.validation", || {
            "`train.validation` holds examples out; here test examples are drawn beside them, or a fifth of the rows \
             tests; remove it"
                .to_owned()
        });
        problems.require(train.keeps_dead_atoms(), "train.dead_atoms", || {
            "`train.dead_atoms` replaces units by examples, and here it is asked what becomes of them; remove it"
                .to_owned()
        });
        check_rule(&train.estimator, &layer, problems);
        Self { data, layer, train, optimizer }
    }

    /// Which gradient is descended.
    pub fn rule(&self) -> Rule {
        rule(&self.train.estimator).expect("it was checked that the estimator is known")
    }
}

fn rule(estimator: &EstimatorConfig) -> Option<Rule> {
    match estimator {
        EstimatorConfig::Named(name) => Rule::named(name),
        EstimatorConfig::Table { .. } => None,
    }
}

/// Refuses a rule that a layer has no gradient for.
fn check_rule(estimator: &EstimatorConfig, layer: &LayerConfig, problems: &Problems) {
    let at = "train.estimator";
    let Some(rule) = rule(estimator) else {
        let names = Rule::ALL.map(|rule| format!("\"{}\"", rule.called())).join(", ");
        let name = estimator.name();
        return problems.add(at, format!("`{at}` is \"{name}\"; one layer has {names}"));
    };
    let name = rule.called();
    let through = rule == Rule::AeLs;
    let activation = layer.activation();
    problems.require(!(through && matches!(activation, Activation::Sign(_))), at, || {
        format!(
            "`{at}` is \"{name}\", which differentiates the codes, and a sign has no derivative to differentiate; choose \
             \"g_dec\" or \"g_noodl\", which hold the codes fixed"
        )
    });
    let hard = matches!(activation, Activation::Hard(_));
    let fits = layer.is_tied() && layer.is_normalised() && hard;
    problems.require(rule != Rule::Unbiased || fits, at, || {
        format!(
            "`{at}` is \"{name}\", which asks for `layer.activation = \"hard\"`, `output = \"tied\"` and `constraint = \
             \"unit-sphere\"`; choose those, or \"g_noodl\""
        )
    });
    problems.require(through || layer.is_tied(), at, || {
        format!(
            "`{at}` is \"{name}\", which has no gradient for W where the output layer is not tied to it; choose \
             \"g_ae_ls\", or `layer.output = \"tied\"`"
        )
    });
    problems.require(through || layer.bias.is_none(), at, || {
        format!("`{at}` is \"{name}\", which has no gradient for a bias; choose \"g_ae_ls\", or remove `layer.bias`")
    });
}
