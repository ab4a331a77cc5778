//! Whether an answer to an input is one that a person can live with.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Answers, Input, Target};

/// What became of an input.
#[derive(Debug)]
pub enum Verdict {
    Accepted,
    Refused(Vec<String>),
    /// Something to mend: what, in a line.
    Wrong(String),
}

/// Tries an input in a folder, which is empty afterwards.
pub fn judge(target: &Target, input: &Input, folder: &Path) -> Verdict {
    let answers = RefCell::new(Answers::default());
    let tried = quietly(|| (target.examine)(input, folder, &mut answers.borrow_mut()));
    let _ = std::fs::remove_dir_all(folder);
    let _ = std::fs::create_dir_all(folder);
    let wrong = match tried {
        Err(panic) => format!("panic: {panic}"),
        Ok(Err(wrong)) => wrong,
        Ok(Ok(())) => {
            let Answers(said) = answers.into_inner();
            match said.iter().find_map(|message| unfit(message)) {
                Some(wrong) => wrong,
                None if said.is_empty() => return Verdict::Accepted,
                None => return Verdict::Refused(said),
            }
        }
    };
    Verdict::Wrong(wrong.replace(&format!("{}/", folder.display()), ""))
}

/// Why a message is not fit for a person.
fn unfit(message: &str) -> Option<String> {
    const NOISE: [&str; 10] = [
        "Err(",
        "Some(",
        "Ok(",
        "unwrap",
        "panicked",
        "Error {",
        "Custom {",
        "Os {",
        "::",
        "Utf8Error",
    ];
    let shown: String = message.chars().take(300).collect();
    if message.lines().all(|line| line.trim().is_empty()) || message.contains("\n\n") {
        return Some(format!("an empty message: {shown:?}"));
    }
    // Only what stands before the first quotation is certainly ours.
    let own = message.split(['\'', '"', '`']).next().unwrap_or_default();
    let noise = NOISE.iter().find(|noise| own.contains(*noise) || message.ends_with(*noise));
    noise.map(|noise| format!("a message with `{noise}`: {shown}"))
}

/// What a finding is known by: its words without numbers and names.
pub fn kind_of(finding: &str) -> String {
    let mut quoted = false;
    let plain = finding.chars().filter(|c| {
        quoted ^= "\"`'".contains(*c);
        !quoted && !c.is_ascii_digit()
    });
    plain.take(120).collect()
}

static QUIET: AtomicBool = AtomicBool::new(false);
static LAST: Mutex<String> = Mutex::new(String::new());

/// Runs something that may panic, on any thread, without printing it.
fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| match QUIET.load(Ordering::SeqCst) {
            false => loud(panic),
            true => {
                let mut last = LAST.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                // The first is the cause, those of the threads that waited for it are not.
                if last.is_empty() {
                    *last = panic.to_string().replace('\n', " ");
                }
            }
        }));
    });
    LAST.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clear();
    QUIET.store(true, Ordering::SeqCst);
    let tried = catch_unwind(AssertUnwindSafe(work));
    QUIET.store(false, Ordering::SeqCst);
    tried.map_err(|_| LAST.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone())
}
