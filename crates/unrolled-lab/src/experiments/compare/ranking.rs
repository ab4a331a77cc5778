//! Which estimator is closest, where that changes, and how sure it is.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The estimators in the order of their error at one T.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranking {
    /// Names, the closest first.
    pub order: Vec<String>,
    /// In how many repeats the order is the same.
    pub order_holds_in: usize,
    /// In how many repeats the closest is the same.
    pub closest_holds_in: usize,
}

/// Errors over T by estimator, of one repeat.
pub(super) type Errors = BTreeMap<String, Vec<f64>>;

/// The ranking at every T by the mean over repeats.
pub(super) fn rankings(repeats: &[Errors]) -> Vec<Ranking> {
    let Some(first) = repeats.first() else {
        return Vec::new();
    };
    let length = first.values().map(Vec::len).min().unwrap_or(0);
    let order_by = |error: &dyn Fn(&str) -> f64| {
        // What is no number is the last.
        let error = |name: &str| Some(error(name)).filter(|e| !e.is_nan()).unwrap_or(f64::INFINITY);
        let mut order: Vec<String> = first.keys().cloned().collect();
        order.sort_by(|a, b| error(a).total_cmp(&error(b)));
        order
    };
    (0..length)
        .map(|t| {
            let mean = |name: &str| repeats.iter().map(|repeat| repeat[name][t]).sum::<f64>();
            let order = order_by(&mean);
            let single = |repeat: &Errors| order_by(&|name: &str| repeat[name][t]);
            let orders: Vec<_> = repeats.iter().map(single).collect();
            Ranking {
                order_holds_in: orders.iter().filter(|other| **other == order).count(),
                closest_holds_in: orders.iter().filter(|other| other[0] == order[0]).count(),
                order,
            }
        })
        .collect()
}

/// A change of the closest estimator between two neighbouring T.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Crossover {
    /// The last T at which `before` is closest.
    pub last: usize,
    /// The first T at which `after` is closest.
    pub first: usize,
    /// The closest until then.
    pub before: String,
    /// The closest from then on.
    pub after: String,
}

/// Every change of the closest estimator.
pub(super) fn crossovers(iterations: &[usize], rankings: &[Ranking]) -> Vec<Crossover> {
    let pairs = iterations.windows(2).zip(rankings.windows(2));
    pairs
        .filter(|(_, ranking)| ranking[0].order[0] != ranking[1].order[0])
        .map(|(t, ranking)| Crossover {
            last: t[0],
            first: t[1],
            before: ranking[0].order[0].clone(),
            after: ranking[1].order[0].clone(),
        })
        .collect()
}

/// Whether two means, each with its standard deviation over the repeats, differ by more than both deviations together.
pub(super) fn apart(a: (f64, f64), b: (f64, f64)) -> bool {
    (a.0 - b.0).abs() > a.1 + b.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_whose_spreads_overlap_are_not_apart() {
        assert!(!apart((0.275, 0.005), (0.270, 0.007)));
        assert!(apart((0.290, 0.005), (0.270, 0.007)) && !apart((f64::NAN, 0.0), (1.0, 0.0)));
    }

    fn errors(a: &[f64], b: &[f64]) -> Errors {
        BTreeMap::from([("a".to_owned(), a.to_vec()), ("b".to_owned(), b.to_vec())])
    }

    #[test]
    fn rankings_count_the_repeats_that_agree_and_crossovers_name_both_sides() {
        let repeats = [
            errors(&[1.0, 2.0, 3.0], &[2.0, 1.0, 1.0]),
            errors(&[1.0, 1.0, 3.0], &[2.0, 1.5, 1.0]),
        ];
        let rankings = rankings(&repeats);
        assert_eq!(rankings[0].order, ["a", "b"]);
        assert_eq!(rankings[1].order, ["b", "a"]);
        let agreement: Vec<_> = rankings.iter().map(|r| r.closest_holds_in).collect();
        assert_eq!(agreement, [2, 1, 2]);
        let expected =
            Crossover { last: 1, first: 5, before: "a".to_owned(), after: "b".to_owned() };
        assert_eq!(crossovers(&[1, 5, 10], &rankings), [expected]);
    }
}
