//! `source = "shifts"`: shifted copies of filters.

use serde::{Deserialize, Serialize};
use unrolled_data::Shifts;

use crate::config::reader::Reader;
use crate::config::values::finite;
use crate::words::bytes;

/// Signals of one row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShiftsConfig {
    /// n.
    examples: usize,
    /// Numbers of a signal.
    length: usize,
    /// Filters.
    filters: usize,
    /// Numbers of a filter.
    size: usize,
    /// Copies in a signal.
    copies: usize,
    /// Whether copies may overlap.
    overlap: bool,
    /// Standard deviation.
    noise: f64,
}

impl Default for ShiftsConfig {
    fn default() -> Self {
        Self {
            examples: 2000,
            length: 128,
            filters: 4,
            size: 16,
            copies: 4,
            overlap: true,
            noise: 0.0,
        }
    }
}

impl ShiftsConfig {
    /// Reads the section but for its source, and checks it.
    pub(super) fn read(reader: Reader) -> Self {
        let problems = reader.problems();
        let section: Self = reader.rest();
        for (key, value) in [
            ("examples", section.examples),
            ("length", section.length),
            ("filters", section.filters),
            ("size", section.size),
            ("copies", section.copies),
        ] {
            problems.require(value > 0, &format!("data.{key}"), || {
                format!("`data.{key}` is 0; write 1 or more")
            });
        }
        let least = match section.overlap {
            true => section.size,
            false => section.size.saturating_mul(section.copies),
        };
        problems.require(section.length >= least, "data.length", || {
            let what = if section.overlap { "a filter" } else { "copies that do not overlap" };
            format!(
                "`data.length` is {}, but {what} take {least}; write {least} or more",
                section.length
            )
        });
        finite(problems, "data.noise", section.noise, 0.0);
        let free = crate::memory::available().unwrap_or(u64::MAX);
        let width = section.length as f64 * (1.0 + section.filters as f64);
        let needed = (16.0 * section.examples as f64 * width) as u64;
        problems.require(needed <= free, "data.examples", || {
            format!(
                "`data.examples` is {}: the data would take about {}, and {} are free; write fewer",
                section.examples,
                bytes(needed),
                bytes(free)
            )
        });
        section
    }

    /// What it says, checked.
    pub(super) fn checked(&self) -> Shifts {
        let Self { examples, length, filters, size, copies, overlap, noise } = *self;
        Shifts { examples, length, filters, size, copies, overlap, noise }
    }
}
