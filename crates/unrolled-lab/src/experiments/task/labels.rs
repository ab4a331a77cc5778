//! What a task asks of every example, checked.

use ndarray::Array2;
use unrolled::task::TaskKind;

use crate::Error;
use crate::config::DataConfig;

/// More classes than this are taken for values.
const MOST_CLASSES: usize = 1000;

/// Labels as a task's loss compares with them.
#[derive(Clone, Debug)]
pub(super) struct Labels {
    /// Of every example, `[n, k]`: 0 or 1 for the logistic loss, a row of 0 and one 1 for softmax, values for least
    /// squares.
    pub rows: Array2<f64>,
    /// What the classes are called in the data, in the order of scores and confusions; none for values.
    pub classes: Option<Vec<i64>>,
}

/// The key that says which labels there are.
fn key(data: &DataConfig) -> &'static str {
    match data {
        DataConfig::File(_) => "data.keys.label",
        _ => "data.classes",
    }
}

fn wrong<T>(data: &DataConfig, message: &str) -> Result<T, Error> {
    let key = key(data);
    Err(Error::at(key, format!("`{key}`: {message}")))
}

/// Refuses labels, `[n, 1]` or `[n, k]` in the order of the data, that a task cannot have.
pub(super) fn check(found: &Array2<f64>, kind: TaskKind, data: &DataConfig) -> Result<(), Error> {
    if kind == TaskKind::Squared {
        return Ok(());
    }
    if found.ncols() != 1 {
        let message = format!(
            "the labels have {} columns, but a class is one number; give [n] or [n, 1], or choose \
             `task.kind = \"squared\"`",
            found.ncols()
        );
        return wrong(data, &message);
    }
    let is_whole = |value: f64| value.fract() == 0.0 && value.abs() < 9e15;
    if let Some((row, value)) = found.iter().enumerate().find(|(_, value)| !is_whole(**value)) {
        let message = format!(
            "the label of row {row} (counted from 0) is {value}, not a whole number, which a class is; choose \
             `task.kind = \"squared\"` for values"
        );
        return wrong(data, &message);
    }
    let other = found.iter().find(|label| ![0.0, 1.0].contains(*label));
    match other.filter(|_| kind == TaskKind::Logistic) {
        None => Ok(()),
        Some(other) => {
            let message = format!(
                "there is a label {other}, but those of `task.kind = \"logistic\"` are 0 and 1; write those, or \
                 choose \"softmax\" for any classes"
            );
            wrong(data, &message)
        }
    }
}

impl Labels {
    /// From labels that [`check`] has let through; the first `training` rows are trained on.
    pub fn new(
        found: &Array2<f64>,
        kind: TaskKind,
        training: usize,
        data: &DataConfig,
    ) -> Result<Self, Error> {
        if kind == TaskKind::Squared {
            return Ok(Self { rows: found.clone(), classes: None });
        }
        let distinct = |count: usize| {
            let mut classes: Vec<i64> = found.iter().take(count).map(|v| *v as i64).collect();
            classes.sort_unstable();
            classes.dedup();
            classes
        };
        if let [only] = distinct(training)[..] {
            let message = format!(
                "the labels of all {training} rows to train on are {only}; give rows of two classes or more"
            );
            return wrong(data, &message);
        }
        let classes = distinct(found.nrows());
        if classes.len() > MOST_CLASSES {
            let message = format!(
                "the labels are {} different numbers, more than the {MOST_CLASSES} classes there may be; choose \
                 `task.kind = \"squared\"` for values",
                classes.len()
            );
            return wrong(data, &message);
        }
        if kind == TaskKind::Logistic {
            return Ok(Self { rows: found.clone(), classes: Some(vec![0, 1]) });
        }
        let is = |(row, class): (usize, usize)| {
            f64::from(u8::from(found[[row, 0]] as i64 == classes[class]))
        };
        let rows = Array2::from_shape_fn((found.nrows(), classes.len()), is);
        Ok(Self { rows, classes: Some(classes) })
    }

    /// How many scores a task has.
    pub fn outputs(&self) -> usize {
        self.rows.ncols()
    }
}

/// Which class scores or labels stand for, `[n, k]`: the largest, or whether the only one is above `threshold`.
pub(super) fn classes_of(scores: &Array2<f64>, threshold: f64) -> Vec<usize> {
    let class = |row: ndarray::ArrayView1<f64>| match row.len() {
        1 => usize::from(row[0] > threshold),
        // The first of several that are the same.
        _ => (1..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best }),
    };
    scores.rows().into_iter().map(class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FileConfig;
    use ndarray::array;

    fn labels(found: &Array2<f64>, kind: TaskKind) -> Result<Labels, Error> {
        let data = DataConfig::File(FileConfig::default());
        check(found, kind, &data)?;
        Labels::new(found, kind, found.nrows(), &data)
    }

    #[test]
    fn classes_are_rows_in_the_order_of_their_numbers() {
        let found = array![[7.0], [-1.0], [7.0]];
        let softmax = labels(&found, TaskKind::Softmax).unwrap();
        assert_eq!(softmax.classes, Some(vec![-1, 7]));
        assert_eq!(softmax.rows, array![[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]);
        assert_eq!(classes_of(&softmax.rows, 0.5), [1, 0, 1]);
        let squared = labels(&found, TaskKind::Squared).unwrap();
        assert!(squared.classes.is_none() && squared.rows == found);
        assert_eq!(classes_of(&array![[-0.1], [0.1]], 0.0), [0, 1]);
    }

    #[test]
    fn what_is_no_class_is_refused() {
        for (found, kind, said) in [
            (array![[0.0], [0.5]], TaskKind::Softmax, "row 1 (counted from 0) is 0.5"),
            (array![[0.0], [2.0]], TaskKind::Logistic, "there is a label 2"),
            (array![[1.0], [1.0]], TaskKind::Logistic, "are 1; give rows of two classes"),
            (array![[0.0, 1.0]], TaskKind::Softmax, "have 2 columns"),
        ] {
            let message = labels(&found, kind).unwrap_err().to_string();
            assert!(message.contains(said), "{message}");
        }
    }
}
