//! Line charts as SVG.

use plotters::coord::combinators::BindKeyPoints;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;

use super::table::escape;

/// A curve.
pub struct Series {
    /// Its name in the legend, as HTML.
    pub name: String,
    /// x and y.
    pub points: Vec<(f64, f64)>,
    /// Standard deviation of y, where there is one: drawn as a band.
    pub spread: Option<Vec<f64>>,
    /// Which colour and stroke.
    pub style: usize,
}

/// A chart. Axes are logarithmic where that is asked for and the values allow it.
pub struct Chart<'a> {
    /// What it shows, in bold, and the rest of the caption, as HTML.
    pub caption: (&'a str, String),
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
}

/// Colours that colour-blind readers can tell apart (Okabe and Ito), and dashes for those that overlap.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(120, 94, 40),
];
const DASHES: [(i32, i32); 3] = [(0, 0), (9, 6), (3, 4)];

const WIDTH: u32 = 560;
const HEIGHT: u32 = 360;

fn colour(style: usize) -> RGBColor {
    COLOURS[style % COLOURS.len()]
}

fn dash(style: usize) -> (i32, i32) {
    DASHES[style % DASHES.len()]
}

impl Chart<'_> {
    /// The chart, its legend and its caption.
    pub fn figure(&self) -> String {
        let legend: String = self
            .series
            .iter()
            .map(|series| {
                let RGBColor(r, g, b) = colour(series.style);
                let dashes = match dash(series.style) {
                    (0, _) => String::new(),
                    (on, off) => format!(" stroke-dasharray=\"{on} {off}\""),
                };
                format!(
                    "<li><svg viewBox=\"0 0 36 10\" aria-hidden=\"true\"><line x1=\"0\" y1=\"5\" \
                     x2=\"36\" y2=\"5\" stroke=\"rgb({r},{g},{b})\" stroke-width=\"3\"{dashes}/></svg>{}</li>",
                    series.name
                )
            })
            .collect();
        let (title, rest) = &self.caption;
        format!(
            "<figure>\n<figcaption><b>{title}</b> {rest}</figcaption>\n\
             <ul class=\"legend\">{legend}</ul>\n{}</figure>\n",
            self.svg()
        )
    }

    fn svg(&self) -> String {
        let usable = |(x, y): &(f64, f64)| {
            x.is_finite() && y.is_finite() && *x > 0.0 && (!self.log_y || *y > 0.0)
        };
        let points: Vec<(f64, f64)> = self
            .series
            .iter()
            .flat_map(|series| series.points.iter().copied().filter(|point| usable(point)))
            .collect();
        if points.is_empty() {
            return "<p>Nothing to draw: every value is zero.</p>".to_owned();
        }
        let range = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)))
        };
        let (x_low, x_high) = range(&mut points.iter().map(|p| p.0));
        let (y_low, y_high) = range(&mut points.iter().map(|p| p.1));
        let log_x = x_high >= 10.0 * x_low;
        let x_range = match log_x {
            true => (x_low / 1.05, x_high * 1.05),
            false => {
                let margin = 0.03 * (x_high - x_low).max(0.05 * x_high);
                ((x_low - margin).max(0.0), x_high + margin)
            }
        };
        let y_range = match self.log_y {
            true => (y_low / 1.25, y_high * 1.25),
            false => {
                let margin = 0.06 * (y_high - y_low).max(1e-3 * y_high.abs()).max(1e-12);
                (y_low - margin, y_high + margin)
            }
        };
        let mut text = String::new();
        {
            let root = SVGBackend::with_string(&mut text, (WIDTH, HEIGHT)).into_drawing_area();
            let log = |(low, high): (f64, f64)| {
                (low..high).log_scale().with_key_points(logarithmic_ticks(low, high))
            };
            let (x_log, y_log) = (log(x_range), log(y_range));
            let (x, y) = (x_range.0..x_range.1, y_range.0..y_range.1);
            match (log_x, self.log_y) {
                (true, true) => self.draw(&root, x_log, y_log, usable),
                (true, false) => self.draw(&root, x_log, y, usable),
                (false, true) => self.draw(&root, x, y_log, usable),
                (false, false) => self.draw(&root, x, y, usable),
            }
            root.present().expect("a string can be drawn to");
        }
        let label = escape(&format!("{}: {} against {}", self.caption.0, self.y, self.x));
        text.replacen(
            "<svg ",
            &format!("<svg class=\"chart\" role=\"img\" aria-label=\"{label}\" "),
            1,
        )
    }

    fn draw<X, Y>(
        &self,
        root: &DrawingArea<SVGBackend, plotters::coord::Shift>,
        x: X,
        y: Y,
        usable: impl Fn(&(f64, f64)) -> bool,
    ) where
        X: plotters::coord::ranged1d::AsRangedCoord<Value = f64>,
        Y: plotters::coord::ranged1d::AsRangedCoord<Value = f64>,
        X::CoordDescType: ValueFormatter<f64>,
        Y::CoordDescType: ValueFormatter<f64>,
    {
        let font = ("sans-serif", 17).into_font().color(&RGBColor(40, 40, 40));
        let mut chart = ChartBuilder::on(root)
            .margin(8)
            .margin_right(16)
            .x_label_area_size(46)
            .y_label_area_size(72)
            .build_cartesian_2d(x, y)
            .expect("the ranges are not empty");
        chart
            .configure_mesh()
            .light_line_style(WHITE.mix(0.0))
            .bold_line_style(RGBColor(226, 226, 226))
            .axis_style(RGBColor(110, 110, 110))
            .x_desc(self.x)
            .y_desc(self.y)
            .x_labels(8)
            .y_labels(7)
            .x_label_formatter(&|v| tick(*v))
            .y_label_formatter(&|v| tick(*v))
            .label_style(font.clone())
            .axis_desc_style(font)
            .draw()
            .expect("a string can be drawn to");
        let (x_range, y_range) = (chart.x_range(), chart.y_range());
        for mark in self.marks.iter().filter(|mark| x_range.contains(mark)) {
            let line = [(*mark, y_range.start), (*mark, y_range.end)];
            let style = RGBColor(110, 110, 110).stroke_width(1);
            chart
                .draw_series(DashedLineSeries::new(line, 3, 4, style))
                .expect("a string can be drawn to");
        }
        for series in &self.series {
            let points: Vec<_> = series.points.iter().copied().filter(&usable).collect();
            if let Some(spread) = &series.spread {
                let edge = |sign: f64| {
                    let clip = move |y: f64| y.clamp(y_range.start, y_range.end);
                    series
                        .points
                        .iter()
                        .zip(spread)
                        .map(move |((x, y), s)| (*x, clip(y + sign * s)))
                };
                let y_range = chart.y_range();
                let band: Vec<_> = edge(1.0)
                    .chain(edge(-1.0).collect::<Vec<_>>().into_iter().rev())
                    .filter(|(x, y)| {
                        x_range.contains(x) && (y_range.start..=y_range.end).contains(y)
                    })
                    .collect();
                chart
                    .draw_series([Polygon::new(band, colour(series.style).mix(0.15))])
                    .expect("a string can be drawn to");
            }
            let stroke = colour(series.style).stroke_width(2);
            match dash(series.style) {
                (0, _) => chart.draw_series(LineSeries::new(points.clone(), stroke)),
                (on, off) => {
                    chart.draw_series(DashedLineSeries::new(points.clone(), on, off, stroke))
                }
            }
            .expect("a string can be drawn to");
            if points.len() <= 25 {
                let dots = points.iter().map(|p| Circle::new(*p, 3, colour(series.style).filled()));
                chart.draw_series(dots).expect("a string can be drawn to");
            }
        }
    }
}

/// Powers of ten, with 2 and 5 between them where there is room.
fn logarithmic_ticks(low: f64, high: f64) -> Vec<f64> {
    let digits: &[f64] = match (high / low).log10() {
        decades if decades < 0.7 => &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
        decades if decades < 3.5 => &[1.0, 2.0, 5.0],
        _ => &[1.0],
    };
    let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
    powers
        .flat_map(|power| digits.iter().map(move |digit| digit * 10f64.powi(power)))
        .filter(|tick| (low..=high).contains(tick))
        .collect()
}

/// The label of a tick.
fn tick(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        return format!("{value:.0e}");
    }
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
