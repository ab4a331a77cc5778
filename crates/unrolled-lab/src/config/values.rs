//! Values that several sections share.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::reader::Problems;

/// Requires a finite number of at least `least`.
pub(super) fn finite(problems: &Problems, path: &str, value: f64, least: f64) {
    problems.require(value.is_finite() && value >= least, path, || {
        format!("`{path}` is {value}; write a finite number, {least} or more")
    });
}

/// A step: a number, or "auto".
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// α.
    Fixed(f64),
    /// 0.99/‖D⁰‖².
    Auto,
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fixed(step) => serializer.serialize_f64(*step),
            Self::Auto => serializer.serialize_str("auto"),
        }
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Found;
        impl Visitor<'_> for Found {
            type Value = Step;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a number above 0 or \"auto\"")
            }

            fn visit_f64<E: Error>(self, step: f64) -> Result<Step, E> {
                Ok(Step::Fixed(step))
            }

            fn visit_i64<E: Error>(self, step: i64) -> Result<Step, E> {
                Ok(Step::Fixed(step as f64))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Step, E> {
                match text {
                    "auto" => Ok(Step::Auto),
                    other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
                }
            }
        }
        deserializer.deserialize_any(Found)
    }
}

/// Several T: `{ from, to, by }` or a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Iterations(pub Vec<usize>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    from: usize,
    to: usize,
    #[serde(default = "one")]
    by: usize,
}

fn one() -> usize {
    1
}

impl Serialize for Iterations {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Iterations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Found;
        impl<'de> Visitor<'de> for Found {
            type Value = Iterations;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list such as [1, 5, 25] or a range { from = 1, to = 100, by = 1 }")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Iterations, A::Error> {
                let mut iterations = Vec::new();
                while let Some(entry) = entries.next_element()? {
                    iterations.push(entry);
                }
                Ok(Iterations(iterations))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> Result<Iterations, A::Error> {
                let Range { from, to, by } =
                    Range::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                if by == 0 || from > to || to > super::MOST_ITERATIONS {
                    return Err(A::Error::custom(format!(
                        "the range from {from} to {to} by {by} is not one; write from ≤ to ≤ {}, by ≥ 1",
                        super::MOST_ITERATIONS
                    )));
                }
                Ok(Iterations((from..=to).step_by(by).collect()))
            }
        }
        deserializer.deserialize_any(Found)
    }
}
