//! Whatever bytes a file has, reading it ends in arrays or in an error: no panic, no memory beyond a
//! small multiple of the file.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Cursor, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use unrolled::random::Stream;
use unrolled_data::{Keys, Rows, Split, load, load_images, read_arrays, read_matrix};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The files here have some kilobytes; who asks for more than this at once ends the test.
const MOST: usize = 16 << 20;

struct Sparing;

// SAFETY: every call is passed on to the system's allocator; one that asks for too much fails.
unsafe impl GlobalAlloc for Sparing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match layout.size() > MOST {
            true => std::ptr::null_mut(),
            false => unsafe { System.alloc(layout) },
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Sparing = Sparing;

fn fixture(name: &str) -> Vec<u8> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    std::fs::read(fixtures.join(name)).unwrap()
}

/// Some bytes of `content` changed, cut out, repeated or put in.
fn mutated(content: &[u8], stream: &mut Stream) -> Vec<u8> {
    const NUMBERS: [u64; 8] = [0, 1, 127, 1 << 16, 1 << 31, 1 << 32, 1 << 62, u64::MAX];
    const TEXTS: [&[u8]; 8] =
        [b"0", b"9999999999", b"(", b"[[[[[[[[", b"{", b"'", b"\\", b"\x8a\x08\xff\xff\xff\x7f"];
    let mut bytes = content.to_vec();
    for _ in 0..1 + stream.below(3) {
        let from = stream.below(bytes.len().max(1)).min(bytes.len());
        let to = (from + 1 + stream.below(8)).min(bytes.len());
        let number = NUMBERS[stream.below(NUMBERS.len())].to_le_bytes();
        match stream.below(7) {
            0 => bytes[from..to].iter_mut().for_each(|byte| *byte = 1 << stream.below(8)),
            1 => bytes[from..to].iter_mut().for_each(|byte| *byte ^= 1 << stream.below(8)),
            2 => bytes[from..to].copy_from_slice(&number[..to - from]),
            3 => drop(bytes.splice(from..to, TEXTS[stream.below(TEXTS.len())].iter().copied())),
            4 => drop(bytes.drain(from..to)),
            5 => {
                let again = bytes[from..to].repeat(1 + stream.below(40));
                drop(bytes.splice(from..from, again));
            }
            _ => bytes.truncate(from),
        }
    }
    bytes
}

/// The archive with every entry passed through `change`, so that checksums fit.
fn rezipped(
    archive: &[u8],
    method: CompressionMethod,
    change: &mut dyn FnMut(Vec<u8>) -> Vec<u8>,
) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let (name, mut content) = (entry.name().unwrap().into_owned(), Vec::new());
        entry.read_to_end(&mut content).unwrap();
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(name, options).unwrap();
        writer.write_all(&change(content)).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Everything that can be asked of a file of arrays; whether all of it could be read.
fn read_all(path: &Path) -> bool {
    let arrays = read_arrays(path).is_ok();
    let data = load(path, &Keys::default()).is_ok();
    let matrices = ["X", "W", "b", "counts"].map(|key| read_matrix(path, key).is_ok());
    let rows = Rows::open(path, "X").and_then(|mut rows| {
        let [n, _] = rows.shape();
        rows.read(0, n.min(1000))
    });
    arrays && (data || matrices[1]) && (rows.is_ok() || matrices[1])
}

/// Writes what `make` makes of each stream to `path` and reads it; how often it could be read.
fn read_many(
    path: &Path,
    times: u64,
    make: impl Fn(&mut Stream) -> Vec<u8>,
    read: impl Fn() -> bool,
) -> u64 {
    (0..times)
        .filter(|index| {
            let mut stream = Stream::new(39, "any bytes", *index);
            std::fs::write(path, make(&mut stream)).unwrap();
            catch_unwind(AssertUnwindSafe(&read)).unwrap_or_else(|_| {
                panic!("{} panicked at mutation {index}", path.display());
            })
        })
        .count() as u64
}

fn small_safetensors() -> Vec<u8> {
    use safetensors::{Dtype, tensor::TensorView};
    let bytes: Vec<u8> = (0..12).flat_map(|v| (v as f64).to_le_bytes()).collect();
    let view = |shape: [usize; 2]| TensorView::new(Dtype::F64, shape.to_vec(), &bytes).unwrap();
    safetensors::serialize([("X", view([3, 4])), ("D_star", view([4, 3]))], None).unwrap()
}

#[test]
fn files_of_arrays_of_any_bytes_are_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("a.safetensors", small_safetensors()),
        ("a.npz", fixture("orders.npz")),
        ("b.npz", fixture("orders_compressed.npz")),
        ("a.pt", fixture("state.pt")),
    ] {
        let path = folder.path().join(name);
        let read = || read_all(&path);
        assert_eq!(read_many(&path, 1, |_| content.clone(), read), 1, "{name} can be read");
        read_many(&path, 3000, |stream| mutated(&content, stream), read);
    }
}

#[test]
fn entries_of_any_bytes_under_a_good_checksum_are_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, archive, method) in [
        ("a.npz", "orders.npz", CompressionMethod::Stored),
        ("b.npz", "orders.npz", CompressionMethod::Deflated),
        ("a.pt", "state.pt", CompressionMethod::Stored),
    ] {
        let (path, archive) = (folder.path().join(name), fixture(archive));
        let make = |stream: &mut Stream| {
            rezipped(&archive, method, &mut |content| mutated(&content, stream))
        };
        read_many(&path, 3000, make, || read_all(&path));
    }
}

fn idx(dimensions: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, dimensions.len() as u8];
    dimensions.iter().for_each(|d| file.extend(d.to_be_bytes()));
    file.extend(bytes);
    file
}

fn zipped(content: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(content).unwrap();
    writer.finish().unwrap()
}

#[test]
fn images_of_any_bytes_are_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| -> PathBuf { folder.path().join(name) };
    let [images, labels] = [idx(&[3, 2, 2], &[7; 12]), idx(&[3], &[1, 0, 1])];
    let read = || {
        let all = load_images(folder.path(), Split::Train, &[]).is_ok();
        load_images(folder.path(), Split::Train, &[1]).is_ok() && all
    };
    std::fs::write(file("train-images-idx3-ubyte"), &images).unwrap();
    let path = file("train-labels-idx1-ubyte");
    read_many(&path, 3000, |stream| mutated(&labels, stream), read);
    std::fs::write(&path, &labels).unwrap();
    assert!(read(), "the images can be read");
    let path = file("train-images-idx3-ubyte");
    read_many(&path, 3000, |stream| mutated(&images, stream), read);
    std::fs::remove_file(path).unwrap();
    let path = file("train-images-idx3-ubyte.gz");
    read_many(&path, 3000, |stream| zipped(&mutated(&images, stream)), read);
    read_many(&path, 3000, |stream| mutated(&zipped(&images), stream), read);
}
