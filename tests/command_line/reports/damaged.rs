//! What a run directory holds may be damaged: that is said, and never a panic.

use serde_json::{Value, json};
use unrolled_lab::{EXPERIMENTS, RunDirectory};

use super::{PICTURES, report, rows, run};
use crate::support::{SMALL, folder, results};

#[test]
fn a_damaged_run_directory_is_refused_in_a_sentence() {
    let folder = folder();
    rows(&folder.path().join("rows.safetensors"));
    run(folder.path(), SMALL, "compared", &[]);
    run(folder.path(), PICTURES, "learned", &[]);
    let json = |out: &str, change: &dyn Fn(&mut Value)| {
        let mut results = results(&folder.path().join(out));
        change(&mut results);
        results.to_string().into_bytes()
    };
    let main =
        |change: fn(&mut Value)| move |results: &mut Value| change(&mut results["runs"]["main"]);
    let cases: Vec<(&str, &str, Vec<u8>, &str)> = vec![
        ("learned", "metrics.csv", b"x".to_vec(), "does not begin with the columns run and step"),
        (
            "learned",
            "metrics.csv",
            b"run,step,loss\nmain,1,x\n".to_vec(),
            "line 2: `loss` is \"x\"",
        ),
        ("learned", "metrics.csv", b"run,step,loss\nmain,1\n".to_vec(), "record"),
        ("learned", "metrics.csv", vec![0xff, 0xfe, 0], "is damaged"),
        ("compared", "results.json", b"{".to_vec(), "is damaged"),
        ("compared", "results.json", vec![b'"', 0xff, b'"'], "is damaged"),
        (
            "compared",
            "results.json",
            json("compared", &|r| r["experiment"] = json!("x")),
            "`experiment` is \"x\"",
        ),
        (
            "compared",
            "results.json",
            json("compared", &|r| r["runs"] = json!([])),
            "`runs` is not an object",
        ),
        (
            "learned",
            "results.json",
            json("learned", &|r| r["runs"] = json!([])),
            "`runs` is not an object",
        ),
        (
            "compared",
            "results.json",
            json("compared", &|r| r["runs"] = json!({})),
            "it holds no run",
        ),
        (
            "compared",
            "results.json",
            json("compared", &main(|r| r["code_error"]["to_truth"] = json!([1.0]))),
            "`runs.main.code_error.to_truth` has 1 entries, not one for each of the 3 T",
        ),
        (
            "compared",
            "results.json",
            json(
                "compared",
                &main(|r| r["estimators"]["g_dec"]["milliseconds"] = json!([1.0, "x", 2.0])),
            ),
            "`runs.main.estimators.g_dec.milliseconds[1]`: invalid type: string \"x\"",
        ),
        (
            "compared",
            "results.json",
            json(
                "compared",
                &main(|r| {
                    r["ranking"]["crossovers"] =
                        json!([{ "last": 1, "first": 5, "before": "g_dec", "after": "g_dec" }])
                }),
            ),
            "`runs.main.ranking.crossovers` names a T or an estimator that is not there",
        ),
        (
            "compared",
            "results.json",
            json("compared", &main(|r| r["iterations"] = json!([]))),
            "`runs.main.iterations`",
        ),
        (
            "learned",
            "results.json",
            json(
                "learned",
                &main(|r| r["feature_shape"] = json!([3_074_457_345_618_258_603_u64, 6])),
            ),
            "arrays.safetensors: is damaged (`main/dictionary` is 6 × 8, whose atoms are not pictures",
        ),
        (
            "learned",
            "results.json",
            json("learned", &main(|r| r["feature_shape"] = json!(6))),
            "`runs.main.feature_shape`",
        ),
        ("learned", "arrays.safetensors", b"x".to_vec(), "is not a valid safetensors file"),
        ("compared", "config.toml", b"[".to_vec(), "config.toml: is damaged (1: is not valid TOML"),
        (
            "compared",
            "config.toml",
            b"experiment = \"learn-dictionary\"".to_vec(),
            "config.toml: is damaged",
        ),
        (
            "compared",
            "config.toml",
            b"[[runs]]\nname = \"other\"".to_vec(),
            "it holds the run `main`, config.toml does not",
        ),
    ];
    for (out, file, content, expected) in cases {
        let path = folder.path().join(out).join(file);
        let before = std::fs::read(&path).unwrap();
        std::fs::write(&path, &content).unwrap();
        let said = report(folder.path(), &[out], 2);
        assert!(said.contains(expected), "{expected}: {said}");
        assert!(said.contains(" is damaged (") && said.contains("--overwrite"), "{said}");
        std::fs::write(&path, before).unwrap();
    }
    for out in ["compared", "learned"] {
        report(folder.path(), &[out], 0);
    }
}

/// Every place of a value.
pub fn places(value: &Value, path: String, into: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| places(value, format!("{path}/{key}"), into));
        }
        Value::Array(entries) => {
            entries.iter().take(1).for_each(|entry| places(entry, format!("{path}/0"), into));
        }
        _ => {}
    }
    into.push(path);
}

/// In this process, so that a panic is this test's.
#[test]
fn no_content_of_a_file_makes_a_report_panic() {
    let folder = folder();
    rows(&folder.path().join("rows.safetensors"));
    let sweep = format!("{SMALL}\n[sweep]\n\"encoder.prox.penalty\" = [0.1, 0.2, 0.4]\n");
    run(folder.path(), &sweep, "compared", &["compare.repeats=1"]);
    run(folder.path(), PICTURES, "learned", &[]);
    let draw = |out: &str| -> bool {
        let directory = RunDirectory::existing(&folder.path().join(out)).unwrap();
        match EXPERIMENTS.report(&directory) {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error.exit_status(), 2, "{error}");
                false
            }
        }
    };
    let (mut drawn, mut refused) = (0, 0);
    for out in ["compared", "learned"] {
        let path = folder.path().join(out).join("results.json");
        let whole = results(&folder.path().join(out));
        let mut all = Vec::new();
        places(&whole, String::new(), &mut all);
        let values =
            [json!(null), json!("<b>"), json!([]), json!({}), json!(-1.5), json!(1e308), json!(0)];
        for (index, place) in all.iter().enumerate() {
            // Two of the values at each place: by turns, all of them.
            for value in [&values[index % 7], &values[(index + 3) % 7]] {
                let mut results = whole.clone();
                *results.pointer_mut(place).unwrap() = value.clone();
                std::fs::write(&path, results.to_string()).unwrap();
                *if draw(out) { &mut drawn } else { &mut refused } += 1;
            }
        }
        std::fs::write(&path, whole.to_string()).unwrap();
    }
    for file in ["metrics.csv", "arrays.safetensors", "config.toml"] {
        let path = folder.path().join("learned").join(file);
        let whole = std::fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(whole.len() / 40 + 1) {
            let (mut cut, mut flipped) = (whole.clone(), whole.clone());
            cut.truncate(at);
            flipped[at] ^= 0x15;
            for content in [cut, flipped] {
                std::fs::write(&path, content).unwrap();
                *if draw("learned") { &mut drawn } else { &mut refused } += 1;
            }
        }
        std::fs::write(&path, whole).unwrap();
    }
    assert!(drawn > 100 && refused > 100, "{drawn} were drawn, {refused} refused");
}
