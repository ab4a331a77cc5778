//! What happens when a graphics card fails in the middle of a run.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

use super::is_cpu;
use crate::Error;

/// Does work on a device. Burn panics when a driver fails under it (a lost device, memory that is not
/// there); on a graphics card that becomes an error that says what to do.
pub fn guarded<T>(device: &str, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    match is_cpu(device) {
        true => work(),
        false => caught(device, work),
    }
}

/// As [`guarded`], for a graphics card by its name.
pub(crate) fn caught<T>(device: &str, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // The message goes into the error; a backtrace on the terminal helps nobody here.
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(AssertUnwindSafe(work));
    set_hook(hook);
    outcome.unwrap_or_else(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("it gave no reason");
        let reason = said.lines().next().unwrap_or_default().trim_end_matches('.');
        Err(Error::DeviceLost(format!(
            "the device \"{device}\" failed ({reason}); what was saved stands: go on with --resume once the \
             driver is well, with a smaller `train.batch_size`, or with --resume --device flex"
        )))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_the_driver_is_an_error_with_a_remedy() {
        let failed = caught::<()>("wgpu:1", || panic!("device lost\nand more"));
        let Err(error) = failed else { panic!("the panic is caught") };
        assert_eq!(error.exit_status(), 1);
        let text = error.to_string();
        assert!(text.starts_with("the device \"wgpu:1\" failed (device lost);"), "{text}");
        assert_eq!(caught("wgpu", || Ok(3)).ok(), Some(3));
    }
}
