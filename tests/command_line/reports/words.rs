//! What a page says, and what it does not claim.

use std::path::Path;

use serde_json::{Value, json};

use super::{PICTURES, page, report, rows, run};
use crate::learning;
use crate::support::{SMALL, folder, results, unrolled, write};

/// The report of a run directory with its results changed.
fn changed(folder: &Path, change: impl Fn(&mut Value)) -> String {
    let mut results = results(&folder.join("out"));
    change(&mut results);
    write(&folder.join("out"), "results.json", &results.to_string());
    report(folder, &["out"], 0);
    page(&folder.join("out/report.html"))
}

#[test]
fn the_settings_stand_at_the_top() {
    let folder = folder();
    run(folder.path(), SMALL, "out", &[]);
    let html = page(&folder.path().join("out/report.html"));
    let top = html.split("What came out").next().unwrap();
    for fact in [
        "λ = 0.2",
        "α = 0.1",
        "n = 120",
        "m = 10",
        "p = 15",
        "s = 2",
        "T = 1, 4, 9",
        "seed = 7",
        "repeats = 2",
        "precision = float64",
        "device = flex",
    ] {
        assert!(top.contains(&format!("<li>{fact}</li>")), "{fact}: {top}");
    }
    assert_eq!(html.matches("is the standard deviation over the repeats").count(), 1);
}

/// Sets mean, spread and agreement of the two estimators at every T.
fn errors(run: &mut Value, dec: [[f64; 2]; 3], ls: [[f64; 2]; 3], holds: [usize; 3]) {
    let estimators = run["estimators"].as_object_mut().unwrap();
    estimators.retain(|name, _| name != "g_ae_lasso");
    for (name, values) in [("g_dec", dec), ("g_ae_ls", ls)] {
        estimators[name]["error_to_truth"] = json!(values.map(|v| v[0]));
        estimators[name]["error_to_truth_std"] = json!(values.map(|v| v[1]));
    }
    run["repeats"] = json!(3);
    run["truth_gradient_norm"] = json!(0.5);
    run["ranking"]["closest_holds_in"] = json!(holds);
    run["ranking"]["crossovers"] =
        json!([{ "last": 4, "first": 9, "before": "g_dec", "after": "g_ae_ls" }]);
}

#[test]
fn a_change_within_the_spread_is_not_stated_flatly() {
    let folder = folder();
    run(folder.path(), SMALL, "out", &[]);
    let with = |dec, ls, holds| {
        changed(folder.path(), |results| errors(&mut results["runs"]["main"], dec, ls, holds))
    };
    let dec = [[0.2, 0.01], [0.25, 0.005], [0.275, 0.005]];
    let ls = [[0.6, 0.01], [0.4, 0.01], [0.270, 0.007]];
    let unsure = with(dec, ls, [3, 3, 2]);
    for part in [
        "the first is the closest in 2 of 3 repeats, but its lead over the second is within the spread",
        "0.270 ± 0.0070",
        "This change is within the spread over repeats: beyond it, and in every repeat, \
         g<sub>dec</sub> is the closest at T = 1, 4, g<sub>ae-ls</sub> at no T.",
        "Farther from g* than the zero gradient, because the error exceeds ‖g*‖ = 0.500: \
         g<sub>ae-ls</sub> at T = 1.",
    ] {
        assert!(unsure.contains(part), "{part}: {unsure}");
    }
    // In every repeat, but the spreads overlap.
    assert!(with(dec, ls, [3, 3, 3]).contains("This change is within the spread"));
    let sure = with(dec, [ls[0], ls[1], [0.1, 0.007]], [3, 3, 3]);
    assert!(sure.contains("the first is the closest in every repeat, by more than the spread."));
    assert!(sure.contains("changes between T = 4 and T = 9") && !sure.contains("This change is"));
}

#[test]
fn one_repeat_claims_no_agreement_and_no_truth_no_true_codes() {
    let folder = folder();
    rows(&folder.path().join("rows.safetensors"));
    let text = "[data]\nsource = \"file\"\npath = \"rows.safetensors\"\n\
        [dictionary]\ninit = \"random\"\natoms = 8\n\
        [encoder]\nstep = \"auto\"\n[compare]\niterations = [1, 4, 9]\nlasso_iterations = 30\n";
    run(folder.path(), text, "out", &[]);
    let html = page(&folder.path().join("out/report.html"));
    for absent in ["z*", "g*", "1 of 1", "±", "the same in", "Bands", "true gradient"] {
        assert!(!html.contains(absent), "{absent}");
    }
    assert!(html.contains("Of one repeat: how much the figures vary"));
    assert!(html.contains("Measured once, on a machine that may have had other work"));
}

#[test]
fn a_learning_report_names_the_best_beside_the_last() {
    let folder = folder();
    run(folder.path(), learning::SMALL, "out", &[]);
    let metrics = folder.path().join("out/metrics.csv");
    let text = std::fs::read_to_string(&metrics).unwrap();
    let rows: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(step, line)| {
            let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
            match step {
                0 => {}
                7 => cells[6] = "0.0123".to_owned(),
                _ => cells[6] = "0.5".to_owned(),
            }
            cells.join(",")
        })
        .collect();
    std::fs::write(&metrics, rows.join("\n")).unwrap();
    report(folder.path(), &["out"], 0);
    let html = page(&folder.path().join("out/report.html"));
    let expected = "ends at a relative error of 0.500 (at best 0.0123, at step 7).";
    assert!(html.contains(expected) && html.contains("<td>0.0123 (7)</td>"), "{html}");
}

#[test]
fn a_run_that_failed_is_a_row_that_says_so() {
    let folder = folder();
    let text = learning::SMALL.replace("learning_rate = 1e-2", "kind = \"sgd\"");
    let text = text.replace("[dictionary]", "[dictionary]\nconstraint = \"none\"");
    let sweep = format!("{text}\n[sweep]\n\"optimizer.learning_rate\" = [1e38, 0.01]\n");
    write(folder.path(), "run.toml", &sweep);
    unrolled(folder.path()).args(["run", "run.toml", "-q", "--out", "out"]).assert().code(1);
    let html = page(&folder.path().join("out/report.html"));
    let rows: Vec<&str> = html.lines().filter(|line| line.contains(", failed</td>")).collect();
    assert!(rows.len() == 1 && rows[0].contains("<td>learning_rate=1000"), "{rows:?}");
    // It is no candidate for the best.
    assert!(html.contains("<p>The dictionary ends at a relative error of "));
}

#[test]
fn losses_are_compared_on_the_same_rows() {
    let folder = folder();
    rows(&folder.path().join("rows.safetensors"));
    let text = format!("{PICTURES}\n[sweep]\n\"train.estimator\" = [\"g_dec\", \"g_ae_ls\"]\n");
    run(folder.path(), &text, "out", &[]);
    let html = page(&folder.path().join("out/report.html"));
    for part in [
        "The reconstruction on the sample lowest at the end is that of <b>estimator=",
        "The lasso on the sample lowest at the end is that of <b>estimator=",
        "<p>The sample: the same 40 training rows.</p>",
        "over the same 40 training rows, whatever a run descends",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(!html.contains("<th>loss</th>"), "the loss of one batch is no summary");
}
