//! What is too long, too deep, too many or too large is said before any work starts.
#![cfg(unix)]

use crate::adversary::{output, run, small};
use crate::learning::SMALL;
use crate::support::{folder, results, write};

#[test]
fn names_that_no_file_can_have_are_refused_or_cut() {
    let folder = small();
    let long = "n".repeat(300);
    let said = run(folder.path(), "run", &["--set", &format!("name=\"{long}\"")], 2);
    assert!(said.contains("`name` has 300 bytes, more than a folder's name may have"), "{said}");
    write(folder.path(), "small.toml", &format!("{SMALL}[[runs]]\nname = \"{long}\"\n"));
    let said = run(folder.path(), "run", &[], 2);
    assert!(said.contains("the name of this run has 300 characters; write 100 or fewer"), "{said}");
    assert!(!folder.path().join("run").exists());
    // A sweep names its runs by itself: two that begin alike keep names of their own.
    let swept = (0..2).map(|last| format!("0.1{}{}", "0".repeat(15), last + 1));
    let keys =
        ["encoder.step", "optimizer.learning_rate", "encoder.prox.penalty", "optimizer.epsilon"];
    let values = swept.collect::<Vec<_>>().join(", ");
    let sweep: String = keys.iter().map(|key| format!("\"{key}\" = [{values}]\n")).collect();
    let noise = "\"data.noise\" = [0.0]\n";
    write(folder.path(), "small.toml", &format!("{SMALL}[sweep]\n{sweep}{noise}"));
    run(folder.path(), "run", &["-q", "--set", "train.steps=2"], 0);
    let runs = results(&folder.path().join("run"))["runs"].clone();
    let names: Vec<_> = runs.as_object().unwrap().keys().map(String::len).collect();
    assert!(names.len() == 16 && names.iter().all(|length| *length <= 100), "{runs}");
}

#[test]
fn a_long_key_of_other_letters_is_an_unknown_key() {
    let folder = small();
    let key = "é".repeat(80);
    write(folder.path(), "small.toml", &format!("{SMALL}[sweep]\n\"{key}\" = [\"b\"]\n"));
    let said = run(folder.path(), "run", &[], 2);
    assert!(said.contains(&format!("`{key}` is not a known key")), "{said}");
}

#[test]
fn keys_without_end_are_refused() {
    let folder = small();
    let deep = |parts| vec!["a"; parts].join(".");
    let (option, deep) = (deep(10_000), deep(100_000));
    let said = run(folder.path(), "run", &["--set", &format!("{option}=1")], 2);
    assert!(said.contains("its key has 10000 parts, which no key has"), "{:.300}", said);
    write(folder.path(), "small.toml", &format!("{SMALL}[sweep]\n\"{deep}\" = [1]\n"));
    let said = run(folder.path(), "run", &[], 2);
    assert!(said.contains("[sweep]: its key has 100000 parts"), "{:.300}", said);
    for text in
        [format!("{deep} = 1\n"), format!("[{deep}]\n"), format!("a = {}\n", "[".repeat(100_000))]
    {
        write(folder.path(), "small.toml", &text);
        output(folder.path(), &["check", "small.toml"], 2);
    }
}

#[test]
fn runs_are_listed_on_the_command_line_too() {
    let folder = small();
    let runs = "runs=[{ name = \"a\" }, { name = \"b\", seed = 3 }]";
    for text in [SMALL.to_owned(), format!("{SMALL}[[runs]]\nname = \"c\"\n")] {
        write(folder.path(), "small.toml", &text);
        run(folder.path(), "run", &["-q", "--overwrite", "--set", runs], 0);
        let results = results(&folder.path().join("run"));
        assert_eq!(results["runs"].as_object().unwrap().keys().collect::<Vec<_>>(), ["a", "b"]);
    }
    let config = std::fs::read_to_string(folder.path().join("run/config.toml")).unwrap();
    assert!(config.contains("name = \"b\"\nseed = 3\n"), "{config}");
    let said = run(folder.path(), "other", &["--set", "runs=[1]"], 2);
    assert!(said.contains("--set 'runs=[1]': `runs` is not a list of tables"), "{said}");
}

#[test]
fn steps_that_would_wrap_are_refused() {
    let folder = small();
    for (option, expected) in [
        (
            "train.steps=4611686018427387904",
            "`train.steps` is 4611686018427387904; write 1000000000000 or less",
        ),
        (
            "train.epochs=900000000000",
            "`train.epochs` asks for more than 1000000000000 steps; write fewer",
        ),
    ] {
        let text = SMALL.replace("steps = 24\n", "");
        assert!(text != SMALL);
        write(folder.path(), "small.toml", &text);
        let said = run(folder.path(), "run", &["--set", option], 2);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn what_memory_cannot_hold_is_refused_before_it_is_drawn() {
    let folder = folder();
    let text = "experiment = \"EXPERIMENT\"\n[data]\nfeatures = 1000000\natoms = ATOMS\nexamples = 100\n\
        [encoder]\nstep = 0.01\n";
    for (experiment, atoms, expected) in [
        (
            "compare-gradients",
            "100000",
            "`data.atoms` is 100000: the dictionary would take about 1600.0 GB",
        ),
        ("compare-gradients", "100", "the run would take about"),
        (
            "learn-dictionary",
            "1000000000000",
            "`data.atoms` is 1000000000000: the dictionary would take about",
        ),
    ] {
        write(
            folder.path(),
            "large.toml",
            &text.replace("EXPERIMENT", experiment).replace("ATOMS", atoms),
        );
        let started = std::time::Instant::now();
        let said = output(folder.path(), &["check", "large.toml"], 2);
        assert!(said.contains(expected), "{said}");
        // Drawing it takes half a minute and more.
        assert!(started.elapsed().as_secs() < 10, "{said}");
    }
}

#[test]
fn data_that_a_precision_cannot_square_are_refused() {
    let folder = small();
    let large =
        ["--set", "data.amplitude={ low = 1e25, high = 2e25 }", "--set", "precision=\"float32\""];
    let said = run(folder.path(), "run", &large, 2);
    let expected =
        "whose squares are beyond float32; scale the data, or set `precision = \"float64\"`";
    assert!(said.contains(expected), "{said}");
    let said = run(
        folder.path(),
        "run",
        &[
            "--set",
            "data.amplitude={ low = 1e200, high = 2e200 }",
            "--set",
            "precision=\"float64\"",
        ],
        2,
    );
    assert!(said.contains("whose squares are beyond float64; scale the data\n"), "{said}");
}

#[test]
fn what_several_runs_have_wrong_is_said_once() {
    let folder = small();
    write(
        folder.path(),
        "small.toml",
        &format!("{SMALL}[sweep]\n\"encoder.stepp\" = [0.1, 0.2]\nseed = [1, 2]\n"),
    );
    let said = run(folder.path(), "run", &[], 2);
    assert_eq!(said.matches("is not a known key").count(), 1, "{said}");
}
