//! report.html: one self-contained page, drawn from config.toml and results.json alone.

pub mod chart;
pub mod page;
pub mod pictures;
pub mod table;
