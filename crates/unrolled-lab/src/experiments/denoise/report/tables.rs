//! The tables of runs over images.

use super::settings::time;
use super::stored::{Scores, Stored, Tested};
use super::{Restoration, Words, decibels, gain, similarity, tested_alike};
use crate::report::over_seeds;
use crate::report::table::{Cell, escape, table};
use crate::statistics::mean_and_std;

/// More images than this are not listed.
const MOST_IMAGES: usize = 200;

/// A longer table is folded.
const LONGEST: usize = 20;

type Of<T> = fn(&T) -> Option<f64>;
type Written = fn(Option<f64>) -> String;

/// The figures of every run.
pub(super) fn finals(runs: &[Restoration]) -> String {
    let given = Words::of(&runs.iter().collect::<Vec<_>>()).given;
    let mut heads = vec!["run".to_owned(), "steps".to_owned()];
    let mut rows: Vec<Vec<Cell>> = runs
        .iter()
        .map(|run| {
            let steps = match &run.outcome {
                Ok(stored) if stored.steps == 0 => "0, tested alone".to_owned(),
                Ok(stored) => stored.steps.to_string(),
                Err(_) => "failed".to_owned(),
            };
            vec![(run.label(), false), (steps, false)]
        })
        .collect();
    let mut add = |head: String, written: Written, values: Vec<Option<f64>>, compares: bool| {
        if values.iter().all(Option::is_none) {
            return;
        }
        let best = values.iter().flatten().copied().max_by(f64::total_cmp);
        let best = best.filter(|_| compares && values.len() > 1);
        heads.push(head);
        for (row, value) in rows.iter_mut().zip(values) {
            let text = value.map_or(String::new(), |value| written(Some(value)));
            row.push((text, value.is_some() && value == best));
        }
    };
    let validated = |run: &Restoration| {
        let curve = run.curve("validation_psnr");
        curve.into_iter().map(|point| point.1).max_by(f64::total_cmp)
    };
    let best = runs.iter().map(validated).collect();
    add("validation PSNR<br>at its best, dB".to_owned(), decibels, best, false);
    let columns: [(String, Written, Of<Scores>, bool); 5] = [
        ("PSNR,<br>dB".to_owned(), decibels, |scores| scores.psnr, true),
        (
            "PSNR, peak of<br>each image, dB".to_owned(),
            decibels,
            |scores| scores.psnr_reference,
            true,
        ),
        (format!("PSNR of {given}<br>images, dB"), decibels, |scores| scores.psnr_noisy, false),
        ("gain,<br>dB".to_owned(), decibels, gain, true),
        ("SSIM".to_owned(), similarity, |scores| scores.ssim, true),
    ];
    let compares = tested_alike(runs).len() == 1;
    for (head, written, of, is_best_high) in columns {
        let values = runs.iter().map(|run| of(&run.tested()?.mean)).collect();
        add(head, written, values, compares && is_best_high);
    }
    let others: [(&str, Written, Of<Stored>); 2] = [
        (
            "parameters",
            |v| v.map_or(String::new(), |v| v.to_string()),
            |s| Some(s.parameters as f64),
        ),
        (
            "training<br>time",
            |v| v.map_or(String::new(), time),
            |s| (s.steps > 0).then_some(s.seconds),
        ),
    ];
    for (head, written, of) in others {
        let values = runs.iter().map(|run| of(run.outcome.as_ref().ok()?)).collect();
        add(head.to_owned(), written, values, false);
    }
    let missing: Vec<String> = runs
        .iter()
        .filter(|run| run.outcome.as_ref().is_ok_and(|stored| stored.steps > 0))
        .filter(|run| run.metrics.steps(&run.run.name).is_none())
        .map(Restoration::label)
        .collect();
    let missing = match missing.is_empty() {
        true => String::new(),
        false => format!("<p>metrics.csv has no rows of {}.</p>\n", missing.join(", ")),
    };
    [table(&heads, &rows), notes(runs), missing].concat()
}

/// What the figures are.
fn notes(runs: &[Restoration]) -> String {
    let networks = runs.iter().filter_map(|run| Some(run.tested()?.network.as_str()));
    let mut networks: Vec<&str> = networks.collect();
    if networks.is_empty() {
        return String::new();
    }
    networks.sort_unstable();
    networks.dedup();
    let tested = match networks[..] {
        ["best"] => {
            " The network that is tested is the one that was best on the images to validate on."
        }
        ["last"] => " The network that is tested is that of the last step.",
        _ => {
            " The network that is tested is the best on the images to validate on, where there are any, else that of the \
             last step."
        }
    };
    format!(
        "<p>PSNR is 10 log<sub>10</sub>(peak²/mean squared error) of each image, averaged over the images; values beyond \
         [0, 1] are left as they are. The first has the peak 1, the greatest value that an image can have. The second has \
         the greatest value that each clean image does have, as the authors’ program counts it: it is lower where an \
         image never becomes white.{tested}</p>\n"
    )
}

