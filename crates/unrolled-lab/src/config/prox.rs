//! `encoder.prox`.

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use unrolled::prelude::{
    ElasticNet, GroupSoftThreshold, HardThreshold, LearnedSoftThreshold, Precision, Sided,
    SoftThreshold, TopK,
};
use unrolled::prox::{AnyProx, LayeredSoftThreshold, PenaltySchedule};

use super::encoder::Unrolling;
use super::reader::{Problems, Reader};
use super::values::finite;
use crate::Error;

/// The proximal operator.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ProxConfig {
    /// Soft threshold.
    Soft {
        /// λ.
        penalty: f64,
        /// "two" or "one".
        sided: &'static str,
        /// β, for a penalty λ βᵗ.
        #[serde(skip_serializing_if = "Option::is_none")]
        decay: Option<Decay>,
        /// Whether the bias is a parameter: one, or one for each atom.
        #[serde(skip_serializing_if = "Learned::is_no")]
        learned: Learned,
        /// Whether every iteration has a bias of its own.
        #[serde(skip_serializing_if = "is_false")]
        by_iteration: bool,
        /// Whether the bias is affine in the noise level.
        #[serde(skip_serializing_if = "is_false")]
        by_noise: bool,
    },
    /// λ(‖z‖₁ + γ/2 ‖z‖²).
    ElasticNet {
        /// λ.
        penalty: f64,
        /// "two" or "one".
        sided: &'static str,
        /// γ.
        ratio: f64,
    },
    /// λ Σ ‖z_g‖ over groups of atoms.
    GroupSoft {
        /// λ.
        penalty: f64,
        /// "two" or "one".
        sided: &'static str,
        /// Atoms of a group.
        size: usize,
    },
    /// The largest entries.
    TopK {
        /// λ of the lasso loss.
        penalty: f64,
        /// "two" or "one".
        sided: &'static str,
        /// k.
        count: usize,
    },
    /// Hard threshold.
    Hard {
        /// λ of the lasso loss.
        penalty: f64,
        /// "two" or "one".
        sided: &'static str,
        /// θ.
        threshold: f64,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// `decay`: a number, or one that falls as training goes on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Decay {
    /// β.
    Fixed(f64),
    /// β = start − fall · ⌊step / every⌋ at training step 1, 2, …
    Falling {
        /// β at the start.
        start: f64,
        /// By how much it falls.
        fall: f64,
        /// After how many steps it falls.
        every: usize,
    },
}

impl Decay {
    /// β at a training step, counted from 1; 0 stands for no training.
    pub fn at(self, step: usize) -> f64 {
        match self {
            Self::Fixed(decay) => decay,
            Self::Falling { start, fall, every } => (start - fall * (step / every) as f64).max(0.0),
        }
    }

    fn is_valid(self) -> bool {
        let in_range = |decay: f64| decay > 0.0 && decay <= 1.0;
        match self {
            Self::Fixed(decay) => in_range(decay),
            Self::Falling { start, fall, every } => {
                in_range(start) && (0.0..=1.0).contains(&fall) && every > 0
            }
        }
    }
}

/// `learned`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Learned {
    /// false.
    #[default]
    No,
    /// true: one bias for all atoms.
    One,
    /// "per-atom".
    PerAtom,
}

impl Learned {
    fn is_no(&self) -> bool {
        *self == Self::No
    }
}

impl Serialize for Learned {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::No => serializer.serialize_bool(false),
            Self::One => serializer.serialize_bool(true),
            Self::PerAtom => serializer.serialize_str("per-atom"),
        }
    }
}

impl<'de> Deserialize<'de> for Learned {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Found;
        impl serde::de::Visitor<'_> for Found {
            type Value = Learned;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("true, false or \"per-atom\"")
            }

            fn visit_bool<E>(self, learned: bool) -> Result<Learned, E> {
                Ok(if learned { Learned::One } else { Learned::No })
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Learned, E> {
                match text {
                    "per-atom" => Ok(Learned::PerAtom),
                    other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
                }
            }
        }
        deserializer.deserialize_any(Found)
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Soft {
    penalty: f64,
    decay: Option<Decay>,
    learned: Learned,
    by_iteration: bool,
    by_noise: bool,
}

