//! Kernels of graphics cards against the same mathematics in float64 on the host.

use cubecl::bytes::Bytes;
use cubecl::prelude::*;
use cubecl::server::Handle;
use unrolled_card::dense::{self, Backward, Sizes};
use unrolled_card::gathered;
use unrolled_card::{Forward, Kind, Prox, Settings};

/// Numbers that look like none: a hash of their place, in (−1, 1).
fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let number = |i: u64| {
        let mut x =
            (i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ seed.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        x = (x ^ (x >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        x ^= x >> 32;
        (x >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..count as u64).map(number).collect()
}

struct Problem {
    settings: Settings,
    sizes: Sizes,
    gram: Vec<f64>,
    correlations: Vec<f64>,
    thresholds: Vec<f64>,
    of_codes: Vec<f64>,
}

#[derive(Debug)]
struct Answer {
    codes: Vec<f64>,
    cotangents: Vec<f64>,
    products: Vec<f64>,
    of_thresholds: Vec<f64>,
}

impl Problem {
    fn new(settings: Settings, sizes: Sizes) -> Self {
        let (p, n, t) = (settings.atoms, sizes.examples, sizes.iterations);
        // G = α DᵀD with atoms of unit norm, m = p/2 + 1.
        let m = p / 2 + 1;
        let mut d = numbers(m * p, 1);
        for j in 0..p {
            let norm = (0..m).map(|i| d[i * p + j].powi(2)).sum::<f64>().sqrt();
            (0..m).for_each(|i| d[i * p + j] /= norm);
        }
        let step = 0.2;
        let gram = |i: usize, j: usize| (0..m).map(|k| d[k * p + i] * d[k * p + j]).sum::<f64>();
        let mut scaled = vec![0.0; p * p];
        for i in 0..p {
            for j in 0..p {
                scaled[i * p + j] = step * gram(i, j);
            }
        }
        let count = match (settings.by_iteration, settings.by_atom) {
            (true, true) => t * p,
            (true, false) => t,
            (false, true) => p,
            (false, false) => 1,
        };
        // float32 numbers on both sides.
        let single = |values: Vec<f64>| values.into_iter().map(|v| f64::from(v as f32)).collect();
        Self {
            settings,
            sizes,
            gram: single(scaled),
            correlations: single(numbers(n * p, 2)),
            thresholds: single(numbers(count, 3).iter().map(|v| 0.3 + 0.1 * v).collect()),
            of_codes: single(numbers(n * p, 4)),
        }
    }

    fn threshold(&self, t: usize, j: usize) -> f64 {
        let p = self.settings.atoms;
        match (self.settings.by_iteration, self.settings.by_atom) {
            (true, true) => self.thresholds[t * p + j],
            (true, false) => self.thresholds[t],
            (false, true) => self.thresholds[j],
            (false, false) => self.thresholds[0],
        }
    }

    fn on_the_host(&self) -> Answer {
        let (p, n, count) = (self.settings.atoms, self.sizes.examples, self.sizes.iterations);
        let layers = if self.settings.by_iteration { count } else { 1 };
        let mut answer = Answer {
            codes: vec![0.0; n * p],
            cotangents: vec![0.0; n * p],
            products: vec![0.0; p * p],
            of_thresholds: vec![0.0; layers * p],
        };
        for example in 0..n {
            let c = &self.correlations[example * p..][..p];
            let mut iterates = vec![vec![0.0; p]];
            for t in 0..count {
                let z = iterates.last().unwrap();
                let next = (0..p).map(|j| {
                    let v = z[j] + c[j] - (0..p).map(|i| z[i] * self.gram[i * p + j]).sum::<f64>();
                    let b = self.threshold(t, j);
                    let Prox { kind, one_sided } = self.settings.prox;
                    let size = if one_sided { v } else { v.abs() };
                    match kind {
                        _ if size <= b => 0.0,
                        Kind::Soft => v - b * v.signum(),
                        Kind::Hard => v,
                    }
                });
                let next = next.collect();
                iterates.push(next);
            }
            let mut q = self.of_codes[example * p..][..p].to_vec();
            answer.codes[example * p..][..p].copy_from_slice(&iterates[count]);
            for t in (count - self.sizes.window..count).rev() {
                let (z, after) = (&iterates[t], &iterates[t + 1]);
                let s: Vec<f64> =
                    (0..p).map(|j| if after[j] == 0.0 { 0.0 } else { q[j] }).collect();
                for j in 0..p {
                    answer.cotangents[example * p + j] += s[j];
                    let layer = if self.settings.by_iteration { t } else { 0 };
                    answer.of_thresholds[layer * p + j] -=
                        s[j] * if after[j] == 0.0 { 0.0 } else { after[j].signum() };
                    (0..p).for_each(|i| answer.products[i * p + j] += z[i] * s[j]);
                }
                q = (0..p)
                    .map(|j| s[j] - (0..p).map(|i| s[i] * self.gram[i * p + j]).sum::<f64>())
                    .collect();
            }
        }
        answer
    }

    fn dense(&self, client: &Client) -> Answer {
        let (p, settings, sizes) = (self.settings.atoms, self.settings, self.sizes);
        let gram = give(client, &self.gram);
        let forward = Forward {
            gram: gram.clone(),
            correlations: give(client, &self.correlations),
            thresholds: give(client, &self.thresholds),
            threshold_count: self.thresholds.len(),
        };
        let made = dense::forward(client, settings, sizes, &forward);
        let of_codes = give(client, &self.of_codes);
        let backward = Backward { gram, iterates: made.iterates, of_codes };
        let back = dense::backward(client, settings, sizes, &backward);
        let layers = if settings.by_iteration { sizes.iterations } else { 1 };
        let mut of_thresholds = modulo(take(client, back.thresholds), layers * p);
        if settings.by_iteration {
            of_thresholds[..(sizes.iterations - sizes.window) * p].fill(0.0);
        }
        Answer {
            codes: take(client, made.codes),
            cotangents: take(client, back.cotangents),
            products: modulo(take(client, back.products), p * p),
            of_thresholds,
        }
    }

    fn gathered(&self, client: &Client) -> Answer {
        let (p, settings) = (self.settings.atoms, self.settings);
        let Sizes { examples, iterations, window } = self.sizes;
        let sizes = gathered::Sizes { examples, atoms: p, iterations, window };
        let gram = give(client, &self.gram);
        let forward = Forward {
            gram: gram.clone(),
            correlations: give(client, &self.correlations),
            thresholds: give(client, &self.thresholds),
            threshold_count: self.thresholds.len(),
        };
        let made = gathered::forward(client, settings, sizes, &forward);
        let products = give(client, &vec![0.0; p * p]);
        let of_codes = give(client, &self.of_codes);
        let backward = gathered::Backward {
            gram,
            iterates: made.iterates,
            of_codes,
            products: products.clone(),
        };
        let back = gathered::backward(client, settings, sizes, &backward);
        Answer {
            codes: take(client, made.codes),
            cotangents: take(client, back.cotangents),
            products: take(client, products),
            of_thresholds: modulo(take(client, back.thresholds), p),
        }
    }
}

fn give(client: &Client, values: &[f64]) -> Handle {
    let values: Vec<f32> = values.iter().map(|v| *v as f32).collect();
    client.create(Bytes::from_elems(values))
}

fn take(client: &Client, handle: Handle) -> Vec<f64> {
    let bytes = client.read_one(handle).unwrap();
    f32::from_bytes(&bytes).iter().map(|v| f64::from(*v)).collect()
}

/// The sum of the parts of `count` numbers.
fn modulo(all: Vec<f64>, count: usize) -> Vec<f64> {
    let mut sum = vec![0.0; count];
    for (i, value) in all.into_iter().enumerate() {
        sum[i % count] += value;
    }
    sum
}

/// Fails where a kernel's answer is not the host's.
fn compare(problem: &Problem, card: Answer, host: &Answer) {
    for (what, card, host) in [
        ("codes", &card.codes, &host.codes),
        ("cotangents", &card.cotangents, &host.cotangents),
        ("products", &card.products, &host.products),
        ("thresholds", &card.of_thresholds, &host.of_thresholds),
    ] {
        let far = distance(card, host);
        let Problem { settings, sizes, .. } = problem;
        assert!(far < 1e-5, "{what} of {settings:?}, {sizes:?}: {far:e}");
    }
}

/// ‖a − b‖ / ‖b‖.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    square(&mut a.iter().zip(b).map(|(a, b)| a - b)) / square(&mut b.iter().copied()).max(1e-30)
}

/// The best device of the build; where the machine has none, that is said, or fails where one is required.
fn client() -> Option<Client> {
    let opened = std::panic::catch_unwind(|| cubecl::Device::default().client());
    if opened.is_err() {
        assert!(std::env::var_os("UNROLLED_REQUIRE_GPU").is_none(), "an adapter is required here");
        eprintln!("SKIPPED: no graphics adapter is found");
    }
    opened.ok()
}

/// Every proximal operator with one form of thresholds, and every form with one.
fn settings(atoms: usize) -> Vec<Settings> {
    let mut all = Vec::new();
    for kind in [Kind::Soft, Kind::Hard] {
        for one_sided in [false, true] {
            all.push(((kind, one_sided), (false, atoms % 2 == 1)));
        }
    }
    all.extend([(true, false), (true, true)].map(|form| ((Kind::Soft, false), form)));
    let settings = |((kind, one_sided), (by_iteration, by_atom))| Settings {
        atoms,
        prox: Prox { kind, one_sided },
        by_iteration,
        by_atom,
    };
    all.into_iter().map(settings).collect()
}

#[test]
fn the_dense_kernels_are_the_mathematics() {
    let Some(client) = client() else { return };
    for (atoms, examples, iterations, window) in [
        (1, 1, 1, 1),
        (7, 3, 4, 4),
        (33, 9, 12, 5),
        (2, 5000, 3, 3),
        (100, 10, 30, 30),
        (128, 5, 3, 1),
    ] {
        let sizes = Sizes { examples, iterations, window };
        assert!(dense::serves(&client, atoms, sizes));
        let all = settings(atoms);
        // Larger kernels take seconds to compile on a software driver.
        let count = if atoms > 33 { 1 } else { all.len() };
        for settings in all.into_iter().take(count) {
            let problem = Problem::new(settings, sizes);
            compare(&problem, problem.dense(&client), &problem.on_the_host());
        }
    }
}

#[test]
fn the_gathered_kernels_are_the_mathematics() {
    let Some(client) = client() else { return };
    let largest = gathered::Sizes { examples: 2, atoms: 801, iterations: 3, window: 3 };
    if !gathered::serves(&client, largest) {
        println!("this device has no atomic sums of float32, or little shared memory");
        return;
    }
    for (atoms, examples, iterations, window) in
        [(1, 1, 1, 1), (7, 3, 4, 4), (150, 9, 12, 5), (400, 10, 30, 30), (801, 2, 3, 3)]
    {
        for settings in settings(atoms) {
            // An entry within rounding of a hard threshold is kept on one side and dropped on the other.
            if settings.prox.kind == Kind::Hard && atoms > 150 {
                continue;
            }
            let problem = Problem::new(settings, Sizes { examples, iterations, window });
            let mut host = problem.on_the_host();
            if settings.by_iteration {
                host.of_thresholds = modulo(host.of_thresholds, atoms);
            }
            compare(&problem, problem.gathered(&client), &host);
        }
    }
}
