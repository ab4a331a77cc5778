//! The charts of a page, each also as a file beside it.

use std::path::Path;

use super::pictures::Mosaic;
use super::standalone::{figure, standalone};
use crate::Error;
use crate::figure_files::remove_but;
use crate::files::write_whole;

/// A name longer than this is cut.
const LONGEST: usize = 120;

/// What is drawn: on the page, and in a file of its own.
pub trait Drawing {
    /// What it shows, as text; its file is named after it.
    fn title(&self) -> &str;

    /// The rest of the caption, as HTML.
    fn caption(&self) -> &str;

    /// Where its numbers are, as HTML.
    fn numbers(&self) -> &str;

    /// What it shows, for those who do not see it.
    fn label(&self) -> String;

    /// Width and height.
    fn size(&self) -> [u32; 2];

    /// Samples as SVG, from x = 0 to 36 around y = 0, and names, as HTML.
    fn legend(&self) -> Vec<(String, String)>;

    /// The picture as SVG without its title and legend; nothing where no value can be drawn.
    fn plot(&self) -> Option<String>;
}

/// The charts of a page so far.
#[derive(Debug)]
pub struct Figures {
    folder: String,
    files: Vec<(String, String)>,
}

impl Figures {
    /// None yet; they will be written to a folder of that name beside the page.
    pub fn new(folder: &str) -> Self {
        Self { folder: folder.to_owned(), files: Vec::new() }
    }

    /// A chart as HTML for the page. Its file is named after what it is `of`, which may be nothing, and its title.
    pub fn add(&mut self, drawing: &dyn Drawing, of: &str) -> String {
        let Some(plot) = drawing.plot() else {
            return figure(drawing, None);
        };
        let name = self.name(of, drawing.title());
        let file = format!("{}/{name}", self.folder);
        self.files.push((name, standalone(drawing, &plot)));
        figure(drawing, Some((&plot, &file)))
    }

    /// A mosaic as HTML for the page. Its file is named after what it is `of`.
    pub fn mosaic(&mut self, mosaic: &Mosaic, of: &str) -> String {
        let name = self.name("", of);
        let file = format!("{}/{name}", self.folder);
        self.files.push((name, mosaic.standalone()));
        mosaic.html(&file)
    }

    /// The files so far, in the order of the page: names and content.
    pub fn files(&self) -> &[(String, String)] {
        &self.files
    }

    fn name(&self, of: &str, title: &str) -> String {
        let text = if of.is_empty() { title.to_owned() } else { format!("{of} {title}") };
        let words: Vec<String> = text
            .split(|c: char| !c.is_ascii_alphanumeric() && !"._=".contains(c))
            .map(|word| word.trim_matches('.').to_ascii_lowercase())
            .filter(|word| !word.is_empty())
            .collect();
        let mut stem = words.join("-");
        if stem.len() > LONGEST {
            let sum = crc32fast::hash(stem.as_bytes());
            // Every character is one of ASCII.
            stem.truncate(LONGEST);
            stem.push_str(&format!("-{sum:08x}"));
        }
        let taken = |name: &String| self.files.iter().any(|(other, _)| other == name);
        let candidates = std::iter::once(format!("{stem}.svg"))
            .chain((2..).map(|number| format!("{stem}-{number}.svg")));
        candidates.into_iter().find(|name| !taken(name)).unwrap_or_default()
    }

    /// Writes every file, and removes figures of an earlier page that this one has not.
    pub(crate) fn write(&self, beside: &Path) -> Result<(), Error> {
        let folder = beside.join(&self.folder);
        if !self.files.is_empty() {
            std::fs::create_dir_all(&folder).map_err(|error| Error::writing(&folder, &error))?;
        }
        for (name, text) in &self.files {
            write_whole(&folder.join(name), text.as_bytes())?;
        }
        remove_but(&folder, &self.files.iter().map(|(name, _)| name.as_str()).collect());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure_files::{MARK, remove};

    #[test]
    fn names_are_stable_and_differ() {
        let mut figures = Figures::new("figures");
        assert_eq!(
            figures.name("", "Error to the true gradient."),
            "error-to-the-true-gradient.svg"
        );
        assert_eq!(figures.name("penalty=0.1", "Time."), "penalty=0.1-time.svg");
        assert_eq!(figures.name("../../etc", "Time."), "etc-time.svg");
        figures.files.push(("time.svg".to_owned(), String::new()));
        assert_eq!(figures.name("", "Time."), "time-2.svg");
        assert!(figures.name(&"a".repeat(400), "Time.").len() < 140);
    }

    #[test]
    fn what_is_not_ours_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join("figures").join(name);
        let mut figures = Figures::new("figures");
        figures.files = vec![("a.svg".to_owned(), MARK.to_owned())];
        figures.write(folder.path()).unwrap();
        for name in ["mine.svg", "notes.txt"] {
            std::fs::write(path(name), "mine").unwrap();
        }
        figures.files[0].0 = "b.svg".to_owned();
        figures.write(folder.path()).unwrap();
        assert!(!path("a.svg").exists() && path("b.svg").exists());
        remove(&folder.path().join("figures"));
        assert!(!path("b.svg").exists() && path("mine.svg").exists() && path("notes.txt").exists());
    }
}
