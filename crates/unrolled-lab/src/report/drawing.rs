//! Axes and curves as SVG.

use plotters::coord::Shift;
use plotters::coord::combinators::BindKeyPoints;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use super::chart::{Chart, Series};

/// The size of a chart.
pub(super) const WIDTH: u32 = 560;
pub(super) const HEIGHT: u32 = 360;

const GREY: RGBColor = RGBColor(110, 110, 110);
const DRAWN: &str = "a string can be drawn to";

/// Numbers beyond this cannot be put on an axis.
const LARGEST: f64 = 1e300;

/// A point of a curve, and how far its band goes down and up.
struct Point {
    x: f64,
    y: f64,
    band: Option<(f64, f64)>,
}

/// The points that can be drawn. On a logarithmic axis a band that reaches zero ends at a tenth of the value.
fn points(series: &Series, log_y: bool) -> Vec<Point> {
    let fits = |v: f64, log: bool| v.abs() < LARGEST && (!log || v > 1.0 / LARGEST);
    let each = series.points.iter().enumerate();
    each.filter(|(_, (x, y))| fits(*x, true) && fits(*y, log_y))
        .map(|(index, (x, y))| {
            let spread = series.spread.as_ref().and_then(|spread| spread.get(index));
            let spread = spread.filter(|s| **s > 0.0 && **s < LARGEST);
            let band = spread.map(|s| {
                let low = if log_y { (y - s).max(0.1 * y) } else { y - s };
                (low, y + s)
            });
            let range = series.range.as_ref().and_then(|range| range.get(index)).copied();
            let within = |(low, high): &(f64, f64)| fits(*low, log_y) && fits(*high, log_y);
            let band = band.or(range.filter(within));
            Point { x: *x, y: *y, band }
        })
        .collect()
}

fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.map(|v| (v, v)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// The chart without its title and legend.
pub(super) fn plot(chart: &Chart) -> Option<String> {
    plot_along(chart, true)
}

/// As [`plot`]; `by_factors`: whether x may be logarithmic.
pub(super) fn plot_along(chart: &Chart, by_factors: bool) -> Option<String> {
    let curves: Vec<Vec<Point>> =
        chart.series.iter().map(|series| points(series, chart.log_y)).collect();
    let all = || curves.iter().flatten();
    let (x_low, x_high) = range(all().map(|p| p.x))?;
    let edges = all().flat_map(|p| [p.y, p.band.map_or(p.y, |b| b.0), p.band.map_or(p.y, |b| b.1)]);
    let (y_low, y_high) = range(edges)?;
    let log_x = by_factors && x_high >= 8.0 * x_low;
    let x_range = match log_x {
        true => (x_low / 1.05, x_high * 1.05),
        false => {
            let margin = 0.03 * (x_high - x_low).max(0.05 * x_high);
            ((x_low - margin).max(0.0), x_high + margin)
        }
    };
    let y_range = match chart.log_y {
        true => (y_low / 1.25, y_high * 1.25),
        false => {
            // A constant has room around it.
            let height = match y_high {
                _ if y_high > y_low => y_high - y_low,
                0.0 => 1.0,
                constant => 4.0 * constant.abs(),
            };
            let margin = 0.06 * height.max(1e-3 * y_high.abs()).max(1e-12);
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
        match (log_x, chart.log_y) {
            (true, true) => draw(chart, &curves, &root, x_log, y_log),
            (true, false) => draw(chart, &curves, &root, x_log, y),
            (false, true) => draw(chart, &curves, &root, x, y_log),
            (false, false) => draw(chart, &curves, &root, x, y),
        }
        root.present().expect(DRAWN);
    }
    Some(text)
}

fn draw<X, Y>(
    chart: &Chart,
    curves: &[Vec<Point>],
    root: &DrawingArea<SVGBackend, Shift>,
    x: X,
    y: Y,
) where
    X: AsRangedCoord<Value = f64>,
    Y: AsRangedCoord<Value = f64>,
    X::CoordDescType: ValueFormatter<f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let font = ("sans-serif", 17).into_font().color(&RGBColor(40, 40, 40));
    let mut area = ChartBuilder::on(root)
        .margin(8)
        .margin_right(16)
        .x_label_area_size(46)
        .y_label_area_size(72)
        .build_cartesian_2d(x, y)
        .expect("the ranges are not empty");
    // A logarithmic axis has no 0.
    let span = |range: std::ops::Range<f64>| match range.start {
        start if start <= 0.0 => range.end - start,
        _ => 0.0,
    };
    let (x_span, y_span) = (span(area.x_range()), span(area.y_range()));
    area.configure_mesh()
        .light_line_style(WHITE.mix(0.0))
        .bold_line_style(RGBColor(226, 226, 226))
        .axis_style(GREY)
        .x_desc(chart.x)
        .y_desc(chart.y)
        .x_labels(8)
        .y_labels(7)
        .x_label_formatter(&|v| tick(*v, x_span))
        .y_label_formatter(&|v| tick(*v, y_span))
        .label_style(font.clone())
        .axis_desc_style(font)
        .draw()
        .expect(DRAWN);
    let (x_range, y_range) = (area.x_range(), area.y_range());
    let marks = chart.marks.iter().filter(|mark| x_range.contains(mark));
    let vertical = marks.map(|mark| [(*mark, y_range.start), (*mark, y_range.end)]);
    let levels = chart.level.iter().filter(|level| y_range.contains(level));
    let horizontal = levels.map(|level| [(x_range.start, *level), (x_range.end, *level)]);
    for line in vertical.chain(horizontal) {
        let line = DashedLineSeries::new(line, 3, 4, GREY.stroke_width(1));
        area.draw_series(line).expect(DRAWN);
    }
    for (series, points) in chart.series.iter().zip(curves) {
        let banded = || points.iter().filter_map(|point| Some((point.x, point.band?)));
        if banded().count() > 1 {
            let up = banded().map(|(x, band)| (x, band.1));
            let down: Vec<_> = banded().map(|(x, band)| (x, band.0)).collect();
            let band: Vec<_> = up.chain(down.into_iter().rev()).collect();
            area.draw_series([Polygon::new(band, series.rgb().mix(0.15))]).expect(DRAWN);
        }
        let points: Vec<_> = points.iter().map(|point| (point.x, point.y)).collect();
        let stroke = series.rgb().stroke_width(2);
        match series.dash() {
            None => area.draw_series(LineSeries::new(points.clone(), stroke)),
            Some((on, off)) => {
                area.draw_series(DashedLineSeries::new(points.clone(), on, off, stroke))
            }
        }
        .expect(DRAWN);
        if points.len() <= 25 {
            let dots = points.iter().map(|p| Circle::new(*p, 3, series.rgb().filled()));
            area.draw_series(dots).expect(DRAWN);
        }
    }
}

/// Powers of ten, with 2 and 5 between them where there is room.
fn logarithmic_ticks(low: f64, high: f64) -> Vec<f64> {
    let decades = (high / low).log10();
    let digits: &[f64] = match decades {
        decades if decades < 0.7 => &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
        decades if decades < 3.5 => &[1.0, 2.0, 5.0],
        _ => &[1.0],
    };
    // No more than a dozen labels.
    let every = ((decades / 12.0).ceil() as usize).max(1);
    let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
    powers
        .step_by(every)
        .flat_map(|power| digits.iter().map(move |digit| digit * 10f64.powi(power)))
        .filter(|tick| (low..=high).contains(tick))
        .collect()
}

/// Less than this part of an axis is rounding, where 0 is meant.
const ROUNDING: f64 = 1e-12;

/// The label of a tick of an axis that long; of one without 0, a length of 0.
fn tick(value: f64, span: f64) -> String {
    let size = value.abs();
    if size < ROUNDING * span {
        return "0".to_owned();
    }
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        return format!("{value:.0e}");
    }
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_numbers_are_they_are_drawn_or_left_out() {
        let values =
            [0.0, 1.0, -1.0, 1e-320, 1e-200, 1e299, 1e308, -1e308, f64::NAN, f64::INFINITY];
        for (a, b) in values.iter().flat_map(|a| values.iter().map(move |b| (*a, *b))) {
            for log_y in [false, true] {
                let series = Series {
                    name: String::new(),
                    points: vec![(1.0, a), (2.0, b), (a, 1.0)],
                    spread: Some(vec![b, a]),
                    range: None,
                    colour: 7,
                    stroke: 9,
                };
                let chart = Chart {
                    title: "Any.".to_owned(),
                    caption: String::new(),
                    numbers: String::new(),
                    x: "x",
                    y: "y",
                    log_y,
                    series: vec![series],
                    marks: vec![a, b],
                    level: Some(b),
                };
                let text = plot(&chart).unwrap_or_default();
                assert!(!text.contains("NaN") && !text.contains("inf"), "{a} {b}: {text}");
            }
        }
    }
}
