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
