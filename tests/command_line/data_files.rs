//! Files of data that are not what they say: one sentence, exit 2, and no more time or memory than a
//! good file of their size takes.

use std::path::Path;
use std::time::Duration;

use safetensors::{Dtype, tensor::TensorView};

use crate::support::{folder, unrolled, write};

/// A folder with a dictionary `D` and two examples `X` of two features.
fn prepared() -> tempfile::TempDir {
    let folder = folder();
    save(&folder.path().join("dictionary.safetensors"), &[("D", [2, 3])]);
    save(&folder.path().join("data.safetensors"), &[("X", [2, 2]), ("Y", [2, 2])]);
    folder
}

fn save(path: &Path, arrays: &[(&str, [usize; 2])]) {
    let bytes: Vec<u8> = (1..=6).flat_map(|v| f64::from(v).to_le_bytes()).collect();
    let view = |[rows, columns]: [usize; 2]| {
        TensorView::new(Dtype::F64, vec![rows, columns], &bytes[..8 * rows * columns]).unwrap()
    };
    let views = arrays.iter().map(|(name, shape)| (*name, view(*shape)));
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// What `encode` says of the data, and that it is soon done.
fn encode(folder: &Path, data: &str, code: i32) -> String {
    let mut command = unrolled(folder);
    command.args([
        "encode",
        "--dictionary",
        "dictionary.safetensors",
        "--key",
        "D",
        "--data",
        data,
    ]);
    command.args([
        "--penalty",
        "0.1",
        "--gap",
        "1e-4",
        "--out",
        "codes.safetensors",
        "--overwrite",
    ]);
    let output = command.timeout(Duration::from_secs(20)).assert().code(code);
    String::from_utf8_lossy(&output.get_output().stderr).into_owned()
}

/// What `run` says of `[data]`.
fn run(folder: &Path, data: &str) -> String {
    let text = format!("[data]\n{data}\n[dictionary]\natoms = 3\ninit = \"random\"\n");
    write(folder, "run.toml", &text);
    let mut command = unrolled(folder);
    command.args(["run", "run.toml", "--out", "run"]).timeout(Duration::from_secs(20));
    String::from_utf8_lossy(&command.assert().code(2).get_output().stderr).into_owned()
}

fn npy(shape: &str) -> Vec<u8> {
    let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    (1..=4).for_each(|v| bytes.extend(f64::from(v).to_le_bytes()));
    bytes
}

fn checksum(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

/// A zip archive, nothing compressed.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let offset = bytes.len() as u32;
        let mut fields = [20u16, 0, 0, 0, 33].map(u16::to_le_bytes).concat();
        let numbers = [checksum(content), content.len() as u32, content.len() as u32];
        fields.extend(numbers.map(u32::to_le_bytes).concat());
        fields.extend([name.len() as u16, 0].map(u16::to_le_bytes).concat());
        bytes.extend([b"PK\x03\x04", &fields[..], name.as_bytes(), content].concat());
        let rest = [[0; 10].as_slice(), &offset.to_le_bytes(), name.as_bytes()].concat();
        directory.extend([b"PK\x01\x02\x14\x00", &fields[..], &rest].concat());
    }
    let count = (entries.len() as u16).to_le_bytes();
    let [start, length] = [bytes.len(), directory.len()].map(|v| (v as u32).to_le_bytes());
    let end = [b"PK\x05\x06\0\0\0\0", &count[..], &count, &length, &start, &[0, 0]].concat();
    [bytes, directory, end].concat()
}

#[test]
fn of_an_archive_only_the_array_that_was_named_is_read() {
    let folder = prepared();
    let good = npy("(2, 2)");
    let entries = [("other.npy", &b"this is no array"[..]), ("X.npy", &good)];
    std::fs::write(folder.path().join("data.npz"), archive(&entries)).unwrap();
    encode(folder.path(), "data.npz", 0);
    std::fs::write(folder.path().join("data.npz"), archive(&entries[..1])).unwrap();
    let said = encode(folder.path(), "data.npz", 2);
    assert!(
        said.contains("data.npz: has no array `X`; it holds `other`; name the right"),
        "{said}"
    );
}

#[test]
fn an_array_that_does_not_fit_its_header_is_refused() {
    let folder = prepared();
    for (shape, expected) in [
        ("(2, 3)", "`X`: it has too few or too many bytes for [2, 3]"),
        ("(1000000, 1000000)", "`X`: it has too few or too many bytes for [1000000, 1000000]"),
        ("(4294967296, 4294967296)", "`X`: its header is not one that NumPy writes"),
        (&"[".repeat(40), "`X`: its header is not one that NumPy writes"),
        (&"(1, ".repeat(40), "`X`: its header is not one that NumPy writes"),
    ] {
        let content = archive(&[("X.npy", &npy(shape))]);
        std::fs::write(folder.path().join("data.npz"), content).unwrap();
        let said = encode(folder.path(), "data.npz", 2);
        assert!(said.contains(expected), "{shape}: {said}");
    }
}

#[test]
fn encode_refuses_what_run_refuses() {
    let folder = prepared();
    let path = folder.path().join("data.safetensors");
    let whole = std::fs::read(&path).unwrap();
    let source = "source = \"file\"\npath = \"data.safetensors\"";
    let longer = [&whole[..], &[0; 8]].concat();
    for content in [&whole[..whole.len() - 8], &whole[..40], &whole[..5], &longer] {
        std::fs::write(&path, content).unwrap();
        let of_encode = encode(folder.path(), "data.safetensors", 2);
        let of_run = run(folder.path(), source);
        let sentence = of_encode.split("data.safetensors: ").last().unwrap();
        assert!(of_run.ends_with(sentence), "{of_encode} and {of_run}");
        assert!(sentence.starts_with("is not a valid safetensors file ("), "{sentence}");
    }
}

#[test]
fn images_of_no_size_are_refused() {
    let folder = prepared();
    let source = "source = \"mnist\"\npath = \".\"\nstandardise = \"center\"";
    for (shape, expected) in [
        ([0, 28, 28], "a dimension of its shape [0, 28, 28] is 0"),
        ([2, 0, 28], "a dimension of its shape [2, 0, 28] is 0"),
        ([0, u32::MAX, u32::MAX], "a dimension of its shape [0, 4294967295, 4294967295] is 0"),
        ([2, u32::MAX, 28], "it has too few or too many bytes for the shape [2, 4294967295, 28]"),
    ] {
        let header = |dimensions: &[u32]| {
            let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
            dimensions.iter().for_each(|d| bytes.extend(d.to_be_bytes()));
            bytes
        };
        let labels = [header(&[shape[0]]), vec![1; shape[0] as usize]].concat();
        std::fs::write(folder.path().join("train-images-idx3-ubyte"), header(&shape)).unwrap();
        std::fs::write(folder.path().join("train-labels-idx1-ubyte"), labels).unwrap();
        let said = run(folder.path(), source);
        assert!(said.contains(expected), "{said}");
    }
}
