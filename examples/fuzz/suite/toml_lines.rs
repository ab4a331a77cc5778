//! TOML as lines: what a person mistypes, and what nobody would type.

use super::random::Random;

/// `key = value` under a section, as some configuration has it.
pub struct Assignment {
    pub section: String,
    pub key: String,
    pub value: String,
}

impl Assignment {
    /// The key from the top of the file.
    pub fn dotted(&self) -> String {
        match self.section.as_str() {
            "" => self.key.clone(),
            section => format!("{section}.{}", self.key),
        }
    }
}

/// Every assignment of some texts, those in `[[runs]]` and `[sweep]` aside, each once; what is commented out counts, and
/// so do the values that a comment behind one names.
pub fn assignments(texts: &[String]) -> Vec<Assignment> {
    let mut found = std::collections::BTreeSet::new();
    for text in texts {
        let mut section = String::new();
        for line in text.lines() {
            let line = line.trim_start_matches(['#', ' ']);
            if let Some(rest) = line.strip_prefix('[') {
                let name = rest.trim_start_matches('[').split(']').next();
                section = name.unwrap_or_default().to_owned();
            } else if let Some((key, rest)) = line.split_once(" = ")
                && key.chars().all(|c| c.is_ascii_alphanumeric() || "_.".contains(c))
                && !["runs", "sweep"].contains(&section.as_str())
            {
                let (value, comment) = rest.split_once("  ").unwrap_or((rest, ""));
                for value in std::iter::once(value.trim().to_owned()).chain(alternatives(comment)) {
                    found.insert((section.clone(), key.to_owned(), value));
                }
            }
        }
    }
    found.into_iter().map(|(section, key, value)| Assignment { section, key, value }).collect()
}

/// The values in a comment such as `or "a", { kind = "b" }` or `a | b | c`.
fn alternatives(comment: &str) -> Vec<String> {
    let tables = comment.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    let tables = tables.map(|(inside, _)| format!("{{{inside}}}"));
    let texts = comment.split('"').skip(1).step_by(2).map(|text| format!("\"{text}\""));
    let words = comment.split(" | ").filter(|_| comment.contains(" | "));
    let words = words.filter_map(|part| part.trim_start_matches(['#', ' ']).split(' ').next());
    tables.chain(texts).chain(words.map(|word| format!("\"{word}\""))).collect()
}

/// A value of some kind.
pub fn value(random: &mut Random, known: &[Assignment]) -> String {
    match random.below(12) {
        0..6 => random.of(known).value.clone(),
        6 => random.awkward().to_string(),
        7 => {
            let numbers = [
                "-1", "0.0", "-0.0", "nan", "inf", "-inf", "1e308", "1e-320", "0.3", "1e999",
                "1_0", "0x1f",
            ];
            random.pick(&numbers).to_owned()
        }
        8 => {
            let texts = [
                "\"\"",
                "\"auto\"",
                "\"a b\"",
                "\"../x\"",
                "\"é\"",
                "\"\\u0000\"",
                "'''a\nb'''",
                "true",
                "1979-05-27",
                "\"auto\\n\"",
                "\".\"",
                "\"flex:99999999999999999999\"",
                "\"wgpu:1\"",
            ];
            random.pick(&texts).to_owned()
        }
        9 => list(random, known),
        10 => format!("{{ {} = {} }}", random.of(known).key, random.of(known).value),
        _ => {
            let depth = *random.of(&[2, 10, 79, 81, 2000]);
            let [open, close] = *random.of(&[["[", "]"], ["{a=", "}"]]);
            format!("{}1{}", open.repeat(depth), close.repeat(depth))
        }
    }
}

/// A list of values.
pub fn list(random: &mut Random, known: &[Assignment]) -> String {
    let same = random.of(known).key.clone();
    let alike: Vec<&Assignment> =
        known.iter().filter(|assignment| assignment.key == same).collect();
    let values: Vec<String> =
        (0..random.below(4)).map(|_| random.of(&alike).value.clone()).collect();
    format!("[{}]", values.join(", "))
}

/// Changes a line, or adds or takes one.
pub fn damage(random: &mut Random, lines: &mut Vec<String>, known: &[Assignment]) {
    let at = random.below(lines.len());
    let assigned: Vec<usize> = (0..lines.len())
        .filter(|at| lines[*at].contains(" = ") && !lines[*at].starts_with('#'))
        .collect();
    let one = (!assigned.is_empty()).then(|| *random.of(&assigned));
    match (random.below(11), one) {
        (0..4, Some(at)) => {
            // The right key, and most often a value that it has somewhere.
            let key = lines[at].split(" = ").next().unwrap_or_default().to_owned();
            let alike: Vec<&Assignment> =
                known.iter().filter(|assignment| assignment.key == key).collect();
            let value = match alike.is_empty() || random.one_in(3) {
                true => value(random, known),
                false => random.of(&alike).value.clone(),
            };
            lines[at] = format!("{key} = {value}");
        }
        (4, Some(at)) => {
            let value = lines[at].split_once(" = ").map_or("1", |(_, value)| value).to_owned();
            lines[at] = format!("{} = {value}", random.of(known).key);
        }
        (5, _) if !lines.is_empty() => drop(lines.remove(at)),
        (6, _) if !lines.is_empty() => lines.insert(at, lines[at].clone()),
        (7, _) => {
            let assignment = random.of(known);
            lines.insert(0, format!("{} = {}", assignment.dotted(), assignment.value));
        }
        (8, _) => {
            let key = random.of(known).key.clone();
            lines.insert(at, format!("{key} = {}", value(random, known)));
        }
        (9, Some(at)) => {
            let [from, to] = *random.of(&[
                ["\"", ""],
                ["=", "= ="],
                ["]", ""],
                ["{", "{{"],
                ["0", "00"],
                [".", ".."],
                ["1", "1e"],
            ]);
            lines[at] = lines[at].replacen(from, to, 1);
        }
        (_, _) if !lines.is_empty() => {
            let other = random.below(lines.len());
            lines.swap(at, other);
        }
        _ => {}
    }
}
