//! Rows that are read from shards as they are needed.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::learning_resumed::expect_same_run;
use crate::support::{folder, results, unrolled, write};

const CONFIG: &str = r#"
experiment = "learn-dictionary"
seed = 7
precision = "float32"
[data]
source = "shards"
path = "rows/*.safetensors"
window = 48
[dictionary]
atoms = 12
init = "data"
[encoder]
iterations = 10
[train]
estimator = "g_ae_lasso"
epochs = 5
batch_size = 20
measure_every = 5
checkpoint_every = 7
validation = 0.1
objective_gap = 1e-4
[optimizer]
learning_rate = 1e-2
"#;

const WIDTH: usize = 10;

fn value(index: usize) -> f32 {
    let spread = (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    spread as f32 / (1u64 << 24) as f32 - 0.5
}

fn shard(path: &Path, values: &[f32], width: usize) {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F32, vec![values.len() / width, width], &bytes).unwrap();
    fs::write(path, safetensors::serialize([("X", view)], None).unwrap()).unwrap();
}

/// 500 rows in five shards, and in one file.
fn rows(folder: &Path) {
    fs::create_dir(folder.join("rows")).unwrap();
    let all: Vec<f32> = (0..500 * WIDTH).map(value).collect();
    for (index, part) in all.chunks(110 * WIDTH).enumerate() {
        shard(&folder.join(format!("rows/{index}.safetensors")), part, WIDTH);
    }
    shard(&folder.join("whole.safetensors"), &all, WIDTH);
    write(folder, "small.toml", CONFIG);
}

fn run(folder: &Path, out: &str, more: &[&str]) -> String {
    let mut command = unrolled(folder);
    let output = command.args(["run", "small.toml", "--out", out]).args(more).assert().success();
    String::from_utf8_lossy(&output.get_output().stderr).into_owned()
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = unrolled(folder).args(arguments).assert().code(2);
    String::from_utf8_lossy(&output.get_output().stderr).into_owned()
}

#[test]
fn in_stored_order_shards_and_memory_end_in_the_same_bytes() {
    let folder = folder();
    rows(folder.path());
    let stored = ["--set", "train.shuffle=false"];
    run(folder.path(), "streamed", &stored);
    let file = "data={ source = \"file\", path = \"whole.safetensors\" }";
    run(folder.path(), "memory", &[&stored[..], &["--set", file]].concat());
    let of = |out: &str, name: &str| {
        let bytes = fs::read(folder.path().join(out).join("arrays.safetensors")).unwrap();
        SafeTensors::deserialize(&bytes).unwrap().tensor(name).unwrap().data().to_vec()
    };
    assert!(of("streamed", "main/dictionary") == of("memory", "main/dictionary"));
    let [streamed, memory] = ["streamed", "memory"].map(|out| {
        let of_run = &results(&folder.path().join(out))["runs"]["main"];
        (of_run["sample"].clone(), of_run["stream"]["files"].as_u64())
    });
    assert_eq!(streamed.0, memory.0);
    assert_eq!((streamed.1, memory.1), (Some(5), None));
}

#[test]
fn killed_in_the_middle_of_an_epoch_it_ends_in_the_same_bytes_whatever_the_threads() {
    let folder = folder();
    rows(folder.path());
    let steps = ["--set", "train.epochs=40", "--set", "data.standardise=\"center-and-scale\""];
    run(folder.path(), "whole", &[&steps[..], &["--threads", "1"]].concat());
    let (stopped, whole) = (folder.path().join("stopped"), folder.path().join("whole"));
    let mut unfinished = 0;
    for attempt in 0..8u64 {
        let _ = fs::remove_dir_all(&stopped);
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("unrolled"))
            .current_dir(folder.path())
            .args(["run", "small.toml", "-q", "--out", "stopped"])
            .args(steps)
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(40 + attempt * 45));
        child.kill().unwrap();
        child.wait().unwrap();
        unfinished += usize::from(!stopped.join("results.json").exists());
        let resume: &[&str] =
            if stopped.join("config.toml").exists() { &["--resume"] } else { &[] };
        run(folder.path(), "stopped", &[&steps[..], resume, &["--threads", "3"]].concat());
        expect_same_run(&stopped, &whole);
    }
    assert!(unfinished >= 2, "some attempts were to be killed on the way: {unfinished}");
}

