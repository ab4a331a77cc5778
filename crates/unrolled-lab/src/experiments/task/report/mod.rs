//! The sections of a report on task-driven runs.

use crate::Error;
use crate::report::page::Section;
use crate::report::{Figures, Subject};

/// All sections.
pub(super) fn sections(_: &Subject, _: &mut Figures) -> Result<Vec<Section>, Error> {
    Ok(Vec::new())
}
