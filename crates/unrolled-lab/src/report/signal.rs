//! Signals: rows drawn as curves.

use super::chart::{Chart, Series, numbered};
use super::drawing::plot_along;
use super::figures::Drawing;

/// Curves over the numbers of samples, which are counted from 1.
pub struct Signals<'a>(Chart<'a>);

/// Signals that are drawn in one chart, at most: more cannot be told apart.
const MOST: usize = 4;

impl<'a> Signals<'a> {
    /// Of named rows. The caption and where the numbers are, as HTML.
    pub fn new(title: String, caption: &str, numbers: &str, rows: &[(String, &[f64])]) -> Self {
        let curve = |(at, (name, row)): (usize, &(String, &[f64]))| {
            let points = row.iter().enumerate().map(|(at, v)| ((at + 1) as f64, *v)).collect();
            Series::new(name.clone(), points, numbered(at))
        };
        let caption = match rows.len().saturating_sub(MOST) {
            0 => caption.to_owned(),
            more => format!("{}. {more} more are not drawn.", caption.trim_end_matches('.')),
        };
        Self(Chart {
            title,
            caption,
            numbers: numbers.to_owned(),
            x: "sample",
            y: "value",
            log_y: false,
            series: rows.iter().take(MOST).enumerate().map(curve).collect(),
            marks: Vec::new(),
            level: None,
        })
    }
}

impl Drawing for Signals<'_> {
    fn title(&self) -> &str {
        self.0.title()
    }

    fn caption(&self) -> &str {
        self.0.caption()
    }

    fn numbers(&self) -> &str {
        self.0.numbers()
    }

    fn label(&self) -> String {
        self.0.label()
    }

    fn size(&self) -> [u32; 2] {
        self.0.size()
    }

    fn legend(&self) -> Vec<(String, String)> {
        self.0.legend()
    }

    fn plot(&self) -> Option<String> {
        plot_along(&self.0, false)
    }
}
