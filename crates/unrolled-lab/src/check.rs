//! What a run will take, before it runs.

use crate::config::name_of;
use crate::words::{bytes, duration};
use crate::{Configuration, Error, memory};

/// What a run will take.
#[derive(Clone, Debug, Default)]
pub struct Estimate {
    /// Memory of the host at its peak.
    pub bytes: u64,
    /// Memory of a graphics card at its peak, where the run uses one.
    pub device_bytes: Option<u64>,
    /// Examples in a batch, and in each of the blocks that it is split into.
    pub batch: Option<[usize; 2]>,
    /// Floating-point operations of the products.
    pub operations: f64,
    /// Time, by a probe of one block.
    pub seconds: f64,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Estimate {
    /// Takes the larger of each.
    pub fn include(&mut self, bytes: u64, device_bytes: Option<u64>) {
        self.bytes = self.bytes.max(bytes);
        self.device_bytes = self.device_bytes.max(device_bytes);
    }

    /// Refuses a run that the host's memory cannot hold.
    pub fn affordable(self) -> Result<Self, Error> {
        match memory::available() {
            Some(free) if self.bytes > free => Err(Error::Config(vec![format!(
                "the run would take about {} of memory, and {} are free; take fewer examples, atoms or \
                 iterations, a smaller batch, or --threads 1",
                bytes(self.bytes),
                bytes(free)
            )])),
            _ => Ok(self),
        }
    }
}

/// The lines that `unrolled check` prints after the effective configuration.
pub fn describe(configuration: &Configuration, estimate: &Estimate, threads: usize) -> String {
    let base = &configuration.base;
    let runs = configuration.runs.len();
    let blocks = match estimate.batch {
        Some([batch, block]) if block < batch => format!(
            "blocks    {} of {block} examples at most, of a batch of {batch}\n",
            batch.div_ceil(block)
        ),
        _ => String::new(),
    };
    let on_device = match estimate.device_bytes {
        Some(device) => format!("; on the device about {}", bytes(device)),
        None => String::new(),
    };
    format!(
        "runs      {runs} ({})\n\
         device    {}, {}, {threads} {}\n\
         memory    about {}{on_device}\n\
         {blocks}\
         work      about {:.1e} operations in products of matrices\n\
         time      about {} (from a probe of one block)\n",
        configuration.runs.iter().map(|run| run.name.as_str()).collect::<Vec<_>>().join(", "),
        base.device,
        name_of(base.precision),
        if threads == 1 { "thread" } else { "threads" },
        bytes(estimate.bytes),
        estimate.operations,
        duration(estimate.seconds),
    )
}
