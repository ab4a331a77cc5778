//! Reports: of damaged run directories, of several at once, what they say, and their figures as files.

mod damaged;
mod denoise;
mod used;
mod words;

use std::path::Path;

use unrolled_lab::{Existing, RunDirectory};

use crate::support::{SMALL, folder, unrolled, write};
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
