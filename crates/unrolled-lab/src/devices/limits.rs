//! What fits on a device.

use crate::memory;

/// What a device can hold and compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest single buffer, in bytes; `None` where only the memory limits it.
    pub buffer: Option<u64>,
    /// Memory in all, in bytes; `None` where the driver's interface does not tell.
    pub memory: Option<u64>,
    /// Whether it computes in float64.
    pub float64: bool,
}

impl Limits {
    /// Those of the CPU.
    pub fn of_the_cpu() -> Self {
        Self { buffer: None, memory: memory::available(), float64: true }
    }

    /// As a person reads them.
    pub fn describe(&self) -> String {
        let precisions = if self.float64 { "float32, float64" } else { "float32" };
        let buffer = self.buffer.map(|b| format!("buffers to {}", crate::words::bytes(b)));
        let memory = match self.memory {
            Some(memory) => format!("{} of memory free", crate::words::bytes(memory)),
            None => "how much memory it has is not told (set UNROLLED_DEVICE_MEMORY, in bytes)"
                .to_owned(),
        };
        buffer.into_iter().chain([memory, precisions.to_owned()]).collect::<Vec<_>>().join("; ")
    }
}