#[test]
fn files_that_change_between_a_run_and_its_resumption_are_recognised() {
    let folder = folder();
    rows(folder.path());
    run(folder.path(), "run", &[]);
    let more = ["run", "small.toml", "--out", "run", "--resume", "--set", "train.epochs=6"];
    let mut changed: Vec<f32> = (110 * WIDTH..220 * WIDTH).map(value).collect();
    changed[77] += 1e-6;
    shard(&folder.path().join("rows/1.safetensors"), &changed, WIDTH);
    let said = refused(folder.path(), &more);
    assert!(
        said.contains("its data were others: they have changed since it was written"),
        "{said}"
    );
    changed[77] = value(110 * WIDTH + 77);
    shard(&folder.path().join("rows/1.safetensors"), &changed, WIDTH);
    unrolled(folder.path()).args(more).assert().success();
}

#[test]
fn a_shard_that_is_cut_short_under_a_run_ends_it_with_a_sentence_and_it_can_go_on() {
    let folder = folder();
    rows(folder.path());
    let path = folder.path().join("rows/2.safetensors");
    let before = fs::read(&path).unwrap();
    let long = ["--set", "train.epochs=100000"];
    let child = Command::new(assert_cmd::cargo::cargo_bin!("unrolled"))
        .current_dir(folder.path())
        .args(["run", "small.toml", "-q", "--out", "run"])
        .args(long)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let checkpoints = folder.path().join("run/checkpoints/main");
    while fs::read_dir(&checkpoints).map_or(0, Iterator::count) < 2 {
        std::thread::sleep(Duration::from_millis(2));
    }
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(500).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("rows/2.safetensors: is not a valid safetensors file"), "{said}");
    assert!(said.contains("it is cut short"), "{said}");
    let more = ["run", "small.toml", "-q", "--out", "run", "--resume"];
    let said = refused(folder.path(), &[&more[..], &long].concat());
    assert!(said.contains("rows/2.safetensors: is not a valid safetensors file"), "{said}");
    fs::write(&path, before).unwrap();
    let child = Command::new(assert_cmd::cargo::cargo_bin!("unrolled"))
        .current_dir(folder.path())
        .args(more)
        .args(long)
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    // SAFETY: the child is ours and has not been waited for.
    unsafe { libc::kill(child.id() as i32, libc::SIGTERM) };
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
}

#[test]
fn what_cannot_be_streamed_says_why_with_file_line_and_remedy() {
    let folder = folder();
    rows(folder.path());
    let run = ["run", "small.toml", "--out", "out"];
    let said = |more: &[&str]| refused(folder.path(), &[&run[..], more].concat());
    let path = folder.path().join("rows/3.safetensors");
    let before = fs::read(&path).unwrap();
    let mut text = String::new();
    let mut note = |name: &str, said: String| text += &format!("{name}:\n{said}\n");
    note("no such file", said(&["--set", "data.path=\"rows/*.npy\""]));
    note("no such folder", said(&["--set", "data.path=\"row\""]));
    note("fewer rows than atoms", said(&["--set", "dictionary.atoms=501"]));
    note("not the shape", said(&["--set", "data.feature_shape=[3, 4]"]));
    note("no shape", said(&["--set", "data.feature_shape=[3, -4]"]));
    note("whitened", said(&["--set", "data.standardise=\"whiten\""]));
    note("no window", said(&["--set", "data.window=0"]));
    note("no such array", said(&["--set", "data.key=\"Y\""]));
    fs::write(
        folder.path().join("rows.toml"),
        CONFIG.replace("path = \"rows/*.safetensors\"\n", ""),
    )
    .unwrap();
    note("no path", refused(folder.path(), &["run", "rows.toml", "--out", "out"]));
    shard(&path, &[0.5; 12], 12);
    note("another width", said(&[]));
    let mut nan: Vec<f32> = (0..30 * WIDTH).map(value).collect();
    nan[17 * WIDTH + 4] = f32::NAN;
    shard(&path, &nan, WIDTH);
    note("not a number", said(&[]));
    fs::write(&path, &before[..before.len() - 1]).unwrap();
    note("cut short", said(&[]));
    assert!(!folder.path().join("out").exists());
    let here = folder.path().canonicalize().unwrap();
    insta::assert_snapshot!(text.replace(&format!("{}/", here.display()), ""));
}

