//! Images, models and configurations that cannot be used: each says why, and nothing is written.

use super::*;

/// Images of every sort that is not to be used, and models.
fn bad_folder() -> TempDir {
    let folder = folder();
    let place = |name: &str| folder.path().join(name);
    grey(&place("good.png"), [20, 21]);
    colour(&place("colour.png"), [20, 20]);
    grey(&place("small.png"), [4, 30]);
    grey(&place("line.png"), [30, 1]);
    let translucent: Vec<u8> = pattern(400).into_iter().flat_map(|v| [v, 128]).collect();
    let alpha = ColorType::GrayscaleAlpha;
    save(&place("alpha.png"), alpha, BitDepth::Eight, [20, 20], &translucent);
    save(&place("palette.png"), ColorType::Indexed, BitDepth::Eight, [20, 20], &[1; 400]);
    let good = bytes(folder.path(), "good.png");
    write_bytes(&place("cut.png"), &good[..good.len() / 2]);
    let jpeg = std::fs::read(root().join("tests/fixtures/images/grey.jpg")).unwrap();
    write_bytes(&place("cut.jpg"), &jpeg[..jpeg.len() / 2]);
    let fixtures = root().join("tests/fixtures/images");
    std::fs::copy(fixtures.join("cmyk.jpg"), place("cmyk.jpg")).unwrap();
    write_bytes(&place("text.png"), b"a photograph of my cat\n");
    write_bytes(&place("nothing.png"), b"");
    write_bytes(&place("bomb.png"), &bomb());
    std::fs::create_dir(place("empty")).unwrap();
    std::fs::create_dir(place("mixed")).unwrap();
    write_bytes(&place("mixed/good.png"), &good);
    write_bytes(&place("file"), b"a file");
    folder
}

fn write_bytes(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

/// A PNG of a few bytes whose header declares 100 000 × 100 000 pixels.
fn bomb() -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], data: &[u8]| {
        let checked = [&kind[..], data].concat();
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(&checked);
        file.extend(crc(&checked).to_be_bytes());
    };
    let side = 100_000u32.to_be_bytes();
    chunk(b"IHDR", &[&side[..], &side, &[8, 0, 0, 0, 0]].concat());
    chunk(b"IDAT", &[0x78, 0x9c, 3, 0, 0, 0, 0, 1]);
    chunk(b"IEND", &[]);
    file
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    };
    !bytes.iter().fold(!0, step)
}

/// What a command says that is to end with status 2 and nothing written.
fn refused(folder: &Path, name: &str, arguments: &[&str]) -> String {
    let before = listing(folder);
    let output = unrolled(folder).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{name}: {output:?}");
    assert_eq!(before, listing(folder), "{name} wrote something");
    let said = String::from_utf8_lossy(&output.stderr);
    let said = without_free_memory(&said);
    let said = said.replace(&*folder.to_string_lossy(), "FOLDER");
    format!("## {name}\n{}\n", said.replace(&*root().to_string_lossy(), "ROOT"))
}

