//! `unrolled denoise`.

use unrolled_lab::Error;
use unrolled_lab::experiment::Session;
use unrolled_lab::restore::{self, Restore};

use crate::arguments::DenoiseArguments;
use crate::commands::{Threads, observer};
use crate::signals;

pub fn execute(arguments: DenoiseArguments) -> Result<(), Error> {
    let quiet = arguments.quiet;
    let request = Restore {
        model: arguments.model,
        run: arguments.run,
        noise: arguments.noise,
        images: arguments.images,
        out: arguments.out,
        overwrite: arguments.overwrite,
        tile: arguments.tile.map(|pixels| pixels as usize),
        device: arguments.device,
    };
    let Threads { count: threads, note } = Threads::of(arguments.threads.map(usize::from));
    let mut observer = observer(quiet);
    if let Some(note) = note {
        observer.say(&format!("note: {note}"));
    }
    let stop = signals::heed(quiet);
    let mut session = Session { threads, observer: observer.as_mut(), stop: &stop };
    let summary = restore::run(&request, &mut session)?;
    observer.say(&summary.describe(&request));
    Ok(())
}
