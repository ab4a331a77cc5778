//! Keeps what was prepared last, because reading data and some initialisations take long; only that, because two data sets at
//! once may not fit into memory.

use std::sync::{Mutex, PoisonError};

use crate::Error;

/// What was prepared last, and for what.
#[derive(Debug)]
pub(super) struct Shelf<K, V>(Mutex<Option<(K, V)>>);

impl<K, V> Default for Shelf<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: PartialEq, V: Clone> Shelf<K, V> {
    /// What lies there for a key; else it is prepared and put there.
    pub fn take(&self, key: K, prepare: impl FnOnce() -> Result<V, Error>) -> Result<V, Error> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, prepared)) = &*last
            && *known == key
        {
            return Ok(prepared.clone());
        }
        *last = None;
        let prepared = prepare()?;
        *last = Some((key, prepared.clone()));
        Ok(prepared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_is_kept_and_no_other() {
        let shelf = Shelf::default();
        let mut made = Vec::new();
        for key in [1, 1, 2, 2, 1] {
            let value = shelf.take(key, || {
                made.push(key);
                Ok(10 * key)
            });
            assert_eq!(value.unwrap(), 10 * key);
        }
        assert_eq!(made, [1, 2, 1]);
        let failed = shelf.take(3, || Err(Error::NotFinite(String::new())));
        assert!(failed.is_err() && shelf.take(3, || Ok(0)).unwrap() == 0);
    }
}
