//! Numbers and names as a person writes them.

/// `"a", "b" or "c"`.
pub fn list(choices: &[&str]) -> String {
    let quoted: Vec<_> = choices.iter().map(|choice| format!("\"{choice}\"")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "nothing".to_owned(),
    }
}

/// The known name closest to a wrong one, if any is close.
pub fn nearest<'n>(wrong: &str, known: &[&'n str]) -> Option<&'n str> {
    let scored = known.iter().map(|name| (strsim::jaro_winkler(wrong, name), *name));
    scored
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Bytes with a unit.
pub fn bytes(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        b if b < 1e6 => format!("{:.0} kB", b / 1e3),
        b if b < 1e9 => format!("{:.0} MB", b / 1e6),
        b => format!("{:.1} GB", b / 1e9),
    }
}

/// A duration as a person says it.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 60.0 => format!("{s:.0} s"),
        s if s < 3600.0 => format!("{:.0} min {:02.0} s", (s / 60.0).floor(), (s % 60.0).floor()),
        s => format!("{:.0} h {:02.0} min", (s / 3600.0).floor(), (s % 3600.0 / 60.0).floor()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_fit_the_size() {
        assert_eq!(bytes(12_000), "12 kB");
        assert_eq!(bytes(1_500_000_000), "1.5 GB");
        assert_eq!(duration(2.34), "2.3 s");
        assert_eq!(duration(125.0), "2 min 05 s");
        assert_eq!(duration(7325.0), "2 h 02 min");
    }
}
