//! Data for [`unrolled`]: synthetic dictionaries and codes, arrays in safetensors and npz, images.
//!
//! Everything is float64 on the host, examples as rows; a run converts to the precision and the
//! device that its configuration names. An [`Image`] alone keeps float32, its shape and its channels.

mod arrays;
mod error;
mod fault;
mod file;
mod gaussians;
mod idx;
mod images;
mod memory;
mod mnist;
mod npy;
mod npy_file;
mod npz;
mod numbers;
mod patches;
mod pytorch;
mod rows;
mod safetensors;
mod shifts;
mod synthetic;

pub use arrays::{Array, Arrays, read_arrays};
pub use error::DataError;
pub use file::{Keys, load, read_array, read_matrix, read_rows};
pub use gaussians::Gaussians;
pub use images::{
    Channels, Image, dead_leaves, list_images, read_image, read_image_as_is, write_png,
};
pub use memory::available;
pub use mnist::{Images, Split, load_images};
pub use patches::{Patches, Places};
pub use rows::{INCOMPLETE, Rows, Survey};
pub use shifts::Shifts;
pub use synthetic::{Amplitude, Sign, Synthetic, Truth};

use ndarray::Array2;

/// Examples, and the truth behind them where it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSet {
    /// X, `[n, m]`.
    pub x: Array2<f64>,
    /// D*, `[m, p]`.
    pub true_dictionary: Option<Array2<f64>>,
    /// Z*, `[n, p]`.
    pub true_codes: Option<Array2<f64>>,
    /// What a task asks of every example: its class, a whole number, `[n, 1]`, or values, `[n, k]`.
    pub labels: Option<Array2<f64>>,
    /// What reconstructions are held against instead of X, `[n, m]`.
    pub target: Option<Array2<f64>>,
    /// Channels, height and width of an example, where X was given as images.
    pub image: Option<[usize; 3]>,
}

impl DataSet {
    /// Of rows of which nothing else is known.
    pub fn of_rows(x: Array2<f64>) -> Self {
        Self { x, true_dictionary: None, true_codes: None, labels: None, target: None, image: None }
    }

    /// n.
    pub fn examples(&self) -> usize {
        self.x.nrows()
    }

    /// m.
    pub fn features(&self) -> usize {
        self.x.ncols()
    }
}
