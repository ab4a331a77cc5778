//! Memory for numbers: asked for first, so that too many are an error and not the end of the process.

use crate::fault::Fault;

/// Deflate packs at most so many bytes into one: a file that speaks of more lies.
pub(crate) const MOST_INFLATED: u64 = 1032;

/// The memory that is free, where the system tells (Linux).
pub fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// An error where so many bytes are not free.
pub(crate) fn affordable(needed: u64) -> Result<(), Fault> {
    match available() {
        Some(free) if needed > free => Err(Fault::TooLarge(needed)),
        _ => Ok(()),
    }
}

/// An empty vector with room for so many values.
pub(crate) fn reserve<T>(count: usize) -> Result<Vec<T>, Fault> {
    let needed = (count as u64).saturating_mul(size_of::<T>() as u64);
    affordable(needed)?;
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(|_| Fault::TooLarge(needed))?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_there_is_is_an_error() {
        assert!(reserve::<f64>(1000).unwrap().capacity() >= 1000);
        for count in [1 << 50, usize::MAX] {
            assert!(matches!(reserve::<f64>(count), Err(Fault::TooLarge(_))));
        }
    }
}
