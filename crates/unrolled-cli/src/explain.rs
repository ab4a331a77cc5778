//! `unrolled explain`.

use unrolled_lab::explanation::Explanation;
use unrolled_lab::{Error, Existing};

use crate::arguments::ExplainArguments;
use crate::commands::{Threads, run};

pub fn execute(arguments: ExplainArguments) -> Result<(), Error> {
    let ExplainArguments {
        directory,
        run: name,
        example,
        ridge,
        polish,
        out,
        overwrite,
        threads,
        quiet,
    } = arguments;
    let explanation = Explanation { run: name, examples: example, ridge, polish };
    let configuration = explanation.of(&directory)?;
    let existing = if overwrite { Existing::Overwrite } else { Existing::Refuse };
    let out = out.unwrap_or_else(|| directory.join("explain"));
    run(&configuration, Threads::of(threads.map(usize::from)), Some(out), existing, quiet)
}
