//! Tables and text as HTML.

/// Text made safe for HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Text that does not break across lines at its spaces.
pub fn unbroken(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

/// A cell: text, and whether it is the best of its group.
pub type Cell = (String, bool);

/// A table with a heading line; it scrolls sideways where the page is narrow, and its first column stays.
pub fn table(heads: &[String], rows: &[Vec<Cell>]) -> String {
    let head: String = heads.iter().map(|head| format!("<th>{head}</th>")).collect();
    let body: String = rows
        .iter()
        .map(|row| {
            let cells: String = row
                .iter()
                .map(|(text, best)| match best {
                    true => format!("<td class=\"best\">{text}</td>"),
                    false => format!("<td>{text}</td>"),
                })
                .collect();
            format!("<tr>{cells}</tr>\n")
        })
        .collect();
    format!(
        "<div class=\"scroll\"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>\n"
    )
}

/// A number with three significant digits, in plain notation where that is short.
pub fn number(value: f64) -> String {
    number_to(value, 3)
}

/// A number with so many significant digits, in plain notation where that is short.
pub fn number_to(value: f64, digits: usize) -> String {
    let size = value.abs();
    if !value.is_finite() {
        "–".to_owned()
    } else if value == 0.0 {
        "0".to_owned()
    } else if !(1e-3..1e5).contains(&size) {
        let text = format!("{value:.*e}", digits - 1);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        format!("{mantissa}·10<sup>{}</sup>", exponent.replace('-', "−"))
    } else {
        let places = (digits as i32 - 1 - size.log10().floor() as i32).max(0) as usize;
        format!("{value:.places$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!(number(0.16131), "0.161");
        assert_eq!(number(0.0724), "0.0724");
        assert_eq!(number(12.345), "12.3");
        assert_eq!(number(1234.5), "1234");
        assert_eq!(number(2.5e-7), "2.50·10<sup>−7</sup>");
        assert_eq!(number(0.0), "0");
        assert_eq!(number_to(14.64951, 5), "14.650");
        assert_eq!(number_to(2.5e-7, 5), "2.5000·10<sup>−7</sup>");
    }

    #[test]
    fn text_cannot_break_the_page() {
        assert_eq!(escape("<b> & \"c\""), "&lt;b&gt; &amp; &quot;c&quot;");
    }
}
