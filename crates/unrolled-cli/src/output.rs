//! Text for a person, where it can still be written.

use std::io::{ErrorKind, Write};
use std::path::Path;

use unrolled_lab::Error;

/// Writes to standard output. Where its reader has gone, as in `… | head -1`, nothing is wrong.
pub fn print(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::writing(Path::new("standard output"), &error))
        }
        _ => Ok(()),
    }
}

/// Writes a line to standard error. A run goes on without anybody who reads it.
pub fn tell(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
