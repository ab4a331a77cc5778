//! `unrolled encode`: apply a learned dictionary to data, a block of examples at a time.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use ndarray::{Array2, Axis, s};
use rayon::prelude::*;
use safetensors::Dtype;
use unrolled::dictionary::spectral_norm_squared;
use unrolled::encoder::{Encoder, Unrolled, automatic_step};
use unrolled::lasso::Lasso;
use unrolled::metrics::duality_gaps;
use unrolled::prelude::{Precision, Sided, SoftThreshold};
use unrolled::tensors::{to_array, to_tensor};
use unrolled_data::{DataError, Rows, read_matrix};

use crate::arrays::{Arrays, Stored};
use crate::devices::Opened;
use crate::files::WholeFile;
use crate::progress::Observer;
use crate::{Error, RunDirectory, devices};

/// What to encode, with what, and when to stop.
#[derive(Clone, Debug)]
pub struct Encode {
    /// A run directory, or a file with the dictionary.
    pub dictionary: PathBuf,
    /// The array `[m, p]` in the file, or the run in the directory.
    pub key: Option<String>,
    /// A file with the examples.
    pub data: PathBuf,
    /// The array `[n, m]`.
    pub data_key: String,
    /// λ.
    pub penalty: f64,
    /// Non-negative codes.
    pub one_sided: bool,
    /// When an example is done.
    pub until: Until,
    /// Whether the codes are written as index lists.
    pub sparse: bool,
    /// Where to.
    pub out: PathBuf,
    /// The device.
    pub device: String,
}

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Until {
    /// After so many iterations.
    Iterations(usize),
    /// When the relative duality gap of every example is at most this.
    Gap(f64),
}

/// What came out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// Examples.
    pub examples: usize,
    /// Mean non-zero entries of a code.
    pub nonzeros: f64,
    /// The worst relative duality gap.
    pub worst_gap: f64,
    /// The most iterations, or passes over all atoms, that an example took.
    pub iterations: usize,
}

/// Examples of a block, and blocks that are read at a time.
const BLOCK: usize = 512;
const BLOCKS: usize = 16;
const CHECK_EVERY: usize = 10;
const MOST_ITERATIONS: usize = 100_000;

/// Encodes in float64, to a gap by coordinate descent on the CPU and else by FISTA with the step 0.99/‖D‖², and writes `codes` `[n, p]` (or, sparse, `indptr`
/// `[n + 1]`, `indices` and `values`, by rows), and `gaps` `[n]`.
pub fn run(request: &Encode, observer: &mut dyn Observer) -> Result<Summary, Error> {
    let Opened { device, limits, adapter } = devices::open(&request.device)?;
    if !limits.float64 {
        return Err(Error::Device(format!(
            "codes are computed in float64, which the adapter of \"{}\" cannot; use --device flex",
            request.device
        )));
    }
    let same = |a: &Path, b: &Path| {
        a.canonicalize().ok().is_some_and(|a| b.canonicalize().is_ok_and(|b| a == b))
    };
    if [&request.data, &request.dictionary].into_iter().any(|input| same(input, &request.out)) {
        let message =
            format!("--out {} is one of the inputs; name another file", request.out.display());
        return Err(Error::Config(vec![message]));
    }
    let (dictionary, preprocessing) = request.dictionary()?;
    let data_error = |error: DataError| Error::Config(vec![error.to_string()]);
    let mut rows = Rows::open(&request.data, &request.data_key).map_err(data_error)?;
    let ([n, m], (features, atoms)) = (rows.shape(), dictionary.dim());
    let wrong = |message: String| Err(Error::Config(vec![message]));
    if m != features {
        return wrong(format!(
            "{}: `{}` has {m} columns, but the dictionary has {features} features; give data of that \
             width",
            request.data.display(),
            request.data_key
        ));
    }
    if !(request.penalty.is_finite() && request.penalty >= 0.0) {
        return wrong(format!("--penalty is {}; write a number, 0 or more", request.penalty));
    }
    if let Until::Gap(gap) = request.until
        && !(gap.is_finite() && gap > 0.0)
    {
        return wrong(format!("--gap is {gap}; write a number above 0, as in 1e-4"));
    }
    let norm = spectral_norm_squared(&dictionary);
    if norm == 0.0 || !norm.is_finite() {
        return wrong("the dictionary is zero or not finite; give another".to_owned());
    }
    let on_cpu = adapter.is_none();
    let coder = Coder::new(request, &dictionary, norm, &device, on_cpu);
    let mut output = Output::begin(&request.out, request.sparse, n, atoms)?;
    let mut summary = Summary { examples: n, ..Summary::default() };
    observer.begin(n as u64, 0);
    for from in (0..n).step_by(BLOCK * BLOCKS) {
        let to = (from + BLOCK * BLOCKS).min(n);
        let mut x = rows.read(from, to).map_err(data_error)?;
        if let Some((mean, scale)) = &preprocessing {
            x = (x - mean) / *scale;
        }
        let blocks: Vec<_> = x.axis_chunks_iter(Axis(0), BLOCK).collect();
        let coded: Vec<_> = match on_cpu {
            true => blocks.par_iter().map(|x| coder.encode(&x.to_owned())).collect(),
            false => blocks.iter().map(|x| coder.encode(&x.to_owned())).collect(),
        };
        for (codes, gaps, iterations) in coded {
            summary.iterations = summary.iterations.max(iterations);
            summary.worst_gap = gaps.iter().copied().fold(summary.worst_gap, f64::max);
            summary.nonzeros += codes.iter().filter(|v| **v != 0.0).count() as f64 / n as f64;
            output.write(&codes, &gaps)?;
        }
        observer.advance((to - from) as u64);
    }
    observer.end();
    output.finish()?;
    if let Until::Gap(gap) = request.until
        && summary.worst_gap > gap
    {
        observer.say(&format!(
            "note: the gap {gap:e} was not reached within {MOST_ITERATIONS} iterations; the worst is {:.1e}",
            summary.worst_gap
        ));
    }
    Ok(summary)
}

