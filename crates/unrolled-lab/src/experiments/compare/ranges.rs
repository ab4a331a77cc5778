//! T in words.

/// The T at these positions, with neighbours drawn together: "1, 4 to 9".
pub(super) fn ranges(iterations: &[usize], positions: &[usize]) -> String {
    let mut groups: Vec<[usize; 2]> = Vec::new();
    for position in positions {
        match groups.last_mut() {
            Some([_, to]) if *to + 1 == *position => *to = *position,
            _ => groups.push([*position, *position]),
        }
    }
    let each = groups.iter().map(|[from, to]| {
        let (first, last) = (iterations[*from], iterations[*to]);
        match to - from {
            0 => first.to_string(),
            1 => format!("{first}, {last}"),
            _ => format!("{first} to {last}"),
        }
    });
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_drawn_together() {
        let iterations = [1, 2, 5, 10, 20, 50];
        assert_eq!(ranges(&iterations, &[0, 2, 3, 4]), "1, 5 to 20");
        assert_eq!(ranges(&iterations, &[0, 1, 5]), "1, 2, 50");
        assert_eq!(ranges(&iterations, &[]), "");
    }
}
