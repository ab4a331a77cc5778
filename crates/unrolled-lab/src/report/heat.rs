//! A grid of shares, the darker the larger.

use super::figures::Drawing;
use super::table::escape;

/// A cell: a share from 0 to 1, and its standard deviation where there are several values.
pub type Share = Option<(f64, Option<f64>)>;

/// Shares by two settings.
pub struct Heat {
    /// What it shows, as text.
    pub title: String,
    /// The rest of the caption, as HTML.
    pub caption: String,
    /// Where its numbers are, as HTML.
    pub numbers: String,
    /// The labels of the axes, across and up.
    pub axes: [String; 2],
    /// The values of the setting that goes across.
    pub across: Vec<String>,
    /// Of the one that goes up, the lowest first.
    pub up: Vec<String>,
    /// A row of cells for each value that goes up.
    pub cells: Vec<Vec<Share>>,
}

const CELL: [u32; 2] = [64, 44];
const LEFT: u32 = 78;
const BELOW: u32 = 58;

impl Heat {
    fn cell(&self, column: usize, row: usize, share: Share) -> String {
        let [width, height] = CELL;
        let x = LEFT + width * column as u32;
        let y = 4 + height * (self.up.len() - 1 - row) as u32;
        let Some((share, spread)) = share.filter(|(share, _)| share.is_finite()) else {
            return format!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"#f4f4f4\" stroke=\"#fff\"/>\n"
            );
        };
        let share = share.clamp(0.0, 1.0);
        // From white to the blue of the charts.
        let part = |full: f64| (255.0 - share * (255.0 - full)).round();
        let (red, green, blue) = (part(0.0), part(90.0), part(150.0));
        let ink = if share > 0.55 { "#fff" } else { "#1a1a1a" };
        let (middle, first) = (x + width / 2, if spread.is_some() { 19 } else { 27 });
        let mut text = format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"rgb({red},{green},{blue})\" \
             stroke=\"#fff\"/>\n<text x=\"{middle}\" y=\"{}\" font-size=\"14\" text-anchor=\"middle\" fill=\"{ink}\">{:.0} \
             %</text>\n",
            y + first,
            100.0 * share
        );
        if let Some(spread) = spread.filter(|spread| spread.is_finite()) {
            text += &format!(
                "<text x=\"{middle}\" y=\"{}\" font-size=\"11\" text-anchor=\"middle\" fill=\"{ink}\">± {:.0}</text>\n",
                y + 35,
                100.0 * spread
            );
        }
        text
    }
}

impl Drawing for Heat {
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
        format!("{} by {} and {}", self.title.trim_end_matches('.'), self.axes[0], self.axes[1])
    }

    fn size(&self) -> [u32; 2] {
        let [width, height] = CELL;
        let across = LEFT + width * self.across.len() as u32 + 12;
        [across.max(360), BELOW + height * self.up.len() as u32 + 8]
    }

    fn legend(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    fn plot(&self) -> Option<String> {
        if self.across.is_empty() || self.up.is_empty() {
            return None;
        }
        let [width, height] = CELL;
        let [full, high] = self.size();
        let mut text = format!(
            "<svg width=\"{full}\" height=\"{high}\" viewBox=\"0 0 {full} {high}\" \
             xmlns=\"http://www.w3.org/2000/svg\" font-family=\"sans-serif\" fill=\"#282828\">\n"
        );
        for (row, cells) in self.cells.iter().enumerate() {
            for (column, share) in cells.iter().enumerate() {
                text += &self.cell(column, row, *share);
            }
        }
        let bottom = 4 + height * self.up.len() as u32;
        for (column, name) in self.across.iter().enumerate() {
            let x = LEFT + width * column as u32 + width / 2;
            text += &format!(
                "<text x=\"{x}\" y=\"{}\" font-size=\"14\" text-anchor=\"middle\">{}</text>\n",
                bottom + 19,
                escape(name)
            );
        }
        for (row, name) in self.up.iter().enumerate() {
            let y = 4 + height * (self.up.len() - 1 - row) as u32 + height / 2 + 5;
            text += &format!(
                "<text x=\"{}\" y=\"{y}\" font-size=\"14\" text-anchor=\"end\">{}</text>\n",
                LEFT - 10,
                escape(name)
            );
        }
        let (middle, centre) = (LEFT + width * self.across.len() as u32 / 2, bottom / 2);
        text += &format!(
            "<text x=\"{middle}\" y=\"{}\" font-size=\"15\" text-anchor=\"middle\">{}</text>\n\
             <text transform=\"translate(18 {centre}) rotate(-90)\" font-size=\"15\" \
             text-anchor=\"middle\">{}</text>\n</svg>\n",
            bottom + 44,
            escape(&self.axes[0]),
            escape(&self.axes[1])
        );
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_the_darker_the_larger_and_what_is_no_number_is_left_empty() {
        let heat = Heat {
            title: "Any.".to_owned(),
            caption: String::new(),
            numbers: String::new(),
            axes: ["a".to_owned(), "b".to_owned()],
            across: vec!["1".to_owned(), "2".to_owned()],
            up: vec!["3".to_owned(), "4".to_owned()],
            cells: vec![
                vec![Some((0.0, None)), Some((1.0, Some(0.25)))],
                vec![None, Some((f64::NAN, None))],
            ],
        };
        let text = heat.plot().unwrap();
        assert!(text.contains("rgb(255,255,255)") && text.contains("rgb(0,90,150)"));
        assert!(text.contains("± 25") && text.matches("#f4f4f4").count() == 2);
        assert!(!text.contains("NaN"));
    }
}