impl Encode {
    /// D, and what is done to examples first.
    #[expect(clippy::type_complexity, reason = "used once, a few lines above")]
    fn dictionary(&self) -> Result<(Array2<f64>, Option<(Array2<f64>, f64)>), Error> {
        let data_error = |error: DataError| Error::Config(vec![error.to_string()]);
        if !self.dictionary.is_dir() {
            let key = self.key.as_deref().unwrap_or("dictionary");
            return Ok((read_matrix(&self.dictionary, key).map_err(data_error)?, None));
        }
        let directory = RunDirectory::existing(&self.dictionary)?;
        let run = self.key.as_deref().unwrap_or("main");
        let path = directory.path().join("arrays.safetensors");
        let dictionary = read_matrix(&path, &format!("{run}/dictionary")).map_err(data_error)?;
        let arrays = unrolled_data::read_arrays(&path).map_err(data_error)?;
        let values = |name: &str| arrays.get(&format!("{run}/{name}"))?.values.clone().ok();
        let preprocessing = values("data_mean").zip(values("data_scale")).map(|(mean, scale)| {
            let row = Array2::from_shape_vec((1, mean.len()), mean).expect("one row");
            (row, scale.first().copied().unwrap_or(1.0))
        });
        Ok((dictionary, preprocessing))
    }
}

/// Codes blocks of examples.
struct Coder<'a> {
    request: &'a Encode,
    dictionary: &'a Array2<f64>,
    tensor: Tensor<2>,
    device: &'a Device,
    sided: Sided,
    encoder: Unrolled<SoftThreshold>,
    /// Where a gap is asked for on the CPU.
    lasso: Option<Lasso>,
}

impl<'a> Coder<'a> {
    fn new(
        request: &'a Encode,
        dictionary: &'a Array2<f64>,
        norm: f64,
        device: &'a Device,
        on_cpu: bool,
    ) -> Self {
        let sided = if request.one_sided { Sided::One } else { Sided::Two };
        let iterations = match request.until {
            Until::Iterations(iterations) => iterations,
            Until::Gap(_) => MOST_ITERATIONS,
        };
        let prox = SoftThreshold::new(request.penalty, sided);
        let encoder = Unrolled::fista(prox, automatic_step(norm), iterations);
        let tensor = to_tensor(dictionary, Precision::Float64, device);
        let by_gap = on_cpu && matches!(request.until, Until::Gap(_));
        let lasso = by_gap.then(|| Lasso::new(dictionary, request.penalty, sided));
        Self { request, dictionary, tensor, device, sided, encoder, lasso }
    }

