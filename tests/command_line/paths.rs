//! Where files are looked for, and what a run directory is.
#![cfg(unix)]

use std::path::Path;

use crate::adversary::{output, run, small};
use crate::learning::SMALL;
use crate::support::{expect_same, folder, results, timeless, write};

/// Two files that are starts for [`SMALL`], in a folder of their own.
fn starts(folder: &Path) {
    std::fs::create_dir(folder.join("starts")).unwrap();
    for (name, seed) in [("one", "seed=1"), ("two", "seed=2")] {
        run(folder, name, &["-q", "--set", seed, "--set", "train.steps=1"], 0);
        let [from, to] =
            [format!("{name}/arrays.safetensors"), format!("starts/{name}.safetensors")];
        std::fs::copy(folder.join(from), folder.join(to)).unwrap();
    }
}

#[test]
fn an_effective_configuration_gives_the_same_run_wherever_it_is() {
    let folder = small();
    starts(folder.path());
    let elsewhere = crate::support::folder();
    let start = |name: &str| {
        format!(
            "{{ method = \"file\", path = \"starts/{name}.safetensors\", key = \"main/dictionary\" }}"
        )
    };
    let init = "init = { method = \"perturbed-truth\", noise = 0.1 }\n";
    assert!(SMALL.contains(init));
    let texts = [
        SMALL.replace(init, &format!("init = {}\n", start("one"))),
        format!("{SMALL}[[runs]]\nname = \"a\"\ndictionary.init = {}\n", start("two")),
        format!("{SMALL}[sweep]\n\"dictionary.init\" = [{}, {}]\n", start("one"), start("two")),
        SMALL.replace(init, &format!("init = {}\n", start("one")))
            + "[sweep]\n\"dictionary.init.path\" = [\"starts/one.safetensors\", \"starts/two.safetensors\"]\n",
        format!("{SMALL}[sweep]\n\"optimizer.kind\" = [\"adam\", \"sgd\"]\n"),
        SMALL.replace("[optimizer]\n", "[optimizer]\nkind = \"sgd\"\nmomentum = 0.5\n")
            + "[[runs]]\nname = \"a\"\noptimizer = { kind = \"adam\" }\n[[runs]]\nname = \"b\"\n",
        format!(
            "{SMALL}[[runs]]\nname = \"a\"\nencoder.prox = \"hard\"\nencoder.kind = \"fista\"\n"
        ),
    ];
    for (index, text) in texts.iter().enumerate() {
        write(folder.path(), "small.toml", text);
        let (out, again) = (format!("run{index}"), format!("again{index}"));
        run(folder.path(), &out, &["-q"], 0);
        let config = folder.path().join(&out).join("config.toml");
        std::fs::copy(&config, elsewhere.path().join("config.toml")).unwrap();
        output(elsewhere.path(), &["run", "config.toml", "-q", "--out", &again], 0);
        let [here, there] = [folder.path().join(&out), elsewhere.path().join(&again)];
        let read = |folder: &Path, name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(read(&here, "config.toml"), read(&there, "config.toml"));
        expect_same(&timeless(results(&here)), &timeless(results(&there)));
        // The same file under another name of its folder is the same run.
        let plain = ["run", "./small.toml", "-q", "--out", &out, "--resume"];
        output(folder.path(), &plain, 0);
        let names = results(&here)["runs"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert!(
            names.iter().all(|name| !name.contains("tmp")),
            "a name shows no folder: {names:?}"
        );
    }
}

#[test]
fn a_run_directory_is_known_by_its_mark() {
    let folder = small();
    let ours = folder.path().join("mine");
    std::fs::create_dir_all(ours.join("checkpoints")).unwrap();
    let printed = output(folder.path(), &["check", "small.toml"], 0);
    for (name, text) in [
        ("config.toml", printed.as_str()),
        ("results.json", "{}"),
        ("metrics.csv", "mine"),
        ("checkpoints/best.safetensors", "mine"),
    ] {
        write(&ours, name, text);
    }
    let said = run(folder.path(), "mine", &["--overwrite"], 2);
    assert!(
        said.contains("mine: was not written by `unrolled run` (no .unrolled in it)"),
        "{said}"
    );
    assert!(
        ours.join("checkpoints/best.safetensors").is_file() && ours.join("metrics.csv").is_file()
    );
}

#[test]
fn a_folder_in_a_file_is_refused_before_any_work() {
    let folder = small();
    write(folder.path(), "file", "");
    let said = run(folder.path(), "file/x/y", &[], 2);
    assert!(said.contains("file/x/y: cannot be made, because file is a file"), "{said}");
}

#[test]
fn keys_of_another_source_are_named_and_no_more() {
    let folder = folder();
    let text = "experiment = \"learn-dictionary\"\n[data]\nsource = \"file\"\npath = \"x.npz\"\n\
        examples = 3\namplitude = \"normal\"\n";
    write(folder.path(), "rows.toml", text);
    let said = output(folder.path(), &["check", "rows.toml"], 2);
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        lines.len() == 2
            && lines[0].contains("`data.examples` belongs to `source = \"synthetic\"`"),
        "{said}"
    );
    assert!(lines[1].contains("rows.toml:6: `data.amplitude` belongs to"), "{said}");
}
