//! Signals that are sums of shifted copies of a few filters.

use ndarray::{Array2, Axis};
use rayon::prelude::*;
use unrolled::dictionary::initialisation;
use unrolled::random::Stream;

use crate::DataSet;

/// Every signal holds so many copies, each of a filter drawn at random, at a place drawn at random, with a sign drawn at random
/// and a size uniform in [1, 2).
#[derive(Clone, Debug, PartialEq)]
pub struct Shifts {
    /// n.
    pub examples: usize,
    /// Numbers of a signal.
    pub length: usize,
    /// Filters.
    pub filters: usize,
    /// Numbers of a filter.
    pub size: usize,
    /// Copies in a signal.
    pub copies: usize,
    /// Whether copies may overlap; else they are a filter's size apart at least.
    pub overlap: bool,
    /// Standard deviation of the normal noise.
    pub noise: f64,
}

impl Shifts {
    /// Draws repeat `repeat` of the data set with this seed: signals as images of one row, filters of norm 1 as columns
    /// `[size, filters]`, codes `[n, filters · (length − size + 1)]`.
    ///
    /// # Panics
    /// Where a signal is too short for its copies.
    pub fn draw(&self, seed: u64, repeat: u64) -> DataSet {
        let address = |index: u64| (repeat << 40) | index;
        let mut stream = Stream::new(seed, "data/filters", address(0));
        let filters = initialisation::random(self.size, self.filters, &mut stream);
        let places = self.length - self.size + 1;
        let mut x = Array2::zeros((self.examples, self.length));
        let mut codes = Array2::zeros((self.examples, self.filters * places));
        let rows: Vec<_> = x.axis_iter_mut(Axis(0)).zip(codes.axis_iter_mut(Axis(0))).collect();
        rows.into_par_iter().enumerate().for_each(|(example, (mut x, mut z))| {
            let mut stream = Stream::new(seed, "data/shifts", address(example as u64));
            for place in self.places(&mut stream) {
                let filter = stream.below(self.filters);
                let value = stream.sign() * stream.uniform_between(1.0, 2.0);
                z[filter * places + place] += value;
                for (entry, of_filter) in filters.column(filter).iter().enumerate() {
                    x[place + entry] += value * of_filter;
                }
            }
            if self.noise > 0.0 {
                x.mapv_inplace(|v| v + self.noise * stream.normal());
            }
        });
        DataSet {
            true_dictionary: Some(filters),
            true_codes: Some(codes),
            image: Some([1, 1, self.length]),
            ..DataSet::of_rows(x)
        }
    }

    /// Where the copies begin.
    fn places(&self, stream: &mut Stream) -> Vec<usize> {
        let places = self.length - self.size + 1;
        if self.overlap {
            return (0..self.copies).map(|_| stream.below(places)).collect();
        }
        // Drawn where the copies had no length but 1, and moved apart.
        let room = places - (self.copies - 1) * (self.size - 1);
        let mut starts = stream.sample_without_replacement(room, self.copies);
        starts.sort_unstable();
        starts.iter().enumerate().map(|(at, start)| start + at * (self.size - 1)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_the_convolution_of_their_codes_and_copies_stay_apart_where_they_should() {
        for overlap in [true, false] {
            let shifts = Shifts {
                examples: 50,
                length: 40,
                filters: 3,
                size: 7,
                copies: 4,
                overlap,
                noise: 0.0,
            };
            let data = shifts.draw(3, 0);
            let (filters, codes) = (data.true_dictionary.unwrap(), data.true_codes.unwrap());
            let mut closest = usize::MAX;
            for (x, z) in data.x.rows().into_iter().zip(codes.rows()) {
                let mut made = ndarray::Array1::<f64>::zeros(40);
                let mut starts = Vec::new();
                for (index, value) in z.indexed_iter().filter(|(_, value)| **value != 0.0) {
                    let (filter, place) = (index / 34, index % 34);
                    starts.push(place);
                    (0..7).for_each(|e| made[place + e] += value * filters[[e, filter]]);
                }
                assert!((&made - &x).iter().all(|e| e.abs() < 1e-12));
                starts.sort_unstable();
                closest = starts.windows(2).map(|w| w[1] - w[0]).fold(closest, usize::min);
            }
            assert_eq!(closest < 7, overlap, "{closest}");
        }
    }
}
