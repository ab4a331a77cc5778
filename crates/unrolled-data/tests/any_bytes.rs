//! Whatever bytes a file has, reading it ends in arrays or in an error: no panic, no endless loop, no
//! memory beyond a small multiple of the file.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use unrolled::random::Stream;
use unrolled_data::{
    Channels, Keys, Rows, Split, dead_leaves, load, load_images, read_arrays, read_image_as_is,
    read_matrix, write_png,
};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Mutations of each file.
const TIMES: u64 = 1000;
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

/// What bytes are replaced with: numbers that are too large, brackets and quotes of .npy headers, and
/// integers of pickles.
fn words() -> Vec<Vec<u8>> {
    let numbers = [0, 1, 255, 1 << 16, 1 << 30, u64::from(u32::MAX), 1 << 32, 1 << 62, u64::MAX];
    let mut words = vec![b"0".to_vec(), b"9999999999".to_vec(), b"'".to_vec(), b"\\".to_vec()];
    words.extend(["(", "[", "{", "("].map(|open| open.repeat(40).into_bytes()));
    words.extend([vec![b'0'; 4], vec![0; 4], vec![255; 4], vec![255; 8], b"K\0K\0".to_vec()]);
    for number in numbers {
        words.push(number.to_le_bytes().to_vec());
        words.push((number as u32).to_be_bytes().to_vec());
        words.push([b"J", &(number as u32).to_le_bytes()[..]].concat());
    }
    words
}

