//! report.html: one self-contained page, drawn from what is in run directories alone, and its charts as files.

pub mod chart;
mod differences;
mod drawing;
mod facts;
mod figures;
mod finding;
pub mod heat;
mod metrics;
pub mod page;
pub mod pictures;
pub mod plane;
mod seeds;
pub mod signal;
mod standalone;
mod subject;
pub mod table;

pub use differences::{differences, differing};
pub use facts::facts;
pub use figures::{Drawing, Figures};
pub use finding::{failures, finding};
pub use metrics::Metrics;
pub use seeds::over_seeds;
pub use subject::{Finished, ReportedRun, Subject};