#[test]
fn codes_of_shards_are_written_to_shards() {
    let folder = folder();
    rows(folder.path());
    run(folder.path(), "run", &[]);
    let base = ["encode", "--dictionary", "run", "--penalty", "0.1", "--gap", "1e-6"];
    let encode = |more: &[&str]| {
        let mut command = unrolled(folder.path());
        command.args(base).args(more);
        command.assert()
    };
    encode(&["--data", "whole.safetensors", "--out", "codes.safetensors"]).success();
    let shards = ["--data", "rows", "--out", "codes", "--shard-rows", "200"];
    let said = encode(&[&shards[..], &["--threads", "1"]].concat()).success();
    let said = String::from_utf8_lossy(&said.get_output().stderr).into_owned();
    assert!(said.contains("500 examples") && said.contains("(3 files)"), "{said}");
    let numbers = |path: &str, name: &str| {
        let bytes = fs::read(folder.path().join(path)).unwrap();
        SafeTensors::deserialize(&bytes).unwrap().tensor(name).unwrap().data().to_vec()
    };
    for name in ["codes", "gaps"] {
        let parts =
            (0..3).map(|index| numbers(&format!("codes/codes-0000{index}.safetensors"), name));
        assert!(parts.collect::<Vec<_>>().concat() == numbers("codes.safetensors", name), "{name}");
    }
    let said = encode(&shards).code(2);
    let said = String::from_utf8_lossy(&said.get_output().stderr).into_owned();
    assert!(said.contains("holds shards of codes already"), "{said}");
    encode(&["--data", "rows", "--out", "codes", "--shard-rows", "400", "--overwrite", "--sparse"])
        .success();
    assert_eq!(fs::read_dir(folder.path().join("codes")).unwrap().count(), 2);
    // Codes are rows too, but not to be replaced by their own.
    for (out, expected) in [
        ("rows", "holds 0.safetensors, which is no shard of codes"),
        ("run", "which is no shard of codes"),
        ("small.toml", "is not a folder, and --shard-rows writes several files"),
    ] {
        let said =
            encode(&["--data", "rows", "--out", out, "--shard-rows", "9", "--overwrite"]).code(2);
        let said = String::from_utf8_lossy(&said.get_output().stderr).into_owned();
        assert!(said.contains(expected), "{said}");
    }
    // From inside the folder too, and through a link.
    let codes = folder.path().join("codes");
    let said = unrolled(&codes)
        .args([
            "encode",
            "--dictionary",
            "../run",
            "--penalty",
            "0.1",
            "--data",
            "codes-*.safetensors",
        ])
        .args(["--data-key", "values", "--out", ".", "--shard-rows", "9", "--overwrite"])
        .assert()
        .code(2);
    let said = String::from_utf8_lossy(&said.get_output().stderr).into_owned();
    assert!(said.contains("`values` has shape"), "{said}");
    let linked = folder.path().join("linked.safetensors");
    fs::remove_file(codes.join("codes-00001.safetensors")).unwrap();
    fs::copy(folder.path().join("rows/0.safetensors"), codes.join("codes-00001.safetensors"))
        .unwrap();
    std::os::unix::fs::symlink(codes.join("codes-00001.safetensors"), &linked).unwrap();
    for data in ["../linked.safetensors", "codes-00001.safetensors", "codes-0000[1-9].safetensors"]
    {
        let said = unrolled(&codes)
            .args(["encode", "--dictionary", "../run", "--penalty", "0.1", "--data", data])
            .args(["--out", ".", "--shard-rows", "9", "--overwrite"])
            .assert()
            .code(2);
        let said = String::from_utf8_lossy(&said.get_output().stderr).into_owned();
        assert!(said.contains("one of the inputs; name another place"), "{data}: {said}");
    }
    assert_eq!(fs::read_dir(&codes).unwrap().count(), 2);
    // What a stopped run leaves is not taken for all.
    fs::write(codes.join("codes.unfinished"), "").unwrap();
    let said = encode(&["--data", "codes", "--out", "more.safetensors"]).code(2);
    let said = String::from_utf8_lossy(&said.get_output().stderr).into_owned();
    assert!(said.contains("codes/codes.unfinished: some shards are missing"), "{said}");
    encode(&["--data", "rows", "--out", "codes", "--shard-rows", "400", "--overwrite"]).success();
    assert!(!codes.join("codes.unfinished").exists());
    fs::create_dir(folder.path().join("both")).unwrap();
    fs::rename(
        folder.path().join("rows/0.safetensors"),
        folder.path().join("both/codes-00000.safetensors"),
    )
    .unwrap();
    let said =
        encode(&["--data", "both/*", "--out", "both", "--shard-rows", "9", "--overwrite"]).code(2);
    let said = String::from_utf8_lossy(&said.get_output().stderr).into_owned();
    assert!(said.contains("one of the inputs; name another place"), "{said}");
}

