//! Every shipped configuration runs, reduced.

use crate::support::{folder, reduced, results, root, unrolled};

#[test]
fn every_configuration_runs() {
    let folder = folder();
    let mut count = 0;
    for entry in std::fs::read_dir(root().join("configs")).unwrap() {
        let config = entry.unwrap().path();
        // Its images are not shipped: the test of `encode` runs it on images that it makes.
        if config.ends_with("mnist-atoms.toml") {
            continue;
        }
        let name = config.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut command = unrolled(folder.path());
        command.arg("run").arg(&config).args(reduced(&config)).args(["--quiet", "--out", &name]);
        if name.starts_with("gpu-") {
            // Here on the CPU; on an adapter in `gpu.rs`.
            command.args(["--device", "flex"]);
        }
        command.assert().success();
        let results = results(&folder.path().join(&name));
        assert_eq!(results["name"], name.as_str());
        assert!(!results["runs"].as_object().unwrap().is_empty(), "{name}");
        assert!(folder.path().join(&name).join("report.html").is_file(), "{name}");
        count += 1;
    }
    assert!(count >= 8);
}
