//! Ctrl-C, SIGTERM and SIGHUP ask a command to stop at the next safe place.

use std::sync::OnceLock;

use unrolled_lab::progress::Stop;

use crate::output::tell;

/// What a command heeds, from the first time that it asks.
static STOP: OnceLock<Stop> = OnceLock::new();

/// Heeds them from now on, saying so unless `quiet`, but for those that whoever started the program has chosen to ignore, as `nohup` does.
pub fn heed(quiet: bool) -> Stop {
    STOP.get_or_init(|| install(quiet)).clone()
}

fn install(quiet: bool) -> Stop {
    let ignored = Ignored::now();
    let stop = Stop::default();
    let handler = stop.clone();
    ctrlc::set_handler(move || {
        if handler.is_requested() {
            // A second request does not wait for a safe place.
            std::process::exit(130);
        }
        handler.request();
        if !quiet {
            tell("stopping at the next safe place; once more stops at once");
        }
    })
    .expect("no other handler is installed");
    ignored.restore();
    stop
}

/// The signals that are ignored.
struct Ignored(#[cfg(unix)] Vec<libc::c_int>);

#[cfg(unix)]
impl Ignored {
    fn now() -> Self {
        let is_ignored = |signal: &libc::c_int| {
            // SAFETY: a zeroed action is a valid one to be written to, and nothing is changed.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                libc::sigaction(*signal, std::ptr::null(), &raw mut action) == 0
                    && action.sa_sigaction == libc::SIG_IGN
            }
        };
        let all = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];
        Self(all.into_iter().filter(is_ignored).collect())
    }

    fn restore(self) {
        for signal in self.0 {
            // SAFETY: to ignore a signal that was ignored before changes nothing for anybody else.
            unsafe { libc::signal(signal, libc::SIG_IGN) };
        }
    }
}

#[cfg(not(unix))]
impl Ignored {
    fn now() -> Self {
        Self()
    }

    fn restore(self) {}
}
