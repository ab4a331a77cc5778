//! `unrolled encode`.

use unrolled_lab::Error;
use unrolled_lab::encode::{self, Encode, Until};
use unrolled_lab::experiment::Session;

use crate::arguments::EncodeArguments;
use crate::commands::{Threads, observer};
use crate::signals;

pub fn execute(arguments: EncodeArguments) -> Result<(), Error> {
    let quiet = arguments.quiet;
    let until = arguments.gap.map_or(Until::Iterations(arguments.iterations), Until::Gap);
    let request = Encode {
        dictionary: arguments.dictionary,
        key: arguments.key,
        data: arguments.data,
        data_key: arguments.data_key,
        penalty: arguments.penalty,
        one_sided: arguments.one_sided,
        until,
        sparse: arguments.sparse,
        shard_rows: arguments.shard_rows.map(|rows| rows as usize),
        out: arguments.out,
        overwrite: arguments.overwrite,
        device: arguments.device,
    };
    let Threads { count: threads, note } = Threads::of(arguments.threads.map(usize::from));
    let mut observer = observer(quiet);
    if let Some(note) = note {
        observer.say(&format!("note: {note}"));
    }
    let stop = signals::heed(quiet);
    let mut session = Session { threads, observer: observer.as_mut(), stop: &stop };
    let summary = encode::run(&request, &mut session)?;
    observer.say(&summary.describe(&request));
    summary.verdict(&request)
}
