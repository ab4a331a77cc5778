//! PNG and JPEG files of every kind, read, and refused in one sentence.

mod png_kinds;

use std::path::{Path, PathBuf};

use unrolled_data::{
    Channels, Image, dead_leaves, list_images, read_image, read_image_as_is, write_png,
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/images").join(name)
}

/// Reads a file with this content as the file says.
fn read(content: &[u8]) -> Result<Image, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    std::fs::write(&path, content).unwrap();
    read_image_as_is(&path)
        .map_err(|error| error.to_string().replace(&path.display().to_string(), "a.png"))
}

/// The bytes of an image that an independent decoder finds at a pixel.
fn pixel(image: &Image, row: usize, column: usize) -> Vec<f32> {
    image.crop(row, column, [1, 1]).values.iter().map(|v| 255.0 * v).collect()
}

#[test]
fn jpegs_are_read_and_those_of_four_colours_refused() {
    // What libjpeg makes of them; decoders may differ by a little.
    for (name, corner, centre) in [
        ("grey.jpg", vec![0.0], vec![128.0]),
        ("colour.jpg", vec![1.0, 1.0, 0.0], vec![129.0, 127.0, 128.0]),
        ("progressive.jpg", vec![1.0, 1.0, 3.0], vec![128.0, 128.0, 128.0]),
    ] {
        let image = read_image_as_is(&fixture(name)).unwrap();
        assert_eq!([image.channels, image.height, image.width], [corner.len(), 19, 27]);
        for (place, expected) in [([0, 0], corner), ([9, 13], centre)] {
            let found = pixel(&image, place[0], place[1]);
            let near = found.iter().zip(&expected).all(|(f, e)| (f - e).abs() < 2.5);
            assert!(near, "{name}: {found:?}, not {expected:?}");
        }
        let grey = read_image(&fixture(name), Channels::Grey).unwrap();
        assert_eq!(grey, image.with_channels(Channels::Grey));
        assert!(read_image(&fixture(name), Channels::Colour).unwrap().channels == 3);
    }
    let said = read(&std::fs::read(fixture("cmyk.jpg")).unwrap()).unwrap_err();
    let expected =
        "a.png: has CMYK colours; convert it to grey or RGB with 8 bits a channel, or to a PNG";
    assert_eq!(said, expected);
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let leaves = write_png(&dead_leaves(1, 0, [20, 30], Channels::Colour));
    let of = |name| std::fs::read(fixture(name)).unwrap();
    for content in [leaves, of("grey.jpg"), of("colour.jpg"), of("progressive.jpg")] {
        assert!(read(&content).is_ok());
        for end in (0..content.len()).filter(|end| end % 7 == 0 || end + 20 > content.len()) {
            let said = read(&content[..end]).unwrap_err();
            // Of so few bytes it cannot be told what they were.
            assert!(end < 8 || said.contains("it is cut short"), "{end}: {said}");
        }
    }
}

#[test]
fn headers_that_promise_too_much_are_refused_before_memory_is_taken() {
    let content = write_png(&dead_leaves(1, 0, [8, 8], Channels::Grey));
    let promising = |height: u32, width: u32| {
        let mut content = content.clone();
        content[16..20].copy_from_slice(&width.to_be_bytes());
        content[20..24].copy_from_slice(&height.to_be_bytes());
        let mut crc = flate2::Crc::new();
        crc.update(&content[12..29]);
        content[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        content
    };
    let expected = "a.png: has 100000 × 100000 pixels, more than the 268435456 that are read; cut it into smaller \
                    images";
    assert_eq!(read(&promising(100_000, 100_000)).unwrap_err(), expected);
    assert!(read(&promising(10_000, 10_000)).unwrap_err().contains("it is cut short"));
    let mut jpeg = std::fs::read(fixture("grey.jpg")).unwrap();
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    for (sides, expected) in [
        ([0xff; 4], "has 65535 × 65535 pixels, more than"),
        ([0x20, 0, 0x20, 0], "it has no or too few bytes for 8192 × 8192 pixels"),
        ([0, 0, 0, 9], "it has no or too few bytes for 9 × 0 pixels"),
    ] {
        jpeg[frame + 5..frame + 9].copy_from_slice(&sides);
        let said = read(&jpeg).unwrap_err();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn what_is_written_is_read_again_and_what_is_beyond_is_clamped() {
    let image =
        Image { values: vec![-0.3, 0.0, 0.4, 0.499, 1.0, 7.0], channels: 1, height: 2, width: 3 };
    let again = read(&write_png(&image)).unwrap();
    assert_eq!(again.values, [0.0, 0.0, 102.0, 127.0, 255.0, 255.0].map(|v| v / 255.0));
    let leaves = dead_leaves(3, 1, [17, 9], Channels::Colour);
    let again = read(&write_png(&leaves)).unwrap();
    let far = again.values.iter().zip(&leaves.values).any(|(a, b)| (a - b).abs() > 0.5001 / 255.0);
    assert!(!far && again.channels == 3);
    assert_eq!(read(&write_png(&again)).unwrap(), again);
}

#[test]
fn a_folder_of_several_kinds_is_read_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::copy(fixture("colour.jpg"), path("b.jpeg")).unwrap();
    // The content tells, not the ending.
    std::fs::copy(fixture("grey.jpg"), path("c.png")).unwrap();
    std::fs::write(path("a.PNG"), write_png(&dead_leaves(1, 0, [4, 4], Channels::Grey))).unwrap();
    std::fs::write(path("notes.txt"), "none").unwrap();
    let images = list_images(folder.path()).unwrap();
    let read = images.iter().map(|path| read_image_as_is(path).unwrap());
    let channels: Vec<_> = read.map(|image| image.channels).collect();
    assert_eq!(channels, [1, 3, 1]);
}

#[test]
fn jpegs_that_are_coded_otherwise_are_refused() {
    let mut jpeg = std::fs::read(fixture("grey.jpg")).unwrap();
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[frame + 1] = 0xc3;
    let said = read(&jpeg).unwrap_err();
    assert!(
        said.contains("(it is coded without loss or arithmetically, which is not read)"),
        "{said}"
    );
    jpeg[frame + 1] = 0xc1;
    jpeg[frame + 4] = 12;
    let said = read(&jpeg).unwrap_err();
    assert!(said.contains("a.png: has 1 channels of 12 bits; convert it"), "{said}");
}
