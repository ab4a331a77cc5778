//! The images of a folder.

use std::path::{Path, PathBuf};

use crate::DataError;

/// Whether a name is that of an image, and not of a hidden file.
fn is_named_image(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("");
    !hidden && ["png", "jpg", "jpeg"].iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// The .png, .jpg and .jpeg files of a folder (not of the folders in it), sorted by name; or the file itself, whatever
/// its name.
pub fn list_images(path: &Path) -> Result<Vec<PathBuf>, DataError> {
    let unreadable = |error: std::io::Error| DataError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    if !std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut images = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if is_named_image(&file) && file.is_file() {
            images.push(file);
        }
    }
    images.sort();
    match images.is_empty() {
        true => Err(DataError::NoImageFiles { folder: path.to_owned() }),
        false => Ok(images),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_its_images_by_name_and_a_file_itself() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let said = |path: &Path| list_images(path).unwrap_err().to_string();
        let nothing = format!(
            "{}: has no .png, .jpg or .jpeg file; name a folder that has some, or one image",
            root.display()
        );
        assert_eq!(said(root), nothing);
        for name in ["notes.txt", ".hidden.png", "png"] {
            std::fs::write(root.join(name), "").unwrap();
        }
        std::fs::create_dir(root.join("folder.png")).unwrap();
        assert_eq!(said(root), nothing);
        for name in ["b.JPG", "a.png", "c.jpeg", "A.PNG"] {
            std::fs::write(root.join(name), "").unwrap();
        }
        let expected: Vec<_> =
            ["A.PNG", "a.png", "b.JPG", "c.jpeg"].map(|name| root.join(name)).into();
        assert_eq!(list_images(root).unwrap(), expected);
        assert_eq!(list_images(&root.join("notes.txt")).unwrap(), [root.join("notes.txt")]);
        assert!(said(&root.join("none")).contains("none: cannot be read ("));
    }
}
