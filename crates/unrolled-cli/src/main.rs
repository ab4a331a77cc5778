//! `unrolled`: the command line, a thin layer over `unrolled-lab`.

mod allocator;
mod arguments;
mod commands;
mod denoise;
mod encode;
mod explain;
mod gallery;
mod output;
mod progress;
mod signals;

use std::process::ExitCode;

use clap::Parser;
use unrolled_lab::memory::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Mesa's layer that sorts devices asks a desktop which one it prefers and complains where there is no
/// desktop; a run names its device by itself.
fn without_desktop() {
    if std::env::var_os("WAYLAND_DISPLAY").is_none()
        && std::env::var_os("NODEVICE_SELECT").is_none()
    {
        // SAFETY: no other thread runs yet.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}

fn main() -> ExitCode {
    without_desktop();
    allocator::keep_what_is_freed();
    let arguments = arguments::Arguments::parse();
    match commands::execute(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            for line in error.to_string().lines() {
                output::tell(&format!("error: {line}"));
            }
            ExitCode::from(error.exit_status())
        }
    }
}
