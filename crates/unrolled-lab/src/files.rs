//! Files written whole, so that a reader sees the old content or the new, never a part.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::Error;

/// What the names of files begin with that are not whole yet.
pub(crate) const UNFINISHED: &str = ".unfinished-";

/// Writes to a temporary file beside `path`, flushes it to the disk and renames it into place.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut file = WholeFile::begin(path)?;
    file.write_all(bytes).map_err(|error| Error::writing(path, &error))?;
    file.finish()
}

/// A file that appears under its name when it is whole.
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
        let mut builder = tempfile::Builder::new();
        builder.prefix(UNFINISHED);
        // What the umask leaves of it.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder_of(&real));
        let file = file.map_err(|error| Error::writing(path, &error))?;
        Ok(Self { path: real, writer: BufWriter::new(file) })
    }

    /// Gives it its name.
    pub fn finish(self) -> Result<(), Error> {
        let Self { path, writer } = self;
        let finish = || -> std::io::Result<()> {
            let temporary = writer.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            temporary.as_file().sync_all()?;
            temporary.persist(&path).map_err(|error| error.error)?;
            // The rename itself must reach the disk too.
            #[cfg(unix)]
            File::open(folder_of(&path))?.sync_all()?;
            Ok(())
        };
        finish().map_err(|error| Error::writing(&path, &error))
    }
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
}
