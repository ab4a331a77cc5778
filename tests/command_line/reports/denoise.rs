//! Reports of runs over images.

use std::path::Path;

use serde_json::{Value, json};
use unrolled_lab::{EXPERIMENTS, RunDirectory};

use super::{page, report, run};
use crate::support::{folder, results, write};

/// A few steps on images that are drawn, and a run of a larger penalty.
const DRAWN: &str = r#"
experiment = "denoise"
precision = "float32"
[data]
source = "dead-leaves"
train = 4
validation = 1
test = 2
size = 80
crop = 33
[dictionary]
kind = "convolutional"
atoms = 6
size = [5, 5]
stride = 2
[encoder]
iterations = 3
step = 0.1
prox = { kind = "soft", penalty = 0.1 }
[train]
steps = 6
batch_size = 2
measure_every = 2
[[runs]]
name = "little"
[[runs]]
name = "much"
encoder.prox.penalty = 0.4
"#;

/// The same with one run.
fn single() -> String {
    DRAWN.split("[[runs]]").next().unwrap_or_default().to_owned()
}

/// An array as it lies in a file.
type Stored = (Vec<usize>, Vec<f32>);

/// Writes arrays.safetensors anew, with some arrays changed; nothing for one that is left out.
fn change_arrays(path: &Path, change: impl Fn(&str) -> Option<Option<Stored>>) {
    let bytes = std::fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut arrays = Vec::new();
    for (name, view) in file.iter() {
        let (dtype, shape, data) = match change(name) {
            None => (view.dtype(), view.shape().to_vec(), view.data().to_vec()),
            Some(None) => continue,
            Some(Some((shape, values))) => {
                let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                (safetensors::Dtype::F32, shape, data)
            }
        };
        arrays.push((name.to_owned(), dtype, shape, data));
    }
    let views = arrays.iter().map(|(name, dtype, shape, data)| {
        let view = safetensors::tensor::TensorView::new(*dtype, shape.clone(), data);
        (name.as_str(), view.unwrap())
    });
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

fn pngs(html: &str) -> usize {
    html.matches("src=\"data:image/png;base64,").count()
}

#[test]
fn images_figures_filters_and_curves_are_on_the_page() {
    let folder = folder();
    run(folder.path(), DRAWN, "out", &[]);
    let html = page(&folder.path().join("out/report.html"));
    let top = html.split("What came out").next().unwrap();
    for fact in [
        "λ = 0.1 | 0.4",
        "α = 0.1",
        "T = 3",
        "filters = 6 of 5 × 5",
        "stride = 2",
        "split = 1",
        "σ = 25.0",
        "estimator = g_ae_ls",
        "test = 2",
        "steps = 6",
        "parameters = 150",
        "seed = 39",
    ] {
        assert!(top.contains(&format!("<li>{fact}</li>")), "{fact}: {top}");
    }
    assert!(top.contains("<tr><td>much</td><td>0.4</td></tr>"));

    let runs = &results(&folder.path().join("out"))["runs"];
    let test = |run: &str, key: &str| runs[run]["test"][key].as_f64().unwrap();
    let best = match test("little", "psnr") > test("much", "psnr") {
        true => "little",
        false => "much",
    };
    let psnr = format!("{:.2}", test(best, "psnr"));
    let sentence = format!(
        "The highest mean PSNR on 2 test images with noise of σ = 25 is that of <b>{best}</b>, {psnr} dB: "
    );
    assert!(html.contains(&sentence), "{sentence}");
    assert!(html.contains(&format!("<td class=\"best\">{psnr}</td>")));
    assert!(html.contains("values beyond [0, 1] are left as they are"));
    assert!(html.contains("best on the images to validate on"));

    // Noisy, clean and two restored, whole and in part, of two images; and the filters of two runs.
    assert_eq!(pngs(&html), 2 * (4 + 4) + 2);
    for caption in ["<b>noisy</b>, ", "denoised by <b>little</b>, ", "denoised by <b>much</b>, "] {
        assert_eq!(html.matches(caption).count(), 2, "{caption}");
    }
    assert_eq!(html.matches("Enlarged 4 times: 64 × 64 pixels from row ").count(), 2);
    assert!(html.contains("<b>little</b>: filters; zero is grey"));
    assert!(html.contains("<code>little/best_dictionary</code>"));
    for title in [
        "Validation PSNR against training time.",
        "Validation PSNR.",
        "Loss.",
        "Sparsity.",
        "Norm of the filters.",
    ] {
        assert_eq!(html.matches(&format!("<b>{title}</b>")).count(), 1, "{title}");
    }
    assert!(html.contains("training time (s)") && html.contains("PSNR (dB)"));
    assert!(html.contains("columns <code>seconds</code> and <code>validation_psnr</code>"));
    assert!(!html.contains("<b>Reconstruction.</b>"), "it is the loss");
    assert!(html.contains("<th>little,<br>PSNR, dB</th>") && html.contains("<tr><td>drawn-1</td>"));
    assert!(html.contains("2106.00058"));
    for foreign in ["src=\"http", "href=\"http", "url(http", "@import", "<script"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
}

#[test]
fn colour_a_measurement_and_seeds_are_said() {
    let folder = folder();
    let masked = single() + "[measurement]\nkind = \"mask\"\nkeep = 0.6\n[sweep]\nseed = [1, 2]\n";
    run(folder.path(), &masked, "masked", &["data.channels=\"colour\"", "data.test=1"]);
    let html = page(&folder.path().join("masked/report.html"));
    assert!(html.contains("<li>measurement = mask, 0.6 of the pixels kept</li>"));
    assert!(html.contains("dB above the masked images") || html.contains("dB below the masked"));
    assert!(html.contains("<b>masked</b>, ") && html.contains("filled in by <b>seed=2</b>, "));
    assert!(!html.contains("noisy</b>") && html.contains("D<sup>⊤</sup>A<sup>⊤</sup>"));
    // Of each seed its own image: three wholes and three parts, and the filters.
    assert_eq!(pngs(&html), 2 * (3 + 3 + 1));
    assert!(html.contains("<h3>drawn-0, seed=1</h3>") && html.contains("<h3>drawn-0, seed=2</h3>"));
    assert!(
        html.contains("<th>over seeds</th>") && html.contains("standard deviation over the seeds")
    );

    // Beside runs that are tested otherwise.
    run(folder.path(), &single(), "more", &["data.test_noise=50.0"]);
    run(folder.path(), &single(), "untested", &["data.test=0", "data.validation=0"]);
    let html = page(&folder.path().join("untested/report.html"));
    assert!(html.contains("No images were named to test on"));
    assert_eq!(pngs(&html), 1, "the filters");
    report(folder.path(), &["masked", "more", "untested", "--out", "all.html"], 0);
    let html = page(&folder.path().join("all.html"));
    assert!(html.contains("only figures of the same test compare"));
    assert!(!html.contains("class=\"best\">2"), "nothing is the best of what does not compare");
    assert!(html.contains("PSNR of measured<br>images, dB"));
}

#[test]
fn figures_that_are_not_finite_are_a_dash() {
    let folder = folder();
    run(folder.path(), &single(), "out", &["data.test_noise=0.0", "data.test=1"]);
    let out = folder.path().join("out");
    assert_eq!(results(&out)["runs"]["main"]["test"]["psnr_noisy"], Value::Null);
    let html = page(&out.join("report.html"));
    assert!(html.contains("<b>noisy</b>, – dB") && html.contains("<td>–</td>"));
    assert!(html.contains("The mean PSNR on the test image with noise of σ = 0 is "));
}

#[test]
fn damaged_figures_and_arrays_are_refused_in_a_sentence() {
    let folder = folder();
    run(folder.path(), &single(), "out", &[]);
    let out = folder.path().join("out");
    let (stored, arrays) = (results(&out), out.join("arrays.safetensors"));
    let figures: [(&str, Value, &str); 6] = [
        ("parameters", json!("many"), "`runs.main.parameters`"),
        ("steps", json!(-1.5), "`runs.main.steps`"),
        ("seconds", json!(null), "`runs.main.seconds`"),
        ("test", json!(7), "`runs.main.test`"),
        ("test", json!({ "noise": 25.0, "network": "last" }), "missing field `images`"),
        ("failed", json!(3), "`runs.main.failed`"),
    ];
    for (key, value, expected) in figures {
        let mut changed = stored.clone();
        changed["runs"]["main"][key] = value;
        write(&out, "results.json", &changed.to_string());
        let said = report(folder.path(), &["out"], 2);
        assert!(said.contains(expected) && said.contains("is damaged ("), "{expected}: {said}");
    }
    let mut changed = stored.clone();
    changed["runs"]["main"]["test"]["images"] = json!([]);
    write(&out, "results.json", &changed.to_string());
    let said = report(folder.path(), &["out"], 2);
    assert!(said.contains("`runs.main.test.images` is empty"), "{said}");
    write(&out, "results.json", &stored.to_string());

    let before = std::fs::read(&arrays).unwrap();
    let many = |shape: &[usize]| (shape.to_vec(), vec![0.5; shape.iter().product()]);
    let cases: [(&str, Option<Stored>, &str); 8] = [
        ("main/test/1/clean", None, "main/test/1/clean"),
        ("main/best_dictionary", None, "best_dictionary"),
        (
            "main/test/0/noisy",
            Some(many(&[1, 80, 79])),
            "`main/test/0/noisy` is [1, 80, 79], the clean image [1, 80, 80]",
        ),
        ("main/test/0/noisy", Some(many(&[6400])), "not that of an image: [1 or 3, height, width]"),
        ("main/test/0/clean", Some((vec![1, 0, 1 << 40], Vec::new())), "not that of an image"),
        ("main/test/0/restored", Some(many(&[2, 80, 80])), "not that of an image"),
        ("main/test/0/restored", Some((vec![1, 1, 1], vec![f32::NAN])), "NaN"),
        (
            "main/best_dictionary",
            Some(many(&[6, 25])),
            "`main/best_dictionary` has the shape [6, 25], not that of filters",
        ),
    ];
    for (key, value, expected) in cases {
        change_arrays(&arrays, |name| (name == key).then(|| value.clone()));
        let said = report(folder.path(), &["out"], 2);
        assert!(said.contains(expected), "{expected}: {said}");
        assert!(
            said.contains("arrays.safetensors: is damaged (") && said.lines().count() == 1,
            "{said}"
        );
        std::fs::write(&arrays, &before).unwrap();
    }
    report(folder.path(), &["out"], 0);
}

/// In this process, so that a panic is this test's.
#[test]
fn no_content_of_a_file_makes_a_report_of_images_panic() {
    let folder = folder();
    run(folder.path(), &single(), "out", &["data.test=1"]);
    let out = folder.path().join("out");
    let draw = || match EXPERIMENTS.report(&RunDirectory::existing(&out).unwrap()) {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error.exit_status(), 2, "{error}");
            false
        }
    };
    let whole = results(&out);
    let mut all = Vec::new();
    super::damaged::places(&whole, String::new(), &mut all);
    let (mut drawn, mut refused) = (0, 0);
    for place in &all {
        for value in [json!(null), json!("<b>"), json!([]), json!(-1.5), json!(1e308)] {
            let mut results = whole.clone();
            *results.pointer_mut(place).unwrap() = value;
            write(&out, "results.json", &results.to_string());
            *if draw() { &mut drawn } else { &mut refused } += 1;
        }
    }
    write(&out, "results.json", &whole.to_string());
    for file in ["metrics.csv", "arrays.safetensors", "config.toml"] {
        let path = out.join(file);
        let whole = std::fs::read(&path).unwrap();
        // The header of the arrays, too, which is at the start of the file.
        let header = (0..whole.len().min(800)).step_by(29);
        for at in header.chain((0..whole.len()).step_by(whole.len() / 20 + 1)) {
            let (mut cut, mut flipped) = (whole.clone(), whole.clone());
            cut.truncate(at);
            flipped[at] ^= 0x15;
            for content in [cut, flipped] {
                std::fs::write(&path, content).unwrap();
                *if draw() { &mut drawn } else { &mut refused } += 1;
            }
        }
        std::fs::write(&path, whole).unwrap();
    }
    assert!(drawn > 50 && refused > 50, "{drawn} were drawn, {refused} refused");
}
