//! The reference arrays through the whole program: file in, arrays out.

use safetensors::SafeTensors;

use crate::support::{folder, root, unrolled, write};

const CONFIG: &str = r#"
[data]
source = "file"
path = "FIXTURE"

[dictionary]
init = { method = "file", path = "FIXTURE", key = "W" }

[compare]
iterations = [5, 25, 100]
save_arrays_at = [5, 25, 100]

[[runs]]
name = "AE_two"
[[runs]]
name = "AE_one"
encoder.prox.sided = "one"
[[runs]]
name = "AEdecay_two"
encoder.prox.decay = 0.97
[[runs]]
name = "AEhard_two"
encoder.prox = { kind = "hard", threshold = 0.1 }
[[runs]]
name = "AElearnbias_two"
encoder.prox.learned = true
"#;

fn numbers(file: &SafeTensors, name: &str) -> Vec<f64> {
    let view = file.tensor(name).unwrap_or_else(|_| panic!("no array {name}"));
    view.data().as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
}

fn relative(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let difference: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    (difference / b.iter().map(|b| b * b).sum::<f64>()).sqrt()
}

#[test]
fn arrays_of_a_run_equal_the_reference() {
    let folder = folder();
    let fixture = root().join("tests/fixtures/compare_gradients_small.safetensors");
    let config = CONFIG.replace("FIXTURE", fixture.to_str().unwrap());
    write(folder.path(), "golden.toml", &config);
    unrolled(folder.path()).args(["run", "golden.toml", "-q", "--out", "out"]).assert().success();
    let ours = std::fs::read(folder.path().join("out/arrays.safetensors")).unwrap();
    let reference = std::fs::read(fixture).unwrap();
    let ours = SafeTensors::deserialize(&ours).unwrap();
    let reference = SafeTensors::deserialize(&reference).unwrap();
    let expect = |name: &str, key: &str| {
        let error = relative(&numbers(&ours, name), &numbers(&reference, key));
        assert!(error < 1e-9, "{name}: {error:e}");
    };
    for network in ["AE_two", "AE_one", "AEdecay_two", "AEhard_two", "AElearnbias_two"] {
        for t in ["T5", "T25", "T100"] {
            for (name, key) in [
                ("codes", "z_T"),
                ("losses", "losses"),
                ("g_dec", "g_dec"),
                ("g_ae_lasso", "g_aelasso"),
                ("g_ae_ls", "g_aels"),
            ] {
                expect(&format!("{network}/{t}/{name}"), &format!("{network}/{t}/{key}"));
            }
            if network == "AElearnbias_two" {
                expect(&format!("{network}/{t}/g_ae_ls_bias"), &format!("{network}/{t}/g_aels_b"));
                let bias = format!("{network}/{t}/g_ae_lasso_bias");
                expect(&bias, &format!("{network}/{t}/g_aelasso_b"));
            }
        }
        let side = network.rsplit('_').next().unwrap();
        expect(&format!("{network}/lasso/codes"), &format!("{side}/z_hat"));
        expect(&format!("{network}/lasso/gradient"), &format!("{side}/g_hat"));
        expect(&format!("{network}/truth/gradient"), "g_star");
    }
}

/// The fixture's examples many times over are several blocks, and their means are the same.
#[test]
fn blocks_add_up_to_the_reference() {
    let folder = folder();
    let fixture = root().join("tests/fixtures/compare_gradients_small.safetensors");
    let bytes = std::fs::read(&fixture).unwrap();
    let reference = SafeTensors::deserialize(&bytes).unwrap();
    const TIMES: usize = 20;
    let tiled = |key: &str| reference.tensor(key).unwrap().data().repeat(TIMES);
    let (x, z) = (tiled("X"), tiled("Z_star"));
    let view = |data, columns| {
        safetensors::tensor::TensorView::new(
            safetensors::Dtype::F64,
            vec![64 * TIMES, columns],
            data,
        )
    };
    let views = [("X", view(&x, 20).unwrap()), ("Z_star", view(&z, 30).unwrap())];
    let file = safetensors::serialize(views, None).unwrap();
    std::fs::write(folder.path().join("tiled.safetensors"), file).unwrap();
    let config = CONFIG.split("[[runs]]").next().unwrap();
    let config = config.replacen("FIXTURE", "tiled.safetensors", 1);
    let config = config.replace("FIXTURE", fixture.to_str().unwrap());
    write(folder.path(), "tiled.toml", &config);
    unrolled(folder.path()).args(["run", "tiled.toml", "-q", "--out", "out"]).assert().success();
    let ours = std::fs::read(folder.path().join("out/arrays.safetensors")).unwrap();
    let ours = SafeTensors::deserialize(&ours).unwrap();
    for (name, key) in [
        ("main/T25/losses", "AE_two/T25/losses"),
        ("main/T25/g_dec", "AE_two/T25/g_dec"),
        ("main/T25/g_ae_lasso", "AE_two/T25/g_aelasso"),
        ("main/T25/g_ae_ls", "AE_two/T25/g_aels"),
        ("main/lasso/gradient", "two/g_hat"),
        ("main/truth/gradient", "g_star"),
    ] {
        let error = relative(&numbers(&ours, name), &numbers(&reference, key));
        assert!(error < 1e-9, "{name}: {error:e}");
    }
    assert_eq!(ours.tensor("main/T25/codes").unwrap().shape(), [64 * TIMES, 30]);
}
