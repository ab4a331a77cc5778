//! Every shipped configuration runs, reduced.

use crate::support::{folder, reduced, results, root, unrolled};

#[test]
fn every_configuration_runs() {
    let folder = folder();
    let (mut count, mut missing) = (0, Vec::new());
    for entry in std::fs::read_dir(root().join("configs")).unwrap() {
        let config = entry.unwrap().path();
        // A list of the others.
        if config.ends_with("gallery.toml") {
            continue;
        }
        // Their images are not shipped: the tests of `encode`, of tasks and of `explain` run them on images that they make.
        if ["mnist-atoms.toml", "digits.toml", "mnist-explain.toml"]
            .iter()
            .any(|name| config.ends_with(name))
        {
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
        // Two steps of a layer or a denoiser are too few for curves.
        let few = ["one-layer", "denoise"].iter().any(|kind| name.starts_with(kind));
        let shown = shown_in_gallery(&name).filter(|_| !few);
        if let Some(figure) = shown {
            let figure = folder.path().join(&name).join("figures").join(figure);
            if !figure.is_file() {
                missing.push(figure);
            }
        }
        count += 1;
    }
    assert!(missing.is_empty(), "{missing:?}");
    assert!(count >= 8);
}

/// The file of the picture that the gallery shows of a configuration: its line follows that of the configuration.
fn shown_in_gallery(name: &str) -> Option<String> {
    let text = std::fs::read_to_string(root().join("configs/gallery.toml")).unwrap();
    let (_, after) = text.split_once(&format!("config = \"{name}.toml\"\nfigure = \""))?;
    Some(after.split_once('"')?.0.to_owned())
}
