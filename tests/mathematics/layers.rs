//! Who may import whom, as ARCHITECTURE.md says.

use std::fs;
use std::path::{Path, PathBuf};

/// Each crate, and what of ours it must not name.
const FORBIDDEN: [(&str, &[&str]); 5] = [
    (
        "unrolled-card",
        &["burn", "unrolled", "unrolled_kernels", "unrolled_data", "unrolled_lab", "unrolled_cli"],
    ),
    ("unrolled-kernels", &["burn", "unrolled", "unrolled_data", "unrolled_lab", "unrolled_cli"]),
    ("unrolled", &["unrolled_data", "unrolled_lab", "unrolled_cli", "toml", "serde", "clap"]),
    ("unrolled-data", &["unrolled_lab", "unrolled_cli", "toml", "clap"]),
    ("unrolled-lab", &["unrolled_cli", "clap"]),
];

/// The rooms of `unrolled-lab`, each of which names none below it: what is on top knows the kinds of experiment.
const ROOMS: [&str; 26] = [
    "words",
    "error",
    "memory",
    "statistics",
    "principal",
    "linear_model",
    "progress",
    "figure_files",
    "files",
    "lock",
    "arrays",
    "workers",
    "devices",
    "config",
    "memory_plan",
    "check",
    "run_directory",
    "report",
    "experiment",
    "training",
    "experiments",
    "explanation",
    "gallery",
    "encode",
    "restore",
    "self_test",
];

/// What `lib.rs` offers under another path, and where it is.
const OFFERED: [(&str, &str); 10] = [
    ("Error", "error"),
    ("Configuration", "config"),
    ("Overrides", "config"),
    ("Estimate", "check"),
    ("describe", "check"),
    ("Existing", "run_directory"),
    ("RunDirectory", "run_directory"),
    ("results", "run_directory"),
    ("EXPERIMENTS", "experiments"),
    ("BURN_VERSION", "words"),
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

/// The first names behind every `crate::` of a source, in groups too.
fn imported(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().map(|l| l.split("//").next().unwrap_or(l)).collect();
    let code = code.join(" ");
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut names = Vec::new();
    for (at, path) in code.match_indices("crate::") {
        if code[..at].ends_with('$') {
            continue;
        }
        let rest = &code[at + path.len()..];
        match rest.strip_prefix('{').and_then(|rest| rest.split('}').next()) {
            Some(group) => names.extend(group.split(',').map(name).filter(|n| !n.is_empty())),
            None => names.push(name(rest)),
        }
    }
    names
}

#[test]
fn no_room_of_the_lab_imports_one_below_it() {
    let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("../unrolled-lab/src");
    let mut files = Vec::new();
    sources(&lab, &mut files);
    let place = |room: &str| {
        let room = OFFERED.iter().find(|(name, _)| *name == room).map_or(room, |(_, room)| room);
        ROOMS.iter().position(|known| *known == room)
    };
    for file in files.iter().filter(|file| !file.ends_with("lib.rs")) {
        let path = file.strip_prefix(&lab).expect("it is in the lab");
        let room = path.iter().next().and_then(|first| first.to_str()).unwrap_or_default();
        let room = room.trim_end_matches(".rs");
        let own = place(room).unwrap_or_else(|| panic!("{room} has no place in the list"));
        let text = fs::read_to_string(file).expect("a source can be read");
        for name in imported(&text) {
            let other = place(&name).unwrap_or_else(|| panic!("{name} has no place in the list"));
            assert!(other <= own, "{} imports {name}, which is below it", path.display());
        }
    }
}

#[test]
fn imports_are_found_in_groups_and_paths() {
    let text = "use crate::{Error, report::page};\n// crate::no\nlet x = crate::files::write();";
    assert_eq!(imported(text), ["Error", "report", "files"]);
}

#[test]
fn a_line_names_a_crate_only_as_a_path() {
    assert!(names("use unrolled_lab::Error;", "unrolled_lab"));
    assert!(names("let x = toml::from_str(s);", "toml"));
    assert!(!names("// see unrolled_lab::Error", "unrolled_lab"));
    assert!(!names("use crate::unrolled_kernels::X;", "unrolled"));
    assert!(!names("use my_toml::X;", "toml"));
}
