//! How a matrix lies in a file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use npyz::Order;

use crate::fault::Fault;
use crate::numbers::Number;

/// A matrix in a file, of which any rows can be read.
#[derive(Clone, Debug)]
pub(super) struct Matrix {
    /// Where it begins.
    pub start: u64,
    pub rows: usize,
    pub columns: usize,
    pub number: Number,
    /// What a number is multiplied by.
    pub unit: f64,
    /// Whether rows are kept together, or columns.
    pub order: Order,
}

impl Matrix {
    /// Appends some rows.
    pub fn append(
        &self,
        file: &mut File,
        range: &Range<usize>,
        values: &mut Vec<f64>,
    ) -> Result<(), Fault> {
        let from = values.len();
        match self.order {
            Order::C => {
                self.seek(file, range.start * self.columns)?;
                self.pieces(file, range.len() * self.columns, values)?;
            }
            Order::Fortran => self.columns(file, range, values)?,
        }
        if self.unit != 1.0 {
            values[from..].iter_mut().for_each(|value| *value *= self.unit);
        }
        Ok(())
    }

    /// A piece of each column.
    fn columns(
        &self,
        file: &mut File,
        range: &Range<usize>,
        values: &mut Vec<f64>,
    ) -> Result<(), Fault> {
        let (count, from) = (range.len(), values.len());
        values.resize(from + count * self.columns, 0.0);
        let mut column = Vec::with_capacity(count);
        for index in 0..self.columns {
            column.clear();
            self.seek(file, index * self.rows + range.start)?;
            self.pieces(file, count, &mut column)?;
            let entries = values[from + index..].iter_mut().step_by(self.columns);
            entries.zip(&column).for_each(|(entry, value)| *entry = *value);
        }
        Ok(())
    }

    /// To an entry, in the order in which they are kept.
    fn seek(&self, file: &mut File, entry: usize) -> Result<(), Fault> {
        file.seek(SeekFrom::Start(self.start + (entry * self.number.width()) as u64))?;
        Ok(())
    }

    /// The next so many numbers.
    fn pieces(&self, file: &mut File, count: usize, values: &mut Vec<f64>) -> Result<(), Fault> {
        let mut left = count * self.number.width();
        let mut buffer = [0; 1 << 16];
        while left > 0 {
            let piece = left.min(buffer.len());
            file.read_exact(&mut buffer[..piece])?;
            self.number.append(&buffer[..piece], values);
            left -= piece;
        }
        Ok(())
    }
}
