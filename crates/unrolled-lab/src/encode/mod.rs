//! `unrolled encode`: apply a learned dictionary to data, a block of examples at a time.

mod coder;
mod dictionary;
mod output;
mod request;
mod shards;
mod summary;

use std::path::PathBuf;

use ndarray::Axis;
use unrolled_data::Rows;

use crate::Error;
use crate::devices::{self, Opened};
use crate::experiment::Session;
use crate::files::WholeFile;
use crate::workers::{Workers, in_order};
use coder::Coder;
use dictionary::{Dictionary, data_error};
use request::wrong;
pub use request::{Encode, Until};
use shards::{Outputs, check_folder};
pub use summary::Summary;

/// Examples of a block.
const BLOCK: usize = 512;
/// Blocks that are read at a time, at least, and for each thread.
const BLOCKS: usize = 16;
const BLOCKS_OF_A_THREAD: usize = 4;

/// Where codes go: a file that was begun, or shards of so many rows beside none but these, which are replaced.
enum Out {
    File(WholeFile),
    Shards(usize, Vec<PathBuf>),
}

/// Encodes in float64, to a gap by coordinate descent on the CPU and else by FISTA with the step 0.99/‖D‖², and writes
/// `codes` `[n, p]` (or, sparse, `indptr` `[n + 1]`, `indices` and `values`, by rows), and `gaps` `[n]`. What is wrong
/// with the request is said before anything is read; [`Summary::verdict`] says whether the gap was reached.
pub fn run(request: &Encode, session: &mut Session) -> Result<Summary, Error> {
    request.check_numbers()?;
    let Opened { device, limits, adapter } = devices::open(&request.device)?;
    if !limits.float64 {
        return Err(Error::Device(format!(
            "codes are computed in float64, which the adapter of \"{}\" cannot; use --device flex",
            request.device
        )));
    }
    let out = match request.shard_rows {
        None => Out::File(request.begin_file()?),
        Some(each) => Out::Shards(each, check_folder(request)?),
    };
    let dictionary = Dictionary::read(request)?;
    let rows = Rows::open(&request.data, &request.data_key).map_err(data_error)?;
    let ([n, m], (features, atoms)) = (rows.shape(), dictionary.matrix.dim());
    if m != features {
        return wrong(format!(
            "{}: `{}` has {m} columns, but the dictionary has {features} features; give data of that \
             width",
            request.data.display(),
            request.data_key
        ));
    }
    let on_cpu = adapter.is_none();
    let coder = Coder::new(request, &dictionary.matrix, &device, on_cpu, session.stop)?;
    // A graphics card takes one block at a time.
    let crew = match on_cpu {
        true => Workers::of(session.threads),
        false => Workers { workers: 1, threads: session.threads },
    };
    let read = BLOCK * BLOCKS.max(BLOCKS_OF_A_THREAD * crew.workers);
    request.check_inputs(rows.paths())?;
    let mut output = match out {
        Out::File(file) => Outputs::file(request, file, [n, atoms])?,
        Out::Shards(each, before) => Outputs::shards(request, each, before, [n, atoms])?,
    };
    let mut summary = Summary { examples: n, ..Summary::default() };
    let observer = &mut session.observer;
    observer.begin(n as u64, 0, "examples");
    let outcome = (0..n).step_by(read).try_for_each(|from| {
        let x = rows.read(from, (from + read).min(n)).map_err(data_error)?;
        let x = dictionary.prepare(x);
        let blocks: Vec<_> = x.axis_chunks_iter(Axis(0), BLOCK).collect();
        in_order(
            blocks.len(),
            crew,
            || {},
            |block, reporter| {
                let coded = coder.encode(&blocks[block].to_owned(), from + block * BLOCK)?;
                reporter.advance(coded.gaps.len() as u64);
                Ok(coded)
            },
            |units| observer.advance(units),
            |coded| {
                summary.add(&coded);
                output.write(&coded.codes, &coded.gaps)
            },
        )
    });
    observer.end();
    outcome?;
    summary.files = output.finish()?;
    Ok(summary)
}
