//! Reports: of damaged run directories, of several at once, what they say, and their figures as files.

use std::path::Path;

use serde_json::{Value, json};
use unrolled_lab::{EXPERIMENTS, Existing, RunDirectory};

use crate::support::{SMALL, folder, results, unrolled, write};
use crate::{browser, learning};

/// A learning run on pictures, so that its report shows atoms.
const PICTURES: &str = r#"
experiment = "learn-dictionary"
[data]
source = "file"
path = "rows.safetensors"
feature_shape = [2, 3]
[dictionary]
init = "random"
atoms = 8
[encoder]
iterations = 5
step = "auto"
[train]
steps = 6
batch_size = 10
measure_every = 2
"#;

/// 40 rows of 6 numbers, as .safetensors.
fn rows(path: &Path) {
    let bytes: Vec<u8> =
        (0..240).flat_map(|i| (f64::from(i * 37 % 101) / 50.0 - 1.0).to_le_bytes()).collect();
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F64, vec![40, 6], &bytes);
    let file = safetensors::serialize([("X", view.unwrap())], None).unwrap();
    std::fs::write(path, file).unwrap();
}

fn run(folder: &Path, text: &str, out: &str, options: &[&str]) {
    write(folder, "run.toml", text);
    let mut command = unrolled(folder);
    command.args(["run", "run.toml", "-q", "--out", out]);
    options.iter().for_each(|option| {
        command.args(["--set", option]);
    });
    command.assert().success();
}

fn report(folder: &Path, arguments: &[&str], code: i32) -> String {
    let run = unrolled(folder).arg("report").args(arguments).assert().code(code);
    String::from_utf8_lossy(&run.get_output().stderr).into_owned()
}

fn page(path: &Path) -> String {
    // Text that must not break has spaces of its own.
    std::fs::read_to_string(path).unwrap().replace('\u{a0}', " ")
}

