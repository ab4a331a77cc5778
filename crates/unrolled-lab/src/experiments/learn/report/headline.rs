//! What came out, in a sentence or two.

use super::Learned;
use crate::report::table::{number_to, unbroken};
use crate::report::{failures, finding};

/// The column, what its last value is, what goes before a number, and what the best of several is.
type Judge = (&'static str, &'static str, &'static str, &'static str);

/// What runs are judged by: the truth where there is one, else both losses on the same rows.
const BY_TRUTH: [Judge; 1] =
    [("dictionary_error", "dictionary", "a relative error of ", "closest to the truth")];
const BY_LOSS: [Judge; 3] = [
    ("objective", "objective on the sample", "", "lowest"),
    ("sample_reconstruction", "reconstruction on the sample", "", "lowest"),
    ("sample_lasso", "lasso on the sample", "", "lowest"),
];

/// The last value of a column, and the best with its step.
#[derive(Clone, Copy)]
pub(super) struct Course {
    pub last: f64,
    pub best: f64,
    pub step: f64,
    digits: usize,
}

/// Significant digits of a column: dictionaries of real data differ in the objective by a few thousandths.
pub(super) fn digits(column: &str) -> usize {
    if column == "objective" { 5 } else { 3 }
}

impl Course {
    pub fn of(run: &Learned, column: &str) -> Option<Self> {
        let curve = run.curve(column);
        let (_, last) = *curve.last()?;
        let (step, best) = curve.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(Self { last, best, step, digits: digits(column) })
    }

    /// As in "0.012 (at best 0.011, at step 640)".
    fn words(self) -> String {
        let Self { step, digits, .. } = self;
        let [last, best] = [self.last, self.best];
        let number = |value| number_to(value, digits);
        match best < last {
            true => format!(
                "{} (at best {}, {})",
                number(last),
                number(best),
                unbroken(&format!("at step {step}"))
            ),
            false => format!("{}, its best", number(last)),
        }
    }
}

/// The sentences.
pub(super) fn of(runs: &[Learned]) -> String {
    let failed =
        runs.iter().filter_map(|run| Some((run.run, run.stored.failed.as_ref()?.as_str())));
    finding(&[failures(failed), judgement(runs)])
}

fn judgement(runs: &[Learned]) -> String {
    let finished: Vec<&Learned> = runs.iter().filter(|run| run.stored.failed.is_none()).collect();
    let has_truth = finished.iter().any(|run| !run.curve(BY_TRUTH[0].0).is_empty());
    let judges = if has_truth { &BY_TRUTH[..] } else { &BY_LOSS[..] };
    judges.iter().map(|judge| sentence(*judge, &finished)).collect()
}

fn sentence((column, what, of, best_of): Judge, runs: &[&Learned]) -> String {
    let courses = runs.iter().filter_map(|run| Some((*run, Course::of(run, column)?)));
    let courses: Vec<(&Learned, Course)> = courses.collect();
    if let [(_, course)] = courses[..] {
        return format!("<p>The {what} ends at {of}{}.</p>\n", course.words());
    }
    let least = |value: fn(&Course) -> f64| {
        courses.iter().min_by(|a, b| value(&a.1).total_cmp(&value(&b.1)))
    };
    let (Some((last, end)), Some((best, lowest))) = (least(|c| c.last), least(|c| c.best)) else {
        return String::new();
    };
    let ends = end.words();
    let mut text = format!(
        "<p>The {what} {best_of} at the end is that of <b>{}</b>, at {of}{ends}.",
        last.label()
    );
    if !std::ptr::eq(*last, *best) {
        text += &format!(
            " The best at any step is that of <b>{}</b>, {of}{} {}.",
            best.label(),
            number_to(lowest.best, lowest.digits),
            unbroken(&format!("at step {}", lowest.step))
        );
    }
    text + "</p>\n"
}
