//! Line charts: what they show, and how they stand in the page.

use plotters::style::RGBColor;

use super::drawing::{HEIGHT, WIDTH, plot};
use super::figures::Drawing;

/// A curve.
pub struct Series {
    /// Its name in the legend, as HTML.
    pub name: String,
    /// x and y.
    pub points: Vec<(f64, f64)>,
    /// Standard deviation of every y, where there is one: drawn as a band.
    pub spread: Option<Vec<f64>>,
    /// The least and the most at every point: drawn as a band.
    pub range: Option<Vec<(f64, f64)>>,
    /// Which colour.
    pub colour: usize,
    /// Which stroke.
    pub stroke: usize,
}

impl Series {
    /// A curve without a spread, in a colour and stroke.
    pub fn new(name: String, points: Vec<(f64, f64)>, (colour, stroke): (usize, usize)) -> Self {
        Self { name, points, spread: None, range: None, colour, stroke }
    }
}

/// Colour and stroke of the curve of that number among many.
pub fn numbered(index: usize) -> (usize, usize) {
    (index, index + index / MOST_COLOURS)
}

/// More points than this are not told apart on a chart.
const MOST_POINTS: usize = 400;

/// A long curve by points evenly apart, and its last.
pub fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let every = points.len().div_ceil(MOST_POINTS).max(1);
    let last = points.len().saturating_sub(1);
    let keep = |index: usize| index.is_multiple_of(every) || index == last;
    points.into_iter().enumerate().filter(|(index, _)| keep(*index)).map(|(_, p)| p).collect()
}

/// A chart. Axes are logarithmic where that is asked for and the values allow it.
pub struct Chart<'a> {
    /// What it shows, as text; its file is named after it.
    pub title: String,
    /// The rest of the caption, as HTML.
    pub caption: String,
    /// Where its numbers are, as HTML: keys of results.json or columns of metrics.csv.
    pub numbers: String,
    /// The label of the axis.
    pub x: &'a str,
    /// The label of the axis.
    pub y: &'a str,
    /// Whether y is logarithmic.
    pub log_y: bool,
    /// The curves.
    pub series: Vec<Series>,
    /// Where to draw vertical lines.
    pub marks: Vec<f64>,
    /// Where to draw a horizontal line.
    pub level: Option<f64>,
}

/// Colours that colour-blind readers can tell apart (Okabe and Ito).
pub(super) const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(120, 94, 40),
];

/// Dashes and gaps, for curves that overlap.
const STROKES: [(i32, i32); 4] = [(0, 0), (9, 6), (3, 4), (16, 4)];

/// More colours than this cannot be told apart.
pub const MOST_COLOURS: usize = COLOURS.len();

/// More strokes than this cannot be told apart.
pub const MOST_STROKES: usize = STROKES.len();

impl Series {
    pub(super) fn rgb(&self) -> RGBColor {
        COLOURS[self.colour % COLOURS.len()]
    }

    /// Dash and gap; `None` for a whole line.
    pub(super) fn dash(&self) -> Option<(i32, i32)> {
        Some(STROKES[self.stroke % STROKES.len()]).filter(|(dash, _)| *dash > 0)
    }

    /// The line of the legend, from x = 0 to 36 at y = 0.
    fn sample(&self) -> String {
        let RGBColor(r, g, b) = self.rgb();
        let dashes = self.dash().map(|(on, off)| format!(" stroke-dasharray=\"{on} {off}\""));
        format!(
            "<line x1=\"0\" y1=\"0\" x2=\"36\" y2=\"0\" stroke=\"rgb({r},{g},{b})\" \
             stroke-width=\"3\"{}/>",
            dashes.unwrap_or_default()
        )
    }
}

impl Drawing for Chart<'_> {
    fn title(&self) -> &str {
        &self.title
    }

    fn caption(&self) -> &str {
        &self.caption
    }

    fn numbers(&self) -> &str {
        &self.numbers
    }

    fn label(&self) -> String {
        let title = self.title.trim_end_matches('.');
        format!("{title}: {} against {}", self.y, self.x)
    }

    fn size(&self) -> [u32; 2] {
        [WIDTH, HEIGHT]
    }

    fn legend(&self) -> Vec<(String, String)> {
        self.series.iter().map(|series| (series.sample(), series.name.clone())).collect()
    }

    fn plot(&self) -> Option<String> {
        plot(self)
    }
}
