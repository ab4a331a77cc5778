//! Files of figures: which of those in a folder are ours.

use std::collections::BTreeSet;
use std::path::Path;

/// What tells our figures from other people's.
pub(crate) const MARK: &str =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- a figure of unrolled -->\n";

/// Removes the figures in a folder that we have written, and the folder where it is empty then.
pub(crate) fn remove(folder: &Path) {
    remove_but(folder, &BTreeSet::new());
}

/// Removes them but for those that are kept.
pub(crate) fn remove_but(folder: &Path, kept: &BTreeSet<&str>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".svg") && !kept.contains(name.as_str()) && is_ours(&entry.path()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    let _ = std::fs::remove_dir(folder);
}

fn is_ours(path: &Path) -> bool {
    use std::io::Read;
    let mut start = vec![0; MARK.len()];
    let is_file = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    is_file
        && std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok()
        && start == MARK.as_bytes()
}
