//! Powers of two that bring numbers near 1, so that their squares neither overflow nor vanish. Multiplying by a power
//! of two is exact.

/// The exponent e of the largest magnitude v, 2ᵉ ≤ v < 2ᵉ⁺¹; 0 where nothing is above 0 or something is not finite.
pub fn exponent<'a>(values: impl IntoIterator<Item = &'a f64>) -> i32 {
    let largest = values.into_iter().fold(0.0f64, |largest, v| largest.max(v.abs()));
    match largest > 0.0 && largest.is_finite() {
        true => libm::ilogb(largest),
        false => 0,
    }
}

/// `value · 2^exponent`: exact where the result is neither beyond the largest number nor below the smallest normal one.
pub fn scaled(value: f64, exponent: i32) -> f64 {
    match exponent {
        -1022..=1023 => value * f64::from_bits(((1023 + exponent) as u64) << 52),
        _ => libm::scalbn(value, exponent),
    }
}

/// λ · 2^exponent of a problem whose numbers are near 1. A penalty beyond everything there stays finite, and one above
/// 0 stays above it.
pub fn scaled_penalty(penalty: f64, exponent: i32) -> f64 {
    match penalty > 0.0 {
        true => scaled(penalty, exponent).clamp(f64::MIN_POSITIVE, 1e150),
        false => penalty,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_comes_to_lie_between_one_and_two() {
        for value in [3e-310, 1e-200, 0.7, 1.0, -5.0, 1e300, f64::MAX] {
            let e = exponent(&[0.0, value]);
            let near = scaled(value, -e).abs();
            assert!((1.0..2.0).contains(&near), "{value:e}: {near}");
            assert_eq!(scaled(scaled(value, -e), e), value);
        }
        assert_eq!([exponent(&[]), exponent(&[0.0]), exponent(&[f64::INFINITY])], [0; 3]);
    }

    #[test]
    fn a_penalty_stays_finite_and_above_zero() {
        assert_eq!(scaled_penalty(0.5, 3), 4.0);
        assert_eq!(scaled_penalty(0.0, 3), 0.0);
        assert!(scaled_penalty(1e-300, -1000) > 0.0 && scaled_penalty(1e300, 1000) <= 1e150);
    }
}
