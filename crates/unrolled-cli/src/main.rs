//! `unrolled`: the command line, a thin layer over `unrolled-lab`.

mod arguments;
mod commands;
mod progress;

use std::process::ExitCode;

use clap::Parser;
use unrolled_lab::memory::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    match commands::execute(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            for line in error.to_string().lines() {
                eprintln!("error: {line}");
            }
            ExitCode::from(error.exit_status())
        }
    }
}
