//! Unrolled, cut-off and implicit gradients side by side in a comparison, and codes that are solved.

use std::path::Path;

use safetensors::SafeTensors;
use serde_json::{Value, json};

use crate::support::{SMALL, expect_same, folder, results, timeless, unrolled, write};

/// The setting of `gradient-bias.toml` with few examples.
const WIDE: &str = r#"
experiment = "compare-gradients"
seed = 7
[data]
examples = 40
[encoder]
step = "auto"
[compare]
estimators = [
    "g_dec",
    "g_ae_ls",
    "g_one_step",
    { name = "g_truncated", loss = "least-squares", window = 3 },
    "g_implicit",
]
iterations = [10, 20, 50, 100, 200]
lasso_iterations = 4000
save_arrays_at = [10, 200]
"#;

/// Runs text in a folder; what it said.
fn run(folder: &Path, text: &str, out: &str, code: i32) -> String {
    write(folder, "run.toml", text);
    let run = unrolled(folder).args(["run", "run.toml", "--out", out]).assert().code(code);
    String::from_utf8_lossy(&run.get_output().stderr).into_owned()
}

fn page(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("report.html")).unwrap().replace('\u{a0}', " ")
}

fn curve(run: &Value, estimator: &str, figure: &str) -> Vec<f64> {
    let curve = &run["estimators"][estimator][figure];
    let curve = curve.as_array().unwrap_or_else(|| panic!("{estimator} has no {figure}"));
    curve.iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn tables_and_names_are_compared_under_names_that_tell_them_apart() {
    let folder = folder();
    let names = r#"estimators = [
        "g_ae_ls",
        "g_ae_lasso",
        { name = "g_truncated", window = 9 },
        { name = "g_truncated", loss = "lasso", window = 9 },
        { name = "g_truncated", window = 2 },
        { name = "g_one_step", loss = "lasso" },
        { name = "g_implicit", ridge = 1e-8 },
        { name = "g_implicit", loss = "lasso", ridge = 0.5 },
    ]"#;
    run(folder.path(), &SMALL.replace("[compare]", &format!("[compare]\n{names}")), "out", 0);
    let out = folder.path().join("out");
    let first = results(&out);
    let expected = [
        "g_ae_lasso",
        "g_ae_ls",
        "g_implicit_lasso_ridge_5e-1",
        "g_implicit_ridge_1e-8",
        "g_one_step",
        "g_truncated_2",
        "g_truncated_9",
        "g_truncated_9_lasso",
    ];
    let mut found = keys(&first["runs"]["main"]["estimators"]);
    found.sort_unstable();
    assert_eq!(found, expected);
    // A window as long as T is the whole derivative, of the loss that is named.
    let bytes = std::fs::read(out.join("arrays.safetensors")).unwrap();
    let arrays = SafeTensors::deserialize(&bytes).unwrap();
    let array = |name: &str| -> Vec<f64> {
        let view = arrays.tensor(name).unwrap_or_else(|_| panic!("no array {name}"));
        view.data().as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
    };
    let distance = |a: &str, b: &str| -> f64 {
        let (a, b) = (array(a), array(b));
        a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    assert!(distance("main/T9/g_truncated_9", "main/T9/g_ae_ls") < 1e-12);
    assert!(distance("main/T9/g_truncated_9_lasso", "main/T9/g_ae_lasso") < 1e-12);
    assert!(distance("main/T9/g_truncated_2", "main/T9/g_ae_ls") > 1e-6);
    assert!(array("main/lasso/implicit_gradient").iter().all(|value| value.is_finite()));
    let metrics = std::fs::read_to_string(out.join("metrics.csv")).unwrap();
    assert!(metrics.lines().next().unwrap().contains("g_truncated_9_lasso_error_to_lasso"));
    assert!(page(&out).contains("g<sub>truncated-9-lasso</sub>"));

    let mut again = unrolled(folder.path());
    again.args(["run", "out/config.toml", "-q", "--out", "again"]).assert().success();
    let again = folder.path().join("again");
    expect_same(&timeless(first), &timeless(results(&again)));
    assert_eq!(bytes, std::fs::read(again.join("arrays.safetensors")).unwrap());
    let config = |folder: &Path| std::fs::read_to_string(folder.join("config.toml")).unwrap();
    assert_eq!(config(&out), config(&again));
}

#[test]
fn what_cannot_be_compared_says_why_and_what_can() {
    let with = |estimators: &str, encoder: &str| {
        let text = SMALL.replace("[compare]", &format!("[compare]\nestimators = [{estimators}]"));
        text.replace("step = 0.1", encoder)
    };
    let solved = "kind = \"solved\"";
    for (estimators, encoder, expected) in [
        (
            "\"g_dec\", \"g_ae_ls\"",
            solved,
            "`compare.estimators` names \"g_ae_ls\", which goes through all iterations, and a solver's are not \
             differentiated; choose \"g_implicit\", \"g_dec\" or \"g_one_step\", or an encoder that is unrolled",
        ),
        (
            "\"g_one_step\"",
            solved,
            "names \"g_one_step\", which goes back through 1 of the at most 1 iterations of a solver at the first of \
             `compare.iterations`; begin them at 2",
        ),
        (
            "\"g_implicit\"",
            "prox = { kind = \"soft\", decay = 0.9 }",
            "names \"g_implicit\", which goes through the solution, and a penalty that decays or is learned has none",
        ),
        (
            "\"g_truncated\"",
            "step = 0.1",
            "names \"g_truncated\", which needs a window; write { name = \"g_truncated\", loss = \"least-squares\", \
             window = 10 }",
        ),
        (
            "{ name = \"g_truncated\", window = 2 }, { name = \"g_truncated\", loss = \"least-squares\", window = 2 }",
            "step = 0.1",
            "names \"g_truncated_2\" twice; name it once",
        ),
        (
            "{ name = \"g_one_step\", loss = \"ridge\" }",
            "step = 0.1",
            "has the loss \"ridge\" for \"g_one_step\"; choose \"least-squares\" or \"lasso\"",
        ),
        ("{ name = \"g_dec\", window = 3 }", "step = 0.1", "`window` belongs to g_truncated"),
        ("{ window = 3 }", "step = 0.1", "an estimator without `name`; add one"),
        ("3", "step = 0.1", "write a name, or { name = … }"),
    ] {
        let folder = folder();
        let said = run(folder.path(), &with(estimators, encoder), "out", 2);
        assert!(said.contains(expected), "{estimators}: {said}");
        assert!(said.starts_with("error: run.toml:") && said.lines().count() == 1, "{said}");
        assert!(!folder.path().join("out").exists());
    }
}

#[test]
fn unrolled_gradients_tend_to_the_implicit_one_and_cut_off_ones_do_not() {
    let folder = folder();
    run(folder.path(), WIDE, "out", 0);
    let out = folder.path().join("out");
    let found = results(&out);
    let main = &found["runs"]["main"];
    let [unrolled, implicit, one_step, truncated] =
        ["g_ae_ls", "g_implicit", "g_one_step", "g_truncated"]
            .map(|name| curve(main, name, "relative_error_to_implicit"));
    for falls in [&unrolled, &implicit] {
        assert!(falls.windows(2).all(|pair| pair[1] < pair[0]), "{falls:?}");
    }
    assert!(unrolled[4] < 1e-2 && implicit[4] < 0.4 * unrolled[4], "{implicit:?} {unrolled:?}");
    // What is cut off stays away.
    assert!(one_step[4] > 0.3 && truncated[4] > 0.1 && truncated[4] < one_step[4]);
    let dec = main["estimators"]["g_dec"].as_object().unwrap();
    assert!(!dec.contains_key("error_to_implicit"), "g_dec tends to another");
    assert!(main["implicit_gradient_norm"].as_f64().unwrap() > 0.0);
    // The memory of the implicit gradient does not grow with T.
    let peaks = curve(main, "g_implicit", "peak_bytes");
    assert!(peaks[4] <= 1.1 * peaks[0], "{peaks:?}");
    let html = page(&out);
    for part in [
        "<h2>Unrolled and implicit</h2>",
        "<b>Error to the implicit gradient.</b>",
        "<b>Error to the implicit gradient against time.</b>",
        "they go back through their windows of iterations only.",
        "To come within 1 %, g<sub>implicit</sub> at T = ",
        "Bertrand",
    ] {
        assert!(html.contains(part), "{part}");
    }
    let figures = out.join("figures");
    assert!(figures.join("error-to-the-implicit-gradient.svg").is_file());
    assert!(figures.join("error-to-the-implicit-gradient-against-time.svg").is_file());

    // Without g_implicit nothing of it is there.
    let without = WIDE.replace("    \"g_implicit\",\n", "");
    run(folder.path(), &without, "without", 0);
    let without = folder.path().join("without");
    let text = std::fs::read_to_string(without.join("results.json")).unwrap();
    assert!(!text.contains("implicit\"") && !text.contains("implicit_gradient_norm"));
    assert!(!page(&without).contains("mplicit gradient"));
}

/// Sentences follow from the figures.
#[test]
fn words_say_what_the_figures_say() {
    let folder = folder();
    run(folder.path(), WIDE, "out", 0);
    let out = folder.path().join("out");
    let original = results(&out);
    let words = |curves: &[(&str, &str, [Option<f64>; 5])]| {
        let mut changed = original.clone();
        let main = &mut changed["runs"]["main"];
        let estimators = main["estimators"].as_object_mut().unwrap();
        estimators.retain(|name, _| ["g_ae_ls", "g_implicit"].contains(&name.as_str()));
        for (name, figure, values) in curves {
            estimators[*name][*figure] = json!(values);
            if *figure == "relative_error_to_implicit" {
                estimators[*name]["error_to_implicit"] = json!(values);
            }
        }
        let ranking =
            json!([{ "last": 10, "first": 20, "before": "g_ae_ls", "after": "g_implicit" }]);
        main["ranking"]["crossovers"] = ranking;
        write(&out, "results.json", &changed.to_string());
        unrolled(folder.path()).args(["report", "out"]).assert().success();
        let html = page(&out);
        let from = html.find("<h2>Unrolled and implicit").unwrap();
        html[from..from + html[from..].find("</p>").unwrap()].to_owned()
    };
    let error = "relative_error_to_implicit";
    let time = ("milliseconds", [1.0, 2.0, 3.0, 4.0, 5.0].map(Some));
    let twice = ("milliseconds", [2.0, 4.0, 6.0, 8.0, 10.0].map(Some));
    let memory = ("peak_bytes", [1e6; 5].map(Some));
    let five = ("peak_bytes", [5e6; 5].map(Some));
    let costs = [
        ("g_implicit", time.0, time.1),
        ("g_ae_ls", twice.0, twice.1),
        ("g_implicit", memory.0, memory.1),
        ("g_ae_ls", five.0, five.1),
    ];
    let with = |ls: [Option<f64>; 5], implicit: [Option<f64>; 5]| {
        words(&[&[("g_ae_ls", error, ls), ("g_implicit", error, implicit)], &costs[..]].concat())
    };
    let some = |values: [f64; 5]| values.map(Some);
    let both = with(
        some([2.0, 0.5, 0.02, 0.004, 0.001]),
        [None, Some(0.2), Some(0.009), Some(1e-4), Some(1e-5)],
    );
    for part in [
        "Within 1 % of the implicit gradient: g<sub>ae-ls</sub> from T = 100 on, g<sub>implicit</sub> from T = 50 on.",
        "at the same T, the nearer is g<sub>implicit</sub> at T = 20 to 200.",
        "To come within 1 %, g<sub>implicit</sub> at T = 50 takes 0.375 times the time (3.00 against 8.00 ms) and 0.200 \
         times the memory (1.00 against 5.00 MB) of g<sub>ae-ls</sub> at T = 100.",
    ] {
        assert!(both.contains(part), "{part}: {both}");
    }
    assert!(!both.contains("away"), "{both}");
    // Near for a while is not near.
    let unsettled =
        with(some([0.001, 0.5, 0.005, 0.3, 0.25]), some([0.5, 0.004, 0.003, 0.002, 0.001]));
    for part in [
        "Within 1 % of the implicit gradient: g<sub>implicit</sub> from T = 20 on.",
        "At T = 200, the largest T, g<sub>ae-ls</sub> is 25.0 % away: these iterations, or those of ẑ, have not converged.",
        "the nearer is g<sub>implicit</sub> at T = 20 to 200, g<sub>ae-ls</sub> at T = 10.",
        "g<sub>implicit</sub> at T = 20, within 1 %, takes 0.200 times the time (2.00 against 10.0 ms)",
        "of g<sub>ae-ls</sub> at T = 200, which is not.",
    ] {
        assert!(unsettled.contains(part), "{part}: {unsettled}");
    }
    let reversed = with(some([0.009; 5]), some([0.5; 5]));
    for part in [
        "g<sub>ae-ls</sub> at every T that was looked at.",
        "g<sub>implicit</sub> is 50.0 % away: its codes, or ẑ, are not yet the solution.",
        "the nearer is g<sub>ae-ls</sub> at every T.",
        "g<sub>implicit</sub> at T = 200, not within 1 %, takes 2.50 times the time (5.00 against 2.00 ms)",
    ] {
        assert!(reversed.contains(part), "{part}: {reversed}");
    }
    let neither = with(some([0.5; 5]), [None; 5]);
    assert!(!neither.contains("Within") && !neither.contains("nearer"), "{neither}");
    assert!(
        neither.contains("At T = 200, g<sub>implicit</sub> takes 0.500 times the time"),
        "{neither}"
    );
}

/// Two atoms that are one: the system has no solution at any T, nor at ẑ.
#[test]
fn a_singular_system_is_said_and_a_ridge_mends_it() {
    let folder = folder();
    let doubles = |values: &[f64]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let x = doubles(&[1.0, 0.5, 0.2, 0.9, 0.3, 0.8]);
    let d = doubles(&[1.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    let view =
        |bytes, shape| safetensors::tensor::TensorView::new(safetensors::Dtype::F64, shape, bytes);
    let views = [("X", view(&x, vec![3, 2]).unwrap()), ("D", view(&d, vec![2, 3]).unwrap())];
    let file = safetensors::serialize(views, None).unwrap();
    std::fs::write(folder.path().join("rows.safetensors"), file).unwrap();
    let text = |implicit: &str| {
        format!(
            "[data]\nsource = \"file\"\npath = \"rows.safetensors\"\n[dictionary]\n\
             init = {{ method = \"file\", path = \"rows.safetensors\", key = \"D\" }}\n[encoder]\nstep = 0.2\n\
             prox = {{ kind = \"soft\", penalty = 0.05 }}\n\
             [compare]\nestimators = [\"g_ae_ls\", {implicit}]\niterations = [1, 3]\nlasso_iterations = 20\n"
        )
    };
    let said = run(folder.path(), &text("\"g_implicit\""), "out", 0);
    let expected = "note: g_implicit is not a number at T = 1, 3: atoms that a code uses there depend on each other";
    assert!(said.contains(expected), "{said}");
    let out = folder.path().join("out");
    let main = &results(&out)["runs"]["main"];
    assert_eq!(main["estimators"]["g_implicit"]["error_to_lasso"], json!([null, null]));
    assert_eq!(main["ranking"]["order"][1], json!(["g_ae_ls", "g_implicit"]));
    assert_eq!(main.get("implicit_gradient_norm"), None);
    let html = page(&out);
    for part in [
        "At T = 3, the distance to the lasso gradient is g<sub>ae-ls</sub> 0.",
        "g<sub>implicit</sub> is not a number at T = 1, 3: atoms that a code uses there depend on each other",
        "The implicit gradient at the lasso’s code ẑ is not a number",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(!html.contains("NaN"), "{html}");

    let said = run(folder.path(), &text("{ name = \"g_implicit\", ridge = 1e-3 }"), "ridge", 0);
    assert!(!said.contains("not a number"), "{said}");
    let main = &results(&folder.path().join("ridge"))["runs"]["main"];
    assert!(curve(main, "g_implicit", "error_to_lasso").iter().all(|error| error.is_finite()));
}

#[test]
fn solved_codes_are_compared_and_those_that_are_not_solved_are_counted() {
    let folder = folder();
    let text = SMALL
        .replace("step = 0.1", "kind = \"solved\"")
        .replace("[1, 4, 9]", "[1, 2, 40]")
        .replace("[4, 9]", "[40]")
        .replace("lasso_iterations = 60", "lasso_iterations = 20000")
        .replace("repeats = 2", "repeats = 1");
    let said = run(folder.path(), &text, "out", 0);
    assert!(said.contains("note: not all codes are solved to the tolerance at T = 1"), "{said}");
    let out = folder.path().join("out");
    let main = &results(&out)["runs"]["main"];
    assert_eq!(keys(&main["estimators"]), ["g_dec", "g_implicit"], "those of a solver");
    let unsolved: Vec<f64> =
        main["unsolved"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    assert!(unsolved[0] > 0.0 && unsolved[0] >= unsolved[1] && unsolved[2] == 0.0, "{unsolved:?}");
    let error = main["code_error"]["to_lasso"][2].as_f64().unwrap();
    assert!(error < 1e-8, "{error}");
    // The derivative of the lasso at its minimum is that at fixed codes.
    assert!(curve(main, "g_dec", "relative_error_to_lasso")[2] < 1e-8);
    assert!(curve(main, "g_implicit", "relative_error_to_implicit")[2] < 1e-7);
    let html = page(&out);
    for part in [
        "encoder = solved",
        "tolerance = 1e-10",
        "Not all codes are solved to a tolerance of 1.00·10<sup>−10</sup> at T = 1",
        "The encoder solves for the code that minimises",
        "At T = ",
    ] {
        assert!(html.contains(part), "{part}");
    }
    let metrics = std::fs::read_to_string(out.join("metrics.csv")).unwrap();
    assert!(metrics.lines().next().unwrap().contains(",unsolved,"), "{metrics}");
    let mut again = unrolled(folder.path());
    again.args(["run", "out/config.toml", "-q", "--out", "again"]).assert().success();
    let again = results(&folder.path().join("again"));
    expect_same(&timeless(results(&out)), &timeless(again));

    // What goes back through the last iterations begins where something is solved before them.
    let later = text.replace("[1, 2, 40]", "[5, 40]").replace(
        "[compare]",
        "[compare]\nestimators = [\"g_one_step\", { name = \"g_truncated\", window = 4 }, \"g_implicit\"]",
    );
    run(folder.path(), &later, "later", 0);
    let html = page(&folder.path().join("later"));
    assert!(html.contains("All codes are solved to a tolerance"), "{html}");
}
