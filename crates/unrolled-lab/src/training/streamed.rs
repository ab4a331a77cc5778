//! Examples that are read from files as they are needed: for data larger than memory.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::Array2;
use unrolled::random::Stream;
use unrolled_data::Rows as Files;

use super::source::{Examples, Pair, Rows, Source};
use crate::Error;
use crate::config::{Preprocessing, steps_of_an_epoch};

/// Bytes of the rows in a window, as float64, where nothing else is asked for.
const WINDOW: usize = 32 << 20;

/// Bytes of a stretch, as float32: about what is read at once. Whatever the files hold, so that the same numbers come in the
/// same order.
const STRETCH: usize = 64 << 10;

/// Examples that are read from files.
///
/// Neighbours in a file form *stretches* of about 64 KiB. Every epoch takes the stretches in an order of its own and
/// reads them window by window; the rows of a window are in memory together, in an order of their own. Both orders follow
/// from the seed and the epoch (and the number of the window) alone, so that any step can be taken again, and rows
/// that lie in one window are shuffled as if they were all there is. The order of the stretches takes 8 bytes for each.
#[derive(Debug)]
pub struct Streamed {
    files: Arc<Files>,
    preprocessing: Option<Preprocessing>,
    seed: u64,
    training: usize,
    batch: usize,
    shuffle: bool,
    /// Rows of a stretch; the last one may be shorter.
    stretch: usize,
    /// Stretches of a window.
    together: usize,
    /// The order of the stretches of the epoch asked for last.
    order: Mutex<Option<(usize, Arc<Vec<usize>>)>>,
    /// The windows that were read last.
    windows: Mutex<VecDeque<Arc<Window>>>,
}

/// Some stretches, in memory.
#[derive(Debug)]
struct Window {
    epoch: usize,
    index: usize,
    /// Where each row lies among all, in the order in which it comes.
    places: Vec<usize>,
    /// Which of the rows of `x` comes when.
    order: Vec<usize>,
    x: Array2<f64>,
}

/// How the rows are shuffled.
#[derive(Clone, Copy, Debug)]
pub struct Shuffling {
    /// The seed.
    pub seed: u64,
    /// Without it the stored order cycles.
    pub shuffle: bool,
    /// Rows that are in memory together, about; [`Streamed`] chooses where it is absent.
    pub window: Option<usize>,
}

/// Rows of a window and of a stretch, for rows of m features.
pub fn window_and_stretch(files: &Files, window: Option<usize>) -> [usize; 2] {
    let [_, m] = files.shape();
    let window = window.unwrap_or(WINDOW / (8 * m.max(1))).max(1);
    let stretch = STRETCH / (4 * m.max(1));
    // Few stretches would be no mixture.
    let stretch = stretch.min(window / 16).max(1);
    [window.div_ceil(stretch) * stretch, stretch]
}

impl Streamed {
    /// The first `training` rows, `batch` of them in a step; the others are held out.
    pub fn new(
        files: Arc<Files>,
        preprocessing: Option<Preprocessing>,
        [training, batch]: [usize; 2],
        Shuffling { seed, shuffle, window }: Shuffling,
    ) -> Self {
        let [window, stretch] = window_and_stretch(&files, window);
        Self {
            files,
            preprocessing,
            seed,
            training,
            batch,
            shuffle: shuffle && batch < training,
            stretch,
            together: window / stretch,
            order: Mutex::default(),
            windows: Mutex::default(),
        }
    }

    fn stretches(&self) -> usize {
        self.training.div_ceil(self.stretch)
    }

