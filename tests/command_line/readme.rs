//! Every command of the README works.

use crate::support::{folder, reduced, root, unrolled};

#[test]
fn every_command_of_the_readme_works() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let commands: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.trim().strip_prefix("cargo run --release -- "))
        .map(|command| command.split('#').next().unwrap_or_default().trim())
        .collect();
    for unfilled in ["_TIME", "_MEMORY"] {
        assert!(!readme.contains(unfilled), "{unfilled}");
    }
    assert!(commands.contains(&"run configs/gradient-bias.toml"), "{commands:?}");
    let folder = folder();
    // The repository as the command sees it, with a place of its own for what it writes.
    std::os::unix::fs::symlink(root().join("configs"), folder.path().join("configs")).unwrap();
    for command in commands {
        let mut arguments: Vec<String> = words(command);
        if ["run", "check"].contains(&arguments[0].as_str()) {
            let config = root().join(&arguments[1]);
            arguments.extend(reduced(&config).into_iter().map(str::to_owned));
        }
        if let Some(position) = arguments.iter().position(|argument| argument == "run") {
            // One folder for each, so that a second run of a configuration has room.
            let out = format!("out-{}", folder.path().read_dir().unwrap().count());
            match arguments.iter().position(|argument| argument == "--out") {
                Some(at) => arguments[at + 1] = out,
                None => arguments
                    .splice(position + 2..position + 2, ["--out".to_owned(), out])
                    .for_each(drop),
            }
        }
        unrolled(folder.path()).args(&arguments).assert().success();
    }
}

/// Splits a command as a shell would, single quotes included.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in command.chars() {
        match character {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words.into_iter().filter(|word| !word.is_empty()).collect()
}
