//! Who may import whom, as ARCHITECTURE.md says.

use std::fs;
use std::path::{Path, PathBuf};

/// Each crate, and what of ours it must not name.
const FORBIDDEN: [(&str, &[&str]); 4] = [
    ("unrolled-kernels", &["burn", "unrolled", "unrolled_data", "unrolled_lab", "unrolled_cli"]),
    ("unrolled", &["unrolled_data", "unrolled_lab", "unrolled_cli", "toml", "serde", "clap"]),
    ("unrolled-data", &["unrolled_lab", "unrolled_cli", "toml", "clap"]),
    ("unrolled-lab", &["unrolled_cli", "clap"]),
];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder of a crate can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Whether a line of code names something of a crate.
fn names(line: &str, name: &str) -> bool {
    let code = line.split("//").next().unwrap_or(line);
    let path = format!("{name}::");
    code.match_indices(&path).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':' && c != '"')
    })
}

#[test]
fn no_crate_imports_one_above_it() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (name, forbidden) in FORBIDDEN {
        let mut files = Vec::new();
        sources(&crates.join(name).join("src"), &mut files);
        assert!(!files.is_empty(), "{name} has sources");
        for file in files {
            let text = fs::read_to_string(&file).expect("a source can be read");
            for (number, line) in text.lines().enumerate() {
                let wrong = forbidden.iter().find(|above| names(line, above));
                assert!(wrong.is_none(), "{}:{} names {wrong:?}", file.display(), number + 1);
            }
        }
    }
}

#[test]
fn a_line_names_a_crate_only_as_a_path() {
    assert!(names("use unrolled_lab::Error;", "unrolled_lab"));
    assert!(names("let x = toml::from_str(s);", "toml"));
    assert!(!names("// see unrolled_lab::Error", "unrolled_lab"));
    assert!(!names("use crate::unrolled_kernels::X;", "unrolled"));
    assert!(!names("use my_toml::X;", "toml"));
}