    /// In which order an epoch takes them.
    fn order(&self, epoch: usize) -> Arc<Vec<usize>> {
        let mut last = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((known, order)) if *known == epoch => order.clone(),
            _ => {
                let count = self.stretches();
                let order = match self.shuffle {
                    true => Stream::new(self.seed, "train/shuffle/stretches", epoch as u64)
                        .sample_without_replacement(count, count),
                    false => (0..count).collect(),
                };
                last.insert((epoch, Arc::new(order))).1.clone()
            }
        }
    }

    /// The window in which the row that comes at a place of an epoch is, and where the window begins.
    fn find(&self, epoch: usize, place: usize) -> (usize, usize) {
        let full = self.together * self.stretch;
        let missing = self.stretches() * self.stretch - self.training;
        // All windows are full but the last, and that with the last stretch of the files.
        let last = self.stretches() - 1;
        let short = match self.shuffle && missing > 0 {
            true => self.order(epoch).iter().position(|stretch| *stretch == last).unwrap_or(last),
            false => last,
        } / self.together;
        let before = |window: usize| window * full - if window > short { missing } else { 0 };
        let window = match place < (short + 1) * full - missing {
            true => place / full,
            false => (place + missing) / full,
        };
        (window, before(window))
    }

    fn window(&self, epoch: usize, index: usize) -> Result<Arc<Window>, Error> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let known = windows.iter().find(|window| (window.epoch, window.index) == (epoch, index));
        if let Some(window) = known {
            return Ok(window.clone());
        }
        // Those that a batch lies in are kept, and no more; room is made before the next is read.
        let kept = self.batch.div_ceil(self.together * self.stretch);
        while windows.len() > kept {
            windows.pop_front();
        }
        let window = Arc::new(self.read_window(epoch, index)?);
        windows.push_back(window.clone());
        Ok(window)
    }

    fn read_window(&self, epoch: usize, index: usize) -> Result<Window, Error> {
        let order = self.order(epoch);
        let stretches = &order[index * self.together..];
        let stretches = &stretches[..stretches.len().min(self.together)];
        let rows = |stretch: &usize| {
            stretch * self.stretch..((stretch + 1) * self.stretch).min(self.training)
        };
        let [_, m] = self.files.shape();
        let count: usize = stretches.iter().map(|stretch| rows(stretch).len()).sum();
        let mut values = Vec::with_capacity(count * m);
        for stretch in stretches {
            self.files.append(rows(stretch), &mut values).map_err(failed)?;
        }
        let x = Array2::from_shape_vec((count, m), values).expect("rows have m entries");
        let order = match self.shuffle {
            true => {
                let windows = self.stretches().div_ceil(self.together);
                let number = (epoch * windows + index) as u64;
                let mut stream = Stream::new(self.seed, "train/shuffle/window", number);
                stream.sample_without_replacement(count, count)
            }
            false => (0..count).collect(),
        };
        let places: Vec<usize> = stretches.iter().flat_map(rows).collect();
        let places = order.iter().map(|row| places[*row]).collect();
        Ok(Window { epoch, index, places, order, x: self.prepared(x) })
    }

    fn prepared(&self, mut x: Array2<f64>) -> Array2<f64> {
        if let Some(preprocessing) = &self.preprocessing {
            preprocessing.apply_in_place(&mut x);
        }
        x
    }

    /// Walks over some examples of a step: which window has each, and which in the window's order it is.
    fn walk(
        &self,
        step: usize,
        range: Range<usize>,
        mut visit: impl FnMut(&Window, usize),
    ) -> Result<(), Error> {
        let epoch = self.epoch_of(step);
        let first = (step - 1) % self.steps_of_an_epoch() * self.batch;
        let mut place = first + range.start;
        while place < first + range.end {
            let (index, from) = self.find(epoch, place);
            let window = self.window(epoch, index)?;
            let until = (first + range.end).min(from + window.order.len());
            (place..until).for_each(|place| visit(&window, place - from));
            place = until;
        }
        Ok(())
    }
}

/// What went wrong after the files had been found to be good.
fn failed(error: unrolled_data::DataError) -> Error {
    Error::Data(error.to_string())
}

impl Source for Streamed {
    fn batch(&self) -> usize {
        self.batch
    }

    fn steps_of_an_epoch(&self) -> usize {
        steps_of_an_epoch(self.training, self.batch)
    }

    fn rows(&self, step: usize, range: Range<usize>) -> Result<Rows, Error> {
        let [_, m] = self.files.shape();
        let count = range.len();
        let mut values = Vec::with_capacity(count * m);
        self.walk(step, range, |window, at| values.extend(window.x.row(window.order[at])))?;
        let x = Array2::from_shape_vec((count, m), values).expect("rows have m entries");
        Ok(Rows { x, target: None, label: None, true_codes: None })
    }

    fn describe(&self, step: usize) -> String {
        let mut place = None;
        let walked = self.walk(step, 0..1, |window, at| place = Some(window.places[at]));
        match (walked, place) {
            (Ok(()), Some(row)) => {
                let (file, row) = self.files.place(row);
                format!("the batch that begins with row {row} of {}", file.display())
            }
            _ => "a batch that cannot be read any more".to_owned(),
        }
    }
}

impl Examples for Streamed {
    fn training(&self) -> usize {
        self.training
    }

    fn held_out(&self) -> usize {
        self.files.shape()[0] - self.training
    }

    fn spread_rows(&self, range: Range<usize>, count: usize) -> Result<Pair, Error> {
        let [_, m] = self.files.shape();
        let mut values = Vec::with_capacity(range.len() * m);
        let rows = range.len();
        for index in range {
            let row = index * self.training / count;
            self.files.append(row..row + 1, &mut values).map_err(failed)?;
        }
        let x = Array2::from_shape_vec((rows, m), values).expect("rows have m entries");
        Ok((self.prepared(x), None))
    }

