//! `unrolled encode`.

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::learning::SMALL;
use crate::support::{folder, root, unrolled, write};

fn numbers(bytes: &[u8], name: &str) -> Vec<f64> {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let view = file.tensor(name).unwrap();
    assert_eq!(view.dtype(), Dtype::F64);
    view.data().as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
}

#[test]
fn codes_reach_the_gap_dense_and_sparse_alike() {
    let folder = folder();
    let fixture = root().join("tests/fixtures/compare_gradients_small.safetensors");
    let encode = |out: &str, more: &[&str]| {
        let mut command = unrolled(folder.path());
        command.arg("encode").arg("--dictionary").arg(&fixture).args(["--key", "W"]);
        command.arg("--data").arg(&fixture).args(["--penalty", "0.2", "--out", out]).args(more);
        command.assert().success();
        std::fs::read(folder.path().join(out)).unwrap()
    };
    let dense = encode("dense.safetensors", &["--gap", "1e-10"]);
    let (codes, gaps) = (numbers(&dense, "codes"), numbers(&dense, "gaps"));
    assert_eq!((codes.len(), gaps.len()), (64 * 30, 64));
    assert!(gaps.iter().all(|gap| *gap <= 1e-10));
    // The reference code ẑ of the same lasso, by another algorithm.
    let reference = numbers(&std::fs::read(&fixture).unwrap(), "two/z_hat");
    let largest = codes.iter().zip(&reference).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
    assert!(largest < 1e-4, "{largest}");
    let sparse = encode("sparse.safetensors", &["--gap", "1e-10", "--sparse", "-q"]);
    let nonzero: Vec<f64> = codes.iter().copied().filter(|v| *v != 0.0).collect();
    assert_eq!(numbers(&sparse, "values"), nonzero);
    let few = encode("few.safetensors", &["--iterations", "3"]);
    assert!(numbers(&few, "gaps").iter().any(|gap| *gap > 1e-3));
}

#[test]
fn a_learned_dictionary_is_applied_with_what_was_done_to_its_data() {
    let folder = folder();
    let bytes: Vec<u8> =
        (0..130 * 10).flat_map(|i| (5.0 + f64::from(i * i % 97) / 50.0).to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F64, vec![130, 10], &bytes).unwrap();
    let file = safetensors::serialize([("X", view)], None).unwrap();
    std::fs::write(folder.path().join("data.safetensors"), file).unwrap();
    let learn = SMALL.replace(
        "examples = 130\nfeatures = 10\natoms = 15\nnonzeros = 2",
        "source = \"file\"\npath = \"data.safetensors\"\nstandardise = \"center-and-scale\"",
    );
    let learn =
        learn.replace("{ method = \"perturbed-truth\", noise = 0.1 }", "\"data\"\natoms = 15");
    write(folder.path(), "learn.toml", &learn);
    unrolled(folder.path()).args(["run", "learn.toml", "-q", "--out", "run"]).assert().success();
    let mut command = unrolled(folder.path());
    command.args(["encode", "--dictionary", "run", "--data", "data.safetensors"]);
    command.args(["--penalty", "0.1", "--out", "codes.safetensors"]).assert().success();
    let arrays = std::fs::read(folder.path().join("run/arrays.safetensors")).unwrap();
    let arrays = SafeTensors::deserialize(&arrays).unwrap();
    assert_eq!(arrays.tensor("main/data_mean").unwrap().shape(), [10]);
    // Without its mean, about 6 everywhere, the data would take codes many times as large.
    let codes = std::fs::read(folder.path().join("codes.safetensors")).unwrap();
    let largest = numbers(&codes, "codes").iter().fold(0.0f64, |m, v| m.max(v.abs()));
    assert!(largest > 0.0 && largest < 10.0, "{largest}");
}

/// Codes do not take the place of what they are made from, under any name, nor do shards that of the folder it is in.
#[test]
fn an_input_is_never_the_output() {
    let folder = folder();
    let fixture = root().join("tests/fixtures/compare_gradients_small.safetensors");
    let before = std::fs::read(&fixture).unwrap();
    std::fs::create_dir(folder.path().join("rows")).unwrap();
    let inputs =
        ["d.safetensors", "rows/codes-00000.safetensors"].map(|name| folder.path().join(name));
    inputs.iter().for_each(|path| std::fs::write(path, &before).unwrap());
    for out in [
        &["d.safetensors"][..],
        &["rows/../rows/codes-00000.safetensors"],
        &["rows", "--shard-rows", "10"],
    ] {
        let mut command = unrolled(folder.path());
        command.args(["encode", "--dictionary", "d.safetensors", "--key", "W"]);
        command.args(["--data", "rows/codes-00000.safetensors", "--penalty", "0.2", "--overwrite"]);
        let refused = command.arg("--out").args(out).assert().code(2);
        let said = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
        assert!(said.contains("one of the inputs; name another"), "{said}");
        assert!(inputs.iter().all(|path| std::fs::read(path).unwrap() == before), "{out:?}");
    }
}

#[test]
fn every_initialisation_works() {
    for init in ["data", "svd", "pairwise", "random"] {
        let folder = folder();
        write(folder.path(), "small.toml", SMALL);
        let mut command = unrolled(folder.path());
        command.args(["run", "small.toml", "-q", "--out", "out", "--set", "train.steps=2"]);
        command.args(["--set", &format!("dictionary.init={init:?}")]).assert().success();
    }
}

#[test]
fn images_are_learned_and_drawn() {
    let folder = folder();
    let idx = |dimensions: &[u32], bytes: Vec<u8>| {
        let mut file = vec![0, 0, 8, dimensions.len() as u8];
        dimensions.iter().for_each(|d| file.extend(d.to_be_bytes()));
        file.extend(bytes);
        file
    };
    let pixels = (0..60 * 25).map(|i| (i * 7 % 256) as u8).collect();
    let labels = (0..60).map(|i| (i % 10) as u8).collect();
    std::fs::create_dir(folder.path().join("mnist")).unwrap();
    let write_idx =
        |name: &str, bytes| std::fs::write(folder.path().join("mnist").join(name), bytes);
    write_idx("train-images-idx3-ubyte", idx(&[60, 5, 5], pixels)).unwrap();
    write_idx("train-labels-idx1-ubyte", idx(&[60], labels)).unwrap();
    let config = std::fs::read_to_string(root().join("configs/mnist-atoms.toml")).unwrap();
    write(folder.path(), "mnist.toml", &config);
    let mut command = unrolled(folder.path());
    command.args(["run", "mnist.toml", "-q", "--out", "out", "--set", "dictionary.atoms=8"]);
    command.args(["--set", "train.batch_size=8", "--set", "train.epochs=2"]).assert().success();
    let report = std::fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(report.contains("data:image/png;base64,") && report.contains("8 atoms as pictures"));
}
