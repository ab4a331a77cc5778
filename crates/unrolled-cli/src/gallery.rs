//! `unrolled gallery`.

use std::path::Path;

use unrolled_lab::gallery::Gallery;
use unrolled_lab::{Error, Existing, RunDirectory};

use crate::arguments::GalleryArguments;
use crate::commands::{Threads, observer, run};

pub fn execute(arguments: GalleryArguments) -> Result<(), Error> {
    let GalleryArguments { list, out, runs, overwrite, threads, quiet } = arguments;
    let gallery = Gallery::read(&list)?;
    check(&gallery, (&out, &runs), overwrite)?;
    let mut cards = Vec::new();
    let count = gallery.exhibits.len();
    for (at, exhibit) in gallery.exhibits.iter().enumerate() {
        let (asked, configuration) = exhibit;
        observer(quiet).say(&format!("{} of {count}: {}", at + 1, asked.config.display()));
        let path = runs.join(&configuration.base.name);
        let existing = if path.exists() { Existing::Overwrite } else { Existing::Refuse };
        let threads = Threads::of(threads.map(usize::from));
        let outcome = run(configuration, threads, Some(path.clone()), existing, quiet);
        outcome.map_err(|error| match error {
            Error::Interrupted(_) => Error::Interrupted(
                "stopped; no page was written: the same command with --overwrite begins anew"
                    .to_owned(),
            ),
            other => gallery.locate(asked, other),
        })?;
        cards.push(gallery.card(exhibit, &RunDirectory::existing(&path)?)?);
    }
    gallery.write(&out, &cards)?;
    observer(quiet).say(&format!("gallery: {}", out.display()));
    Ok(())
}

/// Whether there is room for everything, before any work.
fn check(gallery: &Gallery, (out, runs): (&Path, &Path), overwrite: bool) -> Result<(), Error> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(Error::RunDirectory(format!(
            "{}: its folder is not there; make it, or name another file with --out",
            out.display()
        )));
    }
    for (_, configuration) in &gallery.exhibits {
        let path = runs.join(&configuration.base.name);
        if path.exists() && !overwrite {
            return Err(Error::RunDirectory(format!(
                "{}: is there already; replace the runs of an earlier gallery with --overwrite, or name another folder with --runs",
                path.display()
            )));
        }
    }
    Ok(())
}
