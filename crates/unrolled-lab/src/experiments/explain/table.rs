//! contributions.csv: who contributes most, a row each.

use serde_json::{Map, Value};

use crate::{Error, RunDirectory};

/// What the file is called.
pub(super) const FILE: &str = "contributions.csv";

/// Lists of results.json: what is explained, under which key its number is, and the lists of training examples.
const LISTS: [(&str, &str, &[&str]); 2] = [
    ("atoms", "atom", &["built", "against"]),
    ("tests", "example", &["most", "least", "similar_by_code"]),
];

/// Writes the file from the figures of a finished run directory.
pub(super) fn write(directory: &RunDirectory) -> Result<(), Error> {
    let results = directory.results()?;
    let runs = results["runs"].as_object().cloned().unwrap_or_default();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut row = |cells: [&str; 9]| {
        writer.write_record(cells).expect("memory can be written to");
    };
    row(["run", "of", "number", "list", "training_example", "weight", "label", "row", "column"]);
    for (run, figures) in &runs {
        rows(run, figures, &mut row);
    }
    directory.write(FILE, &writer.into_inner().expect("memory can be written to"))
}

fn rows(run: &str, figures: &Value, row: &mut impl FnMut([&str; 9])) {
    let all = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text =
        |of: &Map<String, Value>, key: &str| of.get(key).map_or(String::new(), Value::to_string);
    for (explained, number, lists) in LISTS {
        for one in all(&figures[explained]) {
            let Some(of) = one.as_object() else { continue };
            for list in lists {
                for weighed in all(&one[*list]) {
                    let Some(weighed) = weighed.as_object() else { continue };
                    // Of a patch.
                    let corner = |at: usize| {
                        let corner = weighed.get("corner").and_then(|corner| corner.get(at));
                        corner.map_or(String::new(), Value::to_string)
                    };
                    let cells = [
                        text(of, number),
                        text(weighed, "example"),
                        text(weighed, "weight"),
                        text(weighed, "label"),
                        corner(0),
                        corner(1),
                    ];
                    let [number, example, weight, label, down, across] = &cells;
                    row([run, explained, number, list, example, weight, label, down, across]);
                }
            }
        }
    }
}
