//! Runs that are the same but for their seeds.

use super::subject::{Finished, ReportedRun};
use super::table::escape;

/// Groups of two and more runs that differ in the seed alone, as positions, each with what it is called on the page, as
/// HTML.
pub fn over_seeds(runs: &[(&Finished, &ReportedRun)]) -> Vec<(String, Vec<usize>)> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, (_, run)) in runs.iter().enumerate() {
        match groups.iter_mut().find(|group| differ_in_seed_only(runs[group[0]].1, run)) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    let several = groups.into_iter().filter(|group| group.len() > 1);
    several.map(|group| (name(runs, &group), group)).collect()
}

fn differ_in_seed_only(a: &ReportedRun, b: &ReportedRun) -> bool {
    let without = |run: &ReportedRun| -> Vec<(String, String)> {
        let settings = run.settings.iter();
        settings.filter(|(key, _)| !["seed", "name"].contains(&key.as_str())).cloned().collect()
    };
    a.setting("seed") != b.setting("seed") && without(a) == without(b)
}

/// What a sweep calls its runs, without the seed.
fn name(runs: &[(&Finished, &ReportedRun)], group: &[usize]) -> String {
    let label = &runs[group[0]].1.label;
    let parts: Vec<&str> = label.split(',').filter(|part| !part.contains("seed=")).collect();
    let named_by_directory = |at: &usize| runs[*at].1.label == runs[*at].0.label;
    match parts.join(",").as_str() {
        "" => "all".to_owned(),
        _ if group.iter().all(named_by_directory) => "all".to_owned(),
        name => escape(name),
    }
}
