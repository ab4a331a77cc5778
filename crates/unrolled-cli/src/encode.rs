//! `unrolled encode`.

use unrolled_lab::Error;
use unrolled_lab::encode::{self, Encode, Until};
use unrolled_lab::experiment::Session;
use unrolled_lab::progress::Stop;

use crate::arguments::EncodeArguments;
use crate::commands::{Threads, observer};

pub fn execute(arguments: EncodeArguments) -> Result<(), Error> {
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
        out: arguments.out,
        overwrite: arguments.overwrite,
        device: arguments.device,
    };
    let Threads { count: threads, note } = Threads::of(arguments.threads.map(usize::from));
    let mut observer = observer(arguments.quiet);
    if let Some(note) = note {
        observer.say(&format!("note: {note}"));
    }
    let stop = stop_on_request();
    let mut session = Session { threads, observer: observer.as_mut(), stop: &stop };
    let summary = encode::run(&request, &mut session)?;
    observer.say(&summary.describe(&request));
    summary.verdict(&request)
}

/// Ctrl-C and the like ask to stop; asked twice, the process ends at once.
fn stop_on_request() -> Stop {
    let stop = Stop::default();
    let handler = stop.clone();
    let handle = move || {
        if handler.is_requested() {
            std::process::exit(130);
        }
        handler.request();
    };
    ctrlc::set_handler(handle).expect("no other handler is installed");
    stop
}
