//! `unrolled gallery`.

use std::path::Path;

use unrolled_lab::gallery::Gallery;
use unrolled_lab::{Error, Existing, RunDirectory};

use crate::commands::{Threads, observer, run};

pub fn execute(
    list: &Path,
    out: &Path,
    runs: &Path,
    (threads, quiet): (Option<usize>, bool),
) -> Result<(), Error> {
    let gallery = Gallery::read(list)?;
    let mut directories = Vec::new();
    let count = gallery.exhibits.len();
    for (at, (exhibit, configuration)) in gallery.exhibits.iter().enumerate() {
        let config = exhibit.config.display();
        observer(quiet).say(&format!("{} of {count}: {config}", at + 1));
        let path = runs.join(&configuration.base.name);
        let existing = if path.exists() { Existing::Overwrite } else { Existing::Refuse };
        let outcome = run(configuration, Threads::of(threads), Some(path.clone()), existing, quiet);
        outcome.map_err(|error| match error {
            Error::Interrupted(_) => Error::Interrupted(
                "stopped; no page was written: the same command begins anew".to_owned(),
            ),
            other => other,
        })?;
        directories.push(RunDirectory::existing(&path)?);
    }
    gallery.write(out, &directories)?;
    observer(quiet).say(&format!("gallery: {}", out.display()));
    Ok(())
}