    /// Codes, gaps and the iterations it took.
    fn encode(&self, x: &Array2<f64>) -> (Array2<f64>, Vec<f64>, usize) {
        let gaps = |codes: &Array2<f64>| {
            duality_gaps(self.dictionary, x, codes, self.request.penalty, self.sided)
        };
        if let (Some(lasso), Until::Gap(target)) = (&self.lasso, self.request.until) {
            // A hundredth is left for rounding: the gaps that are reported are computed anew.
            let (codes, passes) = lasso.solve(x, 0.99 * target, MOST_ITERATIONS);
            let gaps = gaps(&codes);
            return (codes, gaps, passes);
        }
        let mut taken = 0;
        let examples = to_tensor(x, Precision::Float64, self.device);
        let codes = self.encoder.unroll(&self.tensor, &examples, &mut |iteration, codes| {
            taken = iteration;
            match self.request.until {
                Until::Gap(target) if iteration.is_multiple_of(CHECK_EVERY) => {
                    let done = gaps(&to_array(codes)).iter().all(|gap| *gap <= target);
                    if done { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                }
                _ => ControlFlow::Continue(()),
            }
        });
        let codes = to_array(&codes);
        let gaps = gaps(&codes);
        (codes, gaps, taken)
    }
}

/// The file of codes. Dense codes are written as they come; the file appears under its name when it is
/// whole.
struct Output {
    path: PathBuf,
    file: WholeFile,
    sparse: bool,
    shape: [usize; 2],
    gaps: Vec<f64>,
    pointers: Vec<i64>,
    indices: Vec<i32>,
    values: Vec<f64>,
}

impl Output {
    fn begin(path: &Path, sparse: bool, examples: usize, atoms: usize) -> Result<Self, Error> {
        let mut output = Self {
            path: path.to_owned(),
            file: WholeFile::begin(path)?,
            sparse,
            shape: [examples, atoms],
            gaps: Vec::new(),
            pointers: vec![0],
            indices: Vec::new(),
            values: Vec::new(),
        };
        if !sparse {
            output.write_header()?;
        }
        Ok(output)
    }

    /// The header of a safetensors file with `codes` and `gaps`, whose sizes are known beforehand.
    fn write_header(&mut self) -> Result<(), Error> {
        let [n, p] = self.shape;
        let codes = 8 * n * p;
        let header = serde_json::json!({
            "codes": { "dtype": "F64", "shape": [n, p], "data_offsets": [0, codes] },
            "gaps": { "dtype": "F64", "shape": [n], "data_offsets": [codes, codes + 8 * n] },
        });
        let mut header = header.to_string();
        // The data begin at a multiple of eight bytes.
        header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
        self.put(&(header.len() as u64).to_le_bytes())?;
        self.put(header.as_bytes())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(|error| Error::writing(&self.path, &error))
    }

    fn write(&mut self, codes: &Array2<f64>, gaps: &[f64]) -> Result<(), Error> {
        self.gaps.extend(gaps);
        for example in 0..codes.nrows() {
            let row = codes.slice(s![example, ..]);
            if self.sparse {
                for (atom, value) in row.iter().enumerate().filter(|(_, value)| **value != 0.0) {
                    self.indices.push(atom as i32);
                    self.values.push(*value);
                }
                self.pointers.push(self.indices.len() as i64);
            } else {
                let bytes: Vec<u8> = row.iter().flat_map(|value| value.to_le_bytes()).collect();
                self.put(&bytes)?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), Error> {
        if self.sparse {
            let integers = |bytes: Vec<u8>, dtype, shape| Stored::raw(shape, bytes, dtype);
            let pointers = self.pointers.iter().flat_map(|v| v.to_le_bytes()).collect();
            let indices = self.indices.iter().flat_map(|v| v.to_le_bytes()).collect();
            let shape = self.shape.iter().flat_map(|v| (*v as i64).to_le_bytes()).collect();
            let parts = [
                ("indptr", integers(pointers, Dtype::I64, vec![self.pointers.len()])),
                ("indices", integers(indices, Dtype::I32, vec![self.indices.len()])),
                ("shape", integers(shape, Dtype::I64, vec![2])),
                ("values", Stored::new(vec![self.values.len()], &self.values, 8)),
                ("gaps", Stored::new(vec![self.gaps.len()], &self.gaps, 8)),
            ];
            let mut arrays = Arrays::default();
            parts.into_iter().for_each(|(name, array)| arrays.insert(name, array));
            self.put(&arrays.to_bytes())?;
        } else {
            let gaps: Vec<u8> = self.gaps.iter().flat_map(|gap| gap.to_le_bytes()).collect();
            self.put(&gaps)?;
        }
        self.file.finish()
    }
}