#[test]
fn every_request_that_cannot_be_met_says_why() {
    let folder = bad_folder();
    let copy = |from: &Path, to: &str| {
        std::fs::create_dir(folder.path().join(to)).unwrap();
        for name in [".unrolled", "config.toml", "arrays.safetensors"] {
            std::fs::copy(from.join(name), folder.path().join(to).join(name)).unwrap();
        }
    };
    copy(&model(), "model");
    copy(&trained(&["data.channels=\"colour\""]).path().join("model"), "colours");
    copy(&trained(&["measurement.kind=\"mask\""]).path().join("model"), "inpainting");
    let two = trained_as(&format!("{DRAWN}\n[sweep]\n\"encoder.iterations\" = [2, 3]\n"), &[]);
    copy(&two.path().join("model"), "two");
    copy(&model(), "unfinished");
    std::fs::remove_file(folder.path().join("unfinished/arrays.safetensors")).unwrap();
    let fixture = root().join("tests/fixtures/compare_gradients_small.safetensors");
    std::fs::copy(fixture, folder.path().join("other.safetensors")).unwrap();
    let whole = bytes(folder.path(), "model/arrays.safetensors");
    write_bytes(&folder.path().join("cut.safetensors"), &whole[..whole.len() / 2]);
    let mut seen = String::new();
    let mut case = |name: &str, model: &str, arguments: &[&str]| {
        let arguments = [&["denoise", "--model", model, "--out", "out"], arguments].concat();
        seen.push_str(&refused(folder.path(), name, &arguments));
    };
    case("no image", "model", &[]);
    case("an image that is not there", "model", &["absent.png"]);
    case("an empty folder", "model", &["empty"]);
    case("an image smaller than a filter", "model", &["good.png", "small.png"]);
    case("an image a pixel wide", "model", &["line.png"]);
    case("an image in colour for a grey model", "model", &["colour.png"]);
    case("a palette for a grey model", "model", &["palette.png"]);
    case("a grey image for a model in colour", "colours", &["good.png"]);
    case("an image that shows what is behind it", "model", &["alpha.png"]);
    case("a PNG that is cut short", "model", &["good.png", "cut.png"]);
    case("a JPEG that is cut short", "model", &["good.png", "cut.jpg"]);
    case("inks", "model", &["cmyk.jpg"]);
    case("text that is called an image", "model", &["text.png"]);
    case("a file of no bytes", "model", &["nothing.png"]);
    case("a header that declares more than there is", "model", &["bomb.png"]);
    case("two images of one stem", "model", &["good.png", "mixed"]);
    case("a negative noise", "model", &["good.png", "--noise", "-5"]);
    case("a noise that is not a number", "model", &["good.png", "--noise", "nan"]);
    case("a noise that is a word", "model", &["good.png", "--noise", "some"]);
    case("no threads", "model", &["good.png", "--threads", "0"]);
    case("parts of no pixels", "model", &["good.png", "--tile", "0"]);
    case("a device that is not there", "model", &["good.png", "--device", "flux"]);
    case("a model that is not there", "absent", &["good.png"]);
    case("a folder that is no run", "empty", &["good.png"]);
    case("a run that is not finished", "unfinished", &["good.png"]);
    case("arrays of something else", "other.safetensors", &["good.png"]);
    case("arrays that are cut short", "cut.safetensors", &["good.png"]);
    case("an image for a model", "good.png", &["good.png"]);
    case("several runs", "two", &["good.png"]);
    case("a run that is not there", "two", &["good.png", "--run", "main"]);
    case("another run than the only one", "model", &["good.png", "--run", "other"]);
    case("a model of what was measured", "inpainting", &["good.png"]);
    let mut case = |name: &str, arguments: &[&str]| {
        let arguments = [&["denoise", "--model", "model", "good.png"], arguments].concat();
        seen.push_str(&refused(folder.path(), name, &arguments));
    };
    case("no folder to write to", &[]);
    case("a file for the folder", &["--out", "file"]);
    case("a folder within a file", &["--out", "file/out"]);
    case("the folder of the inputs", &["--out", "."]);
    case("a folder with the output in it", &["--out", "mixed"]);
    insta::assert_snapshot!(seen);
}

