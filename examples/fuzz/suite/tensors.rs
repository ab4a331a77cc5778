//! .safetensors, written by hand so that the header can lie.

use serde_json::{Map, Value, json};

use super::random::Random;

/// A file: the arrays in the order of their data, and what is written beside them.
#[derive(Clone, Default)]
pub struct Tensors {
    pub arrays: Vec<Tensor>,
    pub metadata: Map<String, Value>,
}

#[derive(Clone)]
pub struct Tensor {
    pub name: String,
    pub dtype: String,
    pub shape: Vec<u64>,
    pub bytes: Vec<u8>,
}

impl Tensors {
    /// Of float64 arrays, by shape.
    pub fn of(named: &[(&str, &[u64])]) -> Self {
        let tensor = |(name, shape): &(&str, &[u64])| {
            let count = shape.iter().product::<u64>();
            let number = |i: u64| (0.5 + (i * 7 % 11) as f64 / 8.0).to_le_bytes();
            Tensor {
                name: (*name).to_owned(),
                dtype: "F64".to_owned(),
                shape: shape.to_vec(),
                bytes: (0..count).flat_map(number).collect(),
            }
        };
        Self { arrays: named.iter().map(tensor).collect(), metadata: Map::new() }
    }

    /// Of a file that is valid; `None` of any other.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let length = u64::from_le_bytes(*bytes.first_chunk::<8>()?) as usize;
        let header: Value = serde_json::from_slice(bytes.get(8..8 + length)?).ok()?;
        let data = &bytes[8 + length..];
        let mut tensors = Self::default();
        for (name, info) in header.as_object()? {
            if name == "__metadata__" {
                tensors.metadata = info.as_object()?.clone();
                continue;
            }
            let offset = |at: usize| info["data_offsets"][at].as_u64().map(|v| v as usize);
            let shape = info["shape"].as_array()?.iter().filter_map(Value::as_u64).collect();
            let bytes = data.get(offset(0)?..offset(1)?)?.to_vec();
            let dtype = info["dtype"].as_str()?.to_owned();
            tensors.arrays.push(Tensor { name: name.clone(), dtype, shape, bytes });
        }
        Some(tensors)
    }

    /// The header, true.
    pub fn header(&self) -> Value {
        let mut header = Map::new();
        if !self.metadata.is_empty() {
            header.insert("__metadata__".to_owned(), Value::Object(self.metadata.clone()));
        }
        let mut from = 0;
        for Tensor { name, dtype, shape, bytes } in &self.arrays {
            let offsets = [from, from + bytes.len()];
            from = offsets[1];
            let info = json!({ "dtype": dtype, "shape": shape, "data_offsets": offsets });
            header.insert(name.clone(), info);
        }
        Value::Object(header)
    }

    /// The file, with this header before its data.
    pub fn to_bytes(&self, header: &str) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        self.arrays.iter().for_each(|array| bytes.extend(&array.bytes));
        bytes
    }

    /// Changes an array in a way that the file stays valid, as a rule.
    pub fn damage(&mut self, random: &mut Random) {
        if self.arrays.is_empty() {
            return;
        }
        let at = random.below(self.arrays.len());
        let array = &mut self.arrays[at];
        match random.below(9) {
            0 => drop(self.arrays.remove(at)),
            1 => {
                array.name = random
                    .pick(&["X", "D_star", "dictionary", "", "main/dictionary", "é"])
                    .to_owned()
            }
            2 => array.shape.reverse(),
            3 => array.shape.push(1),
            4 => array.shape = vec![array.shape.iter().fold(1, |a, b| a.wrapping_mul(*b))],
            5 => {
                // Nothing at all, in a shape that says much.
                array.shape = vec![0, random.awkward()];
                array.bytes.clear();
            }
            6 => {
                let dtypes = ["F32", "F64", "I64", "U8", "BOOL", "BF16", "F8_E4M3", "C64"];
                array.dtype = random.pick(&dtypes).to_owned();
            }
            7 => {
                let special = *random.of(&[f64::NAN, f64::INFINITY, 1e308, -1e308, 5e-324, 0.0]);
                let place = random.below(array.bytes.len() / 8);
                array
                    .bytes
                    .iter_mut()
                    .skip(8 * place)
                    .zip(special.to_le_bytes())
                    .for_each(|(a, b)| *a = b);
            }
            _ => {
                let copy = array.clone();
                self.arrays.push(copy);
            }
        }
    }
}
