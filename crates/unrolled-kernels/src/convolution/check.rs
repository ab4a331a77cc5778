//! Whether shapes and values fit.

use super::geometry::Geometry;
use super::{ConvolutionalUnroll, Cotangents, Passed};
use crate::number::{Number, PADDING};
use crate::problem::{Matrix, Misfit};

fn expect(what: &'static str, expected: usize, found: usize) -> Result<(), Misfit> {
    match expected == found {
        true => Ok(()),
        false => Err(Misfit::Shape { what, expected, found }),
    }
}

/// Whether arrays of `rows × columns` numbers, padding included, can be addressed.
fn addressable<T>(rows: usize, columns: usize) -> Result<(), Misfit> {
    let padded = |size: usize| size.checked_next_multiple_of(PADDING);
    padded(rows)
        .zip(padded(columns))
        .and_then(|(rows, columns)| rows.checked_mul(columns)?.checked_mul(size_of::<T>()))
        .filter(|bytes| *bytes <= isize::MAX as usize)
        .map(|_| ())
        .ok_or(Misfit::Overflow { rows, columns })
}

impl<T: Number> ConvolutionalUnroll<'_, T> {
    /// Checks these parameters for examples `x` `[n, m]`. Not-a-number is let through.
    pub(super) fn check(&self, x: &Matrix<T>) -> Result<Geometry, Misfit> {
        let [p, c, h, w] = self.decoder.shape;
        let [height, width] = self.image;
        if x.rows == 0 {
            return Err(Misfit::Empty("the number of examples"));
        }
        if self.stride == 0 {
            return Err(Misfit::Empty("the stride"));
        }
        if height < h {
            let what = "the height of the images, at least that of the filters,";
            return Err(Misfit::Shape { what, expected: h, found: height });
        }
        if width < w {
            let what = "the width of the images, at least that of the filters,";
            return Err(Misfit::Shape { what, expected: w, found: width });
        }
        addressable::<T>(height, width)?;
        addressable::<T>(c, height * width)?;
        addressable::<T>(x.rows, c * height * width)?;
        let geometry = Geometry::new(self.decoder.shape, self.image, self.stride);
        let positions = geometry.positions[0] * geometry.positions[1];
        addressable::<T>(positions, p)?;
        addressable::<T>(x.rows, positions * p)?;
        addressable::<T>(p, geometry.taps)?;
        expect("the width of the examples", geometry.pixels(), x.columns)?;
        for (what, sets) in [
            ("the number of sets of filters for analysis", &self.analysis),
            ("the number of sets of filters for synthesis", &self.synthesis),
        ] {
            if sets.len() != 1 {
                expect(what, self.iterations, sets.len())?;
            }
        }
        for filters in self.analysis.iter().chain(&self.synthesis) {
            for (what, i) in [
                ("the number of filters", 0),
                ("the number of channels", 1),
                ("the height of the filters", 2),
                ("the width of the filters", 3),
            ] {
                expect(what, self.decoder.shape[i], filters.shape[i])?;
            }
        }
        if let Some(weights) = &self.weights {
            if weights.rows != 1 {
                expect("the number of rows of weights", x.rows, weights.rows)?;
            }
            expect("the width of the weights", geometry.pixels(), weights.columns)?;
        }
        if self.thresholds.rows != 1 {
            expect("the number of rows of thresholds", self.iterations, self.thresholds.rows)?;
        }
        if self.thresholds.columns != 1 {
            expect("the number of columns of thresholds", p, self.thresholds.columns)?;
        }
        match self.thresholds.data.iter().any(|b| *b < T::ZERO) {
            true => Err(Misfit::NegativeThreshold),
            false => Ok(geometry),
        }
    }

    /// Checks that `passed` and cotangents `of` belong to these parameters.
    pub(super) fn check_adjoint(
        &self,
        passed: &Passed<T>,
        of: &Cotangents<T>,
    ) -> Result<(), Misfit> {
        let geometry = &passed.geometry;
        let n = passed.examples.len();
        let images = Matrix { data: &passed.images, rows: n, columns: geometry.pixels() };
        let here = self.check(&images)?;
        for (what, here, there) in [
            ("the number of filters", here.filters, geometry.filters),
            ("the height of the filters", here.filter[0], geometry.filter[0]),
            ("the width of the filters", here.filter[1], geometry.filter[1]),
            ("the height of the images", here.image[0], geometry.image[0]),
            ("the width of the images", here.image[1], geometry.image[1]),
            ("the stride", here.stride, geometry.stride),
            ("the number of iterations", self.iterations, passed.iterations),
        ] {
            expect(what, there, here)?;
        }
        if let Some(images) = &of.images {
            expect("the number of derivatives by images", n, images.rows)?;
            expect("the width of the derivatives by images", geometry.pixels(), images.columns)?;
        }
        if let Some(codes) = &of.codes {
            expect("the number of derivatives by codes", n, codes.rows)?;
            expect("the width of the derivatives by codes", geometry.codes(), codes.columns)?;
        }
        Ok(())
    }
}
