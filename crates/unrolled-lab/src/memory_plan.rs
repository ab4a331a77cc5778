//! How many examples fit at a time: a memory plan, made before anything is taken.

use unrolled::encoder::Form;

use unrolled::prelude::Precision;

use crate::config::EncoderConfig;
use crate::devices::Limits;
use crate::words::bytes;

/// What an unroll and its gradient take, in numbers (not bytes).
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryPlan {
    /// m.
    features: u64,
    /// p.
    atoms: u64,
    /// Bytes of a number.
    number: u64,
    /// Whatever the examples: D, its gradient, the optimiser's averages, DᵀD.
    fixed: u64,
    /// The largest array among those.
    widest_fixed: u64,
    /// For every example of a block and every iteration.
    per_iteration: u64,
    /// T.
    iterations: u64,
    /// Numbers of the dictionary, where it is no matrix `[m, p]` but filters.
    filters: Option<u64>,
    /// Numbers that an optimiser of atoms asks for of the codes.
    curvature: u64,
}

/// A block of examples that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fit {
    /// Examples in a block.
    pub block: usize,
    /// Memory at the peak, in bytes.
    pub bytes: u64,
}

/// The share of the free memory that a plan uses: drivers and other programs need the rest.
const USABLE: f64 = 0.9;

impl MemoryPlan {
    /// Of a configuration's encoder with T iterations, and of its gradient where that goes `through` them.
    pub fn new(
        (encoder, precision): (&EncoderConfig, Precision),
        [features, atoms]: [usize; 2],
        form: Form,
        iterations: usize,
        through: bool,
    ) -> Self {
        let [m, p] = [features as u64, atoms as u64];
        // By hand an iteration leaves its codes. A graph leaves about four arrays (measured: 3.6).
        let per_iteration = match (through, encoder.is_by_hand()) {
            (false, _) => 0,
            (true, true) => p,
            (true, false) if form == Form::Residual => 4 * p + m,
            (true, false) => 4 * p,
        };
        let gram = if form == Form::Gram { p.saturating_mul(p) } else { 0 };
        Self {
            features: m,
            atoms: p,
            number: precision.bytes() as u64,
            fixed: (12 * m).saturating_mul(p).saturating_add(gram.saturating_mul(4)),
            widest_fixed: gram.max(m.saturating_mul(p)),
            per_iteration,
            iterations: iterations as u64,
            filters: None,
            curvature: 0,
        }
    }

    /// With so many numbers that an optimiser of atoms asks for of the codes: those of a block, their sum over the batch, what
    /// the optimiser keeps before and after a step, and a copy for the step to be undone.
    pub fn with_curvature(self, numbers: usize) -> Self {
        let curvature = numbers as u64;
        let fixed = self.fixed.saturating_add(5 * curvature);
        Self { fixed, widest_fixed: self.widest_fixed.max(curvature), curvature, ..self }
    }

    /// Of filters with so many numbers, between examples of `features` and codes of `atoms` numbers.
    pub fn with_filters(self, entries: Option<usize>) -> Self {
        match entries.map(|entries| entries as u64) {
            Some(entries) => {
                let (fixed, widest_fixed) = (12 * entries, entries);
                Self { fixed, widest_fixed, filters: Some(entries), ..self }
            }
            None => self,
        }
    }

    /// For every example, whatever the iterations.
    fn beside(&self) -> u64 {
        10 * self.atoms + 6 * self.features
    }

    /// For every example.
    fn per_example(&self) -> u64 {
        self.per_iteration.saturating_mul(self.iterations).saturating_add(self.beside())
    }

    /// Bytes for a block of so many examples.
    pub fn bytes(&self, examples: usize) -> u64 {
        let examples = self.per_example().saturating_mul(examples as u64);
        self.number.saturating_mul(self.fixed.saturating_add(examples))
    }

