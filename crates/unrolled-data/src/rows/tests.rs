//! Rows of files in all their formats.

use std::fs;
use std::path::Path;

use ndarray::{Array2, Axis, array};
use unrolled::random::Stream;

use super::Rows;

/// An .npy file of version 1.
fn npy(descr: &str, fortran: bool, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    let text = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((text.len() as u16).to_le_bytes());
    file.extend(text.as_bytes());
    file.extend(bytes);
    file
}

fn of_f32(x: &Array2<f64>) -> Vec<u8> {
    let bytes: Vec<u8> = x.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect();
    npy("<f4", false, &format!("({}, {})", x.nrows(), x.ncols()), &bytes)
}

fn safetensors(dtype: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let header = format!(
        r#"{{"X":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{}]}}}}"#,
        bytes.len()
    );
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(bytes);
    file
}

fn refusal(path: &Path) -> String {
    let rows = Rows::open(path, "X").and_then(|rows| rows.survey());
    rows.expect_err("it is refused").to_string()
}

#[test]
fn every_format_and_type_gives_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let expected = array![[1.0, -2.0, 0.5], [0.25, 4.0, -8.0]];
    let halves: Vec<u8> =
        expected.iter().flat_map(|v| half::f16::from_f64(*v).to_le_bytes()).collect();
    let brains: Vec<u8> =
        expected.iter().flat_map(|v| half::bf16::from_f64(*v).to_le_bytes()).collect();
    let columns: Vec<u8> = expected.t().iter().flat_map(|v| v.to_le_bytes()).collect();
    let big: Vec<u8> = expected.iter().flat_map(|v| v.to_be_bytes()).collect();
    for (name, content) in [
        ("a.npy", of_f32(&expected)),
        ("b.npy", npy("<f2", false, "(2, 3)", &halves)),
        ("c.npy", npy("<f8", true, "(2, 3)", &columns)),
        ("d.npy", npy(">f8", false, "(2, 3)", &big)),
        ("e.safetensors", safetensors("F16", "[2,3]", &halves)),
        ("f.safetensors", safetensors("BF16", "[2,3]", &brains)),
        ("g.safetensors", safetensors("BF16", "[2,1,1,3]", &brains)),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let rows = Rows::open(&path, "X").unwrap();
        assert_eq!(rows.read(0, 2).unwrap(), expected, "{name}");
        assert_eq!(rows.read(1, 2).unwrap().row(0), expected.row(1), "{name}");
        let image = name.starts_with('g').then_some([1, 1, 3]);
        assert_eq!(rows.image(), image, "{name}");
    }
    let path = folder.path().join("images-idx3-ubyte");
    let idx = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2][..], &[0, 255, 51, 102]].concat();
    fs::write(&path, idx).unwrap();
    let rows = Rows::open(&path, "X").unwrap();
    assert_eq!((rows.shape(), rows.image()), ([2, 2], Some([1, 1, 2])));
    let close = rows.read(0, 2).unwrap() - array![[0.0, 1.0], [0.2, 0.4]];
    assert!(close.iter().all(|v| v.abs() < 1e-15));
}

#[test]
fn shards_are_one_matrix_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let mut stream = Stream::new(1, "test", 0);
    let all = Array2::from_shape_simple_fn((1000, 7), || f64::from(stream.normal() as f32) + 3.0);
    for (name, range) in [("b.npy", 200..201), ("a.npy", 0..200), ("c.npy", 201..1000)] {
        let part = all.slice(ndarray::s![range, ..]).to_owned();
        fs::write(folder.path().join(name), of_f32(&part)).unwrap();
    }
    fs::write(folder.path().join("README"), "of these rows").unwrap();
    let all = all.mapv(|v| f64::from(v as f32));
    for path in
        [folder.path().to_owned(), folder.path().join("*.npy"), folder.path().join("[abc].n?y")]
    {
        let rows = Rows::open(&path, "X").unwrap();
        assert_eq!((rows.shape(), rows.files()), ([1000, 7], 3));
        assert_eq!(rows.read(150, 300).unwrap(), all.slice(ndarray::s![150..300, ..]));
        let (file, row) = rows.place(201);
        assert_eq!((file.file_name().unwrap().to_str().unwrap(), row), ("c.npy", 0));
    }
}