impl Default for Soft {
    fn default() -> Self {
        Self {
            penalty: 0.2,
            decay: None,
            learned: Learned::No,
            by_iteration: false,
            by_noise: false,
        }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Hard {
    penalty: f64,
    threshold: f64,
}

impl Default for Hard {
    fn default() -> Self {
        Self { penalty: 0.2, threshold: 0.1 }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Elastic {
    penalty: f64,
    ratio: f64,
}

impl Default for Elastic {
    fn default() -> Self {
        Self { penalty: 0.2, ratio: 0.5 }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Group {
    penalty: f64,
    size: usize,
}

impl Default for Group {
    fn default() -> Self {
        Self { penalty: 0.2, size: 2 }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Largest {
    penalty: f64,
    count: usize,
}

impl Default for Largest {
    fn default() -> Self {
        Self { penalty: 0.2, count: 5 }
    }
}

const SIDES: [&str; 2] = ["two", "one"];
const KINDS: [&str; 5] = ["soft", "hard", "elastic-net", "group-soft", "top-k"];

impl ProxConfig {
    pub fn read(mut reader: Reader) -> Self {
        let problems = reader.problems();
        let kind = reader.choice("kind", &KINDS);
        let sided = SIDES[reader.choice("sided", &SIDES)];
        let prox = match kind {
            0 => {
                let Soft { penalty, decay, learned, by_iteration, by_noise } = reader.rest();
                let apart = by_iteration || by_noise;
                problems.require(decay.is_none_or(Decay::is_valid), "encoder.prox.decay", || {
                    "`encoder.prox.decay` is out of range; write a number above 0, at most 1, or \
                     { start = 1.0, fall = 0.005, every = 100 }"
                        .to_owned()
                });
                problems.require(
                    decay.is_none() || learned == Learned::No,
                    "encoder.prox.learned",
                    || "`encoder.prox` has both `decay` and `learned`; keep one of them".to_owned(),
                );
                problems.require(!apart || learned != Learned::No, "encoder.prox.learned", || {
                    "`encoder.prox.by_iteration` and `by_noise` are of biases that are learned; set \
                     `learned = true` or \"per-atom\""
                        .to_owned()
                });
                Self::Soft { penalty, sided, decay, learned, by_iteration, by_noise }
            }
            2 => {
                let Elastic { penalty, ratio } = reader.rest();
                finite(problems, "encoder.prox.ratio", ratio, 0.0);
                Self::ElasticNet { penalty, sided, ratio }
            }
            3 => {
                let Group { penalty, size } = reader.rest();
                problems.require(size > 0, "encoder.prox.size", || {
                    "`encoder.prox.size` is 0; write 1 or more".to_owned()
                });
                Self::GroupSoft { penalty, sided, size }
            }
            4 => {
                let Largest { penalty, count } = reader.rest();
                problems.require(count > 0, "encoder.prox.count", || {
                    "`encoder.prox.count` is 0; write 1 or more".to_owned()
                });
                Self::TopK { penalty, sided, count }
            }
            _ => {
                let Hard { penalty, threshold } = reader.rest();
                finite(problems, "encoder.prox.threshold", threshold, 0.0);
                Self::Hard { penalty, sided, threshold }
            }
        };
        finite(problems, "encoder.prox.penalty", prox.penalty(), 0.0);
        prox
    }

    /// λ.
    pub fn penalty(&self) -> f64 {
        match self {
            Self::Soft { penalty, .. }
            | Self::ElasticNet { penalty, .. }
            | Self::GroupSoft { penalty, .. }
            | Self::TopK { penalty, .. }
            | Self::Hard { penalty, .. } => *penalty,
        }
    }

    /// Whether the kernels and the adjoint by hand know it.
    pub fn is_known_by_hand(&self) -> bool {
        matches!(self, Self::Soft { .. } | Self::Hard { .. })
    }

    /// Whether it is a soft threshold, whatever of it decays or is learned.
    pub fn is_soft(&self) -> bool {
        matches!(self, Self::Soft { .. })
    }

    /// Whether it is that of a penalty `λ‖z‖₁ + ridge/2 ‖z‖²`, so that codes can be solved for by coordinates.
    pub fn is_separable(&self) -> bool {
        matches!(self, Self::Soft { .. } | Self::ElasticNet { .. }) && self.is_constant()
    }

    /// Whether it is the same in every iteration, with nothing to learn.
    pub fn is_constant(&self) -> bool {
        match self {
            Self::Soft { decay, learned, .. } => {
                *learned == Learned::No && matches!(decay, None | Some(Decay::Fixed(1.0)))
            }
            _ => true,
        }
    }

    /// Whether training changes it: learned, or decaying from step to step.
    pub fn depends_on_training(&self) -> bool {
        let falls = matches!(self, Self::Soft { decay: Some(Decay::Falling { .. }), .. });
        falls || self.is_learned()
    }

    /// Refuses groups that so many atoms cannot be cut into, and those of filters: entries of their codes that lie side by
    /// side are places, not atoms.
    pub fn check_groups(&self, atoms: usize, filters: bool) -> Result<(), Error> {
        let Self::GroupSoft { size, .. } = self else { return Ok(()) };
        if filters {
            let message = "`encoder.prox.kind` is \"group-soft\", whose groups are of atoms that lie side by side, and in \
                           codes of filters those are places; choose another";
            return Err(Error::at("encoder.prox.kind", message));
        }
        match atoms.is_multiple_of(*size) {
            true => Ok(()),
            false => {
                let message = format!(
                    "`encoder.prox.size` is {size}, which does not divide {atoms} atoms; write one that does"
                );
                Err(Error::at("encoder.prox.size", message))
            }
        }
    }

    /// Whether the bias is a parameter.
    pub fn is_learned(&self) -> bool {
        matches!(self, Self::Soft { learned: Learned::One | Learned::PerAtom, .. })
    }

    /// Whether every iteration has a bias of its own.
    pub fn is_by_iteration(&self) -> bool {
        matches!(self, Self::Soft { by_iteration: true, .. })
    }

    /// Refuses biases by noise level where examples have none.
    pub fn check_without_noise(&self, problems: &Problems) {
        let by_noise = matches!(self, Self::Soft { by_noise: true, .. });
        problems.require(!by_noise, "encoder.prox.by_noise", || {
            "`encoder.prox.by_noise` needs examples whose noise level is known; remove it, or use \
             `experiment = \"denoise\"`"
                .to_owned()
        });
    }

    /// Which signs the codes may have.
    pub fn sided(&self) -> Sided {
        let (Self::Soft { sided, .. }
        | Self::ElasticNet { sided, .. }
        | Self::GroupSoft { sided, .. }
        | Self::TopK { sided, .. }
        | Self::Hard { sided, .. }) = self;
        if *sided == "one" { Sided::One } else { Sided::Two }
    }

    pub(super) fn build(
        &self,
        Unrolling { iterations, step, train_step, noise, .. }: Unrolling,
        atoms: usize,
        precision: Precision,
        device: &Device,
    ) -> AnyProx {
        let sided = self.sided();
        match *self {
            Self::Hard { penalty, threshold, .. } => {
                AnyProx::Hard(HardThreshold::new(threshold, penalty, sided))
            }
            Self::ElasticNet { penalty, ratio, .. } => {
                AnyProx::ElasticNet(ElasticNet::new(penalty, ratio, sided))
            }
            Self::GroupSoft { penalty, size, .. } => {
                AnyProx::GroupSoft(GroupSoftThreshold::new(penalty, size, sided))
            }
            Self::TopK { penalty, count, .. } => AnyProx::TopK(TopK::new(count, penalty, sided)),
            Self::Soft { penalty, decay, learned: Learned::No, .. } => {
                let schedule =
                    PenaltySchedule::decaying(penalty, decay.map_or(1.0, |d| d.at(train_step)));
                AnyProx::Soft(SoftThreshold::scheduled(schedule, sided))
            }
            Self::Soft { penalty, learned, by_iteration, by_noise, .. }
                if by_iteration || by_noise =>
            {
                let count = if learned == Learned::One { 1 } else { atoms };
                let layers = if by_iteration { iterations.max(1) } else { 1 };
                let full =
                    |value: f64| Tensor::full([layers, count], value, (device, precision.dtype()));
                let bias = step * penalty;
                // All of it grows with the noise at first: at the noise of the examples it is α λ.
                AnyProx::LayeredSoft(match noise.filter(|noise| by_noise && *noise > 0.0) {
                    None => LayeredSoftThreshold::new(full(bias), penalty, sided),
                    Some(noise) => LayeredSoftThreshold::new(full(0.0), penalty, sided)
                        .with_slope(full(bias / noise), noise),
                })
            }
            Self::Soft { penalty, learned, .. } => {
                let count = if learned == Learned::One { 1 } else { atoms };
                let bias = Tensor::full([count], step * penalty, (device, precision.dtype()));
                AnyProx::LearnedSoft(LearnedSoftThreshold::new(bias, penalty, sided))
            }
        }
    }
}
