//! Means and spreads over repeats.

/// Mean and standard deviation (n − 1) at every position of several curves of equal length. The
/// deviation is `None` for a single curve.
pub(crate) fn mean_and_std(curves: &[&[f64]]) -> (Vec<f64>, Option<Vec<f64>>) {
    let length = curves.first().map_or(0, |curve| curve.len());
    let count = curves.len() as f64;
    let mean: Vec<f64> =
        (0..length).map(|i| curves.iter().map(|curve| curve[i]).sum::<f64>() / count).collect();
    if curves.len() < 2 {
        return (mean, None);
    }
    let std = (0..length)
        .map(|i| {
            let squares = curves.iter().map(|curve| (curve[i] - mean[i]).powi(2)).sum::<f64>();
            (squares / (count - 1.0)).sqrt()
        })
        .collect();
    (mean, Some(std))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviation_divides_by_one_less_than_the_count() {
        let (mean, std) = mean_and_std(&[&[1.0, 5.0], &[3.0, 5.0]]);
        assert_eq!(mean, [2.0, 5.0]);
        assert_eq!(std.unwrap(), [2f64.sqrt(), 0.0]);
        assert_eq!(mean_and_std(&[&[1.0]]), (vec![1.0], None));
    }
}