/// A folder whose name looks like a pattern, many files, and hidden ones.
#[test]
fn many_shards_in_a_folder_with_any_name_are_read_from_the_few_that_are_open() {
    let folder = folder();
    let place = folder.path().join("run[1]*");
    fs::create_dir(&place).unwrap();
    rows(&place);
    fs::remove_dir_all(place.join("rows")).unwrap();
    fs::create_dir(place.join("rows")).unwrap();
    for index in 0..300 {
        let values: Vec<f32> = (index * 2 * WIDTH..(index + 1) * 2 * WIDTH).map(value).collect();
        shard(&place.join(format!("rows/{index:03}.safetensors")), &values, WIDTH);
    }
    fs::write(place.join("rows/.hidden.safetensors"), "x").unwrap();
    run(&place, "all", &[]);
    let config = place.join("small.toml");
    let mut command = unrolled(folder.path());
    command.arg("run").arg(&config).args(["--out", "folder", "--set", "data.path=\"rows\""]);
    command.assert().success();
    let arrays = |path: &Path| fs::read(path.join("arrays.safetensors")).unwrap();
    assert!(arrays(&place.join("all")) == arrays(&folder.path().join("folder")));
    // A file that is not open and has changed is not read.
    let child = Command::new(assert_cmd::cargo::cargo_bin!("unrolled"))
        .current_dir(&place)
        .args(["run", "small.toml", "-q", "--out", "long", "--set", "train.epochs=100000"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while fs::read_dir(place.join("long/checkpoints/main")).map_or(0, Iterator::count) < 2 {
        std::thread::sleep(Duration::from_millis(2));
    }
    let values: Vec<f32> = (0..2 * WIDTH).map(value).collect();
    shard(&place.join("rows/150.safetensors"), &values, WIDTH);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("rows/150.safetensors") && said.contains("it has changed"), "{said}");
}

#[test]
fn what_explains_dictionaries_reads_all_shards() {
    let folder = folder();
    rows(folder.path());
    let explain = CONFIG
        .replace("learn-dictionary", "explain")
        .replace("validation = 0.1\n", "")
        .replace("objective_gap = 1e-4\n", "");
    write(folder.path(), "explain.toml", &explain);
    let run = ["run", "explain.toml", "-q", "--out", "explained"];
    let center = ["--set", "data.standardise=\"center\""];
    unrolled(folder.path()).args(run).args(center).assert().success();
    unrolled(folder.path()).args(["explain", "explained"]).assert().success();
}

#[test]
fn init_prints_a_configuration_for_shards_and_for_an_npy_file() {
    let folder = folder();
    rows(folder.path());
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (60, 4), }\n";
    let mut npy = b"\x93NUMPY\x01\x00".to_vec();
    npy.extend((header.len() as u16).to_le_bytes());
    npy.extend(header.as_bytes());
    (0..240).for_each(|index| npy.extend(value(index).to_le_bytes()));
    fs::write(folder.path().join("x.npy"), npy).unwrap();
    for (data, source) in [("rows", "source = \"shards\""), ("x.npy", "source = \"file\"")] {
        let mut command = unrolled(folder.path());
        let output = command.args(["init", "learn-dictionary", "--data", data]).assert().success();
        let text = String::from_utf8_lossy(&output.get_output().stdout).into_owned();
        assert!(text.contains(source), "{text}");
        write(folder.path(), "own.toml", &text);
        unrolled(folder.path()).args(["check", "own.toml"]).assert().success();
        let run = ["run", "own.toml", "-q", "--out", "own", "--overwrite"];
        unrolled(folder.path()).args(run).assert().success();
        assert_eq!(
            results(&folder.path().join("own"))["runs"]["main"]["sample"]["of"],
            "validation"
        );
    }
}