    fn held_out_rows(&self, range: Range<usize>) -> Result<Pair, Error> {
        let x = self.files.read(self.training + range.start, self.training + range.end);
        Ok((self.prepared(x.map_err(failed)?), None))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// A folder with the rows (0), (1), … (n − 1) in shards.
    fn numbered(folder: &Path, n: usize, shard: usize) -> Arc<Files> {
        for from in (0..n).step_by(shard) {
            let to = (from + shard).min(n);
            let header = format!(
                r#"{{"X":{{"dtype":"F32","shape":[{},1],"data_offsets":[0,{}]}}}}"#,
                to - from,
                4 * (to - from)
            );
            let mut file = (header.len() as u64).to_le_bytes().to_vec();
            file.extend(header.as_bytes());
            (from..to).for_each(|row| file.extend((row as f32).to_le_bytes()));
            std::fs::write(folder.join(format!("{from:06}.safetensors")), file).unwrap();
        }
        Arc::new(Files::open(folder, "X").unwrap())
    }

    fn source(files: &Arc<Files>, sizes: [usize; 2], shuffle: bool, window: usize) -> Streamed {
        let shuffling = Shuffling { seed: 3, shuffle, window: Some(window) };
        Streamed::new(files.clone(), None, sizes, shuffling)
    }

    fn seen(source: &Streamed, steps: Range<usize>) -> Vec<usize> {
        let step = |step| source.rows(step, 0..source.batch()).unwrap().x.into_raw_vec_and_offset();
        steps.flat_map(|s| step(s).0).map(|value| value as usize).collect()
    }

    #[test]
    fn an_epoch_sees_every_row_once_whatever_the_windows() {
        let folder = tempfile::tempdir().unwrap();
        let files = numbered(folder.path(), 1000, 170);
        for window in [1, 40, 48, 333, 999, 5000] {
            let source = source(&files, [999, 1], true, window);
            let mut all = seen(&source, 1..1000);
            assert_ne!(all[..500], seen(&source, 1000..1500)[..], "another epoch");
            all.sort_unstable();
            assert_eq!(all, (0..999).collect::<Vec<_>>(), "{window}");
        }
    }

    #[test]
    fn any_step_can_be_asked_for_alone_and_in_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let files = numbered(folder.path(), 1000, 170);
        let all = seen(&source(&files, [950, 37], true, 64), 1..60);
        let other = source(&files, [950, 37], true, 64);
        for step in [59, 1, 30, 25, 26] {
            let expected = &all[37 * (step - 1)..37 * step];
            assert_eq!(seen(&other, step..step + 1), expected);
            let piece = other.rows(step, 5..30).unwrap().x;
            assert!(piece.iter().zip(&expected[5..30]).all(|(a, b)| *a as usize == *b));
        }
        let first = all[37 * 29];
        let described = other.describe(30);
        let file = format!("row {} of {}", first % 170, folder.path().display());
        assert!(described.contains(&file), "{described}: {first}");
    }

    #[test]
    fn rows_of_a_window_come_from_everywhere() {
        let folder = tempfile::tempdir().unwrap();
        let files = numbered(folder.path(), 100_000, 30_000);
        let source = source(&files, [100_000, 1000], true, 8000);
        let rows = seen(&source, 1..2);
        // Sixteen stretches of 500 rows make a window, and a batch has of all of them, in no order.
        let stretches: std::collections::BTreeSet<_> = rows.iter().map(|row| row / 500).collect();
        assert_eq!(stretches.len(), 16, "{stretches:?}");
        let rises = rows.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((400..600).contains(&rises), "{rises}");
    }

    #[test]
    fn blocks_of_a_batch_over_several_windows_can_be_asked_for_by_several_threads() {
        let folder = tempfile::tempdir().unwrap();
        let files = numbered(folder.path(), 1000, 170);
        let expected = seen(&source(&files, [990, 100], true, 32), 3..4);
        let source = source(&files, [990, 100], true, 32);
        let block = |from: usize| source.rows(3, from..from + 10).unwrap().x;
        let blocks: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..10).map(|index| scope.spawn(move || block(10 * index))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let found: Vec<usize> = blocks.iter().flatten().map(|value| *value as usize).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn without_shuffling_the_stored_order_cycles_and_the_rest_is_held_out() {
        let folder = tempfile::tempdir().unwrap();
        let files = numbered(folder.path(), 100, 30);
        let source = source(&files, [90, 20], false, 32);
        assert_eq!(seen(&source, 1..6), (0..80).chain(0..20).collect::<Vec<_>>());
        assert_eq!(source.held_out_rows(2..4).unwrap().0, ndarray::array![[92.0], [93.0]]);
        assert_eq!(source.spread_rows(1..3, 3).unwrap().0, ndarray::array![[30.0], [60.0]]);
    }
}