    /// Bytes that the fused kernels take beside the examples and their codes: DᵀD, Dᵀ and the gradient, for
    /// each thread sums of D's or DᵀD's size, and a block of 64 examples with the traces of its iterations.
    pub fn kernels(&self, form: Form, iterations: usize, threads: usize, through: bool) -> u64 {
        // The share of the codes' entries that traces keep is at most about this in a usual unroll.
        const TRACED: f64 = 0.4;
        let (m, p, threads) = (self.features, self.atoms, threads as u64);
        if self.filters.is_some() {
            // An example on each thread; its residual is kept for every iteration.
            let kept = if through { iterations as u64 } else { 1 };
            let traced = (TRACED * kept as f64) as u64;
            let each = m.saturating_mul(4 + kept).saturating_add(p.saturating_mul(8 + traced));
            let blocks = threads.saturating_mul(each).saturating_add(self.fixed);
            return self.number.saturating_mul(blocks);
        }
        let sums = if form == Form::Gram { p.saturating_mul(p) } else { m.saturating_mul(p) };
        let traced = if through { (TRACED * iterations as f64) as u64 } else { 0 };
        let blocks = (threads * 64).saturating_mul(m.saturating_add(p.saturating_mul(8 + traced)));
        let fixed = (4 * m).saturating_mul(p).saturating_add((1 + threads).saturating_mul(sums));
        self.number.saturating_mul(fixed.saturating_add(blocks))
    }

    /// The largest block of at most `most` examples whose arrays pass no limit of the device, and which splits
    /// `examples` examples evenly; or why there is none, and the largest that there is.
    pub fn fit(
        &self,
        device: &str,
        limits: &Limits,
        examples: usize,
        most: usize,
    ) -> Result<Fit, String> {
        let widest = self.features.max(self.atoms) * self.number;
        let buffer = limits.buffer.unwrap_or(u64::MAX);
        if self.widest_fixed.saturating_mul(self.number) > buffer {
            return Err(self.too_wide(device, buffer));
        }
        let memory = limits.memory.map_or(f64::INFINITY, |memory| USABLE * memory as f64);
        let left = memory - (self.fixed * self.number) as f64;
        let by_memory = (left / (self.per_example() * self.number) as f64).max(0.0) as usize;
        let by_buffer = usize::try_from(buffer / widest).unwrap_or(usize::MAX);
        let most = most.min(by_memory).min(by_buffer).min(examples);
        if most == 0 {
            return Err(self.too_large(device, memory));
        }
        // Even blocks: the last is not a small rest.
        let block = examples.div_ceil(examples.div_ceil(most));
        Ok(Fit { block, bytes: self.bytes(block) })
    }

    fn too_wide(&self, device: &str, buffer: u64) -> String {
        let numbers = buffer / self.number;
        let [m, p] = [self.features, self.atoms];
        if self.curvature == self.widest_fixed {
            return format!(
                "the products of codes that `optimizer.kind = \"online\"` keeps take {}, but a buffer of \"{device}\" holds {} \
                 at most; write fewer atoms or another optimiser, or use --device flex",
                bytes(self.curvature * self.number),
                bytes(buffer),
            );
        }
        let (what, atoms) = match self.widest_fixed > m * p {
            true => ("DᵀD", numbers.isqrt()),
            false => ("the dictionary", numbers / m),
        };
        format!(
            "{what} takes {} for {m} features and {p} atoms, but a buffer of \"{device}\" holds {} at \
             most; write {atoms} atoms or fewer{}, or use --device flex",
            bytes(self.widest_fixed * self.number),
            bytes(buffer),
            if what == "DᵀD" { " or `encoder.form = \"residual\"`" } else { "" },
        )
    }

