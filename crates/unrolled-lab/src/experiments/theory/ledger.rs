//! What a run has measured so far, kept until it is done so that it can be gone on with.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::progress::Observer;
use crate::{Error, RunDirectory};

/// The measurements of a run by name, in a file that is written whole after each.
pub(super) struct Ledger<'a> {
    directory: &'a RunDirectory,
    file: String,
    identity: String,
    entries: Map<String, Value>,
    seconds: f64,
}

/// What is written.
#[derive(Serialize, Deserialize)]
struct Record {
    /// Of whose run.
    identity: String,
    /// The measurements, as JSON, and a checksum of them.
    entries: String,
    checksum: u32,
    /// How long they took.
    seconds: f64,
}

impl<'a> Ledger<'a> {
    /// With what is there of the run. A file that is damaged, or of another run, counts as none, and that is said.
    pub fn open(
        directory: &'a RunDirectory,
        run: &str,
        identity: String,
        observer: &mut dyn Observer,
    ) -> Self {
        // Named as the repeats of a comparison are, so that it is known for ours.
        let file = format!("checkpoints/{run}-repeat-1.json");
        let mut ledger = Self { directory, file, identity, entries: Map::new(), seconds: 0.0 };
        let path = directory.path().join(&ledger.file);
        if let Ok(text) = std::fs::read(&path) {
            match ledger.read(&text) {
                Ok(found) => (ledger.entries, ledger.seconds) = found,
                Err(reason) => observer.say(&format!(
                    "note: {}: {reason}; everything is measured again",
                    path.display()
                )),
            }
        }
        ledger
    }

    fn read(&self, text: &[u8]) -> Result<(Map<String, Value>, f64), &'static str> {
        let damaged = "the measurements are damaged";
        let Record { identity, entries, checksum, seconds } =
            serde_json::from_slice(text).map_err(|_| damaged)?;
        if checksum != crc32fast::hash(entries.as_bytes()) {
            return Err(damaged);
        }
        if identity != self.identity {
            return Err("the measurements are of another run, or of other data");
        }
        let entries = serde_json::from_str(&entries).map_err(|_| damaged)?;
        Ok((entries, seconds))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// How long they took.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// The measurement of that name; it is made where it is not there.
    pub fn entry<T: Serialize + DeserializeOwned>(
        &mut self,
        name: &str,
        measure: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let found = self.entries.get(name).cloned();
        if let Some(known) = found.and_then(|value| serde_json::from_value(value).ok()) {
            return Ok(known);
        }
        let started = std::time::Instant::now();
        let measured = measure()?;
        self.seconds += started.elapsed().as_secs_f64();
        let value = serde_json::to_value(&measured).expect("a measurement is valid JSON");
        self.entries.insert(name.to_owned(), value);
        self.write()?;
        Ok(measured)
    }

    fn write(&self) -> Result<(), Error> {
        let entries = serde_json::to_string(&self.entries).expect("measurements are valid JSON");
        let checksum = crc32fast::hash(entries.as_bytes());
        let (identity, seconds) = (self.identity.clone(), self.seconds);
        let record = Record { identity, entries, checksum, seconds };
        let text = serde_json::to_string(&record).expect("a record is valid JSON");
        self.directory.write(&self.file, text.as_bytes())
    }

    /// Removes the file of a run that is done.
    pub fn remove(self) {
        let path = self.directory.path().join(&self.file);
        // Not being there is what is wanted.
        let _ = std::fs::remove_file(&path);
        let _ = path.parent().map(std::fs::remove_dir);
    }
}
