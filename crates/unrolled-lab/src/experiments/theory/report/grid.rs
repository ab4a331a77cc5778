//! Which gradient is nearer to the truth, by dictionary noise and penalty.

use super::Drawn;
use crate::report::table::{Cell, number, table};

/// A table; what is marked are the places where g_ae_ls is nearer.
pub(super) fn nearer(run: &Drawn) -> String {
    let penalties = run.penalties();
    let mut heads = vec!["dictionary noise".to_owned()];
    heads.extend(penalties.iter().map(|penalty| format!("λ = {penalty}")));
    let rows = run.noises().into_iter().map(|noise| {
        let mut row: Vec<Cell> = vec![(noise.to_string(), false)];
        for near in run.with_noise(noise) {
            let last = |name: &str| {
                let errors = near.estimators.get(name);
                errors.and_then(|errors| errors.error_to_truth.last()).copied()
            };
            let cell = match (last("g_ae_ls"), last("g_dec")) {
                (Some(least_squares), Some(decoder)) => (
                    format!("{} | {}", number(least_squares), number(decoder)),
                    least_squares < decoder,
                ),
                _ => (String::new(), false),
            };
            row.push(cell);
        }
        row
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    let last = run.stored.iterations.last().copied().unwrap_or(0);
    format!(
        "<div class=\"wide\"><p><b>Which gradient is nearer?</b> ‖g_ae_ls − g*‖ | ‖g_dec − g*‖ at T = {last}; marked where g_ae_ls is \
         nearer.</p>\n{}<p class=\"source\">Numbers: <code>metrics.csv</code>, columns <code>g_ae_ls_error_to_truth</code> and \
         <code>g_dec_error_to_truth</code>.</p></div>\n",
        table(&heads, &rows)
    )
}
