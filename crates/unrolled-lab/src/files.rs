//! Files written whole, so that a reader sees the old content or the new, never a part.

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, PersistError};

use crate::Error;

/// What the names of files begin with that are not whole yet.
pub(crate) const UNFINISHED: &str = ".unfinished-";

/// Writes to a temporary file beside `path`, flushes it to the disk and renames it into place.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut file = WholeFile::begin(path)?;
    file.write_all(bytes).map_err(|error| Error::writing(path, &error))?;
    file.finish()
}

/// A file that appears under its name when it is whole. Until then it is held by this process, so that what a killed
/// one has left can be told from what is being written.
pub(crate) struct WholeFile {
    path: PathBuf,
    writer: BufWriter<NamedTempFile>,
}

impl WholeFile {
    /// Begins a file. A link is written through; what is neither a file nor absent is refused, so that no device is
    /// replaced.
    pub fn begin(path: &Path) -> Result<Self, Error> {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if std::fs::metadata(&real).is_ok_and(|found| !found.is_file()) {
            let what = if real.is_dir() { "a folder" } else { "not a regular file" };
            return Err(Error::RunDirectory(format!(
                "{}: is {what}; name a file to write",
                path.display()
            )));
        }
        let prefix = unfinished(&real);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix);
        // What the umask leaves of it.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = loop {
            let file = builder.tempfile_in(folder_of(&real));
            let file = file.map_err(|error| Error::writing(path, &error))?;
            // Whoever looks for what was left may have come between.
            if is_held(file.as_file()) != Some(true) && is_at(file.as_file(), file.path()) {
                break file;
            }
        };
        Ok(Self { path: real, writer: BufWriter::new(file) })
    }

    /// Gives it its name, whatever has that name.
    pub fn finish(self) -> Result<(), Error> {
        self.finish_by(|file, path| file.persist(path))
    }

    /// Gives it its name, unless something has got that name in the meantime.
    pub fn finish_as_new(self) -> Result<(), Error> {
        self.finish_by(|file, path| match file.persist_noclobber(path) {
            // Not every file system can tell.
            Err(PersistError { error, file }) if error.kind() != ErrorKind::AlreadyExists => {
                file.persist(path)
            }
            outcome => outcome,
        })
    }

    fn finish_by(
        self,
        persist: impl FnOnce(NamedTempFile, &Path) -> Result<File, PersistError>,
    ) -> Result<(), Error> {
        let Self { path, writer } = self;
        let finish = || -> std::io::Result<()> {
            let temporary = writer.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            temporary.as_file().sync_all()?;
            persist(temporary, &path).map_err(|error| error.error)?;
            // The rename itself must reach the disk too.
            #[cfg(unix)]
            File::open(folder_of(&path))?.sync_all()?;
            Ok(())
        };
        finish().map_err(|error| Error::writing(&path, &error))
    }
}

/// What the names of unfinished files begin with that are to become `path`.
fn unfinished(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // No name may have more than 255 bytes.
    let name: String = name.chars().take(50).collect();
    format!("{UNFINISHED}{name}-")
}

/// Removes what killed processes have left of a file.
pub(crate) fn remove_unfinished(path: &Path) {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    remove_left(folder_of(&path), &unfinished(&path));
}

/// Removes what killed processes have left of any file in a folder.
pub(crate) fn remove_all_unfinished(folder: &Path) {
    remove_left(folder, UNFINISHED);
}

/// Removes the files in a folder whose names begin so and that nobody holds. What cannot be told is left.
fn remove_left(folder: &Path, prefix: &str) {
    let begins_so = |name: &OsStr| name.to_string_lossy().starts_with(prefix);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        // Links and pipes are not ours, and opening a pipe may take for ever.
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if !(is_file && begins_so(&entry.file_name())) {
            continue;
        }
        let path = entry.path();
        if let Ok(file) = File::open(&path)
            && is_held(&file) == Some(false)
            && is_at(&file, &path)
        {
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// Takes hold of a file; whether another process holds it, where the file system can tell.
fn is_held(file: &File) -> Option<bool> {
    match file.try_lock() {
        Ok(()) => Some(false),
        Err(TryLockError::WouldBlock) => Some(true),
        // Not every file system has locks.
        Err(TryLockError::Error(_)) => None,
    }
}

/// Whether a file is the one at a path.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let place = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        let found = std::fs::metadata(path).map(place);
        file.metadata().map(place).is_ok_and(|own| found.is_ok_and(|found| own == found))
    }
    #[cfg(not(unix))]
    path.is_file()
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_link_is_written_through_and_a_device_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        std::fs::write(&file, "old").unwrap();
        symlink(&file, &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert!(link.is_symlink() && std::fs::read(&file).unwrap() == b"new");
        // As a plain file would get it.
        let plain = folder.path().join("plain");
        std::fs::write(&plain, "").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&file), mode(&plain));
        for path in [Path::new("/dev/null"), folder.path()] {
            assert!(matches!(write_whole(path, b"new"), Err(Error::RunDirectory(_))));
        }
    }

    #[test]
    fn what_was_left_is_removed_and_what_is_being_written_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("codes");
        let left = ["codes-abc", "other-abc"].map(|name| format!("{UNFINISHED}{name}"));
        left.iter().for_each(|name| std::fs::write(folder.path().join(name), "half").unwrap());
        let mut writing = WholeFile::begin(&path).unwrap();
        writing.write_all(b"whole").unwrap();
        let count = || std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(count(), 3);
        remove_unfinished(&path);
        assert!(count() == 2 && folder.path().join(&left[1]).exists());
        remove_all_unfinished(folder.path());
        assert_eq!(count(), 1);
        writing.finish_as_new().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        // What came in the meantime is not replaced.
        assert!(WholeFile::begin(&path).unwrap().finish_as_new().is_err());
        assert!(count() == 1 && std::fs::read(&path).unwrap() == b"whole");
    }
}