#[test]
fn every_configuration_that_cannot_be_run_says_why() {
    let folder = bad_folder();
    let files = DRAWN
        .replace("source = \"dead-leaves\"\ntrain = 3\nvalidation = 1\ntest = 1\nsize = 24\n", "");
    assert!(files.len() < DRAWN.len());
    let with = |from: &str, to: &str| {
        assert!(DRAWN.contains(from), "{from}");
        DRAWN.replace(from, to)
    };
    let data = |lines: &str| files.replace("[data]\n", &format!("[data]\n{lines}\n"));
    let mut seen = String::new();
    let mut case = |name: &str, text: String| {
        write(folder.path(), "bad.toml", &text);
        seen.push_str(&refused(folder.path(), name, &["run", "bad.toml", "--out", "out"]));
    };
    case("no images", data(""));
    case("images that are not there", data("train = \"absent\""));
    case("an empty folder", data("train = \"empty\""));
    case("an image smaller than a crop", data("train = [\"good.png\", \"small.png\"]"));
    case("an image smaller than a filter", data("train = \"mixed\"\ntest = \"small.png\""));
    case("an image a pixel wide", data("train = \"mixed\"\nvalidation = \"line.png\""));
    case("an image that shows what is behind it", data("train = \"alpha.png\""));
    case("a PNG that is cut short", data("train = [\"mixed\", \"cut.png\"]"));
    case("a JPEG that is cut short", data("train = \"mixed\"\ntest = \"cut.jpg\""));
    case("inks", data("train = \"cmyk.jpg\""));
    case("text that is called an image", data("train = \"text.png\""));
    case("a header that declares more than there is", data("train = \"bomb.png\""));
    case("a number for files", data("train = 3"));
    case("a list with numbers in it", data("train = [3]"));
    case("a word for the channels", data("train = \"mixed\"\nchannels = \"gray\""));
    case("files that are drawn", with("train = 3", "train = \"mixed\""));
    case("a size for files", data("train = \"mixed\"\nsize = 30"));
    case("drawn images smaller than a crop", with("size = 24", "size = 12"));
    case("a crop smaller than a filter", with("crop = 16", "crop = 4"));
    case("a crop of nothing", with("crop = 16", "crop = 0"));
    case("a negative noise", with("crop = 16", "crop = 16\nnoise = -1"));
    case("a noise that is not a number", with("crop = 16", "crop = 16\nnoise = nan"));
    case("a noise that is a word", with("crop = 16", "crop = 16\nnoise = \"much\""));
    case("a range upside down", with("crop = 16", "crop = 16\nnoise = { low = 9, high = 3 }"));
    case("half a range", with("crop = 16", "crop = 16\nnoise = { low = 9 }"));
    case("a test of negative noise", with("crop = 16", "crop = 16\ntest_noise = -2"));
    case("a stride larger than a filter", with("stride = 2", "stride = 5"));
    case("no stride", with("stride = 2", "stride = 0"));
    case("no atoms", with("atoms = 6", "atoms = 0"));
    case("a filter of one number", with("size = [5, 4]", "size = 5"));
    case("a filter of no pixels", with("size = [5, 4]", "size = [5, 0]"));
    case("a dictionary of matrices", with("atoms = 6", "kind = \"dense\"\natoms = 6"));
    case(
        "filters of another shape",
        with(
            "atoms = 6",
            "init = { method = \"file\", path = \"FIXTURE\", key = \"W_init\" }\natoms = 6",
        )
        .replace(
            "FIXTURE",
            &root().join("tests/fixtures/train_small.safetensors").to_string_lossy(),
        ),
    );
    case("no copies", with("iterations = 4", "iterations = 4\nsplit = 0"));
    case("a word for untied", with("iterations = 4", "iterations = 4\nuntied = \"yes\""));
    case("a border beyond measure", with("iterations = 4", "iterations = 4\nborder = 5000"));
    for (section, line) in [
        ("data", "crops = 3"),
        ("dictionary", "filters = 3"),
        ("encoder", "shift = 3"),
        ("train", "clean = true"),
        ("optimizer", "rate = 0.1"),
    ] {
        let text = with(&format!("[{section}]\n"), &format!("[{section}]\n{line}\n"));
        case(&format!("an unknown key in {section}"), text);
    }
    let measurement = |lines: &str| format!("{DRAWN}\n[measurement]\n{lines}\n");
    case("an unknown key in measurement", measurement("kind = \"mask\"\nkept = 0.5"));
    case("a key of another measurement", measurement("kind = \"blur\"\nkeep = 0.5"));
    case("an unknown measurement", measurement("kind = \"maks\""));
    case("a mask that keeps nothing", measurement("kind = \"mask\"\nkeep = 0.0"));
    case(
        "pairs of a solver",
        with("iterations = 4\nstep = 0.1", "kind = \"solved\"\nuntied = true")
            .replace(", learned = \"per-atom\"", "")
            .replace("steps = 4", "steps = 4\nestimator = \"g_one_step\""),
    );
    case(
        "groups of filters",
        with("kind = \"soft\", penalty = 0.1, learned = \"per-atom\"", "kind = \"group-soft\""),
    );
    case("a blur of no width", measurement("kind = \"blur\"\nwidth = 0.0"));
    case("an unknown key in prox", with("penalty = 0.1,", "penalty = 0.1, by_atom = true,"));
    let masked =
        |from: &str, to: &str| format!("{}\n[measurement]\nkind = \"mask\"\n", with(from, to));
    case("copies of what is measured", masked("iterations = 4", "iterations = 4\nsplit = 2"));
    case("a mean of what is measured", masked("crop = 16", "crop = 16\nremove = \"mean\""));
    case(
        "a noisy target of what is measured",
        masked("steps = 4", "steps = 4\ntarget = \"noisy\""),
    );
    case("nothing to do", with("test = 1\n", "").replace("steps = 4", "steps = 0"));
    let untied = with("iterations = 4", "iterations = 4\nuntied = true");
    let fixed = untied.replace(", learned = \"per-atom\"", "");
    for estimator in ["g_dec", "g_noodl"] {
        let text = fixed.replace("[train]", &format!("[train]\nestimator = \"{estimator}\""));
        case(&format!("{estimator} with untied filters"), text);
    }
    case("g_dec for learned thresholds", with("[train]", "[train]\nestimator = \"g_dec\""));
    case("thresholds by noise that are fixed", with("learned = \"per-atom\"", "by_noise = true"));
    case("a full batch", with("batch_size = 3", "batch_size = \"full\""));
    case("a share to validate on", with("steps = 4", "steps = 4\nvalidation = 0.2"));
    case("dead atoms", with("steps = 4", "steps = 4\ndead_atoms = \"resample\""));
    case("saved after the end", with("steps = 4", "steps = 4\nsave_dictionary_at = [9]"));
    let learned = "[encoder.prox]\nlearned = true\n";
    let learn =
        crate::learning::SMALL.replace("[train]", &format!("{learned}by_noise = true\n[train]"));
    case("thresholds by noise for rows", learn);
    let compare = format!("{}\n{learned}by_iteration = true\n", crate::support::SMALL);
    case("thresholds by iteration in a comparison", compare);
    insta::assert_snapshot!(seen);
}
