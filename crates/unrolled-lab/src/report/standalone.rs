//! A drawing in the page, with its caption and legend; and as a file of its own, where both are in the picture.

use super::figures::Drawing;
use super::table::escape;
use crate::figure_files::MARK;

const LINE: f64 = 22.0;

/// The drawing, its legend and its caption; `drawn`: the picture and the file where it is written too.
pub(super) fn figure(drawing: &dyn Drawing, drawn: Option<(&str, &str)>) -> String {
    let legend: String = drawing
        .legend()
        .iter()
        .map(|(sample, name)| {
            format!(
                "<li><svg viewBox=\"0 -5 36 10\" aria-hidden=\"true\">{sample}</svg>{name}</li>"
            )
        })
        .collect();
    let (plot, source) = match drawn {
        None => ("<p>Nothing to draw: every value is zero.</p>\n".to_owned(), String::new()),
        Some((plot, file)) => {
            let label = escape(&drawing.label());
            let tag = format!("<svg class=\"chart\" role=\"img\" aria-label=\"{label}\" ");
            let source = format!(
                "<p class=\"source\">Figure: <code>{}</code>. Numbers: {}.</p>\n",
                escape(file),
                drawing.numbers()
            );
            (plot.replacen("<svg ", &tag, 1), source)
        }
    };
    format!(
        "<figure>\n<figcaption><b>{}</b> {}</figcaption>\n\
         <ul class=\"legend\">{legend}</ul>\n{plot}{source}</figure>\n",
        escape(drawing.title()),
        drawing.caption()
    )
}

/// The whole picture around the axes and curves.
pub(super) fn standalone(drawing: &dyn Drawing, plot: &str) -> String {
    let [full, high] = drawing.size().map(f64::from);
    let (mut left, mut line, mut legend) = (12.0, 1.0, String::new());
    for (sample, name) in &drawing.legend() {
        // Letters are about half as wide as they are high.
        let width = 46.0 + 8.0 * letters(name) as f64;
        if left > 12.0 && left + width > full {
            (left, line) = (12.0, line + 1.0);
        }
        let y = 12.0 + LINE * line;
        legend.push_str(&format!(
            "<g transform=\"translate({left} {y})\">{}<text x=\"42\" y=\"5\" font-size=\"15\">{}</text></g>\n",
            sample,
            text(name)
        ));
        left += width + 14.0;
    }
    let top = 8.0 + LINE * (line + 1.0);
    let height = top + high;
    let plot = plot.replacen("<svg ", &format!("<svg y=\"{top}\" "), 1);
    format!(
        "{MARK}<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{full}\" height=\"{height}\" \
         viewBox=\"0 0 {full} {height}\" font-family=\"sans-serif\" fill=\"#1a1a1a\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"12\" y=\"20\" font-size=\"16\" font-weight=\"bold\">{}</text>\n{legend}{plot}</svg>\n",
        escape(drawing.title().trim_end_matches('.'))
    )
}

/// How many letters of HTML are seen.
fn letters(html: &str) -> usize {
    let pieces = html.split('<').enumerate();
    let seen = pieces.map(|(i, piece)| match i {
        0 => piece,
        _ => piece.split_once('>').map_or("", |(_, rest)| rest),
    });
    seen.map(|text| text.chars().count()).sum()
}

/// HTML as text of SVG: subscripts and superscripts are moved, and smaller.
fn text(html: &str) -> String {
    let mut text = html.to_owned();
    for (tag, down) in [("sub", 4), ("sup", -5)] {
        let open = format!("<tspan dy=\"{down}\" font-size=\"11\">");
        // What follows goes back up; a space without width carries the move.
        let close = format!("</tspan><tspan dy=\"{}\">\u{200b}</tspan>", -down);
        text = text.replace(&format!("<{tag}>"), &open).replace(&format!("</{tag}>"), &close);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_html_is_text_of_svg() {
        assert_eq!(letters("g<sub>ae-ls</sub>, A"), 9);
        let svg = text("g<sub>dec</sub>");
        assert_eq!(svg.matches("<tspan").count(), svg.matches("</tspan>").count());
        assert!(svg.starts_with("g<tspan dy=\"4\"") && svg.contains(">dec</tspan>"));
    }
}
