//! Convolutional dictionaries of images in files: in a comparison, and in learning.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::SafeTensors;

use crate::support::{folder, results, root, unrolled};

struct Array {
    shape: Vec<usize>,
    values: Vec<f64>,
}

fn arrays(path: &Path) -> BTreeMap<String, Array> {
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let floats = file.iter().filter(|(_, view)| view.dtype() == safetensors::Dtype::F64);
    let read = floats.map(|(name, view)| {
        let numbers = view.data().as_chunks::<8>().0;
        let values = numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        (name.to_owned(), Array { shape: view.shape().to_vec(), values })
    });
    read.collect()
}

fn configuration(experiment: &str, rest: &str) -> String {
    let fixture = root().join("tests/fixtures/conv.safetensors");
    format!(
        "experiment = \"{experiment}\"\n[data]\nsource = \"file\"\npath = {fixture:?}\n\
         keys = {{ X = \"i17/x_noisy\", target = \"i17/x\" }}\n[dictionary]\nkind = \"convolutional\"\natoms = 8\n\
         size = [5, 5]\nstride = 2\nconstraint = \"none\"\n\
         init = {{ method = \"file\", path = {fixture:?}, key = \"W\" }}\n[encoder]\niterations = 5\nstep = 0.05\n\
         prox = {{ kind = \"soft\", penalty = 0.12 }}\n{rest}"
    )
}

#[test]
fn a_comparison_saves_maps_and_filters() {
    let folder = folder();
    let text = configuration(
        "compare-gradients",
        "[compare]\niterations = [1, 5, 60]\nsave_arrays_at = [5]\n",
    );
    // T is the comparison's own.
    std::fs::write(folder.path().join("a.toml"), text.replace("iterations = 5\n", "")).unwrap();
    unrolled(folder.path()).args(["run", "a.toml", "--out", "run", "--quiet"]).assert().success();
    let saved = arrays(&folder.path().join("run/arrays.safetensors"));
    let golden = arrays(&root().join("tests/fixtures/conv.safetensors"));
    let (codes, expected) = (&saved["main/T5/codes"], &golden["i17/CAE_s2_two/z"]);
    assert_eq!(codes.shape, [2, 8, 7, 7]);
    let (ours, theirs) = (&codes.values, &expected.values);
    assert!(ours.iter().zip(theirs).all(|(a, b)| (a - b).abs() < 1e-12));
    for name in ["main/T5/g_ae_ls", "main/T5/g_dec", "main/lasso/gradient"] {
        assert_eq!(saved[name].shape, [8, 1, 5, 5], "{name}");
    }
    let figures = &results(&folder.path().join("run"))["runs"]["main"];
    let errors = &figures["estimators"]["g_dec"]["error_to_lasso"];
    assert!(
        errors[2].as_f64() < errors[0].as_f64(),
        "g_dec goes to the gradient at the lasso's code"
    );
    assert_eq!(figures["engine"], "fused");
}

#[test]
fn learning_takes_gradients_against_targets_and_goes_on_to_the_same_bytes() {
    let folder = folder();
    let train = "[train]\nsteps = 12\nbatch_size = 2\nmeasure_every = 4\ncheckpoint_every = 5\n";
    std::fs::write(folder.path().join("a.toml"), configuration("learn-dictionary", train)).unwrap();
    let run = |out: &str, steps: &str, more: &[&str]| {
        let mut command = unrolled(folder.path());
        command.args(["run", "a.toml", "--quiet", "--out", out, "--set"]);
        command.arg(format!("train.steps={steps}")).args(more).assert().success();
    };
    run("whole", "12", &[]);
    run("parts", "5", &[]);
    run("parts", "12", &["--resume", "--threads", "1"]);
    let read =
        |out: &str| std::fs::read(folder.path().join(out).join("arrays.safetensors")).unwrap();
    assert_eq!(read("whole"), read("parts"));
    let saved = arrays(&folder.path().join("whole/arrays.safetensors"));
    assert_eq!(saved["main/dictionary"].shape, [8, 1, 5, 5]);
    // One step of the reference's rate from its gradient of the reconstruction against the clean image.
    let sgd = ["--set", "optimizer = { kind = \"sgd\", learning_rate = 0.125 }"];
    run("step", "1", &sgd);
    let golden = arrays(&root().join("tests/fixtures/conv.safetensors"));
    let values = |of: &Array| of.values.clone();
    let [start, gradient] = ["W", "i17/CAE_s2_two/grad_rec_W"].map(|name| values(&golden[name]));
    let moved = values(&arrays(&folder.path().join("step/arrays.safetensors"))["main/dictionary"]);
    for ((end, start), gradient) in moved.iter().zip(&start).zip(&gradient) {
        assert!((end - (start - 0.125 * gradient)).abs() < 1e-12);
    }
    let page = std::fs::read_to_string(folder.path().join("whole/report.html")).unwrap();
    assert!(page.contains("data:image/png;base64,"), "the filters are drawn");
}

#[test]
fn rows_of_no_shape_and_filters_larger_than_images_are_refused() {
    let folder = folder();
    let text = configuration("learn-dictionary", "");
    for (from, to, expected) in [
        (
            "size = [5, 5]",
            "size = [5, 18]",
            "larger than the examples, which are 17 × 17; write smaller filters",
        ),
        ("X = \"i17/x_noisy\"", "X = \"hyper\"", "`hyper` has shape [4]"),
        (
            "stride = 2",
            "stride = 6",
            "so that pixels between filters would be lost; write 5 or less",
        ),
    ] {
        std::fs::write(folder.path().join("a.toml"), text.replace(from, to)).unwrap();
        let output = unrolled(folder.path()).args(["run", "a.toml"]).assert().code(2);
        let said = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
        assert!(said.contains(expected), "{said}");
        assert!(!folder.path().join("runs").exists());
    }
}