/// The report of a run directory with its results changed.
fn changed(folder: &Path, change: impl Fn(&mut Value)) -> String {
    let mut results = results(&folder.join("out"));
    change(&mut results);
    write(&folder.join("out"), "results.json", &results.to_string());
    report(folder, &["out"], 0);
    page(&folder.join("out/report.html"))
}

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
fn places(value: &Value, path: String, into: &mut Vec<String>) {
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

#[test]
fn several_directories_are_drawn_side_by_side() {
    let folder = folder();
    for (out, penalty) in [("a", 0.2), ("b", 0.3)] {
        run(folder.path(), SMALL, out, &[&format!("encoder.prox.penalty={penalty}")]);
    }
    report(folder.path(), &["a", "b", "--out", "both.html"], 0);
    let both = page(&folder.path().join("both.html"));
    assert_eq!(both.matches("<svg class=\"chart\"").count(), 6, "one set of charts");
    assert_eq!(both.matches("error to g*</th>").count(), 3, "one table");
    assert!(both.contains("g<sub>dec</sub>, a</li>") && both.contains("g<sub>dec</sub>, b</li>"));
    assert!(both.contains("<td>a<br><small>T = 9</small></td>"));
    // In what the configurations differ, and in nothing else.
    assert!(both.contains("<tr><th>run</th><th><code>encoder.prox.penalty</code></th></tr>"));
    assert!(both.contains("<tr><td>b</td><td>0.3</td></tr>"));

    let seeds = format!("{}\n[sweep]\nseed = [1, 2]\n", learning::SMALL);
    run(folder.path(), &seeds, "c", &["optimizer.learning_rate=0.01"]);
    run(folder.path(), &seeds, "d", &["optimizer.learning_rate=0.02"]);
    run(folder.path(), learning::SMALL, "e", &[]);
    report(folder.path(), &["c", "d", "e", "--out", "more.html"], 0);
    let more = page(&folder.path().join("more.html"));
    assert_eq!(more.matches("<b>Dictionary error.</b>").count(), 1);
    for name in ["c/seed=1", "c/seed=2", "d/seed=1", "d/seed=2", "e"] {
        assert!(more.contains(&format!("</svg>{name}</li>")), "{name}");
        assert!(more.contains(&format!("<tr><td>{name}</td>")), "{name}");
    }
    assert!(more.contains("Data or seeds differ"));
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let folder = folder();
    run(folder.path(), SMALL, "a", &[]);
    run(folder.path(), learning::SMALL, "b", &[]);
    let said = report(folder.path(), &["a", "b"], 2);
    let expected =
        "a holds compare-gradients and b holds learn-dictionary, which cannot be compared";
    assert!(said.contains(expected), "{said}");
    let said = report(folder.path(), &["a", "./a"], 2);
    assert!(said.contains("./a: is named twice; name every run directory once"), "{said}");
    let said = report(folder.path(), &["a", "--out", "a/results.json"], 2);
    assert!(said.contains("a/results.json: is one of the inputs; name another file"), "{said}");
    assert!(!folder.path().join("report.html").exists());
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

fn figures(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn every_chart_is_a_file_too_and_goes_with_its_run() {
    let folder = folder();
    let at = |path: &str| folder.path().join(path);
    let sweep = format!("{SMALL}\n[sweep]\n\"encoder.prox.penalty\" = [0.1, 0.2, 0.4]\n");
    run(folder.path(), &sweep, "swept", &[]);
    let html = page(&at("swept/report.html"));
    let names = figures(&at("swept/figures"));
    assert_eq!(names.len(), html.matches("<svg class=\"chart\"").count());
    assert!(names.contains(&"penalty=0.1-error-to-the-true-gradient.svg".to_owned()), "{names:?}");
    assert!(names.contains(&"error-to-the-truth-against-the-penalty.svg".to_owned()), "{names:?}");
    for name in &names {
        assert!(html.contains(&format!("<code>figures/{name}</code>. Numbers: ")), "{name}");
        let svg = std::fs::read_to_string(at("swept/figures").join(name)).unwrap();
        assert!(svg.starts_with("<?xml ") && svg.ends_with("</svg>\n"), "{name}");
        assert!(
            svg.contains("font-weight=\"bold\">") && svg.contains("stroke-width=\"3\""),
            "{name}"
        );
    }
    assert!(html.contains("<code>runs.penalty=0.1.estimators.NAME.error_to_truth</code>"));

    write(&at("swept/figures"), "mine.svg", "<svg/>");
    write(folder.path(), "run.toml", learning::SMALL);
    let mut command = unrolled(folder.path());
    command.args(["run", "run.toml", "-q", "--out", "swept", "--overwrite"]).assert().success();
    let learned = figures(&at("swept/figures"));
    assert!(learned.contains(&"dictionary-error.svg".to_owned()), "{learned:?}");
    assert!(learned.contains(&"mine.svg".to_owned()), "what is not ours stays: {learned:?}");
    assert!(learned.iter().all(|name| !names.contains(name)), "{learned:?}");
    let html = page(&at("swept/report.html"));
    assert!(
        html.contains("<code>metrics.csv</code>, columns <code>step</code> and <code>loss</code>")
    );

    // The figures go with the run, not only when the next report is drawn.
    let effective = std::fs::read_to_string(at("swept/config.toml")).unwrap();
    let opened = RunDirectory::open(&at("swept"), Existing::Overwrite, &effective);
    opened.map(drop).unwrap();
    assert_eq!(figures(&at("swept/figures")), ["mine.svg"]);
    let mut command = unrolled(folder.path());
    command.args(["run", "run.toml", "-q", "--out", "swept", "--overwrite"]).assert().success();

    run(folder.path(), learning::SMALL, "other", &["seed=8"]);
    report(folder.path(), &["swept", "other", "--out", "both.html"], 0);
    let both = page(&at("both.html"));
    let names = figures(&at("both-figures"));
    assert!(names.contains(&"loss.svg".to_owned()), "{names:?}");
    assert!(names.iter().all(|name| both.contains(&format!("<code>both-figures/{name}</code>"))));
}

/// In a narrow window nothing but tables is wider than the page, and those keep their first column.
#[test]
fn a_narrow_page_scrolls_its_tables_and_nothing_else() {
    const MEASURE: &str = "<script>\n\
        const scroll = [...document.querySelectorAll('.scroll')].find(s => s.scrollWidth > s.clientWidth + 60);\n\
        const first = scroll.querySelector('tbody td');\n\
        const before = first.getBoundingClientRect().left;\n\
        scroll.scrollLeft = 50;\n\
        const moved = first.nextElementSibling.getBoundingClientRect();\n\
        const page = document.documentElement;\n\
        document.title = `width ${page.scrollWidth > page.clientWidth} first ${first.getBoundingClientRect().left - before} \
        scrolled ${scroll.scrollLeft}`;\n</script>";
    let folder = folder();
    for out in ["a", "b"] {
        run(
            folder.path(),
            SMALL,
            out,
            &[&format!("name={out:?}"), "encoder.prox.penalty=0.123456789"],
        );
    }
    report(folder.path(), &["a", "b", "--out", "both.html"], 0);
    for name in ["a/report.html", "both.html"] {
        let html = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(
            html.contains("z<sub>0</sub>\u{a0}=\u{a0}0") && html.contains("At T\u{a0}=\u{a0}9")
        );
        assert!(!html.contains("T = "), "T and its value stay on one line");
        let measured = folder.path().join("measured.html");
        std::fs::write(&measured, html.replace("</body>", &format!("{MEASURE}</body>"))).unwrap();
        let Some((dom, _)) = browser::open(&measured, &folder.path().join("profile")) else {
            return;
        };
        assert!(dom.contains("<title>width false first 0 scrolled 50</title>"), "{}", &dom[..400]);
    }
}
