//! One run at a time in a folder.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::files::{UNFINISHED, is_at};

/// A folder held by this process. The system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes hold of a folder; the message says who holds it.
    pub fn take(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(format!("{UNFINISHED}lock"));
        let unwritable = |error: std::io::Error| Error::writing(&path, &error);
        loop {
            let options = File::options().read(true).write(true).create(true).clone();
            let mut file = options.open(&path).map_err(unwritable)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    let _ = file.read_to_string(&mut holder);
                    let holder = if holder.is_empty() { "another process" } else { holder.trim() };
                    return Err(Error::RunDirectory(format!(
                        "{}: a run is going on in it ({holder}); wait for its end, or name another folder \
                         with --out",
                        folder.display()
                    )));
                }
                // Not every file system has locks.
                Err(TryLockError::Error(_)) => {}
            }
            // Whoever held it before may have removed the file in the meantime.
            if is_at(&file, &path) {
                let holder = format!("process {}\n", std::process::id());
                file.set_len(0)
                    .and_then(|()| file.write_all(holder.as_bytes()))
                    .map_err(unwritable)?;
                return Ok(Self { path, _file: file });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Not being there is what is wanted.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_holder_and_is_free_again_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let held = Lock::take(folder.path()).unwrap();
        let refused = Lock::take(folder.path()).unwrap_err().to_string();
        let own = format!("a run is going on in it (process {})", std::process::id());
        assert!(refused.contains(&own), "{refused}");
        drop(held);
        assert!(Lock::take(folder.path()).is_ok());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
