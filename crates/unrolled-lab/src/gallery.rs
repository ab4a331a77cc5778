//! A page of the main pictures of many configurations, each run at a small size.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::experiments::EXPERIMENTS;
use crate::figure_files::MARK;
use crate::files::write_whole;
use crate::report::page::{Section, document};
use crate::report::table::escape;
use crate::{Configuration, Error, Overrides, RunDirectory};

/// The configurations of a gallery.
#[derive(Debug)]
pub struct Gallery {
    /// Where they are listed.
    source: PathBuf,
    /// In their order, each with its effective configuration.
    pub exhibits: Vec<(Exhibit, Configuration)>,
}

/// A configuration, and what makes it small.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exhibit {
    /// The configuration, beside the list.
    pub config: PathBuf,
    /// Keys that differ, as after `--set`.
    #[serde(default)]
    pub set: Vec<String>,
    /// The file of the picture in the run's `figures/`; the first of the report where none is named.
    pub figure: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    exhibit: Vec<Exhibit>,
}

impl Gallery {
    /// Reads a list and every configuration of it.
    ///
    /// # Errors
    /// When one of the files cannot be read or is wrong, or two runs have the same name.
    pub fn read(source: &Path) -> Result<Self, Error> {
        let text =
            std::fs::read_to_string(source).map_err(|error| Error::reading(source, &error))?;
        let list: List = toml::from_str(&text).map_err(|error| {
            let before = error.span().map_or("", |span| &text[..span.start]);
            let line = before.lines().count().max(1);
            let message = error.message().replace('\n', ", ");
            Error::Config(vec![format!("{}:{line}: {message}", source.display())])
        })?;
        let folder = source.parent().unwrap_or(Path::new(""));
        let mut gallery = Self { source: source.to_owned(), exhibits: Vec::new() };
        for exhibit in list.exhibit {
            let overrides = Overrides { set: exhibit.set.clone(), device: None };
            let configuration = EXPERIMENTS.load(&folder.join(&exhibit.config), &overrides);
            let configuration = configuration.map_err(|error| gallery.locate(&exhibit, error))?;
            let name = &configuration.base.name;
            if gallery.exhibits.iter().any(|(_, other)| other.base.name == *name) {
                return Err(Error::Config(vec![format!(
                    "{}: two runs are called {name}; give one another with `set = ['name=\"…\"']`",
                    source.display()
                )]));
            }
            gallery.exhibits.push((exhibit, configuration));
        }
        Ok(gallery)
    }

    /// Puts the list and the configuration before an error that one of them has led to.
    pub fn locate(&self, exhibit: &Exhibit, error: Error) -> Error {
        let (list, config) = (self.source.display(), exhibit.config.display());
        let before = |message: String| format!("{list}: {config}: {message}");
        match error {
            Error::Config(messages) => Error::Config(messages.into_iter().map(before).collect()),
            Error::RunDirectory(message) => Error::RunDirectory(before(message)),
            Error::NotFinite(message) => Error::NotFinite(before(message)),
            other => other,
        }
    }

    /// Writes the page of the cards of all exhibits.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, page: &Path, cards: &[String]) -> Result<(), Error> {
        let introduction = format!(
            "<p>Configurations at a size of seconds: what came out there is not what comes out at full size. Under \
             each picture stands the first thing that its report says, and what makes it small. The page was made by \
             <code>unrolled gallery {}</code>.</p>\n",
            escape(&self.source.to_string_lossy())
        );
        let section = Section {
            title: "What the reports show".to_owned(),
            html: format!("{introduction}<div class=\"figures\">\n{}</div>\n", cards.concat()),
        };
        write_whole(page, document("gallery", "Gallery", &[section]).as_bytes())
    }

    /// The picture and the sentence of an exhibit, from its finished run directory, as HTML.
    ///
    /// # Errors
    /// When the directory is damaged, or its report has no such picture.
    pub fn card(
        &self,
        (exhibit, configuration): &(Exhibit, Configuration),
        directory: &RunDirectory,
    ) -> Result<String, Error> {
        let (sections, figures) = EXPERIMENTS.sections(directory)?;
        let picture = match &exhibit.figure {
            None => figures.files().first().map(|(_, text)| text),
            Some(name) => Some(figures.files().iter().find(|(file, _)| file == name).map_or_else(
                || {
                    let names: Vec<&str> =
                        figures.files().iter().map(|(name, _)| name.as_str()).collect();
                    let message =
                        format!("there is no figure {name}; name one of {}", names.join(", "));
                    Err(self.locate(exhibit, Error::Config(vec![message])))
                },
                |(_, text)| Ok(text),
            )?),
        };
        let picture = picture.map_or(String::new(), |text| {
            // Whole in the page, as wide as there is room.
            text.trim_start_matches(MARK).replacen("<svg ", "<svg class=\"chart\" ", 1)
        });
        let smaller: Vec<String> =
            exhibit.set.iter().map(|set| format!("<code>{}</code>", escape(set))).collect();
        let smaller = match smaller.is_empty() {
            true => String::new(),
            false => format!("<p class=\"source\">Made small by {}.</p>\n", smaller.join(", ")),
        };
        Ok(format!(
            "<figure>\n{picture}<figcaption><b>{}</b> ({})</figcaption>\n{}{smaller}</figure>\n",
            escape(&exhibit.config.to_string_lossy()),
            escape(configuration.base.experiment),
            first_sentence(&sections)
        ))
    }
}

/// The first paragraph of what came out, as HTML.
fn first_sentence(sections: &[Section]) -> String {
    let of = |section: &Section| -> Option<String> {
        let (_, finding) = section.html.split_once("<div class=\"finding\">")?;
        let (_, from) = finding.split_once("<p>")?;
        let (paragraph, _) = from.split_once("</p>")?;
        Some(format!("<p>{paragraph}</p>\n"))
    };
    sections.iter().find_map(of).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_paragraph_of_a_finding_is_its_sentence() {
        let section = |html: &str| Section { title: String::new(), html: html.to_owned() };
        let sections = [
            section("<p>Settings.</p>"),
            section("<div class=\"finding\">\n<p>One <b>thing</b>.</p>\n<p>Another.</p></div>"),
        ];
        assert_eq!(first_sentence(&sections), "<p>One <b>thing</b>.</p>\n");
        assert_eq!(first_sentence(&sections[..1]), "");
    }
}
