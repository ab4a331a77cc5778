//! Files written whole, so that a reader sees the old content or the new, never a part.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::Error;

/// What the names of files begin with that are not whole yet.
pub(crate) const UNFINISHED: &str = ".unfinished-";

/// Writes to a temporary file beside `path`, flushes it to the disk and renames it into place.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut temporary = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
        temporary.write_all(bytes)?;
        temporary.as_file().sync_all()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let readable = std::fs::Permissions::from_mode(0o644);
            temporary.as_file().set_permissions(readable)?;
        }
        temporary.persist(path).map_err(|error| error.error)?;
        // The rename itself must reach the disk too.
        #[cfg(unix)]
        File::open(folder)?.sync_all()?;
        Ok(())
    };
    write().map_err(|error| Error::writing(path, &error))
}