    fn too_large(&self, device: &str, memory: f64) -> String {
        let fixed = self.fixed * self.number;
        let need = self.bytes(1);
        let left = (memory - fixed as f64).max(0.0) / self.number as f64;
        let rest = left - self.beside() as f64;
        let largest = match self.per_iteration {
            0 => 0,
            each => (rest / each as f64).max(0.0) as u64,
        };
        let remedy = match largest {
            0 => "take fewer atoms".to_owned(),
            largest => {
                format!("write {largest} iterations or fewer instead of {}", self.iterations)
            }
        };
        format!(
            "one example needs {}, of which the dictionary and its gradient take {}, but \"{device}\" has {} \
             to give; {remedy}, or use another device",
            bytes(need),
            bytes(fixed),
            bytes(memory as u64),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(m: u64, p: u64, iterations: u64) -> MemoryPlan {
        MemoryPlan {
            features: m,
            atoms: p,
            number: 4,
            fixed: 12 * m * p + 4 * p * p,
            widest_fixed: (p * p).max(m * p),
            per_iteration: p,
            iterations,
            filters: None,
            curvature: 0,
        }
    }

    fn limits(buffer: u64, memory: u64) -> Limits {
        Limits { buffer: Some(buffer), memory: Some(memory), float64: true }
    }

    #[test]
    fn a_batch_is_split_evenly_by_memory_and_by_buffer() {
        let demand = demand(1000, 1500, 100);
        let whole = demand.fit("wgpu", &limits(1 << 31, 1 << 36), 4096, 4096);
        assert_eq!(whole.unwrap().block, 4096);
        // 684 kB an example beside 108 MB: 1254 would fit, so four even blocks.
        let split = demand.fit("wgpu", &limits(1 << 31, 1 << 30), 4096, 4096).unwrap();
        assert_eq!(split.block, 1024);
        assert!(split.bytes <= (USABLE * (1u64 << 30) as f64) as u64);
        let narrow = demand.fit("wgpu", &limits(9_000_000, 1 << 36), 4096, 4096).unwrap();
        assert_eq!(narrow.block, 1366, "1500 examples of 1500 numbers fill a buffer of 9 MB");
    }

    #[test]
    fn what_cannot_fit_is_refused_with_the_largest_that_can() {
        let gram = demand(1000, 1500, 100).fit("wgpu", &limits(4_000_000, 1 << 36), 10, 10);
        let gram = gram.unwrap_err();
        assert!(
            gram.contains("DᵀD takes 9 MB") && gram.contains("write 1000 atoms or fewer"),
            "{gram}"
        );
        let tall = demand(2000, 1000, 100).fit("wgpu", &limits(4_000_000, 1 << 36), 10, 10);
        let tall = tall.unwrap_err();
        assert!(
            tall.contains("the dictionary takes 8 MB") && tall.contains("write 500 atoms"),
            "{tall}"
        );
        let long = demand(10, 1000, 1_000_000).fit("wgpu", &limits(1 << 31, 1 << 30), 10, 10);
        let long = long.unwrap_err();
        assert!(long.contains("iterations or fewer instead of 1000000"), "{long}");
        let fewer: u64 =
            long.split("write ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert!(demand(10, 1000, fewer).fit("wgpu", &limits(1 << 31, 1 << 30), 1, 1).is_ok());
        assert!(demand(10, 1000, fewer + 1).fit("wgpu", &limits(1 << 31, 1 << 30), 1, 1).is_err());
    }

    /// 100 filters of 81 numbers, whose products of codes are 100² · 289.
    #[test]
    fn products_of_codes_count_and_are_refused_where_no_buffer_holds_them() {
        let products = 100 * 100 * 289;
        let plain = demand(16_384, 1_440_000, 100).with_filters(Some(8100));
        let online = plain.with_curvature(products);
        assert_eq!(online.bytes(3) - plain.bytes(3), 4 * 5 * products as u64);
        let fits = |plan: MemoryPlan, buffer| plan.fit("wgpu", &limits(buffer, 1 << 40), 4, 4);
        assert!(fits(online, 4 * products as u64).is_ok());
        let said = fits(online, 10_000_000).unwrap_err();
        assert!(fits(plain, 10_000_000).is_ok());
        assert!(said.contains("products of codes") && said.contains("take 12 MB"), "{said}");
    }
}
