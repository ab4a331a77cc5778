//! `gallery`: a page of the pictures of a list of configurations.
#![cfg(unix)]

use crate::adversary::output;
use crate::support::{SMALL, folder, root, write};

const LIST: &str = r#"
[[exhibit]]
config = "one.toml"
set = ["compare.repeats=1"]
figure = "error-of-the-codes.svg"

[[exhibit]]
config = "two.toml"
"#;

#[test]
fn a_list_becomes_a_page_of_pictures_and_sentences() {
    let folder = folder();
    for name in ["one.toml", "two.toml"] {
        write(folder.path(), name, SMALL);
    }
    write(folder.path(), "list.toml", LIST);
    let gallery = ["gallery", "list.toml", "--out", "page.html", "-q"];
    output(folder.path(), &gallery, 0);
    // Runs are replaced where that is asked for.
    let said = output(folder.path(), &gallery, 2);
    assert!(said.contains("with --overwrite, or name another folder with --runs"), "{said}");
    output(folder.path(), &[&gallery[..], &["--overwrite"]].concat(), 0);
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert_eq!(page.matches("<svg class=\"chart\"").count(), 2);
    assert!(page.contains("Error of the codes") && page.contains("<code>compare.repeats=1</code>"));
    assert_eq!(page.matches("the distance to the true gradient is").count(), 2);
    assert!(!page.contains("<?xml"));
    assert!(folder.path().join("runs/gallery/two/report.html").is_file());
}

#[test]
fn a_list_that_cannot_be_shown_says_why() {
    let folder = folder();
    write(folder.path(), "one.toml", SMALL);
    let mut seen = String::new();
    for (name, list) in [
        ("an unknown key", LIST.replace("figure =", "picture =")),
        ("a configuration that is not there", LIST.to_owned()),
        ("a key that is none", LIST.replace("compare.repeats=1", "compare.repeat=1")),
        ("no TOML", "[[exhibit]]\nconfig =".to_owned()),
        ("no list", "config = \"one.toml\"".to_owned()),
    ] {
        write(folder.path(), "list.toml", &list);
        let said = output(folder.path(), &["gallery", "list.toml"], 2);
        seen.push_str(&format!("## {name}\n{said}\n"));
        assert!(!folder.path().join("gallery.html").exists());
        assert!(!folder.path().join("runs").exists(), "{name}");
    }
    write(folder.path(), "two.toml", SMALL);
    write(folder.path(), "list.toml", &LIST.replace("error-of-the-codes", "error"));
    let said = output(folder.path(), &["gallery", "list.toml", "-q"], 2);
    seen.push_str(&format!("## a figure that is not there\n{said}\n"));
    let twice = LIST.replace("two.toml", "one.toml");
    write(folder.path(), "list.toml", &twice);
    let said = output(folder.path(), &["gallery", "list.toml", "-q"], 2);
    seen.push_str(&format!("## the same name twice\n{said}\n"));
    write(folder.path(), "list.toml", LIST);
    let said = output(folder.path(), &["gallery", "list.toml", "--out", "none/page.html"], 2);
    seen.push_str(&format!("## no folder for the page\n{said}\n"));
    let here = folder.path().to_string_lossy().into_owned();
    insta::assert_snapshot!(seen.replace(&here, "FOLDER"));
}

#[test]
fn every_configuration_that_needs_no_data_is_in_the_gallery() {
    let list = std::fs::read_to_string(root().join("configs/gallery.toml")).unwrap();
    for entry in std::fs::read_dir(root().join("configs")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        let apart = ["gallery.toml", "mnist-atoms.toml", "digits.toml", "mnist-explain.toml"];
        if !apart.contains(&&*name) {
            assert!(list.contains(&format!("config = \"{name}\"")), "{name}");
        }
    }
}
