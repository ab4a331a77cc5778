//! In what the runs of a report differ.

use super::subject::{ReportedRun, Subject};
use super::table::{Cell, escape, table};

/// The keys of their configurations in which runs differ, in the order of the configurations. Names do not count.
pub fn differing(runs: &[&ReportedRun]) -> Vec<String> {
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in runs.iter().flat_map(|run| &run.settings) {
        if key != "name" && !keys.contains(&key.as_str()) {
            keys.push(key);
        }
    }
    let differs =
        |key: &&str| runs.windows(2).any(|pair| pair[0].setting(key) != pair[1].setting(key));
    keys.into_iter().filter(differs).map(str::to_owned).collect()
}

/// A value longer than this is cut in its middle.
const LONGEST: usize = 40;

/// A table of what differs between the runs of a page; nothing where there is only one.
pub fn differences(subject: &Subject) -> String {
    let runs = subject.runs();
    if runs.len() < 2 {
        return String::new();
    }
    let keys = differing(&runs.iter().map(|(_, run)| *run).collect::<Vec<_>>());
    // What results.json says beside the configuration.
    let beside = [("threads", "CPU threads"), ("version", "version")];
    let beside: Vec<(&str, &str)> = beside
        .into_iter()
        .filter(|(key, _)| {
            let values = subject.directories.windows(2);
            values.into_iter().any(|pair| pair[0].result(key) != pair[1].result(key))
        })
        .collect();
    if keys.is_empty() && beside.is_empty() {
        return "<p>The runs have the same configuration.</p>\n".to_owned();
    }
    let mut heads = vec!["run".to_owned()];
    heads.extend(keys.iter().map(|key| format!("<code>{}</code>", escape(key))));
    heads.extend(beside.iter().map(|(_, head)| (*head).to_owned()));
    let rows: Vec<Vec<Cell>> = runs
        .iter()
        .map(|(found, run)| {
            let settings = keys.iter().map(|key| run.setting(key).map(str::to_owned));
            let results = beside.iter().map(|(key, _)| found.result(key));
            let cells = settings.chain(results);
            let cells = cells.map(|value| escape(&shortened(&value.unwrap_or("–".to_owned()))));
            std::iter::once(escape(&run.label)).chain(cells).map(|text| (text, false)).collect()
        })
        .collect();
    let other_data = keys.iter().any(|key| key == "seed" || key.starts_with("data."));
    let note = match subject.is_joint() && other_data {
        true => " Data or seeds differ: the errors of a run are against its own data.",
        false => "",
    };
    format!("<p>In this the runs differ.{note}</p>\n{}", table(&heads, &rows))
}

fn shortened(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    match letters.len() {
        length if length > LONGEST => {
            let part = |from: usize, to: usize| letters[from..to].iter().collect::<String>();
            format!("{} … {}", part(0, LONGEST / 2), part(length - LONGEST / 2, length))
        }
        _ => text.to_owned(),
    }
}
