//! Runs that are the same but for the weight of the task.

use super::Drawn;

/// A run without the task, or with less of it, and one with more.
pub(super) struct Pair<'r, 'a> {
    pub without: &'r Drawn<'a>,
    pub with: &'r Drawn<'a>,
}

/// Of runs that differ in β alone the one with the least against every other.
pub(super) fn pairs<'r, 'a>(runs: &'r [Drawn<'a>]) -> Vec<Pair<'r, 'a>> {
    let others = |run: &Drawn| -> Vec<(String, String)> {
        let settings = run.run.settings.iter();
        settings
            .filter(|(key, _)| !["task.weight", "name"].contains(&key.as_str()))
            .cloned()
            .collect()
    };
    let mut groups: Vec<Vec<&Drawn>> = Vec::new();
    for run in runs.iter().filter(|run| run.stored.weight.is_some() && !run.has_failed()) {
        match groups.iter_mut().find(|group| others(group[0]) == others(run)) {
            Some(group) => group.push(run),
            None => groups.push(vec![run]),
        }
    }
    let mut found = Vec::new();
    for mut group in groups {
        let weight = |run: &Drawn| run.stored.weight.unwrap_or(0.0);
        group.sort_by(|a, b| weight(a).total_cmp(&weight(b)));
        let without = group[0];
        let more = group.into_iter().skip(1).filter(|run| weight(run) > weight(without));
        found.extend(more.map(|with| Pair { without, with }));
    }
    found
}