/// Some bytes of `content` changed, cut out, repeated or put in.
fn mutated(content: &[u8], words: &[Vec<u8>], stream: &mut Stream) -> Vec<u8> {
    let mut bytes = content.to_vec();
    for _ in 0..1 + stream.below(4) {
        // Half of the time where headers are, and where a number could begin.
        let most = [bytes.len(), bytes.len().min(64)][stream.below(2)].max(1);
        let from = (stream.below(most) & [!0, !3][stream.below(2)]).min(bytes.len());
        let to = (from + 1 + stream.below(8)).min(bytes.len());
        let word = &words[stream.below(words.len())];
        let end = (from + word.len()).min(bytes.len());
        match stream.below(8) {
            0 => bytes[from..to].iter_mut().for_each(|byte| *byte ^= 1 << stream.below(8)),
            1..4 => bytes[from..end].copy_from_slice(&word[..end - from]),
            4 => drop(bytes.splice(from..to, word.iter().copied())),
            5 => drop(bytes.drain(from..to)),
            6 => {
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

/// Asks a file of arrays for everything; whether there were arrays, and a matrix.
fn read_all(path: &Path) -> bool {
    let arrays = read_arrays(path);
    for array in arrays.iter().flat_map(|arrays| arrays.values()) {
        let count = array.shape.iter().product::<usize>();
        assert!(array.values.as_ref().map_or(true, |values| values.len() == count));
    }
    if let Ok(data) = load(path, &Keys::default()) {
        assert!(data.examples() > 0 && data.features() > 0);
    }
    let rows = Rows::open(path, "X").and_then(|rows| {
        let [n, _] = rows.shape();
        rows.read(0, n)
    });
    // Rows without columns are none.
    let whole = read_matrix(path, "X").ok().filter(|matrix| matrix.ncols() > 0);
    let rows = rows.ok().filter(|rows| rows.ncols() > 0);
    assert_eq!(rows, whole, "by rows and as a whole");
    arrays.is_ok() && ["X", "W"].iter().any(|key| read_matrix(path, key).is_ok())
}

/// Reads the images of all classes and of one; whether there were any.
fn read_images(folder: &Path) -> bool {
    let images = load_images(folder, Split::Train, &[]);
    if let Ok(images) = &images {
        assert!(images.data.examples() > 0 && images.data.features() > 0);
    }
    load_images(folder, Split::Train, &[1]).is_ok() && images.is_ok()
}

/// Reads `path` with its first content and then with every other. A reader that panics or does not
/// come to an end fails the test.
fn read_many(
    path: PathBuf,
    whole: Vec<u8>,
    make: impl Fn(&[Vec<u8>], &mut Stream) -> Vec<u8> + Send + 'static,
    read: impl Fn() -> bool + Send + 'static,
) {
    let name = path.display().to_string();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        std::fs::write(&path, whole).unwrap();
        sender.send(read()).unwrap();
        let words = words();
        for index in 0..TIMES {
            let content = make(&words, &mut Stream::new(39, "any bytes", index));
            std::fs::write(&path, content).unwrap();
            sender.send(read()).unwrap();
        }
    });
    for index in 0..=TIMES {
        let read = receiver.recv_timeout(Duration::from_secs(20));
        let read = read.unwrap_or_else(|_| panic!("{name}: no answer to content {index}"));
        assert!(read || index > 0, "{name} can be read as it is");
    }
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
    for (name, whole) in [
        ("a.safetensors", small_safetensors()),
        ("a.npz", fixture("orders.npz")),
        ("b.npz", fixture("orders_compressed.npz")),
        ("a.pt", fixture("state.pt")),
    ] {
        let path = folder.path().join(name);
        let (content, read) = (whole.clone(), path.clone());
        let make = move |words: &[Vec<u8>], stream: &mut Stream| mutated(&content, words, stream);
        read_many(path, whole, make, move || read_all(&read));
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
        let path = folder.path().join(name);
        let (whole, read) = (fixture(archive), path.clone());
        let content = whole.clone();
        let make = move |words: &[Vec<u8>], stream: &mut Stream| {
            rezipped(&content, method, &mut |entry| mutated(&entry, words, stream))
        };
        read_many(path, whole, make, move || read_all(&read));
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
    let (root, file) = (folder.path().to_owned(), |name: &str| folder.path().join(name));
    let images = idx(&[3, 2, 2], &[7; 12]);
    let labels = idx(&[3], &[1, 0, 1]);
    std::fs::write(file("train-labels-idx1-ubyte"), &labels).unwrap();
    for (name, is_zipped, is_zipped_after) in [
        ("train-images-idx3-ubyte.gz", true, false),
        ("train-images-idx3-ubyte.gz", true, true),
        ("train-images-idx3-ubyte", false, false),
    ] {
        let packed = |content: Vec<u8>| if is_zipped { zipped(&content) } else { content };
        let (whole, root) = (packed(images.clone()), root.clone());
        let content = if is_zipped_after { images.clone() } else { whole.clone() };
        let make = move |words: &[Vec<u8>], stream: &mut Stream| {
            let content = mutated(&content, words, stream);
            if is_zipped_after { zipped(&content) } else { content }
        };
        read_many(file(name), whole, make, move || read_images(&root));
    }
    std::fs::write(file("train-images-idx3-ubyte"), &images).unwrap();
    let whole = labels.clone();
    let make = move |words: &[Vec<u8>], stream: &mut Stream| mutated(&labels, words, stream);
    read_many(file("train-labels-idx1-ubyte"), whole, make, move || read_images(&root));
    // No images at all, of no size and of every size, plain: labels agree with them.
    std::fs::write(file("train-labels-idx1-ubyte"), idx(&[0], &[])).unwrap();
    for shape in [[0, 2, 2], [0, u32::MAX, u32::MAX], [0, 1 << 31, 1 << 31]] {
        std::fs::write(file("train-images-idx3-ubyte"), idx(&shape, &[])).unwrap();
        assert!(!read_images(folder.path()), "{shape:?}");
    }
}

/// The chunks of a PNG passed through `change` (its pixels unpacked), so that checksums fit.
fn rechunked(file: &[u8], change: &mut dyn FnMut(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let (mut written, mut rest) = (file[..8].to_vec(), &file[8..]);
    while let [a, b, c, d, after @ ..] = rest {
        let (kind, after) = after.split_at(4);
        let (content, after) = after.split_at(u32::from_be_bytes([*a, *b, *c, *d]) as usize);
        let content = match kind {
            b"IDAT" => {
                let mut pixels = Vec::new();
                flate2::read::ZlibDecoder::new(content).read_to_end(&mut pixels).unwrap();
                let packed = Vec::new();
                let mut writer =
                    flate2::write::ZlibEncoder::new(packed, flate2::Compression::fast());
                writer.write_all(&change(pixels)).unwrap();
                writer.finish().unwrap()
            }
            _ => change(content.to_vec()),
        };
        let chunk = [kind, &content].concat();
        let mut crc = flate2::Crc::new();
        crc.update(&chunk);
        written.extend((content.len() as u32).to_be_bytes());
        written.extend(chunk);
        written.extend(crc.sum().to_be_bytes());
        rest = &after[4..];
    }
    written
}

/// Whether a file is an image, which then has the values that its shape says.
fn read_picture(path: &Path) -> bool {
    let image = read_image_as_is(path);
    if let Ok(image) = &image {
        assert_eq!(image.values.len(), image.channels * image.height * image.width);
        assert!(image.values.iter().all(|v| (0.0..=1.0).contains(v)) && !image.values.is_empty());
    }
    image.is_ok()
}

#[test]
fn pictures_of_any_bytes_are_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let leaves = write_png(&dead_leaves(1, 0, [9, 11], Channels::Colour));
    for (name, whole) in [
        ("a.png", leaves.clone()),
        ("grey.jpg", fixture("images/grey.jpg")),
        ("colour.jpg", fixture("images/colour.jpg")),
        ("progressive.jpg", fixture("images/progressive.jpg")),
    ] {
        let path = folder.path().join(name);
        let (content, read) = (whole.clone(), path.clone());
        let make = move |words: &[Vec<u8>], stream: &mut Stream| mutated(&content, words, stream);
        read_many(path, whole, make, move || read_picture(&read));
    }
    let path = folder.path().join("b.png");
    let (whole, read) = (leaves.clone(), path.clone());
    let make = move |words: &[Vec<u8>], stream: &mut Stream| {
        rechunked(&leaves, &mut |chunk| match stream.below(3) {
            0 => mutated(&chunk, words, stream),
            _ => chunk,
        })
    };
    read_many(path, whole, make, move || read_picture(&read));
}
