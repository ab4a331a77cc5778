//! Points in the plane, and the paths of others through it.

use plotters::prelude::*;

use super::chart::COLOURS;
use super::figures::Drawing;

/// Width and height: a unit is as long across as up.
const SIDE: [u32; 2] = [560, 520];

const DRAWN: &str = "a string can be drawn to";

/// Numbers beyond this cannot be put on an axis.
const LARGEST: f64 = 1e100;

/// Points, and paths that end in a dot.
pub struct Plane {
    /// What it shows, as text.
    pub title: String,
    /// The rest of the caption, as HTML.
    pub caption: String,
    /// Where its numbers are, as HTML.
    pub numbers: String,
    /// The labels of the axes.
    pub axes: [String; 2],
    /// Many small points.
    pub points: Vec<[f64; 2]>,
    /// Some crosses.
    pub crosses: Vec<[f64; 2]>,
    /// Paths, each from its start to its end.
    pub paths: Vec<Vec<[f64; 2]>>,
    /// What points, crosses and paths are, as HTML.
    pub names: [String; 3],
}

fn colour(index: usize) -> RGBColor {
    COLOURS[index % COLOURS.len()]
}

impl Plane {
    fn all(&self) -> impl Iterator<Item = &[f64; 2]> {
        let fits = |place: &&[f64; 2]| place.iter().all(|v| v.abs() < LARGEST);
        self.points.iter().chain(&self.crosses).chain(self.paths.iter().flatten()).filter(fits)
    }

    /// The middle of everything, and how far it goes to either side, as far as that at least.
    fn frame(&self) -> Option<([f64; 2], f64)> {
        let range = |axis: usize| {
            let values = self.all().map(|place| (place[axis], place[axis]));
            values.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
        };
        let (x, y) = (range(0)?, range(1)?);
        let half = (x.1 - x.0).max(y.1 - y.0) / 2.0;
        let middle = [f64::midpoint(x.0, x.1), f64::midpoint(y.0, y.1)];
        let least = 1e-9 * middle[0].abs().max(middle[1].abs()).max(1.0);
        Some((middle, 1.06 * half.max(least)))
    }
}

impl Drawing for Plane {
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
        format!("{} {} points and {} paths", self.title, self.points.len(), self.paths.len())
    }

    fn size(&self) -> [u32; 2] {
        SIDE
    }

    fn legend(&self) -> Vec<(String, String)> {
        let samples = [
            "<circle cx=\"18\" cy=\"0\" r=\"3\" fill=\"#9a9a9a\"/>".to_owned(),
            "<path d=\"M13 -4L23 4M13 4L23 -4\" stroke=\"#111\" stroke-width=\"2\"/>".to_owned(),
            "<line x1=\"4\" y1=\"0\" x2=\"28\" y2=\"0\" stroke=\"rgb(0,114,178)\" stroke-width=\"2\"/>\
             <circle cx=\"28\" cy=\"0\" r=\"4\" fill=\"rgb(0,114,178)\"/>"
                .to_owned(),
        ];
        let there = [!self.points.is_empty(), !self.crosses.is_empty(), !self.paths.is_empty()];
        let pairs = samples.into_iter().zip(self.names.clone()).zip(there);
        pairs.filter(|(_, there)| *there).map(|(pair, _)| pair).collect()
    }

    fn plot(&self) -> Option<String> {
        let ([x, y], half) = self.frame()?;
        let mut text = String::new();
        {
            let root = SVGBackend::with_string(&mut text, (SIDE[0], SIDE[1])).into_drawing_area();
            let font = ("sans-serif", 17).into_font().color(&RGBColor(40, 40, 40));
            let mut area = ChartBuilder::on(&root)
                .margin(8)
                .x_label_area_size(46)
                .y_label_area_size(72)
                .build_cartesian_2d(x - half..x + half, y - half..y + half)
                .expect("the ranges are not empty");
            area.configure_mesh()
                .light_line_style(WHITE.mix(0.0))
                .bold_line_style(RGBColor(232, 232, 232))
                .axis_style(RGBColor(110, 110, 110))
                .x_desc(&self.axes[0])
                .y_desc(&self.axes[1])
                .x_labels(7)
                .y_labels(7)
                .label_style(font.clone())
                .axis_desc_style(font)
                .draw()
                .expect(DRAWN);
            let grey = RGBColor(154, 154, 154).mix(0.55).filled();
            let fits = |place: &&[f64; 2]| place.iter().all(|v| v.abs() < LARGEST);
            let points =
                self.points.iter().filter(fits).map(|p| Circle::new((p[0], p[1]), 2, grey));
            area.draw_series(points).expect(DRAWN);
            for (index, path) in self.paths.iter().enumerate() {
                let path: Vec<(f64, f64)> =
                    path.iter().filter(fits).map(|place| (place[0], place[1])).collect();
                let line = LineSeries::new(path.clone(), colour(index).stroke_width(2));
                area.draw_series(line).expect(DRAWN);
                let end = path.last().map(|end| Circle::new(*end, 5, colour(index).filled()));
                area.draw_series(end).expect(DRAWN);
            }
            let crosses = self.crosses.iter().filter(fits);
            let crosses = crosses.map(|c| Cross::new((c[0], c[1]), 6, BLACK.stroke_width(2)));
            area.draw_series(crosses).expect(DRAWN);
            root.present().expect(DRAWN);
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_numbers_are_they_are_drawn_or_left_out() {
        let values = [0.0, 1.0, -3.0, 1e-300, 1e99, 1e308, f64::NAN, f64::INFINITY];
        for (a, b) in values.iter().flat_map(|a| values.iter().map(move |b| (*a, *b))) {
            let plane = Plane {
                title: "Any.".to_owned(),
                caption: String::new(),
                numbers: String::new(),
                axes: ["x".to_owned(), "y".to_owned()],
                points: vec![[a, b]],
                crosses: vec![[b, b]],
                paths: vec![vec![[a, a], [b, a]], Vec::new()],
                names: Default::default(),
            };
            let text = plane.plot().unwrap_or_default();
            assert!(!text.contains("NaN") && !text.contains("inf"), "{a} {b}: {text}");
        }
    }
}