/// Mean and spread of the figures of runs that differ in the seed alone.
pub(super) fn spread_over_seeds(runs: &[Restoration]) -> String {
    let runs: Vec<&Restoration> = runs.iter().filter(|run| run.tested().is_some()).collect();
    let pairs: Vec<_> = runs.iter().map(|run| (run.found, run.run)).collect();
    let columns: [(&str, Written, Of<Scores>); 4] = [
        ("PSNR,<br>dB", decibels, |scores| scores.psnr),
        ("PSNR, peak of<br>each image, dB", decibels, |scores| scores.psnr_reference),
        ("gain,<br>dB", decibels, gain),
        ("SSIM", similarity, |scores| scores.ssim),
    ];
    let rows: Vec<Vec<Cell>> = over_seeds(&pairs)
        .into_iter()
        .map(|(name, group)| {
            let cells = columns.iter().map(|(_, written, of)| {
                let value = |at: &usize| Some([of(&runs[*at].tested()?.mean)?]);
                let values: Vec<[f64; 1]> = group.iter().filter_map(value).collect();
                let curves: Vec<&[f64]> = values.iter().map(|value| value.as_slice()).collect();
                match mean_and_std(&curves) {
                    (mean, Some(std)) => {
                        format!("{} ± {}", written(Some(mean[0])), written(Some(std[0])))
                    }
                    _ => String::new(),
                }
            });
            let head = [name, group.len().to_string()];
            head.into_iter().chain(cells).map(|text| (text, false)).collect()
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let heads = ["over seeds", "seeds"].into_iter().chain(columns.iter().map(|(head, ..)| *head));
    let table = table(&heads.map(str::to_owned).collect::<Vec<_>>(), &rows);
    format!("{table}<p>“±” is the standard deviation over the seeds (n − 1).</p>\n")
}

/// The figures of every image; of several runs that are tested alike the PSNR alone, a column each.
pub(super) fn by_image(runs: &[Restoration]) -> String {
    let groups = tested_alike(runs);
    let titled = groups.len() > 1;
    let one = |group: &Vec<&Restoration>| {
        let title = match titled {
            true => format!("<h3>{}</h3>\n", labels(group)),
            false => String::new(),
        };
        title + &images_of(group)
    };
    groups.iter().map(one).collect()
}

/// The names of runs, as HTML.
pub(super) fn labels(runs: &[&Restoration]) -> String {
    runs.iter().map(|run| run.label()).collect::<Vec<_>>().join(", ")
}

fn images_of(runs: &[&Restoration]) -> String {
    let tests: Vec<&Tested> = runs.iter().filter_map(|run| run.tested()).collect();
    let Some(first) = tests.first() else { return String::new() };
    let given = Words::of(runs).given;
    let noisy = format!("PSNR of the {given}<br>image, dB");
    let mut heads = vec!["image".to_owned()];
    match runs {
        [_] => heads.extend([
            "PSNR,<br>dB".to_owned(),
            "PSNR, peak of<br>the image, dB".to_owned(),
            noisy,
            "SSIM".to_owned(),
        ]),
        runs => heads.extend(runs.iter().map(|run| format!("{},<br>PSNR, dB", run.label()))),
    }
    let count = first.images.len();
    let rows: Vec<Vec<Cell>> = (0..count.min(MOST_IMAGES))
        .map(|index| {
            let name = (escape(&first.images[index].name), false);
            let cells: Vec<Cell> = match tests[..] {
                [test] => {
                    let Scores { psnr, psnr_reference, psnr_noisy, ssim } =
                        test.images[index].scores;
                    let all = [psnr, psnr_reference, psnr_noisy].map(decibels);
                    all.into_iter().chain([similarity(ssim)]).map(|text| (text, false)).collect()
                }
                _ => {
                    let values = tests.iter().map(|test| test.images[index].scores.psnr);
                    let values: Vec<Option<f64>> = values.collect();
                    let best = values.iter().flatten().copied().max_by(f64::total_cmp);
                    let is_best = |value: &Option<f64>| value.is_some() && *value == best;
                    values.iter().map(|value| (decibels(*value), is_best(value))).collect()
                }
            };
            std::iter::once(name).chain(cells).collect()
        })
        .collect();
    let note = match count > rows.len() {
        true => format!(
            "<p>The first {} of {count}; all are in <code>results.json</code>.</p>\n",
            rows.len()
        ),
        false => String::new(),
    };
    let html = table(&heads, &rows) + &note;
    match rows.len() > LONGEST {
        true => format!("<details><summary>{count} images</summary>\n{html}</details>\n"),
        false => html,
    }
}