#[test]
fn a_survey_finds_mean_variance_and_a_checksum_of_every_entry() {
    let folder = tempfile::tempdir().unwrap();
    let mut stream = Stream::new(2, "test", 0);
    // Several blocks.
    let x = Array2::from_shape_simple_fn((3000, 257), || f64::from(stream.normal() as f32) + 100.0);
    let x = x.mapv(|v| f64::from(v as f32));
    let path = folder.path().join("x.npy");
    fs::write(&path, of_f32(&x)).unwrap();
    let survey = || Rows::open(&path, "X").unwrap().survey().unwrap().unwrap();
    let found = survey();
    let mean = x.mean_axis(Axis(0)).unwrap();
    let variance = (&x - &mean).iter().map(|v| v * v).sum::<f64>() / x.len() as f64;
    assert!((&found.mean - &mean).iter().all(|v| v.abs() < 1e-11));
    assert!((found.variance - variance).abs() < 1e-11, "{} {variance}", found.variance);
    let largest = x.rows().into_iter().map(|row| row.dot(&row)).fold(0.0, f64::max);
    assert!((found.largest_norm_squared / largest - 1.0).abs() < 1e-14);
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(one.install(survey), found);
    let bytes: Vec<u8> = x.iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(found.checksum, crc32fast::hash(&bytes));
}

#[test]
fn what_does_not_go_together_is_refused_with_the_file_and_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let write =
        |name: &str, content: Vec<u8>| fs::write(folder.path().join(name), content).unwrap();
    write("a.npy", of_f32(&array![[1.0, 2.0], [3.0, 4.0]]));
    let said = |name: &str, content: Vec<u8>| {
        write(name, content);
        let said = refusal(folder.path());
        fs::remove_file(folder.path().join(name)).unwrap();
        said.replace(&format!("{}/", folder.path().display()), "")
    };
    assert_eq!(
        said("b.npy", of_f32(&array![[1.0, 2.0, 3.0]])),
        "b.npy: `X` has 3 columns, but that of a.npy has 2 columns; give shards of one width, or name some of them with a \
         pattern"
    );
    let double: Vec<u8> = [1.0f64, 2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(
        said("b.npy", npy("<f8", false, "(1, 2)", &double)),
        "b.npy: `X` holds float64, but that of a.npy holds float32; write all shards with one type of numbers"
    );
    let mut short = of_f32(&array![[1.0, 2.0], [3.0, 4.0]]);
    short.truncate(short.len() - 3);
    assert_eq!(
        said("b.npy", short),
        "b.npy: is not a valid npy file (its header describes an array of shape [2, 2], and 13 bytes are there); write it again"
    );
    assert_eq!(
        said("b.npy", of_f32(&array![[1.0, 2.0], [3.0, f64::NAN]])),
        "b.npy: `X` holds NaN at row 1, column 1 (counted from 0); give a finite number there or, if the row is an \
         example, leave it out"
    );
    let whole = npy("<i4", false, "(1, 2)", &[0; 8]);
    assert!(said("b.npy", whole).starts_with("b.npy: `X` holds <i4; save it as float16"));
    fs::remove_file(folder.path().join("a.npy")).unwrap();
    assert!(refusal(folder.path()).contains("the folder has no such file; name a file"));
    assert!(refusal(&folder.path().join("*.npy")).contains("no file has a name like that"));
    assert!(refusal(&folder.path().join("a.npy")).contains("cannot be read"));
}

#[test]
fn a_file_that_is_cut_short_while_it_is_read_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    fs::write(&path, of_f32(&Array2::zeros((50_000, 4)))).unwrap();
    let rows = Rows::open(&path, "X").unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1000).unwrap();
    let said = rows.read(0, 50_000).unwrap_err().to_string();
    assert!(
        said.ends_with("is not a valid npy file (`X`: it is cut short); write it again"),
        "{said}"
    );
}

/// More files than are kept open: each is opened again, and has to be what it was.
#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let count = super::KEPT_OPEN + 1;
    let file = |index: usize| folder.path().join(format!("{index:04}.npy"));
    for index in 0..count {
        fs::write(file(index), of_f32(&array![[index as f64, 1.0]])).unwrap();
    }
    let rows = Rows::open(folder.path(), "X").unwrap();
    assert_eq!(rows.read(0, count).unwrap()[[7, 0]], 7.0);
    fs::write(file(7), of_f32(&array![[8.0, 1.0], [9.0, 1.0]])).unwrap();
    assert_eq!(rows.read(8, count).unwrap()[[0, 0]], 8.0);
    let said = rows.read(0, count).unwrap_err().to_string();
    assert!(said.contains("0007.npy"), "{said}");
    assert!(said.contains("it has changed since it was looked at first"), "{said}");
}
